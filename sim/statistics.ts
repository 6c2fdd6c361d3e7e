/** How sure a figure is that comes from so many runs. All bounds are for 95 %. */

export interface Bounds {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Of the standard normal distribution: 95 % lie within so many of its units. */
const Z = 1.959964;

/** E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927: never below 0 or above 1, and sound for few trials. */
export function wilson(successes: number, trials: number): Bounds {
  if (trials <= 0) return { value: 0, low: 0, high: 1 };
  const share = successes / trials;
  const middle = share + (Z * Z) / (2 * trials);
  const spread = Z * Math.sqrt((share * (1 - share)) / trials + (Z * Z) / (4 * trials * trials));
  const scale = 1 + (Z * Z) / trials;
  return { value: share, low: successes === 0 ? 0 : (middle - spread) / scale, high: successes === trials ? 1 : (middle + spread) / scale };
}

/**
 * The share of messages that arrived, over runs. Messages of one run share their luck, so each counts for less than one where
 * runs differ more than chance among messages explains (L. Kish's design effect); then Wilson's bounds for that many.
 */
export function clusteredShare(runs: readonly { readonly successes: number; readonly trials: number }[]): Bounds {
  const trials = runs.reduce((sum, run) => sum + run.trials, 0);
  const successes = runs.reduce((sum, run) => sum + run.successes, 0);
  if (trials === 0) return wilson(0, 0);
  const share = successes / trials;
  const independent = (share * (1 - share)) / trials;
  if (independent === 0 || runs.length < 2) return wilson(successes, trials);
  const squares = runs.reduce((sum, run) => sum + (run.successes - share * run.trials) ** 2, 0);
  const clustered = ((runs.length / (runs.length - 1)) * squares) / trials ** 2;
  const effect = Math.max(1, clustered / independent);
  return wilson(successes / effect, trials / effect);
}

/** Mean and Student's bounds for it. Where there is one value, nothing is known of how others would fall. */
export function meanOf(values: readonly number[]): Bounds {
  const count = values.length;
  const value = values.reduce((sum, each) => sum + each, 0) / Math.max(1, count);
  if (count < 2) return { value, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance = values.reduce((sum, each) => sum + (each - value) ** 2, 0) / (count - 1);
  const reach = studentT(count - 1) * Math.sqrt(variance / count);
  return { value, low: value - reach, high: value + reach };
}

/** By degrees of freedom from 1; beyond, the series of Cornish and Fisher (Abramowitz and Stegun 26.7.5) is exact to three places. */
const FIRST_T = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306];

/** Of Student's distribution: 95 % lie within so many of its units. */
export function studentT(freedom: number): number {
  const first = FIRST_T[freedom - 1];
  if (first !== undefined) return first;
  const terms = [(Z ** 3 + Z) / 4, (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96, (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384];
  return Z + terms.reduce((sum, term, power) => sum + term / freedom ** (power + 1), 0);
}
