/**
 * The worker of a burst link: keeps the modem open and begins a session when there is a reason for one: something to
 * send, a ring, a question about missing fragments. Never for nothing, never without signal, never beyond the purse.
 */
import { backoffMs } from '../../base/backoff.js';
import { messageOf } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { Deliver, Outcome } from '../link.js';
import type { Purse } from '../purse.js';
import { Alarm } from './alarm.js';
import type { Arrivals } from './arrivals.js';
import type { ModemPort } from './at-channel.js';
import { mostOf, outlayOf } from './billing.js';
import type { Billing } from './billing.js';
import type { Departures } from './departures.js';
import { Mail } from './mail.js';
import type { MailOptions } from './mail.js';
import type { Frame } from './message.js';
import { PendingUnit } from './pending-unit.js';
import { SbdModem } from './sbd-modem.js';
import type { SessionResult } from './sbd-modem.js';
import { fateOf, waitAskedMs, wordsFor } from './session-status.js';

export interface BurstWorkerOptions extends MailOptions {
  readonly device: string;
  readonly openPort: () => Promise<ModemPort>;
  readonly leastSignalBars: number;
  /** How long a unit of which nothing has left is tried before the gateway hears of it. */
  readonly patienceMs: number;
  /** 0: the mailbox is looked into when the network rings, and along with what is sent. */
  readonly checkMailboxEveryMs: number;
  readonly billing: Billing;
  readonly purse?: Purse;
  readonly random: Random;
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
const LOOK_EVERY_MS = 86_400_000;
/** A session that is under way when the link is stopped may end; it has been paid for. */
const STOP_MS = 20_000;

export class BurstWorker {
  readonly #options: BurstWorkerOptions;
  readonly #departures: Departures;
  readonly #mail: Mail;
  readonly #events: WorkerEvents;
  readonly #alarm: Alarm;
  readonly #pending: PendingUnit;
  #running: Promise<void> | undefined;
  #stopping = false;
  #modem: SbdModem | undefined;
  #trouble = 'the modem has not answered yet';
  #broken: Error | undefined;
  #bars = 0;
  #hasRung = false;
  #failures = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #lastSessionMs: number;

  constructor(options: BurstWorkerOptions, departures: Departures, arrivals: Arrivals, deliver: Deliver, events: WorkerEvents) {
    this.#options = options;
    this.#departures = departures;
    this.#mail = new Mail(options, departures, arrivals, deliver);
    this.#events = events;
    this.#alarm = new Alarm(options.clock);
    this.#pending = new PendingUnit(departures, () => this.wake());
    this.#lastSessionMs = options.clock.monotonicMs();
  }

  /** The bytes of a unit that one message carries. */
  get fragmentBytes(): number {
    return this.#mail.fragmentBytes;
  }

  get trouble(): string {
    return this.#trouble;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** The send in hand may end, and so may a session under way; neither for long. */
  async stop(inHand: Promise<unknown> | undefined): Promise<void> {
    const timer = this.#options.clock.timer(STOP_MS, () => {
      this.#stopping = true;
      this.#pending.fail({ kind: 'unreachable', reason: `the link is stopping: ${this.#trouble}` });
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
    return this.#pending.wait(unit, this.#nowMs + this.#options.patienceMs, signal);
  }

  /** False where the unit before has still not left when patience ends. */
  async isClear(signal: AbortSignal): Promise<boolean> {
    const untilMs = this.#nowMs + this.#options.patienceMs;
    while (this.#departures.leaving !== undefined) {
      if (signal.aborted || this.#stopping || this.#nowMs >= untilMs) return false;
      await this.#alarm.watch(Math.min(PURSE_EVERY_MS, untilMs - this.#nowMs), signal);
    }
    return true;
  }

  wake(): void {
    this.#alarm.wake();
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  get #isDone(): boolean {
    return this.#stopping && !this.#pending.isThere;
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
        this.#pending.fail({ kind: 'unreachable', reason: this.#trouble });
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
      await this.#mail.deliverComplete();
      if (this.#nowMs >= this.#pending.untilMs) this.#pending.fail({ kind: 'unreachable', reason: this.#trouble });
      if (!this.#hasReason()) await this.#sleep(this.#restMs());
      else if (this.#nowMs < this.#notBeforeMs) await this.#sleep(this.#notBeforeMs - this.#nowMs);
      else if (await this.#hasSignal()) await this.#session();
    }
  }

  #hasReason(): boolean {
    return this.#mail.hasFrames || this.#hasRung || this.#mailboxMs() <= 0;
  }

  /** Until the mailbox is to be looked into. */
  #mailboxMs(): number {
    const { checkMailboxEveryMs } = this.#options;
    return checkMailboxEveryMs > 0 ? this.#lastSessionMs + checkMailboxEveryMs - this.#nowMs : Number.POSITIVE_INFINITY;
  }

  /** Until something may have become due. */
  #restMs(): number {
    return Math.max(0, Math.min(this.#mail.restMs, this.#mailboxMs(), LOOK_EVERY_MS));
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
    const { purse, billing } = this.#options;
    const modem = this.#modem;
    if (modem === undefined) return;
    const frames = this.#mail.frames();
    const message = this.#mail.messageOf(frames);
    await modem.load(message);
    // Until the modem says otherwise the session was the most it could be.
    let outlay = mostOf(billing, message.length);
    const spending = await purse?.spend(outlay);
    if (spending?.kind === 'refused') {
      this.#report(spending.reason);
      this.#pending.fail({ kind: 'refused', code: 'budget', reason: spending.reason, retryAfterMs: spending.retryAfterMs });
      // Looked at again soon: the operator may lift the budget.
      this.#notBeforeMs = this.#nowMs + Math.min(PURSE_EVERY_MS, spending.retryAfterMs);
      return;
    }
    // A ring that comes from here on is for what this session may not bring.
    const answersRing = this.#hasRung;
    this.#hasRung = false;
    try {
      const result = await modem.session(answersRing);
      if (result.queued > 0 || (answersRing && fateOf(result.moStatus) !== 'sent')) this.#hasRung = true;
      outlay = outlayOf(billing, message.length, result);
      await this.#ended(modem, frames, message.length, result);
    } finally {
      await spending?.settle(outlay);
    }
  }

  async #ended(modem: SbdModem, frames: readonly Frame[], sentBytes: number, result: SessionResult): Promise<void> {
    const { log, neighbour, random } = this.#options;
    const receivedBytes = result.hasMessage ? result.messageBytes : 0;
    log('debug', 'a session', { peer: neighbour, status: result.moStatus, bytes: sentBytes, received: receivedBytes, queued: result.queued });
    if (fateOf(result.moStatus) === 'sent') {
      this.#failures = 0;
      this.#lastSessionMs = this.#nowMs;
      for (const frame of frames) await this.#left(frame);
      this.#events.onUp(sentBytes, receivedBytes);
    } else {
      this.#failures += 1;
      this.#notBeforeMs = this.#nowMs + Math.max(waitAskedMs(result.moStatus), backoffMs(SESSION_RETRY, this.#failures, random));
      this.#bars = 0;
      this.#report(wordsFor(result.moStatus));
    }
    if (result.hasMessage) await this.#take(modem);
  }

  async #left(frame: Frame): Promise<void> {
    await this.#mail.left(frame);
    if (frame.kind === 'holdings') return;
    this.#pending.left(frame.unit);
    this.wake();
  }

  async #take(modem: SbdModem): Promise<void> {
    if (await this.#mail.take(modem)) this.#events.onHeard();
  }

  #report(trouble: string): void {
    this.#trouble = trouble;
    this.#events.onTrouble(trouble);
  }

  /** Until `ms` have passed, somebody wakes us, or the patience with what is pending ends. */
  #sleep(ms: number): Promise<void> {
    return this.#alarm.sleep(Math.min(ms, Math.max(0, this.#pending.untilMs - this.#nowMs)));
  }
}
