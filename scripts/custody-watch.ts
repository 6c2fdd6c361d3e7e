/**
 * Follows each message of the demo by what the four processes say: the sender names a message by its record, the
 * gateways by the first bytes of it, the receiver by its locator. Steps are told in their order, also where one
 * process is heard sooner than another.
 */
import type { Input } from './demo-files.js';
import type { Word } from './postern-process.js';

export type StepName = 'sealed' | 'west' | 'east' | 'knocked' | 'fetched' | 'opened' | 'accepted';

/**
 * Each step, and the one it comes after whoever speaks sooner. East may knock before its receipt has come home to
 * west, over a line that takes its time; where the word of the acceptance overtakes the receipt, that is not waited for by anybody.
 */
const STEPS: readonly (readonly [name: StepName, after: readonly StepName[]])[] = [
  ['sealed', []],
  ['west', ['sealed']],
  ['east', ['west']],
  ['knocked', ['west']],
  ['fetched', ['knocked']],
  ['opened', ['fetched']],
  ['accepted', ['opened']],
];

/** What the two domains say of bytes that move, by event. */
const MOVING: Readonly<Record<string, string>> = { sealing: 'sealing', 'handing-over': 'north → west', fetching: 'east → south' };

export interface Step {
  readonly input: Input;
  readonly name: StepName;
  /** Since the first message began. */
  readonly atMs: number;
}

export interface Arrival {
  /** Where it came out. */
  readonly path?: string;
  /** From the first byte read to the last one written at the other end. */
  readonly tookMs?: number;
}

interface Message {
  readonly input: Input;
  /** Undefined until it is sealed. */
  record?: string;
  locator?: string;
  beganMs?: number;
  /** When each step was heard of. */
  readonly atMs: Partial<Record<StepName, number>>;
  readonly told: Set<StepName>;
  path?: string;
}

export class CustodyWatch {
  /** Resolves when every message has been accepted, as far as its sender knows. */
  readonly finished: Promise<undefined>;
  readonly #messages: readonly Message[];
  readonly #onStep: (step: Step) => void;
  readonly #onProgress: (label: string, doneBytes: number, totalBytes: number) => void;
  #startedMs: number | undefined;
  #finish: () => void = () => undefined;

  constructor(inputs: readonly Input[], onStep: (step: Step) => void, onProgress: (label: string, doneBytes: number, totalBytes: number) => void) {
    this.#messages = inputs.map((input) => ({ input, atMs: {}, told: new Set() }));
    this.#onStep = onStep;
    this.#onProgress = onProgress;
    this.finished = new Promise((resolve) => {
      this.#finish = () => resolve(undefined);
    });
  }

  hear(process: string, word: Word): void {
    if (typeof word.doneBytes === 'number') this.#hearProgress(word);
    if (process.startsWith('send')) this.#hearSender(word);
    else if (process === 'west' && word.msg === 'custody handed on') this.#mark(this.#byRecord(word.record), 'east');
    else if (process === 'east' && word.msg === 'knocked') this.#mark(this.#byRecord(word.record), 'knocked');
    else if (process === 'east' && word.msg === 'fetched') this.#mark(this.#byRecord(word.record), 'fetched');
    else if (process === 'south' && word.event === 'delivered') {
      const message = this.#byLocator(word.message);
      if (message !== undefined) message.path = String(word.path);
      this.#mark(message, 'opened');
    }
  }

  arrival(index: number): Arrival {
    const { path, beganMs, atMs } = this.#messages[index]!;
    return { ...(path !== undefined && { path }), ...(beganMs !== undefined && atMs.opened !== undefined && { tookMs: atMs.opened - beganMs }) };
  }

  /** Where those are that have not been accepted. */
  standing(): string {
    const open = this.#messages.filter(({ atMs }) => atMs.accepted === undefined);
    return open.map(({ input, told }) => `${input.name} ${told.size === 0 ? 'was not sealed' : `got as far as: ${[...told].at(-1) ?? ''}`}.`).join('\n');
  }

  /** The first message that is under way between the gateways. */
  betweenGateways(): Input | undefined {
    return this.#messages.find(({ atMs }) => atMs.west !== undefined && atMs.east === undefined && atMs.opened === undefined)?.input;
  }

  #hearProgress(word: Word): void {
    const doneBytes = Number(word.doneBytes);
    const totalBytes = Number(word.totalBytes);
    const name = this.#byLocator(word.message)?.input.name ?? String(word.name);
    this.#onProgress(`${MOVING[String(word.event)] ?? ''} ${name}`, doneBytes, totalBytes);
  }

  #hearSender(word: Word): void {
    this.#startedMs ??= performance.now();
    switch (word.event) {
      case 'sealed': {
        const message = this.#messages.find(({ record }) => record === undefined);
        if (message === undefined) return;
        message.record = String(word.record);
        message.locator = String(word.message);
        message.beganMs = this.#previousSealedMs(message);
        this.#mark(message, 'sealed');
        break;
      }
      case 'in-custody':
        this.#mark(this.#byLocator(word.message), 'west');
        break;
      case 'accepted':
        this.#mark(this.#byLocator(word.message), 'accepted');
        break;
    }
  }

  /** Files are sealed one after the other: each begins when the one before it is done. */
  #previousSealedMs(message: Message): number {
    return this.#messages[this.#messages.indexOf(message) - 1]?.atMs.sealed ?? this.#startedMs ?? 0;
  }

  #byRecord(beginning: unknown): Message | undefined {
    return this.#messages.find(({ record }) => record?.startsWith(String(beginning)));
  }

  #byLocator(locator: unknown): Message | undefined {
    return this.#messages.find((message) => message.locator === locator);
  }

  /** A step may be heard of twice (a second knock), and before the step that led to it. */
  #mark(message: Message | undefined, name: StepName): void {
    if (message === undefined || message.atMs[name] !== undefined) return;
    message.atMs[name] = performance.now();
    for (const [step, after] of STEPS) {
      if (message.told.has(step) || message.atMs[step] === undefined || !after.every((before) => message.told.has(before))) continue;
      message.told.add(step);
      this.#onStep({ input: message.input, name: step, atMs: performance.now() - this.#startedMs! });
    }
    if (this.#messages.every(({ told }) => told.has('accepted'))) this.#finish();
  }
}
