/** What a send costs by the judge's own books: when its minutes count, and for which day. */
import t from 'tap';
import type { BudgetTerms } from '../plan/budget.js';
import { always } from '../plan/contact.js';
import { Checks } from './checks.js';
import { EventQueue } from './event-queue.js';
import { SendJudge } from './send-judge.js';

const NOON = Date.UTC(2026, 5, 24, 12);
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function judgeOf(limits: BudgetTerms['limits']): { readonly judge: SendJudge; readonly texts: () => string[] } {
  const checks = new Checks({ nowUs: 0, startMs: NOON, queue: new EventQueue() }, new Map());
  const price = { perMegabyte: 0, perMinute: 1.5, perSession: 0, minimum: 0.1, stepBytes: 1 };
  const judge = new SendJudge({ node: 'ada', link: 'sat', contacts: always({ rateBytesPerSec: 1000, lightTimeMs: 0 }), budget: { price, limits, alertPercent: 80, monthBeginsOn: 1 }, checks });
  return { judge, texts: () => checks.violations.map(({ text }) => text) };
}

t.test('minutes are spent when a send is over, of all sends together', async (t) => {
  const { judge, texts } = judgeOf([{ per: 'day', minutes: 3 }]);
  const [first, second] = [judge.sent(100, NOON), judge.sent(100, NOON)];
  first(2 * MINUTE_MS);
  second(MINUTE_MS);
  t.same(texts(), []);
  judge.sent(100, NOON)(1);
  t.match(texts(), [/^sat has spent 3\.0000\d+ of 3 minutes per day$/]);
});

t.test('a send counts for the day on which it began, however late it ends', async (t) => {
  const { judge, texts } = judgeOf([{ per: 'day', minutes: 3 }]);
  const late = judge.sent(100, NOON);
  judge.sent(100, NOON + DAY_MS)(2 * MINUTE_MS);
  late(2 * MINUTE_MS);
  t.same(texts(), [], 'two minutes of each day');
  judge.sent(100, NOON)(2 * MINUTE_MS);
  t.equal(texts().length, 1, 'a clock that goes back opens no day again');
});

t.test('money by the minute counts, and the least that a session costs only once', async (t) => {
  const { judge, texts } = judgeOf([{ per: 'day', money: 3.1 }]);
  judge.sent(100, NOON)(0);
  judge.sent(100, NOON)(2 * MINUTE_MS);
  t.same(texts(), [], '0.10 and 3.00');
  judge.sent(100, NOON);
  t.match(texts(), [/of 3\.1 money per day$/]);
});
