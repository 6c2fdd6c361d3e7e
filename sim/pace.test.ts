import t from 'tap';
import fc from 'fast-check';
import { slowPace, steppedPace } from './pace.js';

const STEPS = [
  { fromUs: 0, bitsPerSec: 1000 },
  { fromUs: 2e6, bitsPerSec: 0 },
  { fromUs: 3e6, bitsPerSec: 4000 },
];

t.test('a transfer goes at each rate in its turn, and waits where there is none', async (t) => {
  const pace = steppedPace(STEPS, 4e6, true);
  t.equal(pace.transferUs(0, 1000), 1e6);
  t.equal(pace.transferUs(0, 2000), 2e6);
  t.equal(pace.transferUs(0, 4000), 3.5e6, 'a second of silence in between');
  t.equal(pace.transferUs(2.5e6, 4000), 1.5e6);
  t.equal(pace.transferUs(0, 6000), 4e6, 'one round');
  t.equal(pace.transferUs(1e6, 60_000), 40e6, 'ten rounds');
  t.same([0, 2e6, 3.9e6, 4e6].map((us) => pace.rateAt(us)), [1000, 0, 4000, 1000]);
  t.equal(pace.meanBits(0, 4e6), 1500);
  t.equal(pace.meanBits(2e6, 3e6), 0);
  t.equal(pace.meanBits(0, Number.MAX_SAFE_INTEGER), 1500);
});

t.test('without rounds the last rate holds; where it is none, nothing more leaves', async (t) => {
  t.equal(steppedPace(STEPS, 4e6, false).transferUs(0, 10_000), 5e6);
  const ends = steppedPace([{ fromUs: 0, bitsPerSec: 1000 }, { fromUs: 2e6, bitsPerSec: 0 }], 4e6, false);
  t.equal(ends.transferUs(0, 2000), 2e6);
  t.equal(ends.transferUs(0, 2001), Number.POSITIVE_INFINITY);
  t.equal(steppedPace([{ fromUs: 0, bitsPerSec: 0 }], 1e6, true).transferUs(0, 1), Number.POSITIVE_INFINITY);
});

t.test('a rate that changes slowly is that of the beginning', async (t) => {
  const pace = slowPace((us) => 1000 + us);
  t.equal(pace.transferUs(1000, 2000), 1e6);
  t.equal(pace.meanBits(1000, 5000), 2000);
});

t.test('what leaves in two parts leaves as soon as what leaves at once', async () => {
  const step = fc.record({ lengthUs: fc.integer({ min: 1, max: 5_000_000 }), bitsPerSec: fc.integer({ min: 0, max: 100_000 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 50_000_000 }), fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 100_000 }), (parts, leavesUs, first, second) => {
      let atUs = 0;
      const steps = parts.map(({ lengthUs, bitsPerSec }) => {
        const fromUs = atUs;
        atUs += lengthUs;
        return { fromUs, bitsPerSec };
      });
      const pace = steppedPace(steps, atUs, true);
      const once = pace.transferUs(leavesUs, first + second);
      const firstUs = pace.transferUs(leavesUs, first);
      if (!Number.isFinite(once)) return !Number.isFinite(firstUs);
      const twice = firstUs + pace.transferUs(leavesUs + firstUs, second);
      // Rounding at the edge of a silent step may tell one side of it from the other; it is silent, so no bits lie between.
      return once > 0 && (Math.abs(once - twice) <= 1 + 1e-6 * once || pace.meanBits(leavesUs + Math.min(once, twice), leavesUs + Math.max(once, twice)) < 1);
    }),
    { numRuns: 2000, seed: 7 },
  );
});
