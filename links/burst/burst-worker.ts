/**
 * The worker of a burst link: keeps the modem open and begins a session when there is a reason for one: something to
 * send, a ring, a question about missing fragments. Never for nothing, never without signal, never beyond the purse.
 */
import { backoffMs } from '../../base/backoff.js';
import { concatBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { Deliver, Outcome } from '../link.js';
import type { Purse } from '../purse.js';
import type { Arrivals } from './arrivals.js';
import type { ModemPort } from './at-channel.js';
import type { Departures } from './departures.js';
import type { Ends, Frame } from './message.js';
import { CHECK_BYTES, decodeMessage, encodeMessage, FRAGMENT_HEAD_BYTES, frameBytes } from './message.js';
import { MT_BYTES, SbdModem } from './sbd-modem.js';
import type { SessionResult } from './sbd-modem.js';
import { fateOf, waitAskedMs, wordsFor } from './session-status.js';

export interface BurstWorkerOptions {
  readonly neighbour: string;
  readonly device: string;
  readonly openPort: () => Promise<ModemPort>;
  readonly ends: Ends;
  /** Put before each message, where the network delivers by it. */
  readonly prefix: Uint8Array;
  /** The largest message that the other side's modem takes, prefix included. */
  readonly messageBytes: number;
  readonly leastSignalBars: number;
  /** How long a unit of which nothing has left is tried before the gateway hears of it. */
  readonly patienceMs: number;
  /** 0: the mailbox is looked into when the network rings, and along with what is sent. */
  readonly checkMailboxEveryMs: number;
  /** A message is charged for at least so many bytes, and in steps. */
  readonly billing: { readonly minimumBytes: number; readonly stepBytes: number };
  readonly purse?: Purse;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void;
}

export interface WorkerEvents {
  onUp(sentBytes: number, receivedBytes: number): void;
  onTrouble(reason: string): void;
  /** A message of the neighbour has come. */
  onHeard(): void;
}

const REOPEN = { firstMs: 5_000, capMs: 300_000 };
/** After a session that failed: satellites move, and what stands in the way of one may not stand in the way of the next. */
const SESSION_RETRY = { firstMs: 5_000, capMs: 300_000 };
const SIGNAL_EVERY_MS = 30_000;
const PURSE_EVERY_MS = 60_000;
const DELIVER_AGAIN_MS = 60_000;
/** A session that is under way when the link is stopped may end; it has been paid for. */
const STOP_MS = 20_000;

interface Pending {
  readonly unit: number;
  readonly untilMs: number;
  resolve(outcome: Outcome): void;
}

export class BurstWorker {
  readonly #options: BurstWorkerOptions;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  readonly #events: WorkerEvents;
  readonly #deliver: Deliver;
  #running: Promise<void> | undefined;
  #stopping = false;
  #modem: SbdModem | undefined;
  #pending: Pending | undefined;
  #trouble = 'the modem has not answered yet';
  #broken: Error | undefined;
  #bars = 0;
  #hasRung = false;
  #failures = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #deliverAgainMs = Number.NEGATIVE_INFINITY;
  #lastSessionMs: number;
  #woken = false;
  #wake: (() => void) | undefined;
  #watchers: (() => void)[] = [];

  constructor(options: BurstWorkerOptions, departures: Departures, arrivals: Arrivals, deliver: Deliver, events: WorkerEvents) {
    this.#options = options;
    this.#departures = departures;
    this.#arrivals = arrivals;
    this.#deliver = deliver;
    this.#events = events;
    this.#lastSessionMs = options.clock.monotonicMs();
  }

  /** The bytes of a unit that one message carries. */
  get fragmentBytes(): number {
    return this.#roomBytes - FRAGMENT_HEAD_BYTES;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** The send in hand may end, and so may a session under way; neither for long. */
  async stop(inHand: Promise<unknown> | undefined): Promise<void> {
    const timer = this.#options.clock.timer(STOP_MS, () => {
      this.#stopping = true;
      this.#fail({ kind: 'unreachable', reason: `the link is stopping: ${this.#trouble}` });
      void this.#modem?.close();
      this.wake();
    });
    await inHand;
    this.#stopping = true;
    this.wake();
    await this.#running;
    timer.cancel();
  }

  /** Resolves once something of the unit has left (`written`), or when it is given up, and then nothing of it will leave. */
  async submit(unit: number, signal: AbortSignal): Promise<Outcome> {
    // The worker may have found it by itself.
    if (this.#departures.hasLeft(unit)) return { kind: 'written' };
    if (this.#stopping) return { kind: 'unreachable', reason: 'the link is stopping' };
    const outcome = new Promise<Outcome>((resolve) => {
      this.#pending = { unit, untilMs: this.#nowMs + this.#options.patienceMs, resolve };
    });
    const onAbort = (): void => this.#fail({ kind: 'unreachable', reason: 'the send was given up' });
    signal.addEventListener('abort', onAbort, { once: true });
    this.wake();
    try {
      const found = await outcome;
      if (found.kind !== 'written') await this.#departures.drop(unit);
      return found;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** False where the unit before has still not left when patience ends. */
  async isClear(signal: AbortSignal): Promise<boolean> {
    const untilMs = this.#nowMs + this.#options.patienceMs;
    while (this.#departures.leaving !== undefined) {
      if (signal.aborted || this.#stopping || this.#nowMs >= untilMs) return false;
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.timer(Math.min(PURSE_EVERY_MS, untilMs - this.#nowMs), resolve);
        this.#watchers.push(() => {
          timer.cancel();
          resolve();
        });
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return true;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  get trouble(): string {
    return this.#trouble;
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  get #roomBytes(): number {
    return this.#options.messageBytes - this.#options.prefix.length - CHECK_BYTES;
  }

  get #isDone(): boolean {
    return this.#stopping && this.#pending === undefined;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#isDone; ) {
      try {
        await this.#open();
        failures = 0;
        await this.#serve();
      } catch (thrown) {
        failures += 1;
        this.#report(messageOf(thrown));
        this.#fail({ kind: 'unreachable', reason: this.#trouble });
      } finally {
        await this.#modem?.close();
        this.#modem = undefined;
      }
      if (!this.#isDone) await this.#sleep(backoffMs(REOPEN, failures, this.#options.random));
    }
  }

  async #open(): Promise<void> {
    const { openPort, clock, device } = this.#options;
    this.#broken = undefined;
    this.#bars = 0;
    const onSignal = (bars: number): void => {
      this.#bars = bars;
      this.wake();
    };
    const onRing = (): void => {
      this.#hasRung = true;
      this.wake();
    };
    const modem = await SbdModem.open(await openPort(), clock, device, { onRing, onSignal });
    this.#modem = modem;
    modem.onBroken = (error) => {
      this.#broken = error;
      this.wake();
    };
    const { hasMessage, hasRung } = await modem.state();
    // What had come when we were killed is still there, and has been paid for.
    if (hasMessage) await this.#take(modem);
    if (hasRung) this.#hasRung = true;
  }

  async #serve(): Promise<void> {
    while (!this.#isDone) {
      if (this.#broken !== undefined) throw this.#broken;
      await this.#deliverComplete();
      this.#losePatience();
      if (!this.#hasReason()) await this.#sleep(this.#restMs());
      else if (this.#nowMs < this.#notBeforeMs) await this.#sleep(this.#notBeforeMs - this.#nowMs);
      else if (await this.#hasSignal()) await this.#session();
    }
  }

  #hasReason(): boolean {
    return this.#departures.leaving !== undefined || this.#hasRung || this.#arrivals.questions().length > 0 || this.#isMailboxDue();
  }

  #isMailboxDue(): boolean {
    const { checkMailboxEveryMs } = this.#options;
    return checkMailboxEveryMs > 0 && this.#nowMs - this.#lastSessionMs >= checkMailboxEveryMs;
  }

  /** Until something may have become due. */
  #restMs(): number {
    const { clock, checkMailboxEveryMs } = this.#options;
    const questionMs = (this.#arrivals.nextQuestionMs() ?? Number.POSITIVE_INFINITY) - clock.nowMs();
    const mailboxMs = checkMailboxEveryMs > 0 ? this.#lastSessionMs + checkMailboxEveryMs - this.#nowMs : Number.POSITIVE_INFINITY;
    const deliverMs = this.#deliverAgainMs > this.#nowMs ? this.#deliverAgainMs - this.#nowMs : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(questionMs, mailboxMs, deliverMs, 86_400_000));
  }

  /** Measuring is free; the modem also tells by itself when the signal changes. */
  async #hasSignal(): Promise<boolean> {
    const { leastSignalBars } = this.#options;
    if (this.#bars < leastSignalBars) this.#bars = (await this.#modem?.signal()) ?? 0;
    if (this.#bars >= leastSignalBars) return true;
    this.#report(`there is no signal: ${this.#bars} bars of ${leastSignalBars}`);
    await this.#sleep(SIGNAL_EVERY_MS);
    return false;
  }

  async #session(): Promise<void> {
    const { prefix, ends, purse } = this.#options;
    const modem = this.#modem;
    if (modem === undefined) return;
    const frames = this.#frames();
    const message = frames.length === 0 ? new Uint8Array() : concatBytes(prefix, encodeMessage(frames, ends));
    await modem.load(message);
    const spending = await purse?.spend({ bytes: this.#billed(message.length, MT_BYTES), sessions: 1 });
    if (spending?.kind === 'refused') {
      this.#report(spending.reason);
      this.#fail({ kind: 'refused', code: 'budget', reason: spending.reason, retryAfterMs: spending.retryAfterMs });
      // Looked at again soon: the operator may lift the budget.
      this.#notBeforeMs = this.#nowMs + Math.min(PURSE_EVERY_MS, spending.retryAfterMs);
      return;
    }
    // Until the modem says otherwise the session was the most it could be.
    let outlay = { bytes: this.#billed(message.length, MT_BYTES), sessions: 1 };
    // A ring that comes from here on is for what this session may not bring.
    const answersRing = this.#hasRung;
    this.#hasRung = false;
    try {
      const result = await modem.session(answersRing);
      if (result.queued > 0 || (answersRing && fateOf(result.moStatus) !== 'sent')) this.#hasRung = true;
      outlay = this.#outlayOf(message.length, result);
      await this.#ended(frames, message.length, result);
    } finally {
      await spending?.settle(outlay);
    }
  }

  /** Questions first; then a fragment, which fills what is left. */
  #frames(): Frame[] {
    const frames: Frame[] = [];
    let room = this.#roomBytes;
    for (const question of this.#arrivals.questions()) {
      if (frameBytes(question) > room) break;
      frames.push(question);
      room -= frameBytes(question);
    }
    const fragment = this.#departures.next(room - FRAGMENT_HEAD_BYTES);
    if (fragment !== undefined) frames.push(fragment);
    return frames;
  }

  #billed(...messages: readonly number[]): number {
    const { minimumBytes, stepBytes } = this.#options.billing;
    const billed = messages.map((bytes) => (bytes === 0 ? 0 : Math.ceil(Math.max(bytes, minimumBytes) / stepBytes) * stepBytes));
    return billed.reduce((sum, bytes) => sum + bytes, 0);
  }

  #outlayOf(sentBytes: number, { moStatus, hasMessage, messageBytes }: SessionResult): { bytes: number; sessions: number } {
    if (fateOf(moStatus) === 'not-begun') return { bytes: 0, sessions: 0 };
    // A look into an empty mailbox costs the least there is.
    return { bytes: this.#billed(sentBytes, hasMessage ? messageBytes : 0) || this.#billed(1), sessions: 1 };
  }

  async #ended(frames: readonly Frame[], sentBytes: number, result: SessionResult): Promise<void> {
    const fate = fateOf(result.moStatus);
    this.#options.log('debug', 'a session', { peer: this.#options.neighbour, status: result.moStatus, bytes: sentBytes, received: result.hasMessage ? result.messageBytes : 0, queued: result.queued });
    if (fate === 'sent') {
      this.#failures = 0;
      this.#lastSessionMs = this.#nowMs;
      for (const frame of frames) await this.#left(frame);
      this.#events.onUp(sentBytes, result.hasMessage ? result.messageBytes : 0);
    } else {
      this.#failures += 1;
      this.#notBeforeMs = this.#nowMs + Math.max(waitAskedMs(result.moStatus), backoffMs(SESSION_RETRY, this.#failures, this.#options.random));
      this.#bars = 0;
      this.#report(wordsFor(result.moStatus));
    }
    if (result.hasMessage && this.#modem !== undefined) await this.#take(this.#modem);
  }

  async #left(frame: Frame): Promise<void> {
    if (frame.kind === 'holdings') return this.#arrivals.asked(frame);
    await this.#departures.left(frame);
    if (this.#pending?.unit === frame.unit) this.#settle({ kind: 'written' });
    this.wake();
  }

  /** Written down before the modem lets go of it. */
  async #take(modem: SbdModem): Promise<void> {
    const { ends, log, neighbour } = this.#options;
    const message = await modem.read();
    const frames = decodeMessage(message, { from: ends.to, to: ends.from });
    if (frames === undefined) log('warn', 'a message that is not of this neighbour', { peer: neighbour, bytes: message.length });
    for (const frame of frames ?? []) {
      if (frame.kind === 'fragment') await this.#arrivals.add(frame);
      else await this.#departures.answer(frame);
    }
    await modem.discard();
    if (frames !== undefined) this.#events.onHeard();
  }

  async #deliverComplete(): Promise<void> {
    if (this.#nowMs < this.#deliverAgainMs) return;
    for (let unit = await this.#arrivals.complete(); unit !== undefined; unit = await this.#arrivals.complete()) {
      const result = await this.#deliver({ peer: this.#options.neighbour, bytes: once(unit.bytes) });
      if (result.kind === 'refused' && (result.retryAfterMs !== undefined || result.code.startsWith('STORE_'))) {
        this.#deliverAgainMs = this.#nowMs + DELIVER_AGAIN_MS;
        return;
      }
      if (result.kind === 'refused') this.#options.log('warn', 'a unit was refused', { peer: this.#options.neighbour, code: result.code });
      await this.#arrivals.finish(unit.key);
    }
  }

  #losePatience(): void {
    if (this.#pending !== undefined && this.#nowMs >= this.#pending.untilMs) this.#fail({ kind: 'unreachable', reason: this.#trouble });
  }

  /** Nothing of the unit has left: the gateway may send it another way. */
  #fail(outcome: Outcome): void {
    const pending = this.#pending;
    if (pending !== undefined && !this.#departures.hasLeft(pending.unit)) this.#settle(outcome);
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(outcome);
    this.wake();
  }

  #report(trouble: string): void {
    this.#trouble = trouble;
    this.#events.onTrouble(trouble);
  }

  /** Until `ms` have passed, somebody wakes us, or the patience with what is pending ends. */
  async #sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      const limitMs = this.#pending === undefined ? ms : Math.min(ms, Math.max(0, this.#pending.untilMs - this.#nowMs));
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.timer(limitMs, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#woken = false;
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
