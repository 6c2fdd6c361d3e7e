/**
 * How likely an object arrives from one round where each datagram is lost by itself: the chance that of n symbols k come through, which no
 * code can beat. Any k of a small block give it back, so there the bound is met exactly.
 */
import type { ObjectShape } from './packets.js';

/** Of an object with one block, all of whose symbols are in the round. */
export function arrivalOdds({ objectBytes, symbolBytes, repairSymbols }: ObjectShape, loss: number): number {
  if (symbolBytes === 0) return 1 - loss;
  const sources = Math.ceil(objectBytes / symbolBytes);
  return atLeast(sources, sources + repairSymbols, 1 - loss);
}

/** The chance of at least `k` successes in `n` tries. From the likeliest count downwards and upwards, so that nothing vanishes. */
export function atLeast(k: number, n: number, chance: number): number {
  const likeliest = Math.min(n, Math.floor((n + 1) * chance));
  const odds = chance / (1 - chance);
  let [all, wanted] = [1, likeliest >= k ? 1 : 0];
  const add = (weight: number, count: number): void => {
    all += weight;
    if (count >= k) wanted += weight;
  };
  for (let count = likeliest, weight = 1; count < n; count++) {
    weight *= ((n - count) / (count + 1)) * odds;
    add(weight, count + 1);
  }
  for (let count = likeliest, weight = 1; count > 0; count--) {
    weight *= count / (n - count + 1) / odds;
    add(weight, count - 1);
  }
  return wanted / all;
}
