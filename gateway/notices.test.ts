/** Large blobs that wait for the cheap link: the neighbour is told of them by the dear one, and may ask. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { toHex } from '../base/bytes.js';
import { statusText } from '../cli/status-text.js';
import type { LinkSupport } from '../links/link.js';
import { listed } from '../plan/contact.js';
import { openMemoryStore } from '../store/open-memory.js';
import { encodeRanges } from '../wire/ranges.js';
import { encodeRefusal } from '../wire/refusal.js';
import { A, B, CLIENT, MemoryLink, openTestGateway, stateAt, submit, testBatch, testMessage } from './gateway.test-helper.js';
import type { TestGateway, TestGatewayOptions, TestMessage } from './gateway.test-helper.js';
import { HeldLarge } from './held-large.js';
import type { LanePlan } from './lane.js';
import { fetchNoticed } from './notice-orders.js';
import { NoticesKept } from './notices-kept.js';
import { orderQueue } from './queue-orders.js';
import { gatewayStatus } from './status.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOLD_BYTES = 50_000;
const LARGE_BLOB_BYTES = 100_000;
/** Small in the store's sense, and large in it: the one goes with its record, the other in pieces. */
const SIZES = [60_000, 700_000];
const MONTH_SEC = 30 * 86_400;

interface Pair {
  readonly clock: ManualClock;
  readonly a: TestGateway;
  readonly b: TestGateway;
  readonly dear: MemoryLink;
  readonly cheap: MemoryLink;
  settle(): Promise<number>;
}

/** client -> a -> b over a dear link that works at any time and a cheap one that comes in a day. */
async function openPair({ supports, atB = {}, cheapInMs = DAY_MS }: { supports?: Partial<LinkSupport>; atB?: Partial<TestGatewayOptions>; cheapInMs?: number } = {}): Promise<Pair> {
  const clock = new ManualClock();
  const [dear, dearEnd] = MemoryLink.pair('b/dear', 'a/dear', supports);
  const [cheap, cheapEnd] = MemoryLink.pair('b/cheap', 'a/cheap');
  const always = listed([{ startMs: 0, endMs: clock.nowMs() * 2, rateBytesPerSec: 1_000_000, lightTimeMs: 0 }]);
  const later: LanePlan = { contacts: listed([{ startMs: clock.nowMs() + cheapInMs, endMs: clock.nowMs() + cheapInMs + HOUR_MS, rateBytesPerSec: 10_000_000, lightTimeMs: 0 }]) };
  const held: LanePlan = { contacts: always, holdLargeBytes: HOLD_BYTES };
  const peersOf = (name: string, key: typeof A, ends: readonly [MemoryLink, MemoryLink]): TestGatewayOptions['peers'][number] => ({ name, role: 'neighbour', key, link: ends[0], plan: held, more: [{ link: ends[1], plan: later }] });
  const both = { clock, largeBlobBytes: LARGE_BLOB_BYTES };
  const a = await openTestGateway({ ...both, name: 'a', key: A, peers: [{ name: 'client', role: 'client', key: CLIENT }, peersOf('b', B, [dear, cheap])], routes: [{ to: '*', via: 'b' }] });
  const b = await openTestGateway({ ...both, name: 'b', key: B, peers: [peersOf('a', A, [dearEnd, cheapEnd])], ...atB });
  const settle = async (): Promise<number> => {
    let nextMs = 0;
    for (let round = 0; round < 4; round += 1) nextMs = Math.min(await a.settle(), await b.settle());
    return nextMs;
  };
  return { clock, a, b, dear, cheap, settle };
}

const noticedAt = ({ gateway }: TestGateway): string[] => gateway.context.notices.all().map(({ record }) => toHex(record.rid)).sort();
const namesOf = (messages: readonly TestMessage[]): string[] => messages.map(({ record }) => toHex(record.rid)).sort();
const messagesOf = (clock: ManualClock): TestMessage[] => SIZES.map((bytes, index) => testMessage(index + 1, 'example.org', clock, bytes, MONTH_SEC));

t.test('the notice goes by the dear link at once and once, the blob by the cheap one', async (t) => {
  const { clock, a, b, dear, cheap, settle } = await openPair();
  const messages = messagesOf(clock);
  await submit(a, messages);
  await settle();
  t.same(noticedAt(b), namesOf(messages));
  t.equal(dear.attempts, 1);
  t.ok(dear.sentBytes < 1500, `${dear.sentBytes} bytes for two notices`);
  t.same(await Promise.all(messages.map((message) => stateAt(a, message))), ['held', 'held'], 'custody stays');
  t.equal(b.store.status().bytes, 0, 'a notice takes no room');
  t.match(statusText(await gatewayStatus(b.gateway, 0)), /a: notices kept 2 of 256[^]*a tells of 2 large ones \(742 KiB\) that wait there/);
  t.match(statusText(await gatewayStatus(a.gateway, 0)), /b\/dear leaves 2 large ones[^]*b: notices given 2 of 512/);
  for (let hours = 0; hours < 23; hours += 1) {
    clock.advance(HOUR_MS);
    dear.onSignOfLife?.();
    await settle();
  }
  t.equal(dear.attempts, 1, 'and never again');
  clock.advance(HOUR_MS);
  await settle();
  t.same(await Promise.all(messages.map((message) => stateAt(b, message))), ['held', 'held']);
  t.same(await Promise.all(messages.map((message) => stateAt(a, message))), ['forwarded', 'forwarded']);
  t.ok(cheap.sentBytes < SIZES[0]! + SIZES[1]! + 10_000, 'sent once');
  t.same(noticedAt(b), []);
  t.notMatch(statusText(await gatewayStatus(b.gateway, 0)), /tells of/);
});

t.test('what the operator of the next gateway asks for comes by the dear link', async (t) => {
  const { clock, a, b, dear, cheap, settle } = await openPair();
  const messages = messagesOf(clock);
  await submit(a, [...messages, testMessage(9, 'other.example', clock, SIZES[0])]);
  await settle();
  t.same(await fetchNoticed(b.gateway.context, { from: 'nobody' }), { asked: 0, noRoom: 0 });
  t.same(await fetchNoticed(b.gateway.context, { destination: 'example.org' }), { asked: 2, noRoom: 0 });
  t.ok(b.gateway.context.notices.all().filter(({ askedMs }) => askedMs !== undefined).length === 2);
  await settle();
  t.same(await Promise.all(messages.map((message) => stateAt(b, message))), ['held', 'held']);
  t.same(await Promise.all(messages.map((message) => stateAt(a, message))), ['forwarded', 'forwarded']);
  t.equal(cheap.attempts, 0);
  t.ok(dear.sentBytes < SIZES[0]! + SIZES[1]! + 10_000);
  t.equal(noticedAt(b).length, 1, 'what was not asked for waits');
});

t.test('a rule of the next gateway asks at once, up to a size', async (t) => {
  const { clock, a, b, cheap, settle } = await openPair({ atB: { fetch: [{ to: 'example.org', mostBytes: SIZES[0]! }] } });
  const messages = messagesOf(clock);
  await submit(a, messages);
  await settle();
  t.same(await Promise.all(messages.map((message) => stateAt(b, message))), ['held', undefined]);
  t.same(noticedAt(b), namesOf(messages.slice(1)));
  t.equal(cheap.attempts, 0);
});

t.test('where the cheap link works nobody is told, and what an operator raises goes by itself', async (t) => {
  const { clock, a, b, dear, cheap, settle } = await openPair({ cheapInMs: 0 });
  await submit(a, messagesOf(clock));
  await settle();
  t.equal(dear.sentBytes < 1000, true);
  t.ok(cheap.sentBytes > SIZES[0]! + SIZES[1]!);
  t.equal(b.gateway.context.counters.all().noticesKept, 0);
  clock.advance(2 * HOUR_MS);
  const raised = testMessage(3, 'example.org', clock, SIZES[0]);
  dear.up = false;
  await submit(a, [raised]);
  await orderQueue(a.gateway.context, 'raise', { destination: 'example.org' });
  dear.up = true;
  dear.onSignOfLife?.();
  await settle();
  t.equal(await stateAt(b, raised), 'held');
  t.equal(b.gateway.context.counters.all().noticesKept, 0);
});

t.test('a link that carries only small units tells of what it will never carry', async (t) => {
  const { clock, a, b, dear, settle } = await openPair({ supports: { carries: 'compact', largestBytes: 4096 } });
  const messages = messagesOf(clock);
  await submit(a, messages);
  await settle();
  t.same(noticedAt(b), namesOf(messages));
  t.ok(dear.sentBytes < 1000, `${dear.sentBytes} bytes`);
  await fetchNoticed(b.gateway.context, { from: 'a' });
  await settle();
  clock.advance(DAY_MS);
  await settle();
  t.same(await Promise.all(messages.map((message) => stateAt(b, message))), ['held', 'held'], 'what was asked for comes by the link that can');
});

t.test('a notice that may be lost is repeated, three times in all', async (t) => {
  const { clock, a, b, dear, settle } = await openPair({ cheapInMs: 25 * DAY_MS });
  dear.passes = () => false;
  await submit(a, messagesOf(clock));
  for (let days = 0; days < 20; days += 1) {
    await settle();
    clock.advance(DAY_MS);
  }
  t.equal(dear.attempts, 3);
  t.same(noticedAt(b), []);
});

t.test('a link that fails has told nobody, and tries again as often as for anything else', async (t) => {
  const { clock, a, b, dear, settle } = await openPair();
  dear.up = false;
  await submit(a, messagesOf(clock));
  for (let hours = 0; hours < 12; hours += 1) {
    await settle();
    clock.advance(HOUR_MS);
  }
  dear.up = true;
  dear.onSignOfLife?.();
  await settle();
  t.equal(noticedAt(b).length, 2);
});

t.test('what the cheap link has begun is not asked of the dear one; only what is missing goes, by the cheap one', async (t) => {
  const { clock, a, b, dear, cheap, settle } = await openPair();
  const [, large] = messagesOf(clock);
  await submit(a, [large!]);
  await settle();
  clock.advance(DAY_MS);
  // The last word on the way back is lost: for a, b may have anything.
  cheap.passes = () => cheap.attempts > 1;
  await settle();
  t.equal(await stateAt(b, large!), undefined);
  const dearBytes = dear.sentBytes;
  await fetchNoticed(b.gateway.context, { from: 'a' });
  await settle();
  t.ok(dear.sentBytes - dearBytes < 2000, 'asked for, it still waits for the link that has begun it');
  t.equal(await stateAt(b, large!), 'held');
});

t.test('a notice that was to be given again at a time that was wrong may be given now', async (t) => {
  const { clock, a } = await openPair();
  const [message] = messagesOf(clock);
  await submit(a, message === undefined ? [] : [message]);
  const [stored] = await a.store.list('peer:b', 1);
  const nowMs = clock.nowMs();
  const held = new HeldLarge(a.store, 'b');
  if (stored === undefined) throw new TypeError('nothing waits');
  await held.telling([stored], () => nowMs + 60 * DAY_MS);
  t.notOk(held.isToTell(stored, nowMs));
  await held.timeFell(nowMs + DAY_MS);
  const restarted = new HeldLarge(a.store, 'b');
  await restarted.restore();
  t.ok(held.isToTell(stored, nowMs) && restarted.isToTell(stored, nowMs));
});

t.test('notices given are remembered over a restart', async (t) => {
  const clock = new ManualClock();
  const store = await openMemoryStore({ clock, limits: { capacityBytes: 2 ** 28, segmentBytes: 2 ** 21 }, quotas: { peer: () => ({ bytes: 2 ** 30, byteSeconds: 2 ** 52 }), destination: () => ({ bytes: 2 ** 30, byteSeconds: 2 ** 52 }) } });
  const stored = { record: testMessage(1, 'example.org', clock, SIZES[0]).record, state: 'held', from: 'client', heldAtMs: 0, schedule: { target: 'peer:b', dueMs: clock.nowMs(), attempts: 0 } } as const;
  const before = new HeldLarge(store, 'b');
  await before.telling([stored], () => clock.nowMs() + HOUR_MS);
  const after = new HeldLarge(store, 'b');
  t.ok(after.isToTell(stored, clock.nowMs()));
  await after.restore();
  t.notOk(after.isToTell(stored, clock.nowMs()), 'killed in the middle of telling');
  await after.tellingEnded([stored], 'known');
  t.ok(await after.ask(stored.record.rid));
  const again = new HeldLarge(store, 'b');
  await again.restore();
  t.notOk(again.isToTell(stored, clock.nowMs() + 100 * DAY_MS));
  t.notOk(again.holds(stored, HOLD_BYTES), 'asked for is asked for');
  t.notOk(await new HeldLarge(store, 'c').ask(stored.record.rid));
});

t.test('a neighbour may tell of so much and no more; what it told of is remembered, expires, and goes when the neighbour has it no more', async (t) => {
  const clock = new ManualClock();
  const b = await openTestGateway({ name: 'b', key: B, clock, largeBlobBytes: LARGE_BLOB_BYTES, peers: [{ name: 'a', role: 'neighbour', key: A }, { name: 'client', role: 'client', key: CLIENT }] });
  const tell = (key: typeof A, messages: readonly TestMessage[]): Promise<unknown> => b.gateway.takeBatch(testBatch(key, B, messages, messages.map(({ record: { rid, blobBytes } }) => encodeRanges({ kind: 'have', rid, ranges: [[0, blobBytes]] })), true), 'direct');
  const messages = Array.from({ length: 257 }, (_, index) => testMessage(index, 'example.org', clock, HOLD_BYTES, index === 0 ? 3600 : MONTH_SEC));
  for (let at = 0; at < messages.length; at += 100) await tell(A, messages.slice(at, at + 100));
  t.equal(noticedAt(b).length, 256);
  t.match(statusText(await gatewayStatus(b.gateway, 0)), /a: notices kept 256 of 256, 1 TURNED AWAY/);
  await tell(CLIENT, [testMessage(500, 'example.org', clock, HOLD_BYTES)]);
  t.equal(noticedAt(b).length, 256, 'a client has nothing to tell');

  const restarted = new NoticesKept(b.store, b.gateway.context.trust, []);
  await restarted.restore(['a']);
  t.equal(restarted.all().length, 256);

  clock.advance(2 * HOUR_MS);
  t.equal(noticedAt(b).length, 255, 'one has expired');
  await tell(A, messages.slice(256));
  t.equal(noticedAt(b).length, 256, 'and left its place');
  const { rid } = messages[5]!.record;
  await b.gateway.takeBatch(testBatch(CLIENT, B, [], [encodeRefusal({ rid, code: 'unknown' })]), 'direct');
  t.equal(noticedAt(b).length, 256, 'not the word of the neighbour that told of it');
  await b.gateway.takeBatch(testBatch(A, B, [], [encodeRefusal({ rid, code: 'unknown' })]), 'direct');
  t.equal(noticedAt(b).length, 255);
});

t.test('a neighbour that promises and never sends takes room for what was asked for, within its quota, until that expires', async (t) => {
  const clock = new ManualClock();
  const b = await openTestGateway({ name: 'b', key: B, clock, largeBlobBytes: LARGE_BLOB_BYTES, capacityBytes: 2 ** 24, peers: [{ name: 'a', role: 'neighbour', key: A }] });
  const messages = [1, 2, 3].map((seed) => testMessage(seed, 'example.org', clock, 6_000_000, 86_400));
  await b.gateway.takeBatch(testBatch(A, B, messages, messages.map(({ record: { rid, blobBytes } }) => encodeRanges({ kind: 'have', rid, ranges: [[0, blobBytes]] })), true), 'direct');
  t.equal(noticedAt(b).length, 3);
  t.equal(b.store.status().bytes, 0);
  t.same(await fetchNoticed(b.gateway.context, { from: 'a' }), { asked: 2, noRoom: 1 });
  t.equal((await b.store.outbox('a', 10)).length, 2);
  clock.advance(2 * DAY_MS);
  await b.settle();
  t.same([noticedAt(b).length, b.store.status().bytes, b.store.status().incoming], [0, 0, 0]);
});

t.test('whoever is asked for what is gone says so', async (t) => {
  const { clock, a, b, settle } = await openPair();
  const [small] = messagesOf(clock);
  await submit(a, [small!]);
  await settle();
  await orderQueue(a.gateway.context, 'drop', { destination: 'example.org' });
  await fetchNoticed(b.gateway.context, { from: 'a' });
  await settle();
  t.same(noticedAt(b), []);
});
