import t from 'tap';
import { padmeBytes } from './padme.js';

t.test('sizes are rounded as the paper rounds them', async (t) => {
  const sizes: [number, number][] = [
    [0, 0], [1, 1], [2, 2], [3, 3], [8, 8], [9, 10], [10, 10], [11, 12], [15, 16], [16, 16], [17, 18],
    [100, 104], [1000, 1024], [1024, 1024], [1025, 1088], [65_536, 65_536], [65_537, 67_584],
    [1_000_000, 1_015_808], [2 ** 30 + 1, 2 ** 30 + 2 ** 25],
  ];
  for (const [size, padded] of sizes) t.equal(padmeBytes(size), padded, `${size}`);
});

t.test('a padded size is never smaller, never more than 12 % larger, and stays as it is', async (t) => {
  let worst = 0;
  let smaller = 0;
  let moved = 0;
  for (let size = 1; size < 2 ** 46; size = Math.ceil(size * 1.0013) + 1) {
    const padded = padmeBytes(size);
    worst = Math.max(worst, padded / size - 1);
    if (padded < size) smaller += 1;
    if (padmeBytes(padded) !== padded) moved += 1;
  }
  t.ok(worst < 0.12, `worst ${worst}`);
  t.equal(smaller, 0);
  t.equal(moved, 0);
});

t.test('a size near a power of two is exact at any magnitude', async (t) => {
  for (let power = 4; power < 53; power += 1) {
    t.equal(padmeBytes(2 ** power), 2 ** power);
    t.equal(padmeBytes(2 ** power - 1), 2 ** power);
  }
});
