import t from 'tap';
import { concatBytes, equalBytes, utf8 } from '../base/bytes.js';
import { ManualClock } from '../base/clock.js';
import { encodeOpening } from '../wire/opening.js';
import { takenRids, verifyReceipt } from '../wire/receipt.js';
import { A, B, CLIENT, MemoryLink, openTestGateway, openTestPair, readAnswer, stateAt, submit, testBatch, testKey, testMessage } from './gateway.test-helper.js';
import type { TestMessage, TestPair, TestPairOptions } from './gateway.test-helper.js';
import { gatewayStatus } from './status.js';

const FAR_CLIENT = testKey(2);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** client -> a -> b -> example.org */
function openPair(supports: TestPairOptions['supports'] = {}, largeBlobBytes?: number): Promise<TestPair> {
  const behind = [{ name: 'far', role: 'client', key: FAR_CLIENT, domain: 'example.org' }] as const;
  return openTestPair({ supports, behind, both: largeBlobBytes === undefined ? {} : { largeBlobBytes } });
}

t.test('a message crosses two gateways: receipt, hand-over, knock, fetch, acceptance', async (t) => {
  const { clock, a, b, settle } = await openPair();
  const message = testMessage(1, 'example.org', clock);

  const answer = await submit(a, [message]);
  const [receipt] = answer.controls;
  t.ok(receipt?.kind === 'receipt' && verifyReceipt(receipt, A.publicKey), 'a signed receipt');
  t.same(receipt?.kind === 'receipt' && takenRids(receipt), [message.record.rid]);

  await settle();
  t.equal(await stateAt(a, message), 'forwarded');
  t.equal(await stateAt(b, message), 'held');
  t.equal(b.knocks.length, 1);
  t.equal(b.knocks[0]?.datagram.length, 512);

  const served = await b.gateway.fetch(message.messageId);
  t.same(served && new Uint8Array(await served.blob.read(0, served.blob.bytes)), message.blob);
  if (served !== undefined) b.gateway.fetched(served);
  await settle();
  t.equal(await stateAt(b, message), 'fetched');
  clock.advance(7 * 3600_000);
  await settle();
  t.equal(b.knocks.length, 1, 'a fetched message is not knocked for again');

  b.gateway.openings(encodeOpening(message.accept));
  await settle();
  t.equal(await stateAt(b, message), 'accepted');
  t.equal(await stateAt(a, message), 'accepted', 'the acceptance went back along the way');
  t.equal(await b.gateway.fetch(message.messageId), undefined);

  const poll = await submit(a, []);
  t.same(poll.controls.map((control) => control.kind), ['accept'], 'the client hears of it when it calls');
  t.same((await submit(a, [])).controls.length, 1, 'and again, until it shows that it knows');
  t.same((await submit(a, [], [encodeOpening(message.accept)])).controls, []);
  t.same((await submit(a, [])).controls, []);
});

t.test('an opening waits for a client that never echoes it until the record is forgotten, and no longer', async (t) => {
  const { clock, a, b, settle } = await openPair();
  const message = testMessage(1, 'example.org', clock, 1000, DAY_MS / 1000);
  await submit(a, [message]);
  await settle();
  b.gateway.openings(encodeOpening(message.accept));
  await settle();
  const pass = async (days: number): Promise<void> => {
    for (let half = 0; half < 2 * days; half += 1) {
      clock.advance(DAY_MS / 2);
      await settle();
    }
  };

  await pass(7);
  t.equal((await a.store.outbox('client', 10)).length, 1, 'still there, as its tombstone is');
  await pass(2);
  t.equal(await stateAt(a, message), undefined);
  t.same(await a.store.outbox('client', 10), []);
});

t.test('who fetches a message on its way does not keep it from its destination', async (t) => {
  const { clock, a, b, ab, settle } = await openPair();
  const message = testMessage(50, 'example.org', clock);
  ab.up = false;
  await submit(a, [message]);
  await settle();
  const served = await a.gateway.fetch(message.messageId);
  t.ok(served);
  if (served !== undefined) a.gateway.fetched(served);
  await settle();
  t.equal(await stateAt(a, message), 'held');
  ab.up = true;
  ab.onSignOfLife?.();
  await settle();
  t.equal(await stateAt(b, message), 'held');
});

t.test('a lost receipt leads to another offer and another receipt, not to a second copy', async (t) => {
  const { clock, a, b, ba, settle } = await openPair();
  const message = testMessage(2, 'example.org', clock);
  ba.passes = () => false;
  await submit(a, [message]);
  await settle();
  t.equal(await stateAt(a, message), 'held');
  t.equal(await stateAt(b, message), 'held');
  ba.passes = () => true;
  clock.advance(20_000);
  await settle();
  t.equal(await stateAt(a, message), 'held', 'not offered again before the receipt is overdue');
  clock.advance(20_000);
  await settle();
  t.equal(await stateAt(a, message), 'forwarded');
  t.equal(b.store.status().records, 1);
});

t.test('a receipt that is not the neighbour\'s releases nothing', async (t) => {
  const { clock, a, settle, ab } = await openPair();
  const message = testMessage(3, 'example.org', clock);
  ab.up = false;
  const { controls } = await submit(a, [message]);
  const [ours] = controls;
  // Our own receipt, brought back by a client, is nobody else's promise.
  await submit(a, [], [ours?.bytes ?? new Uint8Array()]);
  await settle();
  t.equal(await stateAt(a, message), 'held');
});

t.test('a record that comes round in a circle is refused, and somebody still holds it', async (t) => {
  const { clock, a, b, settle } = await openPair();
  const message = testMessage(4, 'nowhere.net', clock);
  await submit(a, [message]);
  for (let round = 0; round < 20; round += 1) {
    await settle();
    clock.advance(MINUTE_MS);
  }
  t.equal(await stateAt(a, message), 'forwarded');
  t.equal(await stateAt(b, message), 'held', 'b has only the way back, and keeps it');
  t.equal((await b.store.find(message.record.rid))?.schedule?.target, 'parked');
});

t.test('offered by a third gateway, a record that was passed on is refused as a loop', async (t) => {
  const clock = new ManualClock();
  const C = testKey(12);
  const [ab] = MemoryLink.pair('b/memory', 'a/memory');
  const a = await openTestGateway({
    name: 'a',
    key: A,
    clock,
    peers: [
      { name: 'client', role: 'client', key: CLIENT },
      { name: 'b', role: 'neighbour', key: B, link: ab },
      { name: 'c', role: 'neighbour', key: C },
    ],
    routes: [{ to: '*', via: 'b' }],
  });
  const message = testMessage(5, 'nowhere.net', clock);
  await submit(a, [message]);
  const answer = await a.gateway.takeBatch(testBatch(C, A, [message]), 'direct');
  const [control] = answer.kind === 'answer' ? readAnswer(answer.bytes).controls : [];
  t.match(control, { kind: 'refusal', code: 'loop' });
  t.equal((await submit(a, [message])).controls[0]?.kind, 'receipt', 'the peer it came from gets its receipt again');
});

t.test('a link that is down is tried again ever more seldom, and at once when the neighbour shows up', async (t) => {
  const { clock, a, b, ab, settle } = await openPair();
  ab.up = false;
  const message = testMessage(6, 'example.org', clock);
  await submit(a, [message]);
  const startMs = clock.nowMs();
  while (clock.nowMs() < startMs + 60 * MINUTE_MS) clock.advance((await a.settle()) - clock.nowMs());
  t.ok(ab.attempts >= 8 && ab.attempts <= 16, `${ab.attempts} attempts in an hour`);
  ab.up = true;
  ab.onSignOfLife?.();
  await settle();
  t.equal(await stateAt(b, message), 'held');
  t.equal(await stateAt(a, message), 'forwarded');
});

t.test('knocks double their distance up to the cap and end at expiry', async (t) => {
  const { clock, a, b, settle } = await openPair();
  const message = testMessage(7, 'example.org', clock, 1000, 2 * 86_400);
  await submit(a, [message]);
  const startMs = clock.nowMs();
  const times: number[] = [];
  while (clock.nowMs() < startMs + 3 * DAY_MS) {
    const nextMs = await settle();
    while (times.length < b.knocks.length) times.push((clock.nowMs() - startMs) / MINUTE_MS);
    clock.advance(Math.max(nextMs - clock.nowMs(), 1));
  }
  t.ok(times.length >= 15 && times.length <= 25, `${times.length} knocks in two days`);
  t.ok((times.at(-1) ?? 0) <= 2 * 24 * 60 + 60, 'none after expiry');
  t.ok(times.slice(1).every((time, index) => time - (times[index] as number) <= 361), 'never further apart than the cap');
  t.equal(await stateAt(b, message), 'expired');
  t.equal(b.store.status().records, 0);
});

t.test('a retraction follows the record, also where the receipt is still on its way', async (t) => {
  const { clock, a, b, ba, settle } = await openPair();
  const gone = testMessage(8, 'example.org', clock);
  const midway = testMessage(9, 'example.org', clock);
  await submit(a, [gone]);
  await settle();
  ba.passes = () => false;
  await submit(a, [midway]);
  await settle();
  t.same([await stateAt(a, gone), await stateAt(a, midway)], ['forwarded', 'held']);
  await submit(a, [], [encodeOpening(gone.retract), encodeOpening(midway.retract)]);
  await settle();
  for (const message of [gone, midway]) {
    t.equal(await stateAt(a, message), 'retracted');
    t.equal(await stateAt(b, message), 'retracted');
    t.equal(await b.gateway.fetch(message.messageId), undefined);
  }
});

t.test('an opening with a wrong secret opens nothing', async (t) => {
  const { clock, a } = await openPair();
  const message = testMessage(10, 'example.org', clock);
  await submit(a, [message]);
  await submit(a, [], [encodeOpening({ ...message.retract, secret: message.accept.secret }), encodeOpening({ ...message.accept, secret: message.retract.secret })]);
  t.equal(await stateAt(a, message), 'held');
});

t.test('what anybody sends for an opening and is none is ignored like one that opens nothing', async (t) => {
  const { clock, a } = await openPair();
  const errors = t.capture(a.gateway.context.log, 'error');
  const { retract } = testMessage(10, 'example.org', clock);
  for (const bytes of [utf8('no opening'), encodeOpening(retract).subarray(1), encodeOpening(retract)]) {
    await new Promise<void>((resolve) => a.gateway.openings(bytes, resolve));
  }
  await a.gateway.idle();
  t.equal(a.gateway.context.counters.all().openingsIgnored, 3);
  t.same(errors(), []);
});

t.test('without a route a record is parked, and goes when there is one', async (t) => {
  const clock = new ManualClock();
  const a = await openTestGateway({ name: 'a', key: A, clock, peers: [{ name: 'client', role: 'client', key: CLIENT }] });
  const message = testMessage(11, 'example.org', clock);
  t.equal((await submit(a, [message])).controls[0]?.kind, 'receipt');
  t.equal((await a.store.find(message.record.rid))?.schedule?.target, 'parked');
});

t.test('expiry is silent, and waits for a clock that is believed', async (t) => {
  const { clock, a, ab } = await openPair();
  ab.up = false;
  const message = testMessage(12, 'example.org', clock);
  await submit(a, [message]);
  await a.settle();
  clock.jumpTo(clock.nowMs() + 5 * DAY_MS);
  await a.settle();
  t.notOk(a.gateway.context.trust.trusted);
  t.equal(await stateAt(a, message), 'held', 'a clock that leapt expires nothing');
  a.gateway.context.trust.confirm(clock.nowMs(), 'operator');
  await a.settle();
  t.equal(await stateAt(a, message), 'expired');
  t.same(await a.store.outbox('client', 10), [], 'nobody is told');
});

t.test('pieces of one large blob may come side by side', async (t) => {
  const { clock, a, b, ab, settle } = await openPair({ largestBytes: 128 * 1024, parallel: 4 }, 64 * 1024);
  const message = testMessage(20, 'example.org', clock, 2_000_000);
  await submit(a, [message]);
  await settle();
  t.equal(await stateAt(a, message), 'forwarded', 'without waiting for any timer');
  t.equal(await stateAt(b, message), 'held');
  t.ok(ab.sentBytes < message.blob.length * 1.02, `${ab.sentBytes} bytes sent`);
});

for (const { name, supports } of [
  { name: 'in bundles', supports: {} },
  { name: 'in batches that are answered later', supports: { carries: 'batch', largestBytes: 1 << 30 } },
] as const) {
  t.test(`a large blob goes in pieces ${name}, and after a cut only what is missing goes again`, async (t) => {
    const { clock, a, b, ab, settle } = await openPair({ ...supports, parallel: 1, ...(name === 'in bundles' && { largestBytes: 128 * 1024 }) }, 64 * 1024);
    const message = testMessage(13, 'example.org', clock, 1_000_000);
    ab.up = false;
    await submit(a, [message]);
    await settle();
    ab.up = true;
    let units = 0;
    ab.passes = () => {
      units += 1;
      if (units === 4) ab.up = false;
      return true;
    };
    clock.advance(MINUTE_MS);
    await settle();
    ab.passes = () => true;
    ab.up = true;
    for (let round = 0; round < 5; round += 1) {
      clock.advance(MINUTE_MS);
      await settle();
    }
    t.equal(await stateAt(a, message), 'forwarded');
    t.equal(await stateAt(b, message), 'held');
    const served = await b.gateway.fetch(message.messageId);
    t.ok(served && equalBytes(await served.blob.read(0, served.blob.bytes), message.blob));
    t.ok(ab.sentBytes < message.blob.length * 1.1 + 20_000, `${ab.sentBytes} bytes for ${message.blob.length}`);
  });
}

t.test('a blob that is let go while it is sent leaves its lane open', async (t) => {
  const { clock, a, b, ab, settle } = await openPair({ largestBytes: 128 * 1024, parallel: 1 }, 64 * 1024);
  const [gone, next] = [testMessage(14, 'example.org', clock, 1_000_000), testMessage(15, 'example.org', clock)];
  const send = ab.send.bind(ab);
  let units = 0;
  ab.send = async (freight) => {
    units += 1;
    if (units === 4) await submit(a, [next], [encodeOpening(gone.retract)]);
    return send(freight);
  };
  await submit(a, [gone]);
  await settle();
  t.equal(await stateAt(a, gone), 'retracted');
  t.equal(await stateAt(b, next), 'held', 'what follows goes at once');
});

t.test('strangers are told nothing and leave nothing', async (t) => {
  const { clock, a } = await openPair();
  const message = testMessage(14, 'example.org', clock);
  const stranger = testKey(77);
  for (const bytes of [testBatch(stranger, A, [message]), testBatch(CLIENT, B, [message]), garbage()]) {
    t.equal((await a.gateway.takeBatch(bytes, 'direct')).kind, 'stranger');
  }
  t.equal(a.store.status().records, 0);
});

t.test('a stranger is known by the offer, before anything else of a batch is read', async (t) => {
  const { clock, a } = await openPair();
  const [batch, offer] = [await readAll(testBatch(testKey(77), A, [testMessage(16, 'example.org', clock)])), await readAll(testBatch(testKey(77), A, []))];
  let reads = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    // An offer of one record is not shorter than one of none.
    yield batch.subarray(0, offer.length + 4);
    for (;;) {
      reads += 1;
      yield new Uint8Array(1);
    }
  }
  t.equal((await a.gateway.takeBatch(endless(), 'direct')).kind, 'stranger');
  t.equal(reads, 0);
});

t.test('a batch with one false blob is refused whole, and can be sent again without it', async (t) => {
  const { clock, a } = await openPair();
  const good = testMessage(15, 'example.org', clock);
  const bad = testMessage(16, 'example.org', clock);
  const lie = { ...bad, blob: new Uint8Array(bad.blob.length) };
  const answer = await a.gateway.takeBatch(testBatch(CLIENT, A, [good, lie]), 'direct');
  t.match(answer, { kind: 'bad', error: { code: 'GATEWAY_BLOB_MISMATCH' } });
  t.equal(a.store.status().records, 0);
  t.equal((await submit(a, [good])).controls[0]?.kind, 'receipt');
});

t.test('a large blob that came out wrong is taken when it comes as it should, and no transfer stays open behind either', async (t) => {
  const { clock, a } = await openPair({}, 64 * 1024);
  const message = testMessage(30, 'example.org', clock, 200_000);
  const wrong = { ...message, blob: new Uint8Array(message.blob.length) };
  t.match((await submit(a, [wrong])).controls, [{ kind: 'refusal', code: 'blob-mismatch' }]);
  t.notOk(a.gateway.context.incoming.has(message.record.rid));
  t.match((await submit(a, [message])).controls, [{ kind: 'receipt' }]);
  t.notOk(a.gateway.context.incoming.has(message.record.rid));
  t.equal(await stateAt(a, message), 'held');
});

t.test('a batch that breaks off leaves nothing behind', async (t) => {
  const { clock, a } = await openPair();
  const messages = [testMessage(17, 'example.org', clock), testMessage(18, 'example.org', clock)];
  async function* cut(): AsyncIterable<Uint8Array> {
    let left = 1900;
    for await (const chunk of testBatch(CLIENT, A, messages)) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) return;
    }
  }
  t.match(await a.gateway.takeBatch(cut(), 'direct'), { kind: 'bad', error: { code: 'WIRE_TRUNCATED' } });
  t.equal(a.store.status().records, 0);
});

t.test('a full store refuses with a time to come again, and takes the record when there is room', async (t) => {
  const clock = new ManualClock();
  const a = await openTestGateway({ name: 'a', key: A, clock, capacityBytes: 16 << 20, peers: [{ name: 'client', role: 'client', key: CLIENT }] });
  const taken: TestMessage[] = [];
  let refusal: unknown;
  for (let seed = 100; refusal === undefined && seed < 200; seed += 1) {
    const message = testMessage(seed, 'example.org', clock, 900_000);
    const [control] = (await submit(a, [message])).controls;
    if (control?.kind === 'refusal') refusal = control;
    else taken.push(message);
  }
  t.match(refusal, { code: 'full', retryAfterSec: 300 });
  t.ok(taken.length >= 14 && taken.length <= 17, `${taken.length} taken before`);
  for (const message of taken) t.equal(await stateAt(a, message), 'held', 'nothing was evicted');
  await submit(a, [], [encodeOpening((taken[0] as TestMessage).retract)]);
  t.equal((await submit(a, [testMessage(199, 'example.org', clock, 900_000)])).controls[0]?.kind, 'receipt');
});

async function* garbage(): AsyncIterable<Uint8Array> {
  yield new Uint8Array(1000).fill(0x82);
}

t.test('a message and its receipt cross a link that carries the compact form', async (t) => {
  const { clock, a, b, ab, settle } = await openPair({ carries: 'compact', largestBytes: 8192 });
  const message = testMessage(1, 'example.org', clock, 700);
  await a.gateway.takeBatch(testBatch(CLIENT, A, [message]), 'direct');
  await settle();
  t.equal((await a.store.find(message.record.rid))?.state, 'forwarded');
  t.equal((await b.store.find(message.record.rid))?.state, 'held');
  t.ok(ab.sentBytes < 1100, `${ab.sentBytes} bytes`);
});

t.test('what is too large for a link priced by the byte waits without standing in the way, and the status says so', async (t) => {
  const { clock, a, b, ab, settle } = await openPair({ carries: 'compact', largestBytes: 4096 }, 65_536);
  const edge = 4096 - 256 - 24 - testMessage(1, 'example.org', clock, 3000).record.bytes.length;
  const [fits, over, huge, small] = [edge, edge + 1, 100_000, 200].map((bytes, index) => testMessage(index, 'example.org', clock, bytes)) as [TestMessage, TestMessage, TestMessage, TestMessage];
  await a.gateway.takeBatch(testBatch(CLIENT, A, [huge]), 'direct');
  await a.gateway.takeBatch(testBatch(CLIENT, A, [over, fits, small]), 'direct');
  await settle();
  t.same(await Promise.all([fits, over, huge, small].map(async ({ record }) => (await b.store.find(record.rid))?.state)), ['held', undefined, undefined, 'held']);
  t.ok(ab.sentBytes < 6000);
  t.match((await gatewayStatus(a.gateway, 0)).neighbours, [{ name: 'b', tooLarge: { records: 2, bytes: edge + 1 + 100_000 } }]);
});

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return concatBytes(...chunks);
}
