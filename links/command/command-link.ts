/**
 * The link `command`: anything that can move a file. For each unit it runs the operator's program on a file; what arrives
 * is found in an inbox folder that the other side's program fills. The medium says at most that it has the bytes; that they
 * arrived is said by a receipt.
 */
import { basename } from 'node:path';
import type { Clock, Timer } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { Deliver, Freight, Link, LinkStatus, LinkSupport, Outcome } from '../link.js';
import { Inbox } from './inbox.js';
import { Outbox } from './outbox.js';
import { MOST_FILES } from './quarantine.js';
import { runProgram } from './run-program.js';
import type { ProgramEnd } from './run-program.js';

export interface CommandLinkOptions {
  readonly neighbour: string;
  /** The program and its arguments, in which {file}, {name}, {size} and {peer} stand for what they say. */
  readonly program: readonly string[];
  /** Added to the small environment that every program gets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly outbox: string;
  readonly inbox: string;
  readonly limitMs: number;
  /** Exit codes that mean no, where any other means that nobody was there. */
  readonly refusedExitCodes: readonly number[];
  readonly lookEveryMs: number;
  readonly largestBytes: number;
  /** The largest file taken from the inbox. */
  readonly largestInBytes: number;
  readonly parallel: number;
  /** Our own environment: a few of its variables are passed on. */
  readonly ownEnvironment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void;
}

/** What programs need to find each other and their files. Nothing else of the gateway's environment reaches them. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

export class CommandLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  onSignOfLife?: (() => void) | undefined;
  readonly #options: CommandLinkOptions;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #atWork = new Set<Promise<unknown>>();
  #running = false;
  #refusedFiles = 0;
  #timer: Timer | undefined;
  #status: LinkStatus = { state: 'stopped', sentBytes: 0, receivedBytes: 0 };

  constructor(options: CommandLinkOptions) {
    const { neighbour, largestBytes, largestInBytes, parallel, clock, random, log } = options;
    this.#options = options;
    this.name = `${neighbour}/command`;
    this.supports = { carries: 'bundle', answers: false, largestBytes, parallel };
    this.#outbox = new Outbox(options.outbox, random);
    this.#inbox = new Inbox({
      folder: options.inbox,
      neighbour,
      largestBytes: largestInBytes,
      clock,
      onTaken: (bytes) => this.#note({ state: 'up', lastContactMs: clock.nowMs(), receivedBytes: this.#status.receivedBytes + bytes }),
      onRefused: (file, reason) => {
        this.#refusedFiles += 1;
        this.#note({ lastError: `the file ${file} was refused: ${reason}` });
        log('warn', 'a file was refused', { link: this.name, file, reason });
      },
    });
  }

  async start(deliver: Deliver): Promise<void> {
    await this.#inbox.open();
    await this.#outbox.open();
    this.#running = true;
    this.#note({ state: 'idle' });
    this.#watch(deliver, 0);
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    if (!this.#running) return { kind: 'unreachable', reason: `${this.name} is stopped.` };
    if (freight.bytes > this.supports.largestBytes) {
      return { kind: 'refused', code: 'too-large', reason: `${this.name} carries ${this.supports.largestBytes} bytes at most; this bundle has ${freight.bytes}.` };
    }
    const outcome = await this.#track(this.#carry(freight, signal));
    if (outcome.kind === 'written') this.#note({ state: 'up', lastContactMs: this.#options.clock.nowMs(), sentBytes: this.#status.sentBytes + freight.bytes });
    else if (outcome.kind !== 'confirmed') this.#note({ state: outcome.kind === 'refused' ? 'up' : 'down', lastError: outcome.reason });
    return outcome;
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    while (this.#atWork.size > 0) await Promise.allSettled(this.#atWork);
    if (!this.#running) this.#note({ state: 'stopped' });
  }

  status(): LinkStatus {
    return { ...this.#status, limits: [{ name: 'refused files kept', unit: 'count', used: Math.min(this.#refusedFiles, MOST_FILES), most: MOST_FILES, refused: this.#refusedFiles }] };
  }

  async #carry(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    let path: string | undefined;
    try {
      path = await this.#outbox.put(freight, signal);
    } catch (thrown) {
      return { kind: 'unreachable', reason: `${this.name}: the bundle could not be written to ${this.#outbox.folder}: ${messageOf(thrown)}.` };
    }
    if (path === undefined) return { kind: 'unreachable', reason: `${this.name}: the send was given up.` };
    try {
      return this.#outcomeOf(await this.#run(path, freight.bytes, signal));
    } finally {
      await this.#outbox.remove(path);
    }
  }

  #run(file: string, bytes: number, signal: AbortSignal): Promise<ProgramEnd> {
    const { program, neighbour, environment, ownEnvironment, limitMs, clock } = this.#options;
    const values: Readonly<Record<string, string>> = { file, name: basename(file), size: String(bytes), peer: neighbour };
    const passed: Record<string, string> = {};
    for (const name of PASSED_ON) if (ownEnvironment[name] !== undefined) passed[name] = ownEnvironment[name];
    return runProgram({
      argv: program.map((part) => part.replaceAll(/\{(file|name|size|peer)\}/g, (_, name: string) => values[name] ?? '')),
      environment: { ...passed, ...environment, POSTERN_FILE: file, POSTERN_SIZE: String(bytes), POSTERN_PEER: neighbour },
      folder: this.#outbox.folder,
      limitMs,
      clock,
      signal,
    });
  }

  #outcomeOf(end: ProgramEnd): Outcome {
    const program = this.#options.program[0] ?? '';
    const says = 'words' in end && end.words !== '' ? `: ${end.words}` : '.';
    switch (end.kind) {
      case 'exit': {
        if (end.code === 0) return { kind: 'written' };
        const reason = `${this.name}: ${program} ended with ${end.code}${says}`;
        return this.#options.refusedExitCodes.includes(end.code) ? { kind: 'refused', code: `exit-${end.code}`, reason } : { kind: 'unreachable', reason };
      }
      case 'killed':
        return { kind: 'unreachable', reason: `${this.name}: ${program} was killed by ${end.signal}${says}` };
      case 'too-slow':
        return { kind: 'unreachable', reason: `${this.name}: ${program} was ended after ${this.#options.limitMs} ms.` };
      case 'stopped':
        return { kind: 'unreachable', reason: `${this.name}: the send was given up.` };
      case 'not-started':
        return { kind: 'unreachable', reason: `${this.name}: ${program} cannot be run: ${end.reason}.` };
    }
  }

  /** One look after another, never two at once. */
  #watch(deliver: Deliver, delayMs: number): void {
    this.#timer = this.#options.clock.timer(delayMs, () => {
      const look = this.#inbox.look(deliver, () => !this.#running).catch((thrown: unknown) => {
        this.#note({ lastError: messageOf(thrown) });
        this.#options.log('warn', 'the inbox cannot be read', { link: this.name, folder: this.#options.inbox, reason: messageOf(thrown) });
      });
      void this.#track(look).then(() => {
        if (this.#running) this.#watch(deliver, this.#options.lookEveryMs);
      });
    });
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#atWork.add(work);
    try {
      return await work;
    } finally {
      this.#atWork.delete(work);
    }
  }

  #note(change: Partial<LinkStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}
