import t, { type Test } from 'tap';
import { ManualClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../fault.suite.js';
import type { Deliver } from '../link.js';
import { takeNothing } from '../link.suite.js';
import { BroadcastLink } from './broadcast-link.js';
import { BroadcastListener } from './broadcast-listener.js';
import { Air, cryptoOf, keyOf, partyOf, pass, passFor } from './broadcast-test-helper.js';
import { Transmitter } from './transmitter.js';

const WEST = keyOf(1);
const EAST = keyOf(2);
const ROUNDS = 2;

t.test('broadcast, under faults', async (t) => runFaultSuite(t, makeBench));

async function makeBench(t: Test, deliver: Deliver, medium: FaultMedium): Promise<FaultBench> {
  const clock = new ManualClock();
  const air = new Air();
  const random = seededRandom(9);
  air.passes = (datagram) => {
    const times = medium.passes(datagram.length);
    if (!medium.shuffles) return new Array<Uint8Array>(times).fill(datagram);
    const copy = datagram.slice();
    clock.timer(500 * random.fraction(), () => air.carry(copy));
    return [];
  };
  const links: BroadcastLink[] = [];
  const shared = { largestBytes: 4 << 20, parallel: 4, clock };
  // Who is dead says nothing more.
  const startNear = async (): Promise<BroadcastLink> => {
    const { open, send, close } = air.sender();
    const isAlive = (): boolean => near === undefined || near === link;
    const transmitter = new Transmitter({ sender: { open, send: (datagram) => (isAlive() ? send(datagram) : undefined), close }, rateBytesPerSec: 100_000, clock });
    const outbound = { transmitter, rounds: { count: ROUNDS, pauseMs: 1000, spreadMs: 0 }, datagramBytes: 1472, extraPercent: 30 };
    const link = new BroadcastLink({ neighbour: 'east', us: partyOf(WEST), peer: partyOf(EAST), outbound, crypto: cryptoOf(WEST), ...shared });
    links.push(link);
    await link.start(takeNothing);
    return link;
  };
  const startFar = async (): Promise<void> => {
    const source = air.source();
    deafen = source.close;
    const listener = new BroadcastListener({ source, ourId: partyOf(EAST).id, memoryBytes: 8 << 20, crypto: cryptoOf(EAST), clock });
    const link = new BroadcastLink({ neighbour: 'west', us: partyOf(EAST), peer: partyOf(WEST), listener, crypto: cryptoOf(EAST), ...shared });
    links.push(link);
    await link.start(deliver);
  };
  let deafen: () => Promise<void>;
  let near: BroadcastLink | undefined;
  await startFar();
  near = await startNear();
  t.teardown(async () => {
    let stopped = false;
    void Promise.all(links.map((link) => link.stop())).then(() => (stopped = true));
    await pass(clock, () => stopped);
  });
  const isThere = near;
  return {
    clock,
    get near() {
      return near ?? isThere;
    },
    unitBytes: 100_000,
    until: (condition) => pass(clock, condition),
    pass: (ms) => passFor(clock, ms, Math.max(100, ms / 10)),
    cut: () => void (medium.isCut = true),
    mend: () => void (medium.isCut = false),
    async restart(end) {
      if (end === 'near') near = await startNear();
      else await deafen().then(startFar);
    },
    breakMs: 500,
    retryMs: 1000,
    // Heads, announcements, and one symbol here and there that brings nothing new.
    overhead: 0.12,
    // What fits a datagram goes once a round, heard or not.
    triesAMonth: 60 * ROUNDS,
  };
}
