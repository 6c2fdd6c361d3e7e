/** What many runs come to together: each figure with its bounds, by variant. */
import { clusteredShare, meanOf, wilson } from './statistics.js';
import type { Bounds } from './statistics.js';
import type { RunFigures, SweepRun } from './sweep-run.js';

export const SWEEP_FORMAT = 'postern-sim-sweep/1';

/** Figures that are averaged over runs. */
export type Measure = 'p50Sec' | 'p99Sec' | 'overhead' | 'mostBytes' | 'money';

export const MEASURES: readonly Measure[] = ['p50Sec', 'p99Sec', 'overhead', 'mostBytes', 'money'];

export interface SweepCell {
  readonly variant: string;
  readonly runs: number;
  /** Share of runs in which every check held and every expectation was met: Wilson. */
  readonly passed: Bounds;
  /** Share of messages: Wilson, with messages of one run counted together as far as runs differ. */
  readonly delivered: Bounds;
  /** Means over runs: Student. */
  readonly means: Readonly<Record<Measure, Bounds>>;
  readonly failed: readonly { readonly seed: number; readonly violations: number; readonly missed: readonly string[] }[];
}

export interface SweepResult {
  readonly format: typeof SWEEP_FORMAT;
  readonly scenario: string;
  readonly confidence: 0.95;
  readonly cells: readonly SweepCell[];
}

/** @param variants in the order in which they are to be told */
export function sweepResult(scenario: string, variants: readonly string[], runs: readonly SweepRun[]): SweepResult {
  const cells = variants.map((variant) => cellOf(variant, runs.filter((run) => run.variant === variant).sort((a, b) => a.seed - b.seed)));
  return { format: SWEEP_FORMAT, scenario, confidence: 0.95, cells };
}

function cellOf(variant: string, runs: readonly SweepRun[]): SweepCell {
  return {
    variant,
    runs: runs.length,
    passed: wilson(runs.filter(({ passed }) => passed).length, runs.length),
    delivered: clusteredShare(runs.map(({ figures }) => ({ successes: figures.delivered, trials: figures.sent }))),
    means: Object.fromEntries(MEASURES.map((measure) => [measure, notNegative(meanOf(runs.map(({ figures }) => figures[measure])))])) as Record<Measure, Bounds>,
    failed: runs.filter(({ passed }) => !passed).map(({ seed, violations, missed }) => ({ seed, violations, missed })),
  };
}

/** Student knows nothing of what a figure can be. */
function notNegative({ value, low, high }: Bounds): Bounds {
  return { value, low: Math.max(0, low), high };
}

const FIGURES: readonly (keyof RunFigures)[] = ['sent', 'delivered', 'deliveredShare', 'p50Sec', 'p99Sec', 'overhead', 'linkBytes', 'mostBytes', 'money'];

/** RFC 4180, a line for each run. */
export function sweepCsv(runs: readonly SweepRun[]): string {
  const lines = [['variant', 'seed', 'passed', 'violations', ...FIGURES], ...runs.map((run) => [run.variant, run.seed, run.passed, run.violations, ...FIGURES.map((figure) => run.figures[figure])])];
  return lines.map((line) => `${line.map((cell) => quoted(String(cell))).join(',')}\r\n`).join('');
}

/** A spreadsheet takes what begins like a formula for one: a variant never does, and is quoted for its commas. */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
