/** One run of one scenario with one seed, from its beginning to its report. */
import type { Clock } from '../base/clock.js';
import { makeReport } from './report.js';
import type { Report } from './report.js';
import type { Scenario } from './scenario-schema.js';
import { World } from './world.js';
import type { Position } from './world.js';
import type { Plant } from './world-face.js';

export interface RunOptions {
  readonly seed: number;
  /** The clock of this machine, for the speed alone. */
  readonly clock?: Clock;
  readonly plant?: Plant;
  readonly endsEarly?: boolean;
  readonly realCurves?: boolean;
  readonly onPosition?: (position: Position) => void;
  /** Gets every line of the trace. */
  readonly onLine?: (line: string) => void;
}

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Report> {
  const { seed, clock, plant, realCurves, endsEarly, onPosition, onLine } = options;
  const startedMs = clock?.monotonicMs() ?? 0;
  const world = new World(scenario, { seed, ...(plant !== undefined && { plant }), ...(endsEarly !== undefined && { endsEarly }), ...(realCurves !== undefined && { realCurves }), ...(onLine !== undefined && { onLine }) });
  await world.run(onPosition);
  const report = makeReport(world, seed);
  if (clock !== undefined) {
    const wallSec = (clock.monotonicMs() - startedMs) / 1000;
    report.speed = { wallSec, eventsPerSec: Math.round(report.events / wallSec), timesRealTime: Math.round(report.simulatedSec / wallSec) };
  }
  return report;
}
