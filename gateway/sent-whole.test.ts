/** Large blobs that have gone out unasked and whole on links that carry bundles: from then on only what the neighbour lacks goes. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { openMemoryStore } from '../store/open-memory.js';
import { A, CLIENT, MemoryLink, openTestGateway, stateAt, submit, testKey, testMessage, type TestGateway } from './gateway.test-helper.js';
import { SentWhole } from './sent-whole.js';

const EAST = testKey(2);
const BLOB_BYTES = 1_000_000;
const SUPPORTS = { largestBytes: 200_000, parallel: 1 };

function openWest(clock: ManualClock, link: MemoryLink, store?: TestGateway['store']): Promise<TestGateway> {
  const peers = [{ name: 'client', role: 'client', key: CLIENT }, { name: 'east', role: 'neighbour', key: EAST, link }] as const;
  return openTestGateway({ name: 'west', key: A, clock, peers, routes: [{ to: '*', via: 'east' }], largeBlobBytes: 65_536, ...(store !== undefined && { store }) });
}

/** The link fails under a small message, and then the neighbour shows up. */
async function flap(west: TestGateway, link: MemoryLink, clock: ManualClock, seed: number): Promise<void> {
  clock.advance(61_000);
  await west.settle();
  link.up = false;
  await submit(west, [testMessage(seed, 'example.org', clock, 100)]);
  await west.settle();
  clock.advance(1000);
  link.up = true;
  link.onSignOfLife?.();
  await west.settle();
}

for (const between of ['nothing', 'a restart'] as const) {
  t.test(`a large blob whose receipt was lost is offered bare after the link has failed, with ${between} between`, async (t) => {
    const clock = new ManualClock();
    const [toEast, toWest] = MemoryLink.pair('east/memory', 'west/memory', SUPPORTS);
    let west = await openWest(clock, toEast);
    const east = await openTestGateway({ name: 'east', key: EAST, clock, peers: [{ name: 'far', role: 'client', key: testKey(4), domain: 'example.org' }, { name: 'west', role: 'neighbour', key: A, link: toWest }], largeBlobBytes: 65_536 });
    const message = testMessage(1, 'example.org', clock, BLOB_BYTES);
    toWest.passes = () => false;
    await submit(west, [message]);
    await west.settle();
    await east.settle();
    t.equal(await stateAt(east, message), 'held');
    t.equal(await stateAt(west, message), 'held', 'its receipt was lost');
    const sentBytes = toEast.sentBytes;
    for (const round of [1, 2]) {
      if (between === 'a restart') {
        await west.gateway.stop(0);
        west = await openWest(clock, toEast, west.store);
      }
      await flap(west, toEast, clock, 100 + round);
      await east.settle();
    }
    toWest.passes = () => true;
    await flap(west, toEast, clock, 200);
    await east.settle();
    await west.settle();
    t.equal(await stateAt(west, message), 'forwarded');
    t.ok(toEast.sentBytes - sentBytes < BLOB_BYTES / 20, `${toEast.sentBytes - sentBytes} bytes after the blob`);
  });
}

t.test('the latest are remembered, over a restart, and so many and no more', async (t) => {
  const store = await openMemoryStore({ clock: new ManualClock() });
  const rid = (number: number): Uint8Array => new Uint8Array(32).fill(number);
  const sent = new SentWhole(store, 'east', 3);
  for (const number of [1, 2, 3, 1, 4]) await sent.add(rid(number));
  for (const each of [sent, new SentWhole(store, 'east', 3)]) {
    await each.restore();
    t.same([1, 2, 3, 4, 5].filter((number) => each.has(rid(number))), [1, 3, 4]);
  }
});
