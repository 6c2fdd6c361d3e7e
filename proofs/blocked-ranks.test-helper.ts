/**
 * Does something that is measured depend on what it is measured of? Friedman's test: every round measures each
 * class once, in an order drawn anew, and only ranks within the round count. A machine that is busy, or slows down, or
 * stumbles now and then, raises a whole round or a random member of it, and changes nothing in the false-alarm rate.
 */
import { seededRandom } from '../base/random.js';
import type { Random } from '../base/random.js';

/** One row a round, one column a class. */
export type Rounds = readonly (readonly number[])[];

/** Measures each class once a round; the order within each round is drawn from the seed. */
export async function measureRounds(classes: readonly (() => Promise<number>)[], rounds: number, seed: number): Promise<number[][]> {
  const random = seededRandom(seed);
  const rows: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const row = new Array<number>(classes.length).fill(0);
    for (const index of shuffled(classes.length, random)) row[index] = await (classes[index] as () => Promise<number>)();
    rows.push(row);
  }
  return rows;
}

/** How probable ranks as unequal as these are where nothing depends on the class (chi-square approximation, corrected for ties). */
export function falseAlarmRate(rounds: Rounds): number {
  const classes = rounds[0]?.length ?? 0;
  const sums = new Array<number>(classes).fill(0);
  let squares = 0;
  for (const row of rounds) {
    for (const [index, rank] of ranksOf(row).entries()) {
      sums[index] = (sums[index] as number) + rank;
      squares += rank * rank;
    }
  }
  const mean = (classes + 1) / 2;
  const between = sums.reduce((sum, rankSum) => sum + (rankSum / rounds.length - mean) ** 2, 0) * rounds.length;
  const within = (squares - rounds.length * classes * mean * mean) / (rounds.length * (classes - 1));
  return within === 0 ? 1 : chiSquareTail(between / within, classes - 1);
}

/** The middle of each column. */
export function medians(rounds: Rounds): number[] {
  return (rounds[0] ?? []).map((_, column) => {
    const values = rounds.map((row) => row[column] as number).sort((a, b) => a - b);
    return values[values.length >> 1] as number;
  });
}

/** 1 for the smallest; equal values share the mean of their ranks. */
function ranksOf(row: readonly number[]): number[] {
  return row.map((value) => {
    const below = row.filter((other) => other < value).length;
    const equal = row.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random.fraction() * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  return order;
}

/** The upper tail of the chi-square distribution: the regularized incomplete gamma function Q, by its series or its continued fraction. */
export function chiSquareTail(value: number, degrees: number): number {
  const [a, x] = [degrees / 2, value / 2];
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 1000 && term > sum * 1e-15; n += 1) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - sum * scale;
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1000; n += 1) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction * scale;
}

/** For half-integers, from Γ(1/2) and Γ(1) upwards. */
function logGamma(a: number): number {
  let at = Number.isInteger(a) ? 1 : 0.5;
  let log = Number.isInteger(a) ? 0 : Math.log(Math.PI) / 2;
  for (; at < a; at += 1) log += Math.log(at);
  return log;
}
