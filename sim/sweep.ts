/** Many runs over worker threads: every variant with every seed. What is finished is told at once, so that it can be kept. */
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.js';
import type { Change } from './change-scenario.js';
import { changeText } from './change-scenario.js';
import type { SweepJob, SweepRun, Variant } from './sweep-run.js';
import type { SweepAnswer } from './sweep-worker.js';

export interface SweepOptions {
  readonly jobs: readonly SweepJob[];
  readonly threads: number;
  /** Aborted: what has not been finished is given up. */
  readonly signal: AbortSignal;
  /** One at a time, in the order in which runs end. */
  readonly onRun: (run: SweepRun) => Promise<void>;
}

/** In a single executable there is no file to start a thread from: scripts/package.ts puts the thread's code in under this name. */
export const WORKER_ASSET = 'sweep-worker.cjs';
const MOST_THREAD_MEGABYTES = 1500;

/** Resolves when all is done, or given up. Rejects where a run could not be made at all. */
export async function sweep({ jobs, threads, signal, onRun }: SweepOptions): Promise<void> {
  const left = [...jobs].reverse();
  let telling = Promise.resolve();
  const lane = async (): Promise<void> => {
    if (left.length === 0 || signal.aborted) return;
    const worker = startWorker();
    const giveUp = (): void => void worker.terminate();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      for (let job = left.pop(); job !== undefined && !signal.aborted; job = left.pop()) {
        const run = await ask(worker, job, signal);
        if (run === undefined) return;
        telling = telling.then(() => onRun(run));
        await telling;
      }
    } finally {
      signal.removeEventListener('abort', giveUp);
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, lane));
}

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

function startWorker(): Worker {
  const options = { resourceLimits: { maxOldGenerationSizeMb: MOST_THREAD_MEGABYTES } };
  return isSea() ? new Worker(getAsset(WORKER_ASSET, 'utf8'), { ...options, eval: true }) : new Worker(new URL('./sweep-worker.js', import.meta.url), options);
}

/** Undefined where it was given up. */
function ask(worker: Worker, job: SweepJob, signal: AbortSignal): Promise<SweepRun | undefined> {
  return new Promise((resolve, reject) => {
    const fault = (what: string): Error => new Error(`seed ${job.seed} of ${job.variant.name}: ${what}`);
    const answered = (answer: SweepAnswer): void => settle(() => (answer.kind === 'run' ? resolve(answer.run) : reject(fault(answer.message))));
    const broke = (thrown: unknown): void => settle(() => reject(fault(messageOf(thrown))));
    const ended = (code: number): void => settle(() => (signal.aborted ? resolve(undefined) : reject(fault(`its thread ended with ${code}`))));
    const settle = (end: () => void): void => {
      worker.off('message', answered).off('error', broke).off('exit', ended);
      end();
    };
    worker.on('message', answered).on('error', broke).on('exit', ended).postMessage(job);
  });
}
