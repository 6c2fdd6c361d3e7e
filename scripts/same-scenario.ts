/**
 * The same scenario under a clock of its own and in real time: the same messages arrive, in the same order on each link, each at the
 * same time but for what the relay says it was late, and what the daemons themselves took, which is measured beside it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseScenario, readScenario } from '../sim/scenario-file.js';
import type { Scenario } from '../sim/scenario-schema.js';
import { World } from '../sim/world.js';
import { TooSlow, runForReal } from './real-run.js';
import type { RealRun } from './real-run.js';

export interface Comparison {
  readonly messages: number;
  /** Delivered in one run and not in the other. */
  readonly differentlyDelivered: readonly string[];
  /** Pairs that came over a link in one order here and in another there. */
  readonly differentlyOrdered: readonly string[];
  readonly arrivals: number;
  /** How much later than in the simulated run; seconds of the scenario. */
  readonly earliestSec: number;
  readonly medianSec: number;
  readonly latestSec: number;
  readonly toleranceSec: number;
  readonly outside: readonly string[];
  /** What the tolerance is made of, on this machine: the relay's error, for each link that is crossed, and the daemons' own time for a whole journey. */
  readonly relayMs: number;
  readonly daemonsMs: number;
  /** The least time between anything that happens and the beginning or end of a contact. */
  readonly marginSec: number;
  /** Something was later than that, and machine and relay say that they were: it may have missed a contact, and has another journey then. */
  readonly isMachineTooSlow: boolean;
}

export interface ComparisonOptions {
  readonly file: string;
  readonly seed?: number;
  readonly scale?: number;
}

interface Arrival {
  readonly rid: string;
  readonly over: string;
  readonly virtualUs: number;
  readonly realUs: number;
}

const US_PER_SEC = 1e6;
const US_PER_MS = 1e3;
/** Until everything is up, and on a machine where that was not enough. */
const LEADS_MS = [4000, 20_000] as const;
/** The relay's timers, and those by which the gateways keep their contacts: seen from outside, a millisecond each and the guard between them. */
const CLOCKS_MS = 6;

export async function compareRuns({ file, seed = 1, scale = 1000 }: ComparisonOptions): Promise<Comparison> {
  const scenario = await readScenario(file);
  const ownMs = await measureDaemons(scenario, scale);
  const { real, starts } = await atATimeToBegin((beginsMs) => runForReal({ scenario: { ...scenario, starts: beginsMs }, file, seed, scale, beginsMs }));
  const world = new World({ ...scenario, starts }, { seed });
  await world.run();
  return compare(world, real, scale, ownMs);
}

/** What a journey takes where links take nothing: the daemons themselves, their disks, this process. */
async function measureDaemons(scenario: Scenario, scale: number): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  try {
    const file = join(dir, 'no-distance.yaml');
    const text = JSON.stringify({
      name: 'no-distance',
      lasts: '20 min',
      settles: '10 min',
      nodes: Object.fromEntries(Object.entries(scenario.nodes).map(([name, { serves, routes }]) => [name, { serves, routes }])),
      links: scenario.links.map(({ between, name }) => ({ between, ...(name !== undefined && { name }), delay: '0 s', rate: '1 Mbit/s' })),
      traffic: scenario.traffic.map(({ from, to }, index) => ({ from, to, perDay: 720, kind: 'constant', size: '4 KiB', after: `${5 * 60 + 60 * index} s` })),
    });
    await writeFile(file, text);
    const still = parseScenario(text, file);
    const { real } = await atATimeToBegin((beginsMs) => runForReal({ scenario: { ...still, starts: beginsMs }, file, seed: 1, scale, beginsMs }));
    const journeysUs = real.messages.map(({ rid, createdUs }) => Math.max(...(real.custodyUs.get(rid)?.values() ?? [])) - createdUs);
    return Math.max(...journeysUs) / US_PER_MS / scale;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function atATimeToBegin(run: (beginsMs: number) => Promise<RealRun>): Promise<{ real: RealRun; starts: number }> {
  for (const leadMs of LEADS_MS) {
    const starts = Date.now() + leadMs;
    try {
      return { real: await run(starts), starts };
    } catch (thrown) {
      if (!(thrown instanceof TooSlow)) throw thrown;
    }
  }
  throw new TooSlow(`the daemons were not up within ${LEADS_MS.at(-1)} ms`);
}

function compare(world: World, real: RealRun, scale: number, ownMs: number): Comparison {
  const messages = [...world.messages()];
  const delivered = new Set(messages.filter(({ deliveredUs }) => deliveredUs !== undefined).map(({ rid }) => rid));
  const arrivals = messages.flatMap(({ rid, from, hops }) => hops.map(({ node, timeUs }, hop): Arrival => ({ rid, over: `${hops[hop - 1]?.node ?? from} to ${node}`, virtualUs: timeUs, realUs: real.custodyUs.get(rid)?.get(node) ?? Number.NaN })));
  const latenessUs = arrivals.map(({ virtualUs, realUs }) => realUs - virtualUs).filter((us) => !Number.isNaN(us)).sort((a, b) => a - b);
  const { handedOn, noticed } = real.relay.late;
  const relayMs = handedOn.maxMs + noticed.maxMs;
  const daemonsMs = ownMs + real.loopMs + real.answerMs + CLOCKS_MS;
  // What is late once is late from then on: each link that is crossed adds the relay's error.
  const crossings = Math.max(...messages.map(({ hops }) => hops.length - 1));
  const toleranceUs = (crossings * relayMs + daemonsMs) * US_PER_MS * scale;
  const marginUs = marginOf(world);
  return {
    messages: messages.length,
    differentlyDelivered: [...delivered].filter((rid) => !real.delivered.has(rid)).concat([...real.delivered].filter((rid) => !delivered.has(rid))),
    differentlyOrdered: disorder(arrivals, toleranceUs),
    arrivals: arrivals.length,
    earliestSec: (latenessUs[0] ?? 0) / US_PER_SEC,
    medianSec: (latenessUs[latenessUs.length >> 1] ?? 0) / US_PER_SEC,
    latestSec: (latenessUs.at(-1) ?? 0) / US_PER_SEC,
    toleranceSec: toleranceUs / US_PER_SEC,
    outside: arrivals.filter(({ virtualUs, realUs }) => !(Math.abs(realUs - virtualUs) <= toleranceUs)).map(({ rid, over, virtualUs, realUs }) => `${rid.slice(0, 8)} ${over}: ${virtualUs / US_PER_SEC} s, and ${realUs / US_PER_SEC} s in real time`),
    relayMs,
    daemonsMs,
    marginSec: marginUs / US_PER_SEC,
    isMachineTooSlow: toleranceUs > marginUs && (latenessUs.at(-1) ?? 0) > marginUs,
  };
}

/** Those that a link brings at one time may be taken in either order. */
function disorder(arrivals: readonly Arrival[], toleranceUs: number): string[] {
  const wrong: string[] = [];
  for (const over of new Set(arrivals.map((arrival) => arrival.over))) {
    const inOrder = arrivals.filter((arrival) => arrival.over === over).sort((a, b) => a.virtualUs - b.virtualUs);
    for (const [index, earlier] of inOrder.entries()) {
      for (const later of inOrder.slice(index + 1)) {
        const isTogether = later.virtualUs - earlier.virtualUs <= toleranceUs && Math.abs(later.realUs - earlier.realUs) <= toleranceUs;
        if (!isTogether && !(earlier.realUs < later.realUs)) wrong.push(`${over}: ${earlier.rid.slice(0, 8)} before ${later.rid.slice(0, 8)}`);
      }
    }
  }
  return wrong;
}

/** A message is where it is from a time on; it leaves when that is in a contact, and otherwise when the next one begins. */
function marginOf(world: World): number {
  let leastUs = Number.POSITIVE_INFINITY;
  for (const message of world.messages()) {
    for (const [hop, { node, timeUs }] of message.hops.entries()) {
      const next = message.hops[hop + 1]?.node;
      const channel = [...world.channels.values()].flat().find(({ name }) => name.endsWith(` ${node}>${next ?? ''}`));
      if (next === undefined || channel === undefined) continue;
      for (let window = channel.model.windows(0); window !== undefined && window.startUs < world.endUs; window = channel.model.windows(window.endUs)) {
        leastUs = Math.min(leastUs, Math.abs(timeUs - window.startUs), Math.abs(window.endUs - timeUs));
      }
    }
  }
  return leastUs;
}
