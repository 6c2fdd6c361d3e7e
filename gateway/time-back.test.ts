/** A gateway that has gone by a time far ahead, until somebody confirms that it is earlier; and a leap that is no time at all. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { always } from '../plan/contact.js';
import type { BudgetTerms } from '../plan/budget.js';
import { openMemoryStore } from '../store/open-memory.js';
import { BudgetKeeper } from './budget-keeper.js';
import type { LedgerFile } from './budget-keeper.js';
import { A, B, CLIENT, MemoryLink, openTestGateway, openTestPair, stateAt, submit, testKey, testMessage } from './gateway.test-helper.js';
import type { TestGateway, TestPair } from './gateway.test-helper.js';
import { PullIn } from './pull-in.js';
import { peerTarget } from './target.js';

const DAY_MS = 86_400_000;
const AHEAD_MS = 60 * DAY_MS;
const TERMS: BudgetTerms = { price: { perMegabyte: 0, perMinute: 0, perSession: 1, minimum: 0, stepBytes: 1 }, limits: [{ per: 'day', bytes: 1_000_000 }], alertPercent: 80, monthBeginsOn: 1 };

async function goBack(clock: ManualClock, gateways: readonly TestGateway[], settle: () => Promise<number>): Promise<void> {
  clock.jumpTo(clock.nowMs() - AHEAD_MS);
  await settle();
  for (const { gateway } of gateways) {
    t.notOk(gateway.context.trust.trusted);
    gateway.context.trust.confirm(clock.nowMs(), 'the operator');
  }
  await settle();
}

/** A ledger that remembers, and a pair that pays by it. */
async function openPaidPair(): Promise<TestPair & { readonly keeper: BudgetKeeper; readonly kept: () => string }> {
  let kept = '';
  const file: LedgerFile = { name: 'ledger', read: async () => undefined, write: async (bytes) => void (kept = Buffer.from(bytes).toString()) };
  let nowMs = (): number => 0;
  const keeper = await BudgetKeeper.open({ link: 'b/memory', terms: TERMS, currency: 'EUR', file, nowMs: () => nowMs(), log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined } });
  const pair = await openTestPair({ planAtA: { contacts: always({ rateBytesPerSec: 1_000_000, lightTimeMs: 0 }), budget: keeper } });
  nowMs = () => pair.a.gateway.context.trust.nowMs();
  return { ...pair, keeper, kept: () => kept };
}

t.test('what waits by a time far ahead goes at once when an earlier one is confirmed', async (t) => {
  const { clock, a, b, ab, settle } = await openTestPair();
  const [lost, unsent] = [testMessage(1, 'example.org', clock), testMessage(2, 'example.org', clock)];
  ab.passes = () => false;
  await submit(a, [lost]);
  await settle();
  ab.up = false;
  await submit(a, [unsent]);
  await settle();
  [ab.up, ab.passes] = [true, () => true];
  await goBack(clock, [a, b], settle);
  t.same(await Promise.all([lost, unsent].map((message) => stateAt(a, message))), ['forwarded', 'forwarded']);
  t.same(await Promise.all([lost, unsent].map((message) => stateAt(b, message))), ['held', 'held']);
  t.equal(a.gateway.context.trust.highWaterMs, clock.nowMs(), 'and a restart goes by that time');
});

t.test('of a time that was wrong by less than a receipt may take, only what was never tried is pulled in', async (t) => {
  const { clock, a, ab, settle } = await openTestPair();
  const [offered, unsent] = [testMessage(3, 'example.org', clock), testMessage(7, 'example.org', clock)];
  ab.passes = () => false;
  await submit(a, [offered]);
  await settle();
  ab.up = false;
  await submit(a, [unsent]);
  await settle();
  [ab.up, ab.passes] = [true, () => true];
  clock.jumpTo(clock.nowMs() - 3_600_000);
  await settle();
  a.gateway.context.trust.confirm(clock.nowMs(), 'the operator');
  await settle();
  t.same(await Promise.all([offered, unsent].map((message) => stateAt(a, message))), ['held', 'forwarded']);
});

t.test('a served domain is knocked at again', async (t) => {
  const clock = new ManualClock();
  const a = await openTestGateway({ name: 'a', key: A, clock, peers: [{ name: 'client', role: 'client', key: CLIENT }, { name: 'home', role: 'client', key: testKey(13), domain: 'example.org' }] });
  await submit(a, [testMessage(4, 'example.org', clock)]);
  await a.settle();
  const before = a.knocks.length;
  await goBack(clock, [a], a.settle);
  t.equal(a.knocks.length, before + 1);
});

t.test('a budget goes on in the day that it is, on disk too', async (t) => {
  const { clock, a, b, keeper, kept, settle } = await openPaidPair();
  await submit(a, [testMessage(5, 'example.org', clock)]);
  await settle();
  const spent = keeper.status().lines[0]?.spent ?? 0;
  t.ok(spent > 0);
  await goBack(clock, [a, b], settle);
  t.match(keeper.status().lines, [{ spent }]);
  t.ok((keeper.status().lines[0]?.resetsAtMs ?? Infinity) <= clock.nowMs() + DAY_MS);
  t.ok((JSON.parse(kept()) as { periods: { day: { startMs: number } } }).periods.day.startMs <= clock.nowMs());
});

t.test('a long queue is pulled in slice by slice', async (t) => {
  const clock = new ManualClock();
  const store = await openMemoryStore({ clock });
  const target = peerTarget('b');
  const [count, near] = [1000, 400];
  const messages = Array.from({ length: count }, (_, index) => testMessage(index, 'example.org', clock, 10));
  await store.hold(messages.map(({ record, blob }, index) => ({ record, from: 'client', heldAtMs: clock.nowMs(), schedule: { target, dueMs: clock.nowMs() + (index < near ? index : AHEAD_MS + index), attempts: 1 }, blob })));
  const [link] = MemoryLink.pair('b/memory', 'a/memory');
  link.up = false;
  const { gateway } = await openTestGateway({ name: 'a', key: A, clock, peers: [{ name: 'client', role: 'client', key: CLIENT }, { name: 'b', role: 'neighbour', key: B, link }], routes: [{ to: '*', via: 'b' }], store });
  const pullIn = new PullIn(gateway.context, () => [{ target, latestDueMs: (nowMs) => nowMs + DAY_MS }]);
  const ahead = async (): Promise<number> => (await store.list(target, count)).filter(({ schedule }) => (schedule?.dueMs ?? 0) > clock.nowMs() + DAY_MS).length;
  t.notOk(await pullIn.slice(), 'there is nothing to do');
  pullIn.begin();
  t.ok(await pullIn.slice());
  t.ok(await pullIn.slice());
  const left = await ahead();
  t.ok(left > 0 && left < count - near, `${left} left`);
  // From the beginning, as when time goes back again.
  pullIn.begin();
  let slices = 1;
  while (slices < 20 && (await pullIn.slice())) slices += 1;
  t.ok(slices < 10, `${slices} slices`);
  t.equal(await ahead(), 0);
  t.equal((await store.list(target, 2 * count)).length, count);
});

t.test('a leap between two rounds is no time to refuse by, nor to begin a day with', async (t) => {
  const { clock, a, keeper, settle } = await openPaidPair();
  const message = testMessage(6, 'example.org', clock);
  await settle();
  const { lines } = keeper.status();
  clock.jumpTo(clock.nowMs() + 30 * DAY_MS);
  t.same(keeper.status().lines, lines);
  t.match((await submit(a, [message])).controls, [{ kind: 'receipt' }]);
  t.equal((await a.store.find(message.record.rid))?.heldAtMs, clock.nowMs() - 30 * DAY_MS);
});
