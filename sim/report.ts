/** What a run came to, as JSON: the same run gives the same report, except for `speed`. */
import { checkExpectations } from './expectations.js';
import type { Expectation } from './expectations.js';
import type { ChannelStatistics } from './channel.js';
import { RULES } from './checks.js';
import type { Violation } from './checks.js';
import type { OccupancySample } from './ledger.js';
import type { Message } from './message.js';
import type { World } from './world.js';

export interface Report {
  readonly scenario: string;
  readonly about: string;
  readonly seed: number;
  readonly simulatedSec: number;
  readonly events: number;
  readonly trace: { readonly hash: string; readonly lines: number };
  readonly delivery: {
    readonly sent: number;
    readonly delivered: number;
    readonly ratio: number;
    readonly retracted: number;
    readonly expired: number;
    readonly neverTaken: number;
    /** Alive, in custody, and not there when the run ended. */
    readonly inLimbo: number;
    readonly hopsMean: number;
    readonly knocksPerMessage: number;
  };
  readonly latencySec: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number; readonly cdf: readonly (readonly [sec: number, share: number])[] };
  readonly overhead: { readonly payloadBytes: number; readonly linkBytes: number; readonly ratio: number; readonly lostBytes: number; readonly corruptedBytes: number; readonly duplicatedBytes: number; readonly repeatedBytes: number };
  readonly links: readonly LinkReport[];
  readonly occupancy: readonly OccupancySample[];
  readonly faults: Readonly<Record<string, number>>;
  readonly custodyOfOne: CustodyStory | undefined;
  readonly violations: readonly (Violation & { readonly means: string })[];
  readonly expectations: readonly Expectation[];
  readonly passed: boolean;
  speed?: { readonly wallSec: number; readonly eventsPerSec: number; readonly timesRealTime: number };
}

export interface LinkReport extends ChannelStatistics {
  readonly name: string;
  /** Share of the run's time in which something was being sent. */
  readonly busy: number;
  readonly money?: number;
}

/** The way of the message that took longest. */
export interface CustodyStory {
  readonly rid: string;
  readonly from: string;
  readonly to: string;
  readonly createdSec: number;
  readonly custodySec?: number;
  readonly hops: readonly { readonly node: string; readonly sec: number }[];
  readonly deliveredSec?: number;
}

const US_PER_SEC = 1e6;
const CDF_POINTS = 100;

/** Ends the world's trace: call it once, when the run is over. */
export function makeReport(world: World, seed: number): Report {
  const { scenario, ledger, checks, trace } = world;
  const latenciesUs = ledger.latenciesUs();
  const links = [...world.channels.values()].flat().map((channel): LinkReport => ({ name: channel.name, ...channel.statistics, busy: round(channel.statistics.busyUs / world.endUs) }));
  const sum = (pick: (link: LinkReport) => number): number => links.reduce((total, link) => total + pick(link), 0);
  const linkBytes = sum((link) => link.bytes);
  const payloadBytes = ledger.deliveredBytes;
  const lines = trace.lines;
  const found = {
    scenario: scenario.name,
    about: scenario.about,
    seed,
    simulatedSec: world.endUs / US_PER_SEC,
    events: world.events,
    trace: { hash: trace.digest(), lines },
    delivery: {
      sent: ledger.sentMessages,
      delivered: ledger.deliveredMessages,
      ratio: round(ledger.deliveredMessages / Math.max(1, ledger.sentMessages)),
      retracted: ledger.retracted,
      expired: ledger.expired - ledger.inLimbo,
      neverTaken: ledger.refusedAtTheDoor,
      inLimbo: ledger.inLimbo,
      hopsMean: round(ledger.hops / Math.max(1, ledger.deliveredMessages)),
      knocksPerMessage: round(ledger.knocks / Math.max(1, ledger.deliveredMessages)),
    },
    latencySec: { p50: quantile(latenciesUs, 0.5), p90: quantile(latenciesUs, 0.9), p99: quantile(latenciesUs, 0.99), max: quantile(latenciesUs, 1), cdf: cdf(latenciesUs) },
    overhead: {
      payloadBytes,
      linkBytes,
      ratio: round(linkBytes / Math.max(1, payloadBytes)),
      lostBytes: sum((link) => link.lostBytes),
      corruptedBytes: sum((link) => link.corruptedBytes),
      duplicatedBytes: sum((link) => link.duplicatedBytes),
      repeatedBytes: sum((link) => link.repeatedBytes),
    },
    links,
    occupancy: ledger.occupancies,
    faults: Object.fromEntries(ledger.faults),
    custodyOfOne: ledger.slowest === undefined ? undefined : storyOf(ledger.slowest),
    violations: checks.violations.map((violation) => ({ ...violation, means: RULES[violation.rule] })),
  };
  const expectations = checkExpectations(scenario.expect, found);
  return { ...found, expectations, passed: found.violations.length === 0 && expectations.every(({ met }) => met) };
}

function storyOf(message: Message): CustodyStory {
  return {
    rid: message.rid.slice(0, 8),
    from: message.from,
    to: message.to,
    createdSec: message.createdUs / US_PER_SEC,
    ...(message.custodyUs !== undefined && { custodySec: message.custodyUs / US_PER_SEC }),
    hops: message.hops.map(({ node, timeUs }) => ({ node, sec: timeUs / US_PER_SEC })),
    ...(message.deliveredUs !== undefined && { deliveredSec: message.deliveredUs / US_PER_SEC }),
  };
}

/** Seconds. `sorted` in microseconds; 0 where there is nothing. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return 0;
  return (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0) / US_PER_SEC;
}

function cdf(sorted: Float64Array): [number, number][] {
  if (sorted.length === 0) return [];
  return Array.from({ length: CDF_POINTS }, (_, index) => {
    const share = (index + 1) / CDF_POINTS;
    return [quantile(sorted, share), share];
  });
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
