/** What a run came to, as JSON (docs/simulator.md has each field): the same run gives the same report, except for `speed`. */
import type { Channel, ChannelStatistics } from './channel.js';
import { RULES } from './checks.js';
import type { Violation } from './checks.js';
import { checkExpectations } from './expectations.js';
import type { Expectation } from './expectations.js';
import type { Ledger } from './ledger.js';
import type { Message } from './message.js';
import { contactsOf } from './report-contacts.js';
import type { ContactReport } from './report-contacts.js';
import { latencyFigures, round, seconds } from './report-figures.js';
import type { LatencyFigures } from './report-figures.js';
import type { ByteCauses } from './way-ledger.js';
import type { World } from './world.js';

/** A field that changes its meaning, or goes, changes the number. */
export const REPORT_FORMAT = 'postern-sim-report/1';

export interface Report {
  readonly format: typeof REPORT_FORMAT;
  readonly scenario: string;
  readonly about: string;
  readonly seed: number;
  /** ISO 8601. All times of a report are seconds from here. */
  readonly starts: string;
  readonly simulatedSec: number;
  /** For so long there were traffic and faults; the rest is for what was still under way. */
  readonly trafficSec: number;
  readonly events: number;
  readonly trace: { readonly hash: string; readonly lines: number };
  readonly delivery: DeliveryReport;
  readonly latencySec: LatencyFigures;
  readonly overhead: OverheadReport;
  readonly links: readonly LinkReport[];
  readonly contacts: readonly ContactReport[];
  readonly occupancy: readonly NodeOccupancy[];
  readonly retentionSec: readonly { readonly node: string; readonly messages: number; readonly mean: number; readonly longest: number }[];
  /** By currency. */
  readonly money: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly custodyOfOne: CustodyStory | undefined;
  readonly violations: readonly (Violation & { readonly means: string })[];
  readonly expectations: readonly Expectation[];
  readonly passed: boolean;
  speed?: { readonly wallSec: number; readonly eventsPerSec: number; readonly timesRealTime: number };
}

export interface DeliveryReport {
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
  /** Delivered blobs over the time in which there was traffic. */
  readonly goodputBitsPerSec: number;
}

export interface OverheadReport {
  /** Of the blobs that were delivered. */
  readonly payloadBytes: number;
  /** Everything that left on a link or with a courier, repetitions by the link itself included. */
  readonly linkBytes: number;
  readonly ratio: number;
  /** Together they are linkBytes. */
  readonly causes: ByteCauses & { readonly repeatedByLink: number };
  /** Of what left: did not arrive, or arrived with an error. */
  readonly lostBytes: number;
  readonly corruptedBytes: number;
  /** Beyond what left: copies that the medium made, and what had been sent of units that were cut off. */
  readonly duplicatedBytes: number;
  readonly cutBytes: number;
  readonly repeatedBytes: number;
}

/** One direction. */
export interface LinkReport extends ChannelStatistics {
  readonly name: string;
  /** Share of the run's time in which something was being sent. */
  readonly busy: number;
  readonly causes: ByteCauses;
  /** What was spent on it, where it has a price. */
  readonly money?: number;
}

export interface NodeOccupancy {
  readonly node: string;
  readonly mostRecords: number;
  readonly mostBytes: number;
  readonly samples: readonly (readonly [sec: number, records: number, bytes: number])[];
}

/** The way of the message that took longest. */
export interface CustodyStory {
  readonly rid: string;
  readonly from: string;
  readonly to: string;
  readonly blobBytes: number;
  readonly createdSec: number;
  readonly custodySec?: number;
  readonly hops: readonly { readonly node: string; readonly sec: number }[];
  readonly legs: readonly { readonly way: string; readonly leftSec: number; readonly arrivesSec?: number }[];
  readonly deliveredSec?: number;
}

/** Ends the world's trace: call it once, when the run is over. */
export function makeReport(world: World, seed: number): Report {
  const { scenario, ledger, checks, trace } = world;
  const channels = [...world.channels.values()].flat();
  const links = channels.map((channel) => linkReport(channel, ledger, world.endUs));
  const lines = trace.lines;
  const found = {
    format: REPORT_FORMAT as typeof REPORT_FORMAT,
    scenario: scenario.name,
    about: scenario.about.trim(),
    seed,
    starts: new Date(scenario.starts).toISOString(),
    simulatedSec: seconds(world.endUs),
    trafficSec: seconds(scenario.lasts),
    events: world.events,
    trace: { hash: trace.digest(), lines },
    delivery: deliveryReport(ledger, seconds(scenario.lasts)),
    latencySec: latencyFigures(ledger.latenciesUs()),
    overhead: overheadReport(ledger, links),
    links,
    contacts: channels.flatMap((channel) => contactsOf(channel, ledger.ways.get(channel.name), world.endUs)),
    occupancy: occupancyReport(ledger),
    retentionSec: [...ledger.stays].map(([node, { messages, sumUs, longestUs }]) => ({ node, messages, mean: round(seconds(sumUs / messages)), longest: seconds(longestUs) })),
    money: moneyOf(world, links),
    faults: Object.fromEntries(ledger.faults),
    custodyOfOne: ledger.slowest === undefined ? undefined : storyOf(ledger.slowest),
    violations: checks.violations.map((violation) => ({ ...violation, means: RULES[violation.rule] })),
  };
  const expectations = checkExpectations(scenario.expect, found);
  return { ...found, expectations, passed: found.violations.length === 0 && expectations.every(({ met }) => met) };
}

function linkReport(channel: Channel, ledger: Ledger, endUs: number): LinkReport {
  const { causes, money = 0 } = ledger.ways.get(channel.name) ?? { causes: NO_CAUSES };
  return { name: channel.name, ...channel.statistics, busy: round(channel.statistics.busyUs / endUs), causes, ...(money > 0 && { money: round(money) }) };
}

function deliveryReport(ledger: Ledger, trafficSec: number): DeliveryReport {
  const { sentMessages, deliveredMessages } = ledger;
  return {
    sent: sentMessages,
    delivered: deliveredMessages,
    ratio: round(deliveredMessages / Math.max(1, sentMessages)),
    retracted: ledger.retracted,
    expired: ledger.expired - ledger.inLimbo,
    neverTaken: ledger.refusedAtTheDoor,
    inLimbo: ledger.inLimbo,
    hopsMean: round(ledger.hops / Math.max(1, deliveredMessages)),
    knocksPerMessage: round(ledger.knocks / Math.max(1, deliveredMessages)),
    goodputBitsPerSec: round((ledger.deliveredBytes * 8) / trafficSec),
  };
}

function overheadReport(ledger: Ledger, links: readonly LinkReport[]): OverheadReport {
  const sum = (pick: (link: LinkReport) => number): number => links.reduce((total, link) => total + pick(link), 0);
  const causes = Object.fromEntries(Object.keys(NO_CAUSES).map((cause) => [cause, sum((link) => link.causes[cause as keyof ByteCauses])])) as unknown as ByteCauses;
  const linkBytes = sum((link) => link.bytes);
  const repeatedBytes = sum((link) => link.repeatedBytes);
  return {
    payloadBytes: ledger.deliveredBytes,
    linkBytes,
    ratio: round(linkBytes / Math.max(1, ledger.deliveredBytes)),
    causes: { ...causes, repeatedByLink: repeatedBytes },
    lostBytes: sum((link) => link.lostBytes),
    corruptedBytes: sum((link) => link.corruptedBytes),
    duplicatedBytes: sum((link) => link.duplicatedBytes),
    cutBytes: sum((link) => link.cutBytes),
    repeatedBytes,
  };
}

const NO_CAUSES: ByteCauses = { payload: 0, records: 0, again: 0, receipts: 0, openings: 0, wants: 0, refusals: 0, framing: 0 };

function occupancyReport(ledger: Ledger): NodeOccupancy[] {
  return [...ledger.occupancies].map(([node, samples]) => ({
    node,
    mostRecords: samples.reduce((most, { records }) => Math.max(most, records), 0),
    mostBytes: samples.reduce((most, { bytes }) => Math.max(most, bytes), 0),
    samples: samples.map(({ timeUs, records, bytes }) => [seconds(timeUs), records, bytes] as const),
  }));
}

function moneyOf(world: World, links: readonly LinkReport[]): Record<string, number> {
  const money: Record<string, number> = {};
  for (const plan of world.scenario.links) {
    if (plan.budget === undefined) continue;
    const [there] = world.channels.get(plan.name ?? plan.between.join('-')) ?? [];
    const spent = links.find(({ name }) => name === there?.name)?.money ?? 0;
    money[plan.budget.currency] = round((money[plan.budget.currency] ?? 0) + spent);
  }
  return money;
}

function storyOf(message: Message): CustodyStory {
  return {
    rid: message.rid.slice(0, 8),
    from: message.from,
    to: message.to,
    blobBytes: message.record.blobBytes,
    createdSec: seconds(message.createdUs),
    ...(message.custodyUs !== undefined && { custodySec: seconds(message.custodyUs) }),
    hops: message.hops.map(({ node, timeUs }) => ({ node, sec: seconds(timeUs) })),
    legs: message.legs.map(({ way, leftUs, arrivesUs }) => ({ way, leftSec: seconds(leftUs), ...(arrivesUs !== undefined && { arrivesSec: seconds(arrivesUs) }) })),
    ...(message.deliveredUs !== undefined && { deliveredSec: seconds(message.deliveredUs) }),
  };
}
