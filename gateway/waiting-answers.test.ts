import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import { openMemoryStore } from '../store/open-memory.js';
import type { Store } from '../store/store.js';
import { encodeBatchHead } from '../wire/batch.js';
import { keyId } from '../wire/keys.js';
import { encodeRanges } from '../wire/ranges.js';
import { A, B, openTestGateway, testKey, testMessage, type TestGateway, type TestMessage } from './gateway.test-helper.js';
import { gatewayStatus } from './status.js';
import { ANSWER_BOUNDS, WaitingAnswers } from './waiting-answers.js';

const OPENING = { peer: 'a', key: 'opening/retract/00', bytes: new Uint8Array(50) };

/** b, which hears its neighbour a and has no way back. */
function openCutOff(clock: ManualClock, store?: Store): Promise<TestGateway> {
  const peers = [{ name: 'a', role: 'neighbour', key: A }, { name: 'far', role: 'client', key: testKey(4), domain: 'example.org' }] as const;
  return openTestGateway({ name: 'b', key: B, clock, peers, ...(store !== undefined && { store }) });
}

function openStore(clock: ManualClock): Promise<Store> {
  return openMemoryStore({ clock, limits: { capacityBytes: 2 ** 28, segmentBytes: 2 ** 21 } });
}

/** One batch of a's: records of which b lacks the blobs or has them, and wants for what nobody has. */
async function offer(b: TestGateway, number: number, { messages = [], wants = 0, salt = number }: { readonly messages?: readonly TestMessage[]; readonly wants?: number; readonly salt?: number }): Promise<void> {
  const nonce = new Uint8Array(16);
  new DataView(nonce.buffer).setUint32(0, number);
  const controls = Array.from({ length: wants }, (_, i) => {
    const rid = new Uint8Array(32);
    new DataView(rid.buffer).setUint32(0, salt);
    new DataView(rid.buffer).setUint32(4, i);
    return encodeRanges({ kind: 'want', rid, ranges: [[0, 1]] });
  });
  const head = encodeBatchHead({ key: A, to: keyId(B.publicKey), records: messages.map(({ record }) => record), controls, sentSec: 1_800_000_000, nonce });
  const answer = await b.gateway.takeBatch(each([head]), 'later');
  if (answer.kind !== 'answer') throw new Error(answer.kind);
}

async function* each(parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* parts;
}

async function waiting(store: Pick<Store, 'outbox'>): Promise<string[]> {
  return (await store.outbox('a', 100_000)).map(({ key }) => key);
}

t.test('a neighbour that asks without end, and cannot be answered, fills no disk; openings stay, and a restart changes nothing', async (t) => {
  const clock = new ManualClock();
  const wants = 1024;
  const b = await openCutOff(clock);
  await b.store.outboxPut([OPENING]);
  for (let number = 1; number <= 5; number += 1) await offer(b, number, { wants });
  const keys = await waiting(b.store);
  t.equal(keys.length, 1 + ANSWER_BOUNDS.count);
  t.equal(keys[0], OPENING.key);
  const limits = (await gatewayStatus(b.gateway, 0)).neighbours[0]?.limits;
  t.match(limits?.find(({ name }) => name === 'answers that wait'), { used: ANSWER_BOUNDS.count, most: ANSWER_BOUNDS.count, refused: wants });

  const again = await openCutOff(clock, b.store);
  await offer(again, 6, { wants });
  const after = await waiting(b.store);
  t.equal(after.length, 1 + ANSWER_BOUNDS.count);
  t.same(after.slice(0, 2), [OPENING.key, keys[1 + wants]], 'the oldest have gone');
});

t.test('a batch that is offered again and again waits for one answer, the latest', async (t) => {
  const clock = new ManualClock();
  const b = await openCutOff(clock);
  const messages = [testMessage(1, 'example.org', clock)];
  await offer(b, 1, { wants: 3, salt: 0 });
  for (let number = 1; number <= 20; number += 1) await offer(b, number, { messages, wants: 2, salt: 0 });
  const keys = await waiting(b.store);
  t.equal(keys.length, 3 + 3, keys.join(' '));
  t.match(keys.at(-1), /\/00000014/);
});

t.test('what a link has taken home waits no more', async (t) => {
  const store = await openStore(new ManualClock());
  const answers = new WaitingAnswers(store, { count: 3, bytes: 1000 });
  for (const number of [1, 2, 3]) await answers.put('a', name(number), [new Uint8Array(10)]);
  const [first = ''] = await waiting(store);
  await store.outboxRemove('a', [first]);
  answers.gone('a', [first, OPENING.key]);
  await answers.put('a', name(4), [new Uint8Array(10)]);
  t.equal((await waiting(store)).length, 3, 'there was room');
  t.match(answers.limits('a'), [{ used: 3, most: 3, refused: 0 }, { used: 30, most: 1000 }]);
  t.same(answers.limits('stranger'), []);
});

t.test('the bytes are bounded as the number is; one answer that is larger than all stays until the next', async (t) => {
  const store = await openStore(new ManualClock());
  const answers = new WaitingAnswers(store, { count: 100, bytes: 1000 });
  for (const number of [1, 2, 3]) await answers.put('a', name(number), [new Uint8Array(400)]);
  t.equal((await waiting(store)).length, 2);
  await answers.put('a', name(4), [new Uint8Array(3000)]);
  t.equal((await waiting(store)).length, 1);
  await answers.put('a', name(5), [new Uint8Array(10)]);
  t.match(answers.limits('a'), [{ used: 1, refused: 4 }, { used: 10 }]);
});

t.test('an outbox that has grown beyond the bounds is cut back at the start, however long it is', async (t) => {
  const store = await openStore(new ManualClock());
  const old = Array.from({ length: 10_000 }, (_, i) => ({ peer: 'a', key: `answer/${i}/00/0`, bytes: new Uint8Array(10) }));
  await store.outboxPut([...old.slice(0, 1000), OPENING, ...old.slice(1000)]);
  const answers = new WaitingAnswers(store);
  await answers.restore(['a']);
  const keys = await waiting(store);
  t.same([keys.length, keys[0], keys[1]], [1 + ANSWER_BOUNDS.count, OPENING.key, old.at(-ANSWER_BOUNDS.count)?.key]);
});

t.test('an answer that the store did not take does not count', async (t) => {
  const store = await openStore(new ManualClock());
  let isFull = true;
  const full = new PosternError('STORE_IO', 'no room', { dir: 'memory' });
  const answers = new WaitingAnswers({ outbox: store.outbox.bind(store), outboxRemove: store.outboxRemove.bind(store), outboxPut: (entries) => (isFull ? Promise.reject(full) : store.outboxPut(entries)) }, { count: 2, bytes: 1000 });
  await t.rejects(answers.put('a', name(1), [new Uint8Array(10)]), full);
  isFull = false;
  for (const number of [2, 3]) await answers.put('a', name(number), [new Uint8Array(10)]);
  t.match(answers.limits('a'), [{ used: 2, refused: 0 }, {}]);
});

function name(number: number): { root: Uint8Array; nonce: Uint8Array } {
  return { root: new Uint8Array(32).fill(number), nonce: new Uint8Array(16).fill(number) };
}
