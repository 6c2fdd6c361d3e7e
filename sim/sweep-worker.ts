/** A thread that runs what it is asked to, one run after the other: a simulation has its process's clock and dice to itself, and a thread has its own. */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../base/errors.js';
import { sweepRun } from './sweep-run.js';
import type { SweepJob, SweepRun } from './sweep-run.js';

export type SweepAnswer = { readonly kind: 'run'; readonly run: SweepRun } | { readonly kind: 'fault'; readonly message: string };

parentPort?.on('message', (job: SweepJob) => {
  void sweepRun(job).then(
    (run) => answer({ kind: 'run', run }),
    (thrown: unknown) => answer({ kind: 'fault', message: thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown) }),
  );
});

function answer(found: SweepAnswer): void {
  parentPort?.postMessage(found);
}
