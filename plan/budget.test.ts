import t from 'tap';
import fc from 'fast-check';
import { asLedgerState, Budget, moneyFor } from './budget.js';
import type { BudgetTerms, Cost, Price } from './budget.js';
import { periodEndMs, periodStartMs } from './period.js';

const DAY_MS = 86_400_000;
/** Wednesday, 24 June 2026. */
const NOON = Date.UTC(2026, 5, 24, 12);
const FREE: Price = { perMegabyte: 0, perMinute: 0, perSession: 0, minimum: 0, stepBytes: 1 };

function terms(limits: BudgetTerms['limits'], price: Partial<Price> = {}, monthBeginsOn = 1): BudgetTerms {
  return { price: { ...FREE, ...price }, limits, alertPercent: 80, monthBeginsOn };
}

const cost = (bytes: number, sessions = 1, ms = 0): Cost => ({ bytes, sessions, ms });

t.test('days begin at midnight, weeks on Monday, months on the day of the bill', async (t) => {
  t.equal(periodStartMs('day', NOON), Date.UTC(2026, 5, 24));
  t.equal(periodStartMs('week', NOON), Date.UTC(2026, 5, 22));
  t.equal(periodStartMs('week', Date.UTC(2026, 5, 21, 23)), Date.UTC(2026, 5, 15));
  t.equal(periodStartMs('month', NOON), Date.UTC(2026, 5, 1));
  t.equal(periodStartMs('month', NOON, 25), Date.UTC(2026, 4, 25));
  t.equal(periodStartMs('month', Date.UTC(2026, 0, 3), 28), Date.UTC(2025, 11, 28));
  t.equal(periodEndMs('month', Date.UTC(2025, 11, 28), 28), Date.UTC(2026, 0, 28));
  t.equal(periodEndMs('month', Date.UTC(2026, 1, 1)), Date.UTC(2026, 2, 1));
});

t.test('a limit may be used up to its last byte, and not beyond', async (t) => {
  const budget = new Budget(terms([{ per: 'day', bytes: 1000 }]));
  t.same(budget.check(cost(1000), NOON), { kind: 'ok' });
  t.match(budget.check(cost(1001), NOON), { kind: 'spent', line: { measure: 'bytes', limit: 1000, resetsAtMs: Date.UTC(2026, 5, 25) } });
  budget.add(cost(999), NOON);
  t.equal(budget.leftBytes(NOON), 1);
  budget.add(cost(1), NOON);
  t.equal(budget.leftBytes(NOON), 0);
  t.match(budget.lines(NOON), [{ spent: 1000, state: 'spent' }]);
  t.equal(budget.leftBytes(NOON + DAY_MS), 1000, 'the next day brings a new one');
});

t.test('tells of a limit from its share on', async (t) => {
  const budget = new Budget(terms([{ per: 'week', bytes: 1000 }]));
  budget.add(cost(799), NOON);
  t.equal(budget.lines(NOON)[0]?.state, 'ok');
  budget.add(cost(1), NOON);
  t.equal(budget.lines(NOON)[0]?.state, 'alert');
});

t.test('money: per megabyte, minute and session, by steps, with a minimum', async (t) => {
  t.equal(moneyFor({ ...FREE, perMegabyte: 5 }, cost(1_500_000)), 7.5);
  t.equal(moneyFor({ ...FREE, perSession: 0.25, perMegabyte: 1 }, cost(1_000_000, 2)), 1.5);
  t.equal(moneyFor({ ...FREE, perMinute: 1.2 }, cost(0, 1, 90_000)), 1.8);
  t.equal(moneyFor({ ...FREE, perMegabyte: 5, minimum: 0.5 }, cost(10)), 0.5);
  t.equal(moneyFor({ ...FREE, perMegabyte: 1000, stepBytes: 50 }, cost(51)), 0.1, 'a step begun is paid whole');
  t.equal(moneyFor({ ...FREE, perMegabyte: 1 }, cost(1)), 0.000001, 'the least there is');
});

t.test('says how many bytes the money is enough for', async (t) => {
  const price = { perMegabyte: 1000, perSession: 0.04, stepBytes: 50 };
  const budget = new Budget(terms([{ per: 'month', money: 0.19 }], price));
  t.equal(budget.leftBytes(NOON), 150);
  t.same(budget.check(cost(150), NOON), { kind: 'ok' });
  t.match(budget.check(cost(151), NOON), { kind: 'spent', line: { measure: 'money' } });
  t.equal(new Budget(terms([{ per: 'month', money: 0.4 }], { minimum: 0.5, perMegabyte: 1 })).leftBytes(NOON), 0, 'less than a session costs');
  t.equal(new Budget(terms([{ per: 'month', money: 0.4 }], { perSession: 0.4 })).leftBytes(NOON), Infinity);
});

t.test('sessions and minutes are limited as well', async (t) => {
  const budget = new Budget(terms([{ per: 'day', sessions: 2 }, { per: 'month', minutes: 1.5 }]));
  budget.add(cost(1, 1, 60_000), NOON);
  t.match(budget.check(cost(1, 1, 31_000), NOON), { kind: 'spent', line: { measure: 'minutes', per: 'month' } });
  t.same(budget.check(cost(1, 1, 30_000), NOON), { kind: 'ok' });
  budget.add(cost(1), NOON);
  t.match(budget.check(cost(1), NOON), { kind: 'spent', line: { measure: 'sessions', per: 'day' } });
  t.equal(budget.leftBytes(NOON), 0);
});

t.test('says how many bytes the minutes are enough for', async (t) => {
  const takes = { atLeastMs: 30_000, perByteMs: 2 };
  const budget = new Budget(terms([{ per: 'day', minutes: 1.5 }], { perMinute: 1.2 }));
  t.equal(budget.leftBytes(NOON, takes), 29_999, 'a part of a millisecond counts as one');
  t.equal(new Budget(terms([{ per: 'day', money: 1.8 }], { perMinute: 1.2 })).leftBytes(NOON, takes), 29_999);
  budget.add(cost(1, 1, 61_000), NOON);
  t.equal(budget.leftBytes(NOON, takes), 0, 'less than any send may take');
});

t.test('sums of fractions are what they are to people', async (t) => {
  const budget = new Budget(terms([{ per: 'day', money: 0.09 }], { perMegabyte: 0.07, minimum: 0.02 }));
  budget.add(cost(0), NOON);
  t.same(budget.check(cost(1_000_000), NOON), { kind: 'ok' });
});

t.test('the true cost takes the place of the booked one', async (t) => {
  const budget = new Budget(terms([{ per: 'day', bytes: 1000 }, { per: 'month', bytes: 9000 }]));
  const booking = budget.add(cost(800), NOON);
  budget.correct(booking, cost(300), NOON);
  t.same(budget.lines(NOON).map((line) => line.spent), [300, 300]);
  const late = budget.add(cost(500), NOON);
  budget.correct(late, cost(100), NOON + DAY_MS);
  t.same(budget.lines(NOON + DAY_MS).map((line) => line.spent), [0, 400], 'a day that has not paid gets nothing back');
  const dear = budget.add(cost(100), NOON + DAY_MS);
  budget.correct(dear, cost(250), NOON + 2 * DAY_MS);
  t.same(budget.lines(NOON + 2 * DAY_MS).map((line) => line.spent), [150, 650], 'more than was booked is always counted');
});

t.test('a clock that goes back brings no new budget', async (t) => {
  const budget = new Budget(terms([{ per: 'day', bytes: 1000 }]));
  budget.add(cost(1000), NOON);
  t.equal(budget.leftBytes(NOON - 3 * DAY_MS), 0);
  t.equal(budget.leftBytes(NOON), 0);
});

t.test('periods of a time that was wrong are those of now, with what was spent in them', async (t) => {
  const budget = new Budget(terms([{ per: 'day', bytes: 1000 }, { per: 'month', bytes: 5000 }]));
  budget.add(cost(600), NOON + 90 * DAY_MS);
  budget.lift(NOON + 91 * DAY_MS);
  budget.timeFell(NOON);
  t.match(budget.lines(NOON), [{ spent: 600, resetsAtMs: Date.UTC(2026, 5, 25) }, { spent: 600, resetsAtMs: Date.UTC(2026, 6, 1) }]);
  t.equal(budget.leftBytes(NOON), 400, 'and what was lifted is so no more');
  t.equal(budget.leftBytes(NOON + DAY_MS), 1000);
});

t.test('what the operator has lifted is open, counted, and closed again in time', async (t) => {
  const budget = new Budget(terms([{ per: 'day', bytes: 1000 }]));
  budget.add(cost(1000), NOON);
  budget.lift(NOON + 60_000);
  t.same(budget.check(cost(5000), NOON), { kind: 'ok' });
  t.equal(budget.leftBytes(NOON), Infinity);
  budget.add(cost(5000), NOON);
  t.match(budget.check(cost(1), NOON + 60_000), { kind: 'spent', line: { spent: 6000 } });
});

t.test('goes on from what was kept, and knows what is no ledger', async (t) => {
  const limits = terms([{ per: 'day', bytes: 1000 }]);
  const before = new Budget(limits);
  before.add(cost(400), NOON);
  const state = asLedgerState(JSON.parse(JSON.stringify(before.state(NOON))));
  t.ok(state);
  t.equal(new Budget(limits, state).leftBytes(NOON), 600);
  const empty = new Budget(limits);
  empty.lift(NOON + 1);
  t.ok(asLedgerState(JSON.parse(JSON.stringify(empty.state(NOON)))), 'even before anything was spent');
  for (const bad of [undefined, null, 7, {}, { ...state, version: 2 }, { ...state, periods: {} }, { ...state, periods: { ...state?.periods, day: { startMs: 'x', spent: {} } } }, { ...state, liftedUntilMs: '1' }]) t.equal(asLedgerState(bad), undefined);
});

t.test('never counts less than was spent, whatever the order of bookings, corrections and days', async () => {
  const event = fc.record({ bytes: fc.nat(2000), actual: fc.nat(2000), later: fc.nat(2), settles: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const budget = new Budget(terms([{ per: 'month', bytes: 1_000_000 }]));
      let nowMs = Date.UTC(2026, 5, 1);
      let trulyBytes = 0;
      for (const { bytes, actual, later, settles } of events) {
        const booked = Math.max(bytes, actual);
        const booking = budget.add(cost(booked), nowMs);
        nowMs += later * 3_600_000;
        trulyBytes += actual;
        if (settles) budget.correct(booking, cost(actual), nowMs);
      }
      return budget.spent('month', nowMs).bytes >= trulyBytes;
    }),
    { numRuns: 200 },
  );
});

t.test('what it says is left can always be spent', async () => {
  const hundredths = (most: number): fc.Arbitrary<number> => fc.nat(most).map((n) => n / 100);
  const price = fc.record({ perMegabyte: hundredths(5000), perMinute: hundredths(300), perSession: hundredths(100), minimum: hundredths(100), stepBytes: fc.integer({ min: 1, max: 100 }) });
  const takes = fc.record({ atLeastMs: fc.nat(120_000), perByteMs: fc.nat(5000).map((n) => n / 1000) });
  fc.assert(
    fc.property(price, takes, hundredths(10_000), fc.nat(60), fc.nat(500_000), (found, takes, money, minutes, bytes) => {
      const budget = new Budget({ price: found, limits: [{ per: 'day', money, minutes, bytes: 1_000_000 }], alertPercent: 80, monthBeginsOn: 1 });
      const lasting = (size: number): Cost => cost(size, 1, takes.atLeastMs + takes.perByteMs * size);
      if (budget.check(lasting(bytes), NOON).kind === 'ok') budget.add(lasting(bytes), NOON);
      const left = budget.leftBytes(NOON, takes);
      return left === 0 || budget.check(lasting(left), NOON).kind === 'ok';
    }),
    { numRuns: 500 },
  );
});
