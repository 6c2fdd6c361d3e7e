import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { concatBytes } from '../base/bytes.js';
import type { LinkSupport } from '../links/link.js';
import { decodeBundle } from '../wire/bundle.js';
import { BundleRooms } from './bundle-rooms.js';
import { openTestGateway, testBatch, testKey, testMessage } from './gateway.test-helper.js';
import type { Load } from './load.js';
import { toFreight } from './pack.js';

const [WEST, CLIENT] = [testKey(1), testKey(3)];
const BLOB_BYTES = 1_000_000;
const supports: LinkSupport = { carries: 'bundle', answers: false, largestBytes: 4 << 20, parallel: 160, keepsContacts: true };

t.test('a bundle that lingers is read from the store as often as it is sent, and is the same each time', async (t) => {
  const clock = new ManualClock();
  const { gateway, store } = await openTestGateway({
    name: 'west',
    key: WEST,
    clock,
    peers: [{ name: 'client', role: 'client', key: CLIENT }, { name: 'east', role: 'neighbour', key: testKey(2) }],
    routes: [{ to: '*', via: 'east' }],
  });
  const message = testMessage(1, 'example.org', clock, BLOB_BYTES);
  await gateway.takeBatch(testBatch(CLIENT, WEST, [message]), 'direct');
  const { rid } = message.record;
  const [stored, blob] = [(await store.find(rid))!, (await store.blob(rid))!];
  const reads: number[] = [];
  const source = {
    read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array> {
      reads.push(end - start);
      return blob.read(start, end, into);
    },
  };
  const load: Load = { records: [stored], controls: [], pieces: [{ index: 0, offset: 1000, length: BLOB_BYTES - 1000, source }] };
  const peer = gateway.context.book.byName('east')!;
  const rooms = new BundleRooms();
  const freight = await toFreight(gateway.context, peer, supports, load, 1, rooms);
  reads.length = 0;
  const [first, second] = [await gathered(freight.open()), await gathered(freight.open())];
  t.equal(first.length, freight.bytes);
  t.ok(Buffer.from(first).equals(second));
  t.ok(reads.every((bytes) => bytes <= 64 * 1024), 'a little at a time');
  t.equal(reads.reduce((sum, bytes) => sum + bytes, 0), 2 * (BLOB_BYTES - 1000));
  t.equal(decodeBundle(first).primary.sequence, 1, 'its sums are right');
  const again = rooms.take(BLOB_BYTES / 2);
  t.ok(again.length > BLOB_BYTES / 2, 'the room it was made in is free');

  await store.step([{ rid, state: 'retracted' }]);
  await t.rejects(gathered(freight.open()), { code: 'STORE_GONE' }, 'and what is gone is no more sent');
});

async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concatBytes(...parts);
}
