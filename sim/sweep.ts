/** What a sweep runs: every variant with every seed. */
import type { Change } from './change-scenario.js';
import { changeText } from './change-scenario.js';
import type { SweepJob, Variant } from './sweep-run.js';

/** Every combination of one value for each path. */
export function gridOf(axes: readonly (readonly Change[])[]): Change[][] {
  return axes.reduce<Change[][]>((cells, values) => cells.flatMap((cell) => values.map((value) => [...cell, value])), [[]]);
}

export function variantName(changes: readonly Change[]): string {
  return changes.length === 0 ? 'as it is' : changes.map(changeText).join(', ');
}

export function jobsOf(variants: readonly Variant[], seeds: readonly number[]): SweepJob[] {
  return seeds.flatMap((seed) => variants.map((variant) => ({ variant, seed })));
}
