/** One run of a sweep, in figures: small enough to keep thousands of, and to hand from thread to thread. */
import { parseYaml } from '../gateway/yaml-file.js';
import { changedScenario } from './change-scenario.js';
import type { Change } from './change-scenario.js';
import type { Report } from './report.js';
import { runScenario } from './run-scenario.js';

/** A scenario as it is run in a cell of the grid. */
export interface Variant {
  /** What tells it from the others: `links[0].rate=2 kbit/s`, or a file. */
  readonly name: string;
  readonly file: string;
  /** YAML. */
  readonly text: string;
  readonly changes: readonly Change[];
}

export interface SweepJob {
  readonly variant: Variant;
  readonly seed: number;
}

/** Each is a number, and lower is better or higher is, by MEASURES. */
export interface RunFigures {
  readonly sent: number;
  readonly delivered: number;
  readonly deliveredShare: number;
  readonly p50Sec: number;
  readonly p99Sec: number;
  readonly overhead: number;
  readonly linkBytes: number;
  readonly mostBytes: number;
  readonly money: number;
}

export interface SweepRun {
  readonly variant: string;
  readonly seed: number;
  readonly passed: boolean;
  /** Rules of custody that were broken. */
  readonly violations: number;
  readonly missed: readonly string[];
  readonly figures: RunFigures;
  readonly trace: string;
}

export async function sweepRun({ variant, seed }: SweepJob): Promise<SweepRun> {
  const scenario = changedScenario(parseYaml(variant.text, variant.file), variant.changes);
  return runOf(variant.name, await runScenario(scenario, { seed }));
}

function runOf(variant: string, { seed, passed, violations, expectations, delivery, latencySec, overhead, occupancy, money, trace }: Report): SweepRun {
  return {
    variant,
    seed,
    passed,
    violations: violations.length,
    missed: expectations.filter(({ met }) => !met).map(({ what }) => what),
    figures: {
      sent: delivery.sent,
      delivered: delivery.delivered,
      deliveredShare: delivery.ratio,
      p50Sec: latencySec.p50,
      p99Sec: latencySec.p99,
      overhead: overhead.ratio,
      linkBytes: overhead.linkBytes,
      mostBytes: Math.max(0, ...occupancy.map(({ mostBytes }) => mostBytes)),
      money: Object.values(money).reduce((sum, amount) => sum + amount, 0),
    },
    trace: trace.hash,
  };
}
