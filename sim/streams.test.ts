import t from 'tap';
import { Streams } from './streams.js';

t.test('gives each name a stream of its own, which others do not shift', async (t) => {
  const alone = new Streams(7);
  const first = Array.from({ length: 5 }, () => alone.named('link a').fraction());
  const crowded = new Streams(7);
  crowded.named('link b').fraction();
  const among = Array.from({ length: 5 }, () => {
    crowded.named('link c').bytes(3);
    return crowded.named('link a').fraction();
  });
  t.same(among, first);
  t.not(new Streams(8).named('link a').fraction(), first[0], 'another seed, another stream');
});

t.test('draws evenly, within 3 sigma', async (t) => {
  const stream = new Streams(1).named('even');
  const draws = 100_000;
  let sum = 0;
  let heads = 0;
  let exponential = 0;
  for (let draw = 0; draw < draws; draw += 1) {
    sum += stream.fraction();
    if (stream.chance(0.1)) heads += 1;
    exponential += stream.exponential(5);
  }
  t.ok(Math.abs(sum / draws - 0.5) < 3 / Math.sqrt(12 * draws), 'fractions');
  t.ok(Math.abs(heads / draws - 0.1) < 3 * Math.sqrt((0.1 * 0.9) / draws), 'chances');
  t.ok(Math.abs(exponential / draws - 5) < (3 * 5) / Math.sqrt(draws), 'waiting times');
  const counts = new Map<number, number>();
  for (let draw = 0; draw < 6000; draw += 1) {
    const face = stream.between(1, 6);
    counts.set(face, (counts.get(face) ?? 0) + 1);
  }
  t.same([...counts.keys()].sort(), [1, 2, 3, 4, 5, 6]);
});
