/** Many runs over worker threads. What is finished is told at once, so that it can be kept. */
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.js';
import type { SeedDone } from './campaign.js';
import type { ThreadAnswer, ThreadJob } from './run-thread.js';
import type { SweepJob, SweepRun } from './sweep-run.js';

export type ThreadResult<Job extends ThreadJob> = Job extends SweepJob ? SweepRun : SeedDone;

export interface ThreadWork<Job extends ThreadJob> {
  readonly jobs: readonly Job[];
  readonly threads: number;
  /** Aborted: what has not been finished is given up. */
  readonly signal: AbortSignal;
  /** One at a time, in the order in which runs end. */
  readonly onDone: (result: ThreadResult<Job>) => Promise<void>;
  /** Hears of a run that broke off. Absent: the first one ends it all. */
  readonly onFault?: (job: Job, what: string) => Promise<void>;
}

/** In a single executable there is no file to start a thread from: scripts/package.ts puts the thread's code in under this name. */
export const THREAD_ASSET = 'run-thread.cjs';
const MOST_THREAD_MEGABYTES = 1500;

/** Resolves when all is done, or given up. Rejects where a run could not be made at all. */
export async function overThreads<Job extends ThreadJob>({ jobs, threads, signal, onDone, onFault }: ThreadWork<Job>): Promise<void> {
  const left = [...jobs].reverse();
  let telling = Promise.resolve();
  const tell = async (job: Job, answer: ThreadAnswer): Promise<void> => {
    if (answer.kind === 'done') return onDone(answer.result as ThreadResult<Job>);
    if (onFault === undefined) throw faultOf(job, answer.message);
    return onFault(job, answer.message);
  };
  const lane = async (): Promise<void> => {
    if (left.length === 0 || signal.aborted) return;
    const worker = startThread();
    const giveUp = (): void => void worker.terminate();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      for (let job = left.pop(); job !== undefined && !signal.aborted; job = left.pop()) {
        const asked: Job = job;
        const answer = await ask(worker, asked, signal);
        if (answer === undefined) return;
        telling = telling.then(() => tell(asked, answer));
        await telling;
      }
    } finally {
      signal.removeEventListener('abort', giveUp);
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, lane));
}

function startThread(): Worker {
  const options = { resourceLimits: { maxOldGenerationSizeMb: MOST_THREAD_MEGABYTES } };
  return isSea() ? new Worker(getAsset(THREAD_ASSET, 'utf8'), { ...options, eval: true }) : new Worker(new URL('./run-thread.js', import.meta.url), options);
}

/** Undefined where it was given up. */
function ask(worker: Worker, job: ThreadJob, signal: AbortSignal): Promise<ThreadAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const answered = (answer: ThreadAnswer): void => settle(() => resolve(answer));
    const broke = (thrown: unknown): void => settle(() => reject(faultOf(job, messageOf(thrown))));
    const ended = (code: number): void => settle(() => (signal.aborted ? resolve(undefined) : reject(faultOf(job, `its thread ended with ${code}`))));
    const settle = (end: () => void): void => {
      worker.off('message', answered).off('error', broke).off('exit', ended);
      end();
    };
    worker.on('message', answered).on('error', broke).on('exit', ended).postMessage(job);
  });
}

function faultOf(job: ThreadJob, what: string): Error {
  return new Error(`seed ${job.seed}${'variant' in job ? ` of ${job.variant.name}` : ''}: ${what}`);
}
