/** How fast a way is where that changes in time: with the distance, or from step to step as somebody has measured it. */

export interface Pace {
  /** The rate at a time, in bits a second. */
  rateAt(us: number): number;
  /** The mean from one time to another, what a contact plan says. */
  meanBits(fromUs: number, untilUs: number): number;
  /** How long so many bits take that begin to leave at this time. Infinity: they never will have left. */
  transferUs(leavesUs: number, bits: number): number;
}

/** One rate from here to the next step. */
export interface PaceStep {
  readonly fromUs: number;
  readonly bitsPerSec: number;
}

const US_PER_SEC = 1e6;

/** A rate that changes so slowly that a transfer goes at the rate of its beginning. */
export function slowPace(bitsAt: (us: number) => number): Pace {
  return {
    rateAt: bitsAt,
    meanBits: (fromUs) => bitsAt(fromUs),
    transferUs: (leavesUs, bits) => (bits * US_PER_SEC) / bitsAt(leavesUs),
  };
}

/** Steps in order, the first at 0, gone through again and again where `repeats`; otherwise the last one holds. */
export function steppedPace(steps: readonly PaceStep[], lengthUs: number, repeats: boolean): Pace {
  const starts = Float64Array.from(steps, ({ fromUs }) => fromUs);
  const rates = Float64Array.from(steps, ({ bitsPerSec }) => bitsPerSec);
  const before = new Float64Array(steps.length + 1);
  for (let index = 0; index < steps.length; index += 1) before[index + 1] = before[index]! + (rates[index]! * ((starts[index + 1] ?? lengthUs) - starts[index]!)) / US_PER_SEC;
  const roundBits = before[steps.length]!;
  const lastRate = rates[steps.length - 1] ?? 0;

  /** The bits that could have left from the beginning until then. */
  const bitsUntil = (us: number): number => {
    const rounds = repeats ? Math.floor(us / lengthUs) : 0;
    const inRoundUs = us - rounds * lengthUs;
    if (inRoundUs >= lengthUs) return roundBits + (lastRate * (inRoundUs - lengthUs)) / US_PER_SEC;
    const index = lastAtOrBelow(starts, inRoundUs);
    return rounds * roundBits + before[index]! + (rates[index]! * (inRoundUs - starts[index]!)) / US_PER_SEC;
  };
  /** The first time until which so many could have left. */
  const timeOf = (bits: number): number => {
    if (roundBits === 0 && (repeats || lastRate === 0)) return Number.POSITIVE_INFINITY;
    const rounds = repeats ? Math.ceil(bits / roundBits) - 1 : 0;
    // Rounded, it may lie beside its round by a hair.
    const inRound = repeats ? Math.min(roundBits, Math.max(Number.MIN_VALUE, bits - rounds * roundBits)) : bits;
    if (inRound > roundBits) return lastRate === 0 ? Number.POSITIVE_INFINITY : lengthUs + ((inRound - roundBits) * US_PER_SEC) / lastRate;
    const index = last(before, (value) => value < inRound);
    return rounds * lengthUs + starts[index]! + ((inRound - before[index]!) * US_PER_SEC) / rates[index]!;
  };
  return {
    rateAt: (us) => rates[lastAtOrBelow(starts, repeats ? us % lengthUs : us)] ?? 0,
    meanBits: (fromUs, untilUs) => {
      const endUs = Math.min(untilUs, fromUs + lengthUs);
      return ((bitsUntil(endUs) - bitsUntil(fromUs)) * US_PER_SEC) / (endUs - fromUs);
    },
    transferUs: (leavesUs, bits) => (bits <= 0 ? 0 : timeOf(bitsUntil(leavesUs) + bits) - leavesUs),
  };
}

/** The index of the last value that is `limit` or less; values ascend, and the first is. */
export function lastAtOrBelow(values: Float64Array, limit: number): number {
  return last(values, (value) => value <= limit);
}

function last(values: Float64Array, holds: (value: number) => boolean): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(values[middle]!)) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
