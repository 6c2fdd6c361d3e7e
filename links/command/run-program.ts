/**
 * Runs the operator's program once: no shell, a small environment, a time limit for it and all it started. What it says
 * on its standard error comes back as one short line.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';

export interface ProgramRun {
  /** The program and its arguments, as they are: no shell looks at them. */
  readonly argv: readonly string[];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly limitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type ProgramEnd =
  | { readonly kind: 'exit'; readonly code: number; readonly words: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly words: string }
  | { readonly kind: 'too-slow' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'not-started'; readonly reason: string };

/** Between SIGTERM and SIGKILL: long enough for a program to hang up its modem. */
export const GRACE_MS = 5_000;
/** What a program may leave running holds our pipe; its last words are waited for no longer than this. */
const LAST_WORDS_MS = 1_000;
const WORDS_BYTES = 4_096;
const SHOWN_CHARACTERS = 200;

export async function runProgram({ argv, environment, folder, limitMs, clock, signal }: ProgramRun): Promise<ProgramEnd> {
  if (signal.aborted) return { kind: 'stopped' };
  const [program = '', ...args] = argv;
  let child: ChildProcess;
  try {
    // Detached: a process group of its own, so that what it started can be ended with it.
    child = spawn(program, args, { cwd: folder, env: { ...environment }, stdio: ['ignore', 'ignore', 'pipe'], detached: true, shell: false });
  } catch (thrown) {
    return { kind: 'not-started', reason: messageOf(thrown) };
  }
  const words = firstWords(child);
  let cut: 'too-slow' | 'stopped' | undefined;
  const end = (why: 'too-slow' | 'stopped'): void => {
    if (cut !== undefined) return;
    cut = why;
    signalGroup(child, 'SIGTERM');
    killer = clock.timer(GRACE_MS, () => signalGroup(child, 'SIGKILL'));
  };
  let killer: { cancel(): void } | undefined;
  const limit = clock.timer(limitMs, () => end('too-slow'));
  const onAbort = (): void => end('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const ended = await ending(child);
    // What the program started dies with it when it had to be ended; what an orderly one leaves behind is its own business.
    if (cut !== undefined) signalGroup(child, 'SIGKILL');
    if (cut !== undefined) return { kind: cut };
    if (ended.kind === 'not-started') return ended;
    await lastWords(child, clock);
    return { ...ended, words: words() };
  } finally {
    limit.cancel();
    killer?.cancel();
    signal.removeEventListener('abort', onAbort);
    child.stderr?.destroy();
  }
}

type Ending = { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'killed'; readonly signal: string } | { readonly kind: 'not-started'; readonly reason: string };

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ kind: 'not-started', reason: error.message }));
    child.once('exit', (code, signal) => resolve(code === null ? { kind: 'killed', signal: signal ?? 'a signal' } : { kind: 'exit', code }));
  });
}

/** The first line it says, without what would disturb a terminal or a log. More is read and thrown away, so that the program never waits for us. */
function firstWords(child: ChildProcess): () => string {
  let held = Buffer.alloc(0);
  child.stderr?.on('data', (chunk: Buffer) => {
    if (held.length < WORDS_BYTES) held = Buffer.concat([held, chunk.subarray(0, WORDS_BYTES - held.length)]);
  });
  child.stderr?.on('error', () => undefined);
  return () => {
    const line = held.toString('utf8').split(/[\r\n]+/).find((text) => text.trim() !== '') ?? '';
    return line.trim().replaceAll(/[^\x20-\x7e]/g, '?').slice(0, SHOWN_CHARACTERS);
  };
}

function lastWords(child: ChildProcess, clock: Clock): Promise<void> {
  const { stderr } = child;
  if (stderr === null || stderr.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.timer(LAST_WORDS_MS, resolve);
    stderr.once('close', () => {
      timer.cancel();
      resolve();
    });
  });
}

/** The group has the number of the process that leads it; it may be gone already. */
function signalGroup({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody left to be told.
  }
}
