import t from 'tap';
import { ManualClock } from '../base/clock.js';
import type { Freight } from '../links/link.js';
import { always } from '../plan/contact.js';
import { ContactPace } from './contact-pace.js';
import { openTestPair, stateAt, submit, testMessage } from './gateway.test-helper.js';

const never = new AbortController().signal;

function freightOf(...chunks: number[]): Freight {
  return {
    bytes: chunks.reduce((sum, bytes) => sum + bytes, 0),
    async *open() {
      for (const bytes of chunks) yield new Uint8Array(bytes).fill(bytes);
    },
  };
}

/** What has been read of it by when, while time goes on in steps of 100 ms. */
async function readAll(clock: ManualClock, freights: readonly Freight[]): Promise<{ readonly bytes: number; readonly atMs: number; readonly most: number }[]> {
  const reads: { bytes: number; atMs: number; most: number }[] = [];
  let open = freights.length;
  for (const freight of freights) {
    void (async () => {
      for await (const chunk of freight.open()) reads.push({ bytes: chunk.length, atMs: clock.monotonicMs(), most: chunk.length });
      open -= 1;
    })();
  }
  while (open > 0) {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (open > 0) clock.advance(100);
  }
  return reads;
}

t.test('at no time has more left than the rate allows, and a second beyond it', async (t) => {
  const clock = new ManualClock();
  const pace = new ContactPace(clock, () => 10_000);
  const reads = await readAll(clock, [pace.paced(freightOf(30_000, 500, 70_000), never)]);
  let sum = 0;
  for (const { bytes, atMs } of reads) {
    sum += bytes;
    if (sum > (atMs * 10_000) / 1000 + 10_000) t.fail(`${sum} bytes at ${atMs} ms`);
  }
  t.equal(sum, 100_500);
  t.ok(clock.monotonicMs() >= 9000 && clock.monotonicMs() <= 10_500, `${clock.monotonicMs()} ms`);
  t.ok(reads.every(({ most }) => most <= 2500), 'a little at a time');
});

t.test('sends of one link share its rate', async (t) => {
  const clock = new ManualClock();
  const pace = new ContactPace(clock, () => 10_000);
  await readAll(clock, [pace.paced(freightOf(30_000), never), pace.paced(freightOf(30_000), never)]);
  t.ok(clock.monotonicMs() >= 5000 && clock.monotonicMs() <= 6500, `${clock.monotonicMs()} ms`);
});

t.test('a contact may have a rate of its own; where nobody has said there is no wait and no cut', async (t) => {
  const clock = new ManualClock();
  let rate = Number.POSITIVE_INFINITY;
  const pace = new ContactPace(clock, () => rate);
  t.match(await readAll(clock, [pace.paced(freightOf(5_000_000), never)]), [{ bytes: 5_000_000, atMs: 0 }]);
  rate = 1000;
  await readAll(clock, [pace.paced(freightOf(4000), never)]);
  t.ok(clock.monotonicMs() >= 3000);
});

t.test('a send that is given up waits no longer', async (t) => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const pace = new ContactPace(clock, () => 1);
  const reading = readAll(new ManualClock(), [pace.paced(freightOf(2000), controller.signal)]);
  controller.abort();
  t.equal((await reading).reduce((sum, { bytes }) => sum + bytes, 0), 2000);
});

t.test('a link that sends as it reads keeps to the rate of its contact, and others are left to themselves', async (t) => {
  for (const [sendsAsItReads, leastMs] of [[true, 4000], [false, 0]] as const) {
    const pair = await openTestPair({ supports: { sendsAsItReads }, planAtA: { contacts: always({ rateBytesPerSec: 10_000, lightTimeMs: 0 }) } });
    const message = testMessage(1, 'example.org', pair.clock, 50_000);
    await submit(pair.a, [message]);
    const startMs = pair.clock.monotonicMs();
    let settled = false;
    void pair.settle().then(() => (settled = true));
    while (!settled) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (sendsAsItReads && !settled) pair.clock.advance(50);
    }
    t.equal(await stateAt(pair.b, message), 'held');
    t.ok(pair.clock.monotonicMs() - startMs >= leastMs, `${pair.clock.monotonicMs() - startMs} ms`);
  }
});
