/** Forwarding by contacts and budgets: when a lane may send, how much, and when a receipt is overdue. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { listed } from '../plan/contact.js';
import type { Contact } from '../plan/contact.js';
import type { BudgetTerms } from '../plan/budget.js';
import { adminHandlers } from './admin.js';
import { BudgetKeeper } from './budget-keeper.js';
import { A, B, CLIENT, MemoryLink, openTestGateway, openTestPair, stateAt, submit, testMessage } from './gateway.test-helper.js';
import type { TestGateway, TestPair } from './gateway.test-helper.js';
import type { LanePlan } from './lane.js';
import type { PriorityRule } from './priorities.js';
import { orderQueue } from './queue-orders.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** client -> a -> b; `contacts` in minutes from now, at both ends. */
function openPair(clock: ManualClock, contacts: readonly (readonly [startMin: number, endMin: number])[], terms: Partial<Contact> & Omit<LanePlan, 'contacts'> & { rules?: readonly PriorityRule[] } = {}): Promise<TestPair> {
  const { budget, reservePercent = 0, rules = [], rateBytesPerSec = 1000, lightTimeMs = 0 } = terms;
  const startMs = clock.nowMs();
  const source = listed(contacts.map(([start, end]) => ({ startMs: startMs + start * MINUTE_MS, endMs: startMs + end * MINUTE_MS, rateBytesPerSec, lightTimeMs })));
  return openTestPair({ clock, planAtA: { contacts: source, budget, reservePercent }, planAtB: { contacts: source }, atA: { priority: { rules } } });
}

const statusOf = (at: TestGateway, nowMs: number): unknown => at.gateway.forwarders()[0]?.status(nowMs)[0];

async function budgetOf(clock: ManualClock, limits: BudgetTerms['limits']): Promise<BudgetKeeper> {
  const terms: BudgetTerms = { price: { perMegabyte: 10, perMinute: 0, perSession: 0, minimum: 0, stepBytes: 1 }, limits, alertPercent: 80, monthBeginsOn: 1 };
  return BudgetKeeper.open({ link: 'b/memory', terms, currency: 'EUR', file: { name: 'none', read: async () => undefined, write: async () => undefined }, nowMs: () => clock.nowMs(), log: SILENT });
}

t.test('sends in contacts only, and wakes for the next', async (t) => {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const { a, b, ab, settle } = await openPair(clock, [[10, 11], [60, 61]]);
  const first = testMessage(1, 'example.org', clock);
  await submit(a, [first]);
  t.equal(await settle(), startMs + 10 * MINUTE_MS);
  t.equal(ab.attempts, 0);
  t.match(statusOf(a, clock.nowMs()), { contact: { open: false, nextMs: startMs + 10 * MINUTE_MS } });
  clock.advance(10 * MINUTE_MS);
  await settle();
  t.equal(await stateAt(b, first), 'held');
  t.equal(await stateAt(a, first), 'forwarded');
  t.match(statusOf(a, clock.nowMs()), { contact: { open: true, leftBytes: 60_000, nextMs: startMs + 60 * MINUTE_MS } });
  clock.advance(MINUTE_MS);
  const second = testMessage(2, 'example.org', clock);
  await submit(a, [second]);
  const attempts = ab.attempts;
  t.equal(await settle(), startMs + 60 * MINUTE_MS, 'the last instant of a contact is no more part of it');
  t.equal(ab.attempts, attempts);
  t.equal(await stateAt(a, second), 'held');
});

t.test('does not begin what does not fit into what is left of the contact', async (t) => {
  const clock = new ManualClock();
  const { a, b, settle } = await openPair(clock, [[0, 1], [60, 70]]);
  const large = testMessage(1, 'example.org', clock, 100_000);
  const small = testMessage(2, 'example.org', clock, 10_000);
  await submit(a, [large, small]);
  await settle();
  t.equal(await stateAt(b, small), 'held', 'a smaller one goes before it');
  t.equal(await stateAt(b, large), undefined);
  clock.advance(60 * MINUTE_MS);
  await settle();
  t.equal(await stateAt(b, large), 'held');
});

t.test('the urgent goes first, a reserve is kept for it, and the status says what stays and why', async (t) => {
  const clock = new ManualClock();
  const rules: PriorityRule[] = [{ to: 'clinic.example', class: 'urgent' }, { to: '*.example', class: 'bulk' }, { to: 'news.example', from: 'client', class: 'normal' }];
  const { a, b, ab, settle } = await openPair(clock, [[10, 11]], { reservePercent: 50, rules, lightTimeMs: 2 * HOUR_MS });
  // At 1000 bytes a second a byte takes a millisecond.
  let sentBytes = 0;
  ab.passes = () => {
    clock.advance(ab.sentBytes - sentBytes);
    sentBytes = ab.sentBytes;
    return true;
  };
  const films = testMessage(1, 'films.example', clock, 20_000);
  const news = testMessage(2, 'news.example', clock, 15_000);
  const [urgent, late] = [testMessage(3, 'clinic.example', clock, 10_000), testMessage(4, 'clinic.example', clock, 1000, 300)];
  await submit(a, [films, news, late]);
  await submit(a, [urgent]);
  clock.advance(10 * MINUTE_MS);
  await settle();
  t.same(await Promise.all([urgent, news, films, late].map((message) => stateAt(b, message))), ['held', 'held', undefined, undefined]);
  t.match(statusOf(a, clock.nowMs()), { heldBack: { late: 1, noRoom: 0, reserved: 1 } });
  const lateUrgent = testMessage(5, 'clinic.example', clock, 25_000);
  await submit(a, [lateUrgent]);
  await settle();
  t.equal(await stateAt(b, lateUrgent), 'held', 'more than the bulk that had to stay');
  t.equal(await stateAt(b, films), undefined);
});

t.test('an operator raises what would have to wait', async (t) => {
  const clock = new ManualClock();
  const { a, b, ab, settle } = await openPair(clock, [[10, 11]]);
  ab.passes = () => (clock.advance(MINUTE_MS), true);
  const [first, second] = [testMessage(1, 'a.example', clock, 40_000), testMessage(2, 'b.example', clock, 40_000)];
  await submit(a, [first]);
  clock.advance(1000);
  await submit(a, [second]);
  t.equal(await orderQueue(a.gateway.context, 'raise', { destination: 'b.example' }), 1);
  clock.advance(10 * MINUTE_MS - 1000);
  await settle();
  t.same(await Promise.all([first, second].map((message) => stateAt(b, message))), [undefined, 'held']);
});

t.test('a receipt is overdue only when the neighbour has had a contact to send it in', async (t) => {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const { a, b, ab, ba, settle } = await openPair(clock, [[0, 5], [600, 605]], { lightTimeMs: 20 * MINUTE_MS });
  const message = testMessage(1, 'example.org', clock, 1000);
  ba.passes = () => false;
  await submit(a, [message]);
  await settle();
  t.equal(await stateAt(b, message), 'held');
  const due = (await a.store.find(message.record.rid))?.schedule?.dueMs ?? 0;
  t.ok(due > startMs + 620 * MINUTE_MS && due < startMs + 640 * MINUTE_MS, `${(due - startMs) / MINUTE_MS} minutes`);
  t.equal(ab.attempts, 1);
});

t.test('what is sent over one link may be receipted over another', async (t) => {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const [down, downEnd] = MemoryLink.pair('b/down', 'a/down');
  const [up, upEnd] = MemoryLink.pair('b/up', 'a/up');
  const between = (startMin: number, endMin: number): LanePlan => ({ contacts: listed([{ startMs: startMs + startMin * MINUTE_MS, endMs: startMs + endMin * MINUTE_MS, rateBytesPerSec: 10_000, lightTimeMs: 0 }]) });
  const never: LanePlan = { contacts: listed([]) };
  // a sends down in the first minutes and never up; b answers up, hours later, and never down.
  const a = await openTestGateway({
    name: 'a',
    key: A,
    clock,
    peers: [
      { name: 'client', role: 'client', key: CLIENT },
      { name: 'b', role: 'neighbour', key: B, link: down, plan: between(0, 5), more: [{ link: up, plan: between(300, 310) }] },
    ],
    routes: [{ to: '*', via: 'b' }],
  });
  const b = await openTestGateway({ name: 'b', key: B, clock, peers: [{ name: 'a', role: 'neighbour', key: A, link: downEnd, plan: never, more: [{ link: upEnd, plan: between(300, 310) }] }], routes: [] });
  const message = testMessage(1, 'example.org', clock);
  await submit(a, [message]);
  await a.settle();
  await b.settle();
  t.equal(await stateAt(b, message), 'held');
  t.equal(await stateAt(a, message), 'held', 'no receipt yet');
  clock.advance(4 * HOUR_MS);
  await a.settle();
  t.equal(down.attempts, 1, 'nor is it overdue');
  clock.advance(HOUR_MS);
  await b.settle();
  await a.settle();
  t.equal(await stateAt(a, message), 'forwarded');
  t.equal(upEnd.attempts, 1);
  t.equal(downEnd.attempts, 0);
});

t.test('a budget is never overdrawn, and what it holds back goes when it is there again', async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 5, 24, 12));
  const budget = await budgetOf(clock, [{ per: 'day', bytes: 12_000 }]);
  const { a, b, ab, settle } = await openPair(clock, [[0, 100_000]], { budget });
  const messages = [1, 2, 3].map((seed) => testMessage(seed, 'example.org', clock, 7000));
  await submit(a, messages);
  await settle();
  t.same(await Promise.all(messages.map((message) => stateAt(b, message))), ['held', undefined, undefined]);
  t.ok(ab.sentBytes <= 12_000);
  t.equal(budget.status().month.bytes, ab.sentBytes, 'what was sent is what is counted');
  clock.advance(12 * HOUR_MS);
  await settle();
  t.equal((await Promise.all(messages.map((message) => stateAt(b, message)))).filter((state) => state === 'held').length, 2);
  t.match(statusOf(a, clock.nowMs()), { budget: { lines: [{ per: 'day', measure: 'bytes', limit: 12_000 }] } });
});

t.test('with nothing left of a budget nothing is tried until it is reset', async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 5, 24, 12));
  const budget = await budgetOf(clock, [{ per: 'day', sessions: 0 }]);
  const { a, ab, settle } = await openPair(clock, [[0, 100_000]], { budget });
  await submit(a, [testMessage(1, 'example.org', clock)]);
  t.equal(await settle(), Date.UTC(2026, 5, 25));
  t.equal(ab.attempts, 0);
  await budget.lift(clock.nowMs() + HOUR_MS);
  await settle();
  t.ok(ab.attempts > 0, 'the operator has lifted it');
});

t.test('a large blob waits for the cheap link; an operator sends it now', async (t) => {
  const clock = new ManualClock();
  const [dear] = MemoryLink.pair('b/dear', 'a/dear');
  const [cheap] = MemoryLink.pair('b/cheap', 'a/cheap');
  const inAnHour: LanePlan = { contacts: listed([{ startMs: clock.nowMs() + HOUR_MS, endMs: clock.nowMs() + 2 * HOUR_MS, rateBytesPerSec: 100_000, lightTimeMs: 0 }]) };
  const always: LanePlan = { contacts: listed([{ startMs: 0, endMs: clock.nowMs() * 2, rateBytesPerSec: 10_000, lightTimeMs: 0 }]), holdLargeBytes: 50_000 };
  const a = await openTestGateway({
    name: 'a',
    key: A,
    clock,
    largeBlobBytes: 100_000,
    peers: [
      { name: 'client', role: 'client', key: CLIENT },
      { name: 'b', role: 'neighbour', key: B, link: dear, plan: always, more: [{ link: cheap, plan: inAnHour }] },
    ],
    routes: [{ to: '*', via: 'b' }],
  });
  const sent: string[] = [];
  const note = (link: MemoryLink, name: string): void => {
    link.send = async (freight) => {
      sent.push(`${name} ${freight.bytes > 45_000 ? 'large' : 'small'}`);
      return { kind: 'written' };
    };
  };
  note(dear, 'dear');
  note(cheap, 'cheap');
  const [small, edge, huge] = [testMessage(1, 'example.org', clock, 49_999 - 10_000), testMessage(2, 'example.org', clock, 50_000), testMessage(3, 'films.example', clock, 300_000)];
  await submit(a, [small, edge, huge]);
  await a.settle();
  t.same(sent, ['dear small']);
  t.match(statusOf(a, clock.nowMs()), { heldLarge: 2 });
  t.equal(await orderQueue(a.gateway.context, 'send', { destination: 'films.example' }), 1);
  await a.settle();
  t.same([...new Set(sent.slice(1))], ['dear large'], 'all its pieces');
  t.match(statusOf(a, clock.nowMs()), { heldLarge: 1 });
  clock.advance(HOUR_MS);
  sent.length = 0;
  await a.settle();
  t.ok(sent.includes('cheap large'), sent.join(', '));
  t.notOk(sent.includes('dear large'));
});

t.test('a test of a link keeps to contacts and budgets, and says what it cost', async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 5, 24, 12));
  const budget = await budgetOf(clock, [{ per: 'day', bytes: 60_000 }]);
  const { a } = await openPair(clock, [[10, 20]], { budget });
  const handlers = adminHandlers(a.gateway, { status: () => undefined } as never);
  t.match(await handlers.testLink({ link: 'b', bytes: 0 }), { works: false, outcome: 'unreachable', reason: /next contact begins at 2026-06-24T12:10/ });
  clock.advance(10 * MINUTE_MS);
  t.match(await handlers.testLink({ link: 'b/memory', bytes: 50_000 }), { works: true, cost: /^0\.\d\d EUR$/ });
  t.ok(budget.status().month.bytes > 50_000);
  t.match(await handlers.testLink({ link: 'b', bytes: 50_000 }), { works: false, outcome: 'refused', reason: /bytes are spent/ });
  t.match(await handlers.liftBudget({ link: 'b', forMs: HOUR_MS }), { link: 'b/memory', budget: { liftedUntilMs: clock.nowMs() + HOUR_MS } });
  t.match(await handlers.testLink({ link: 'b', bytes: 50_000 }), { works: true });
  await t.rejects(handlers.liftBudget({ link: 'c', forMs: 1 }), { code: 'GATEWAY_NO_LINK' });
});
