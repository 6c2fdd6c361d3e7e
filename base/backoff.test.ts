import t from 'tap';
import fc from 'fast-check';
import { backoffMs } from './backoff.js';
import { seededRandom } from './random.js';

const LAW = { firstMs: 1000, capMs: 60_000 };

t.test('doubles with every attempt until the cap', async (t) => {
  const middle = { bytes: () => new Uint8Array(), fraction: () => 0.5 };
  t.same([1, 2, 3, 6, 7, 100].map((attempts) => backoffMs(LAW, attempts, middle)), [1000, 2000, 4000, 32_000, 60_000, 60_000]);
});

t.test('stays within a fifth of the plain delay and never passes the cap', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer(), (attempts, seed) => {
      const plainMs = Math.min(LAW.capMs, LAW.firstMs * 2 ** Math.min(attempts - 1, 40));
      const delayMs = backoffMs(LAW, attempts, seededRandom(seed));
      return delayMs <= LAW.capMs && delayMs >= Math.floor(plainMs * 0.8) && delayMs <= Math.ceil(plainMs * 1.2);
    }),
  );
});
