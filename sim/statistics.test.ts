import t from 'tap';
import { clusteredShare, meanOf, studentT, wilson } from './statistics.js';
import { Streams } from './streams.js';

t.test('Wilson agrees with what is published, and stays within 0 and 1', async (t) => {
  // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
  for (const [successes, trials, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]] as const) {
    const bounds = wilson(successes, trials);
    t.equal(bounds.low.toFixed(4), low.toFixed(4));
    t.equal(bounds.high.toFixed(4), high.toFixed(4));
  }
  t.match(wilson(20, 20), { value: 1, high: 1 });
  t.same(wilson(0, 0), { value: 0, low: 0, high: 1 });
});

t.test('Student agrees with the tables', async (t) => {
  for (const [freedom, wanted] of [[1, 12.706], [4, 2.776], [8, 2.306], [9, 2.262], [10, 2.228], [30, 2.042], [100, 1.984], [1000, 1.962]] as const) t.equal(studentT(freedom).toFixed(3), wanted.toFixed(3), `${freedom}`);
});

t.test('bounds of means hold the truth as often as they say', async (t) => {
  const chance = new Streams(1).named('means');
  let held = 0;
  for (let trial = 0; trial < 2000; trial += 1) {
    const { low, high } = meanOf(Array.from({ length: 8 }, () => Array.from({ length: 12 }, () => chance.fraction()).reduce((sum, each) => sum + each, 0)));
    if (low <= 6 && high >= 6) held += 1;
  }
  t.ok(Math.abs(held / 2000 - 0.95) < 0.015, `${held} of 2000`);
  t.match(meanOf([3]), { value: 3, low: -Infinity, high: Infinity }, 'one value says nothing of others');
});

t.test('messages that share their luck count for less', async (t) => {
  const alike = clusteredShare(Array.from({ length: 20 }, () => ({ successes: 90, trials: 100 })));
  t.same(alike, wilson(1800, 2000), 'runs that do not differ at all tell nothing against independence');
  const torn = clusteredShare(Array.from({ length: 20 }, (_, run) => ({ successes: run % 10 === 0 ? 0 : 100, trials: 100 })));
  t.equal(torn.value.toFixed(6), alike.value.toFixed(6));
  t.ok(torn.high - torn.low > 5 * (alike.high - alike.low), 'one stick in ten lost is a tenth of the runs, not of the messages');
  t.match(clusteredShare([]), { value: 0, low: 0, high: 1 });
});
