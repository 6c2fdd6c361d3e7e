import t from 'tap';
import { arrivalOdds, atLeast } from './arrival-odds.js';
import { DESIGN_LOSS, planObject, sourceSymbols } from './object-plan.js';

t.test('the chance of at least k of n', async (t) => {
  const close = (found: number, wanted: number): boolean => Math.abs(found - wanted) < 1e-9;
  t.ok(close(atLeast(1, 1, 0.8), 0.8));
  t.ok(close(atLeast(2, 3, 0.5), 0.5));
  t.ok(close(atLeast(8, 9, 0.8), 9 * 0.8 ** 8 * 0.2 + 0.8 ** 9));
  t.ok(close(atLeast(0, 5, 0.8), 1));
  t.equal(atLeast(6, 5, 0.8), 0);
  // Not by their logarithms, and not lost among the smallest numbers either.
  t.ok(Math.abs(atLeast(28_000, 36_000, 0.8) - 1) < 1e-9);
  t.ok(atLeast(30_000, 36_000, 0.8) < 1e-9);
});

t.test('a small object is cut so that it arrives oftener than in the fewest symbols, for no more bytes', async (t) => {
  for (const [bytes, before] of [[10 << 10, 0.436], [20 << 10, 0.5], [50 << 10, 0.58], [100 << 10, 0.66], [200 << 10, 0.73]] as const) {
    const { shape, symbolsPerRound } = planObject(bytes, 1472, 30);
    const odds = arrivalOdds({ ...shape, repairSymbols: symbolsPerRound - sourceSymbols(shape) }, DESIGN_LOSS);
    t.ok(odds > before, `${bytes} bytes: ${odds.toFixed(3)}`);
  }
});
