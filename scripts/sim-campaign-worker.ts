/** A thread of the campaign: takes a seed, runs it, and makes a failing one small. */
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed, scenarioText, shrinkSeed } from '../sim/campaign.js';
import type { SeedResult } from '../sim/campaign.js';

export interface WorkerWishes {
  /** How many runs a failing scenario is worth while it is made small. */
  readonly shrinkRuns: number;
}

export interface SeedDone {
  readonly result: SeedResult;
  /** The smallest scenario that breaks the same rule, as a file. */
  readonly small?: string;
  readonly thrown?: string;
}

const { shrinkRuns } = workerData as WorkerWishes;

/** What nobody in a gateway has waited for: it would end a daemon. */
let stray: string | undefined;
process.on('unhandledRejection', (thrown) => (stray ??= `nobody waits for what fails with ${String(thrown)}`));

parentPort?.on('message', (seed: number) => {
  stray = undefined;
  void run(seed).then(
    (done) => parentPort?.postMessage({ ...done, ...(stray !== undefined && { thrown: stray }) }),
    (thrown: unknown) => parentPort?.postMessage({ result: { seed, violations: [], messages: 0, delivered: 0, faults: 0, events: 0, hash: '' }, thrown: String(thrown) } satisfies SeedDone),
  );
});

async function run(seed: number): Promise<SeedDone> {
  const result = await runSeed(seed);
  const [first] = result.violations;
  const small = first === undefined || shrinkRuns === 0 ? undefined : await shrinkSeed(seed, first.rule, shrinkRuns);
  return { result, ...(small !== undefined && { small: scenarioText(small.scenario) }) };
}
