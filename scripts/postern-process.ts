/**
 * The program as a process of its own, for scripts and tests that watch it from outside: started, known to be up by
 * its own word, stopped or killed by its id, its words kept in files and its memory measured.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { keepWatch } from './children.js';

export const PROGRAM = join(import.meta.dirname, '../cli/postern.js');

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line of JSON on either stream, parsed. Lines that are none are kept in the files only. */
export type Word = Readonly<Record<string, unknown>>;

export interface PosternProcessOptions {
  /** For people, and for the names of the files. */
  readonly name: string;
  readonly args: readonly string[];
  /** The single executable; absent: this Node and dist/. */
  readonly executable?: string;
  /** NAME.stdout and NAME.stderr grow here, over all starts. */
  readonly logDir: string;
  /** The word by which the process says that it is up. Without it, a process is up once it exists: a command that ends by itself. */
  readonly isUp?: (word: Word) => boolean;
  readonly onWord?: (word: Word) => void;
}

/** Two busy cores and a slow disk are no fault. */
const UP_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 60_000;
const MEASURED_EVERY_MS = 100;
/** Said in errors: so much of the end of standard error. */
const LAST_WORDS_CHARACTERS = 2000;

export class PosternProcess {
  readonly name: string;
  readonly stdoutFile: string;
  readonly stderrFile: string;
  /** The most memory that any start of it had, VmHWM. */
  peakRssBytes = 0;
  /** Ends that nobody asked for, with their last words. A clean end by itself (exit code 0) is none. */
  readonly faults: string[] = [];
  readonly #options: PosternProcessOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> = Promise.resolve({ code: 0, signal: null });
  #asked = false;

  constructor(options: PosternProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.stdoutFile = join(options.logDir, `${options.name}.stdout`);
    this.stderrFile = join(options.logDir, `${options.name}.stderr`);
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How the present or the last run ended: waits for its end. */
  get exit(): Promise<Exit> {
    return this.#exit;
  }

  /** Resolves when it says that it is up; rejects, with its last words, when it ends or says nothing instead. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`);
    mkdirSync(this.#options.logDir, { recursive: true });
    const { executable, args } = this.#options;
    const program = executable === undefined ? [process.execPath, PROGRAM] : [executable];
    const [file = '', ...words] = [...program, ...args];
    const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    keepWatch(child);
    this.#child = child;
    this.#asked = false;
    const up = new Promise<void>((resolve) => {
      if (this.#options.isUp === undefined) resolve();
      this.#listen(child, resolve);
    });
    const measuring = setInterval(() => this.#measure(), MEASURED_EVERY_MS);
    this.#exit = once(child, 'close').then(([code, signal]: (string | number | null)[]) => {
      clearInterval(measuring);
      this.#child = undefined;
      const exit = { code, signal } as Exit;
      if (!this.#asked && code !== 0) this.faults.push(`${this.name} ended by itself, ${exitText(exit)}:\n${this.#lastWords()}`);
      return exit;
    });
    const ended = this.#exit.then((exit) => Promise.reject(new Error(`${this.name} ended before it was up, ${exitText(exit)}:\n${this.#lastWords()}`)));
    ended.catch(() => undefined);
    await within(UP_WITHIN_MS, Promise.race([up, ended]), () => {
      const fault = `${this.name} has not said within ${UP_WITHIN_MS} ms that it is up:\n${this.#lastWords()}`;
      this.faults.push(fault);
      return new Error(fault);
    });
  }

  /** Asks it to stop, and waits until it has. Safe to call when it does not run. */
  async stop(): Promise<Exit> {
    this.#measure();
    this.#asked = true;
    this.#child?.kill('SIGTERM');
    return within(STOPPED_WITHIN_MS, this.#exit, () => {
      this.#child?.kill('SIGKILL');
      return new Error(`${this.name} did not stop within ${STOPPED_WITHIN_MS} ms and was killed`);
    });
  }

  /** kill -9. Resolves when it is gone. Safe to call when it does not run. */
  async kill(): Promise<void> {
    this.#measure();
    this.#asked = true;
    this.#child?.kill('SIGKILL');
    await this.#exit;
  }

  #listen(child: ChildProcess, up: () => void): void {
    const { isUp, onWord } = this.#options;
    for (const [stream, file] of [[child.stdout!, this.stdoutFile], [child.stderr!, this.stderrFile]] as const) {
      createInterface({ input: stream }).on('line', (line) => {
        appendFileSync(file, `${line}\n`);
        const word = wordOf(line);
        if (word === undefined) return;
        if (isUp?.(word) === true) up();
        onWord?.(word);
      });
    }
  }

  #measure(): void {
    try {
      const status = readFileSync(`/proc/${this.#child?.pid ?? 0}/status`, 'latin1');
      const peakKib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
      this.peakRssBytes = Math.max(this.peakRssBytes, peakKib * 1024);
    } catch {
      // It has just gone, or this system has no /proc: then there is nothing to measure.
    }
  }

  #lastWords(): string {
    try {
      return readFileSync(this.stderrFile, 'utf8').slice(-LAST_WORDS_CHARACTERS);
    } catch {
      return 'It said nothing.';
    }
  }
}

export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
}

function wordOf(line: string): Word | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Word;
  } catch {
    return undefined;
  }
}

function exitText({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `by ${signal}`;
}
