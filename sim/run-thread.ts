/** A thread that runs what it is asked to, one run after the other: a simulation has its process's clock and dice to itself, and a thread has its own. */
import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../base/errors.js';
import { campaignSeed } from './campaign.js';
import type { SeedDone, SeedJob } from './campaign.js';
import { sweepRun } from './sweep-run.js';
import type { SweepJob, SweepRun } from './sweep-run.js';

export type ThreadJob = SweepJob | SeedJob;
export type ThreadAnswer = { readonly kind: 'done'; readonly result: SweepRun | SeedDone } | { readonly kind: 'fault'; readonly message: string };

/** What nobody in a gateway has waited for: it would end a daemon. */
let stray: string | undefined;
process.on('unhandledRejection', (thrown) => (stray ??= `nobody waits for what fails with ${stackOf(thrown)}`));

parentPort?.on('message', (job: ThreadJob) => {
  stray = undefined;
  const work = 'variant' in job ? sweepRun(job) : campaignSeed(job);
  void work.then(
    (result) => answer(stray === undefined ? { kind: 'done', result } : { kind: 'fault', message: stray }),
    (thrown: unknown) => answer({ kind: 'fault', message: stackOf(thrown) }),
  );
});

function answer(found: ThreadAnswer): void {
  parentPort?.postMessage(found);
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}
