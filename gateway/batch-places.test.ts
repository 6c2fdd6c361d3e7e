import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { BATCH_LIMITS } from '../wire/batch.js';
import { BatchPlaces } from './batch-places.js';

t.test('gives as many places as there are, and again what has been left', async (t) => {
  const places = new BatchPlaces(new ManualClock(), 2);
  const first = places.take(silence())!;
  t.ok(places.take(silence()));
  t.same(places.limit(), { name: 'batches read at once', unit: 'count', used: 2, most: 2, refused: 0 });
  t.equal(places.take(silence()), undefined);
  t.match(places.limit(), { used: 2, refused: 1 });
  places.leave(first);
  t.ok(places.take(silence()));
});

t.test('hands the body on unchanged', async (t) => {
  const place = new BatchPlaces(new ManualClock(), 1).take(chunksOf(Uint8Array.of(1, 2), Uint8Array.of(3)))!;
  const chunks: Uint8Array[] = [];
  for await (const chunk of place) chunks.push(chunk);
  t.same(chunks, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
});

t.test('who is in his head for long makes way when somebody waits, and not before', async (t) => {
  const clock = new ManualClock();
  const places = new BatchPlaces(clock, 2);
  const slow = read(places.take(silence())!);
  clock.advance(20_000);
  const later = read(places.take(silence())!);
  clock.advance(9999);
  t.equal(places.take(silence()), undefined);
  clock.advance(1);
  t.equal(await stateOf(slow), 'reading');
  t.ok(places.take(silence()));
  t.match(await slow, { code: 'GATEWAY_BODY_BROKEN' });
  t.equal(await stateOf(later), 'reading');
  t.equal(places.take(silence()), undefined, 'one makes way for one');
});

t.test('who is past any head keeps the place', async (t) => {
  const clock = new ManualClock();
  const places = new BatchPlaces(clock, 1);
  const large = read(places.take(chunksOf(new Uint8Array(BATCH_LIMITS.headBytes + 1), 'silence'))!);
  t.equal(await stateOf(large), 'reading');
  clock.advance(1e9);
  t.equal(places.take(silence()), undefined);
});

t.test('who does not read when the place is lost learns it at the next read', async (t) => {
  const clock = new ManualClock();
  const places = new BatchPlaces(clock, 1);
  const place = places.take(silence())!;
  clock.advance(30_000);
  places.take(silence());
  t.match(await read(place), { code: 'GATEWAY_BODY_BROKEN' });
});

function silence(): AsyncIterable<Uint8Array> {
  return chunksOf('silence');
}

async function* chunksOf(...chunks: (Uint8Array | 'silence')[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    if (chunk === 'silence') await new Promise(() => undefined);
    else yield chunk;
  }
}

/** Resolves with what the reader of a body gets at its end. */
async function read(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  try {
    for await (const _ of body);
    return 'end';
  } catch (thrown) {
    return thrown;
  }
}

function stateOf(reading: Promise<unknown>): Promise<unknown> {
  return Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 20, 'reading'))]);
}
