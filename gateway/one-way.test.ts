import t from 'tap';
import { ManualClock } from '../base/clock.js';
import type { Deliver, Freight, Link, LinkSupport, Outcome } from '../links/link.js';
import { SETTLED } from '../links/link.js';
import { MemoryLink, openTestGateway, testBatch, testKey, testMessage, type TestGateway } from './gateway.test-helper.js';

const WEST = testKey(1);
const EAST = testKey(2);
const CLIENT = testKey(3);
const PIECE_BYTES = 70_000;
const ONE_WAY = { carries: 'batch', answers: false, largestBytes: 2 * PIECE_BYTES } as const;

/** Data goes from west to east on `down`, and everything from east to west on `up`. */
async function pair(clock: ManualClock): Promise<{ west: TestGateway; east: TestGateway; down: MemoryLink; up: MemoryLink }> {
  const [down, downEnd] = MemoryLink.pair('east/broadcast', 'west/broadcast', ONE_WAY);
  const [up, upEnd] = MemoryLink.pair('west/burst', 'east/burst');
  const west = await openTestGateway({
    name: 'west',
    key: WEST,
    clock,
    peers: [
      { name: 'client', role: 'client', key: CLIENT },
      { name: 'east', role: 'neighbour', key: EAST, link: down, more: [{ link: ear(upEnd) }] },
    ],
    routes: [{ to: '*', via: 'east' }],
    largeBlobBytes: 65_536,
  });
  const east = await openTestGateway({
    name: 'east',
    key: EAST,
    clock,
    peers: [
      { name: 'far', role: 'client', key: testKey(4), domain: 'example.org' },
      { name: 'west', role: 'neighbour', key: WEST, link: ear(downEnd), more: [{ link: up }] },
    ],
    largeBlobBytes: 65_536,
  });
  return { west, east, down, up };
}

/** The end itself, which only brings. */
function ear(end: MemoryLink): Link {
  return { name: end.name, supports: { ...end.supports, parallel: 0 }, start: (deliver: Deliver) => end.start(deliver), send: async (): Promise<Outcome> => ({ kind: 'unreachable', reason: 'one way' }), stop: () => end.stop(), status: () => end.status() };
}

async function settleBoth(...gateways: TestGateway[]): Promise<number> {
  let nextMs = Infinity;
  for (let round = 0; round < 4; round++) for (const gateway of gateways) nextMs = Math.min(nextMs, await gateway.settle());
  return nextMs;
}

t.test('a receipt that comes home over another link releases what a one-way link took out', async (t) => {
  const clock = new ManualClock();
  const { west, east, down, up } = await pair(clock);
  const messages = [testMessage(1, 'example.org', clock, 500), testMessage(2, 'example.org', clock, 30_000)];
  await west.gateway.takeBatch(testBatch(CLIENT, WEST, messages), 'direct');
  await settleBoth(west, east);
  for (const { record } of messages) t.equal((await west.store.find(record.rid))?.state, 'forwarded');
  t.equal(down.attempts, 1);
  t.equal(up.attempts, 1);
});

t.test('pieces that a one-way link lost are wished for over another link, and only they are sent again', async (t) => {
  const clock = new ManualClock();
  const { west, east, down } = await pair(clock);
  const message = testMessage(3, 'example.org', clock, 8 * PIECE_BYTES);
  let unit = 0;
  down.passes = () => ![1, 3].includes(unit++);
  await west.gateway.takeBatch(testBatch(CLIENT, WEST, [message]), 'direct');
  await settleBoth(west, east);
  t.equal((await west.store.find(message.record.rid))?.state, 'held', 'nothing is released while pieces are missing');
  const once = down.sentBytes;
  clock.advance(5 * 60_000);
  await settleBoth(west, east);
  t.equal((await west.store.find(message.record.rid))?.state, 'forwarded');
  t.ok(down.sentBytes - once < 5 * PIECE_BYTES, `${down.sentBytes - once} bytes again for two lost units`);
});

t.test('a link that repeats is told when the neighbour has answered for all of it', async (t) => {
  const clock = new ManualClock();
  const repeating = new RepeatingLink();
  const [up, upEnd] = MemoryLink.pair('west/burst', 'east/burst');
  const west = await openTestGateway({
    name: 'west',
    key: WEST,
    clock,
    peers: [
      { name: 'client', role: 'client', key: CLIENT },
      { name: 'east', role: 'neighbour', key: EAST, link: repeating, more: [{ link: ear(upEnd) }] },
    ],
    routes: [{ to: '*', via: 'east' }],
  });
  const east = await openTestGateway({ name: 'east', key: EAST, clock, peers: [{ name: 'far', role: 'client', key: testKey(4), domain: 'example.org' }, { name: 'west', role: 'neighbour', key: WEST, link: up }] });
  const message = testMessage(5, 'example.org', clock, 500);
  await west.gateway.takeBatch(testBatch(CLIENT, WEST, [message]), 'direct');
  await west.gateway.tick();
  await repeating.begun;
  await east.gateway.takeBatch(repeating.freight!.open(), 'later');
  await east.settle();
  await west.settle();
  t.equal(repeating.endedBy, SETTLED);
  t.equal((await west.store.find(message.record.rid))?.state, 'forwarded');
});

/** Says what it has to say until it is told to stop. */
class RepeatingLink implements Link {
  readonly name = 'east/broadcast';
  readonly supports: LinkSupport = { carries: 'batch', answers: false, repeats: true, largestBytes: 4 << 20, parallel: 1 };
  freight: Freight | undefined;
  endedBy: unknown;
  #begin: () => void = () => undefined;
  readonly begun = new Promise<void>((resolve) => (this.#begin = resolve));

  async start(): Promise<void> {}

  send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    this.freight = freight;
    this.#begin();
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.endedBy = signal.reason;
        resolve({ kind: 'written' });
      });
    });
  }

  async stop(): Promise<void> {}

  status(): { state: 'up'; sentBytes: number; receivedBytes: number } {
    return { state: 'up', sentBytes: 0, receivedBytes: 0 };
  }
}
