import t from 'tap';
import { seededRandom } from '../base/random.js';
import { chiSquareTail, falseAlarmRate, measureRounds, medians } from './blocked-ranks.test-helper.js';
import type { Rounds } from './blocked-ranks.test-helper.js';

/** Times on a machine that drifts, stumbles and is busy by turns; `extra` is what the last class takes longer. */
function noisy(seed: number, extra = 0, rounds = 400, classes = 5): Rounds {
  const random = seededRandom(seed);
  return Array.from({ length: rounds }, (_, round) => {
    const drift = 1 + Math.sin(round / 30) + (round > rounds / 2 ? 5 : 0);
    return Array.from({ length: classes }, (_, index) => {
      const stumble = random.fraction() < 0.1 ? 20 * random.fraction() : 0;
      return drift + random.fraction() + stumble + (index === classes - 1 ? extra : 0);
    });
  });
}

t.test('the chi-square tail agrees with the tables', async (t) => {
  for (const [value, degrees, tail] of [
    [3.841, 1, 0.05],
    [11.07, 5, 0.05],
    [15.086, 5, 0.01],
    [23.513, 4, 1e-4],
    [1.145, 5, 0.95],
  ] as const) {
    t.ok(Math.abs(chiSquareTail(value, degrees) / tail - 1) < 0.01, `${value} at ${degrees}`);
  }
});

t.test('where nothing depends on the class, alarms are as rare as they say', async (t) => {
  const rates = Array.from({ length: 2000 }, (_, seed) => falseAlarmRate(noisy(seed * 7919 + 1, 0, 60)));
  for (const level of [0.1, 0.01, 0.002]) {
    const share = rates.filter((rate) => rate < level).length / rates.length;
    t.ok(share > level / 3 && share < level * 2, `${share} below ${level}`);
  }
});

t.test('a difference far smaller than the noise is found', async (t) => {
  t.ok(falseAlarmRate(noisy(5, 0.3)) < 1e-9);
});

t.test('equal measurements are no difference', async (t) => {
  t.equal(falseAlarmRate(Array.from({ length: 50 }, () => [1, 1, 1])), 1);
});

t.test('each class is measured once a round, in an order that changes', async (t) => {
  const order: number[] = [];
  const rows = await measureRounds([0, 1, 2].map((index) => async () => order.push(index) && index), 20, 1);
  t.same(new Set(rows.map(String)), new Set(['0,1,2']));
  const rounds = Array.from({ length: 20 }, (_, round) => order.slice(3 * round, 3 * round + 3).join(''));
  t.ok(new Set(rounds).size > 3);
  t.same(medians(rows), [0, 1, 2]);
});
