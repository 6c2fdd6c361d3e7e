/**
 * The link `burst`: a narrowband satellite modem with a price for each message (Iridium SBD). A unit is written down, cut into
 * fragments and sent message by message; from the first one that has left, the rest follows, over restarts too. That it
 * arrived is said by a receipt.
 */
import { codeOf, sweepTemporaries } from '../../base/durable-file.js';
import { messageOf, PosternError } from '../../base/errors.js';
import { makeFolder } from '../../base/make-folder.js';
import { gatherFreight } from '../gather.js';
import type { Deliver, Freight, Link, LinkLimit, LinkStatus, LinkSupport, Outcome } from '../link.js';
import { Arrivals } from './arrivals.js';
import { BurstWorker } from './burst-worker.js';
import type { BurstWorkerOptions } from './burst-worker.js';
import { Departures } from './departures.js';
import { CHECK_BYTES, FRAGMENT_HEAD_BYTES, MOST_FRAGMENTS } from './message.js';
import { largestUnitBytes } from './unit.js';

export interface BurstLinkOptions extends BurstWorkerOptions {
  /** Where fragments and units are kept: a folder for this link alone. */
  readonly folder: string;
  readonly largestBytes: number;
}

/**
 * To a neighbour that is silent a few units go as they come; then each waits longer than the one before: nobody
 * pays every six hours for a station that has been switched off for the winter.
 */
const UNANSWERED_FREELY = 4;
const SILENCE_FIRST_MS = 6 * 3_600_000;
const SILENCE_CAP_MS = 7 * 86_400_000;

export class BurstLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  onSignOfLife?: (() => void) | undefined;
  readonly #options: BurstLinkOptions;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  #worker: BurstWorker | undefined;
  #sending: Promise<unknown> | undefined;
  #unanswered = 0;
  #refused = 0;
  #lastUnitMs = Number.NEGATIVE_INFINITY;
  #status: LinkStatus = { state: 'stopped', sentBytes: 0, receivedBytes: 0 };

  constructor(options: BurstLinkOptions) {
    const { neighbour, folder, largestBytes, clock, messageBytes, prefix } = options;
    this.#options = options;
    this.name = `${neighbour}/burst`;
    const fragmentBytes = messageBytes - prefix.length - CHECK_BYTES - FRAGMENT_HEAD_BYTES;
    this.supports = { carries: 'compact', answers: false, largestBytes: Math.min(largestBytes, largestUnitBytes(fragmentBytes, MOST_FRAGMENTS)), parallel: 1, pays: true };
    this.#departures = new Departures(folder, clock);
    this.#arrivals = new Arrivals(folder, clock);
  }

  async start(deliver: Deliver): Promise<void> {
    const { folder } = this.#options;
    try {
      await makeFolder(folder, 0o700);
      await sweepTemporaries(folder);
      await this.#departures.restore();
      await this.#arrivals.restore();
    } catch (cause) {
      throw new PosternError('LINK_FOLDER', `The folder ${folder} cannot be used: ${messageOf(cause)}.`, { folder, systemCode: codeOf(cause) ?? '' }, { cause });
    }
    this.#worker = new BurstWorker(this.#options, this.#departures, this.#arrivals, deliver, {
      onUp: (sentBytes, receivedBytes) => {
        const { sentBytes: sentBefore, receivedBytes: receivedBefore } = this.#status;
        this.#note({ state: 'up', lastContactMs: this.#options.clock.nowMs(), sentBytes: sentBefore + sentBytes, receivedBytes: receivedBefore + receivedBytes });
      },
      onTrouble: (lastError) => this.#note({ state: 'down', lastError }),
      onHeard: () => {
        this.#unanswered = 0;
        this.onSignOfLife?.();
      },
    });
    this.#note({ state: 'idle' });
    this.#worker.start();
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    const worker = this.#worker;
    if (worker === undefined) return this.#unreachable('it is stopped');
    if (freight.bytes > this.supports.largestBytes) {
      return { kind: 'refused', code: 'too-large', reason: `${this.name} carries ${this.supports.largestBytes} bytes at most; this unit has ${freight.bytes}.` };
    }
    const silenceMs = this.#silenceMs();
    if (silenceMs > 0) this.#refused += 1;
    if (silenceMs > 0) return { kind: 'refused', code: 'no-answer', reason: `${this.name}: nothing has come back on the last ${this.#unanswered} units; the next goes later.`, retryAfterMs: silenceMs };
    if (this.#sending !== undefined) return this.#unreachable('it is busy with another unit');
    const sending = this.#send(worker, freight, signal);
    this.#sending = sending;
    try {
      return await sending;
    } finally {
      this.#sending = undefined;
    }
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop(this.#sending);
    if (this.#worker === undefined) this.#note({ state: 'stopped' });
  }

  status(): LinkStatus {
    const silent: LinkLimit = { name: 'units without an answer', unit: 'count', used: this.#unanswered, most: UNANSWERED_FREELY, refused: this.#refused };
    return { ...this.#status, limits: [silent, this.#arrivals.limit()] };
  }

  async #send(worker: BurstWorker, freight: Freight, signal: AbortSignal): Promise<Outcome> {
    const bytes = await gatherFreight(freight, signal);
    if (bytes === undefined) return this.#unreachable('the send was given up');
    if (!(await worker.isClear(signal))) return this.#unreachable(`the unit before has not left yet: ${worker.trouble}`);
    const [high = 0, low = 0] = this.#options.random.bytes(2);
    const unit = high * 256 + low;
    try {
      await this.#departures.put(unit, bytes, worker.fragmentBytes);
    } catch (thrown) {
      return this.#unreachable(`the unit could not be written down: ${messageOf(thrown)}`);
    }
    const outcome = signal.aborted ? this.#unreachable('the send was given up') : await worker.submit(unit, signal);
    if (outcome.kind === 'written') {
      this.#unanswered += 1;
      this.#lastUnitMs = this.#options.clock.monotonicMs();
    }
    return 'reason' in outcome && !outcome.reason.startsWith(this.name) ? { ...outcome, reason: `${this.name}: ${outcome.reason}.` } : outcome;
  }

  /** How long the next unit has to wait for a silent neighbour. */
  #silenceMs(): number {
    if (this.#unanswered < UNANSWERED_FREELY) return 0;
    const waitMs = Math.min(SILENCE_FIRST_MS * 2 ** (this.#unanswered - UNANSWERED_FREELY), SILENCE_CAP_MS);
    return Math.max(0, this.#lastUnitMs + waitMs - this.#options.clock.monotonicMs());
  }

  #unreachable(why: string): Outcome {
    return { kind: 'unreachable', reason: `${this.name}: ${why}.` };
  }

  #note(change: Partial<LinkStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}
