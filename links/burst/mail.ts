/**
 * What a session takes up and what it has brought down: fragments and questions on their way out, fragments and answers
 * on their way in, and units that are complete for the gateway. All of it is on disk before anybody relies on it.
 */
import { concatBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import type { Deliver } from '../link.js';
import type { Arrivals } from './arrivals.js';
import type { Departures } from './departures.js';
import type { Ends, Frame } from './message.js';
import { CHECK_BYTES, decodeMessage, encodeMessage, FRAGMENT_HEAD_BYTES, frameBytes } from './message.js';
import type { SbdModem } from './sbd-modem.js';

export interface MailOptions {
  readonly neighbour: string;
  readonly ends: Ends;
  /** Put before each message, where the network delivers by it. */
  readonly prefix: Uint8Array;
  /** The largest message that the other side's modem takes, prefix included. */
  readonly messageBytes: number;
  readonly clock: Clock;
  readonly log: (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void;
}

const DELIVER_AGAIN_MS = 60_000;

export class Mail {
  readonly #options: MailOptions;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  readonly #deliver: Deliver;
  #deliverAgainMs = Number.NEGATIVE_INFINITY;

  constructor(options: MailOptions, departures: Departures, arrivals: Arrivals, deliver: Deliver) {
    this.#options = options;
    this.#departures = departures;
    this.#arrivals = arrivals;
    this.#deliver = deliver;
  }

  /** The bytes of a unit that one message carries. */
  get fragmentBytes(): number {
    return this.#roomBytes - FRAGMENT_HEAD_BYTES;
  }

  /** Is there something to say, or to ask? */
  get hasFrames(): boolean {
    return this.#departures.leaving !== undefined || this.#arrivals.questions().length > 0;
  }

  /** Until there may be something to ask or to deliver that is neither now. */
  get restMs(): number {
    const questionMs = (this.#arrivals.nextQuestionMs() ?? Number.POSITIVE_INFINITY) - this.#options.clock.nowMs();
    const deliverMs = this.#deliverAgainMs - this.#options.clock.monotonicMs();
    return Math.max(0, Math.min(questionMs, deliverMs > 0 ? deliverMs : Number.POSITIVE_INFINITY));
  }

  /** Questions first; then a fragment, which fills what is left. */
  frames(): Frame[] {
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

  /** As the modem takes it; nothing at all for no frames. */
  messageOf(frames: readonly Frame[]): Uint8Array {
    const { prefix, ends } = this.#options;
    return frames.length === 0 ? new Uint8Array() : concatBytes(prefix, encodeMessage(frames, ends));
  }

  /** The network has it. */
  async left(frame: Frame): Promise<void> {
    if (frame.kind === 'holdings') return this.#arrivals.asked(frame);
    await this.#departures.left(frame);
  }

  /** The message that waits in the modem, written down before the modem lets go of it. False for one that is not of this neighbour. */
  async take(modem: SbdModem): Promise<boolean> {
    const { ends, log, neighbour } = this.#options;
    const message = await modem.read();
    const frames = decodeMessage(message, { from: ends.to, to: ends.from });
    if (frames === undefined) log('warn', 'a message that is not of this neighbour', { peer: neighbour, bytes: message.length });
    for (const frame of frames ?? []) {
      if (frame.kind === 'fragment') await this.#arrivals.add(frame);
      else await this.#departures.answer(frame);
    }
    await modem.discard();
    return frames !== undefined;
  }

  async deliverComplete(): Promise<void> {
    const { neighbour, clock, log } = this.#options;
    if (clock.monotonicMs() < this.#deliverAgainMs) return;
    for (let unit = await this.#arrivals.complete(); unit !== undefined; unit = await this.#arrivals.complete()) {
      const result = await this.#deliver({ peer: neighbour, bytes: once(unit.bytes) });
      if (result.kind === 'refused' && (result.retryAfterMs !== undefined || result.code.startsWith('STORE_'))) {
        this.#deliverAgainMs = clock.monotonicMs() + DELIVER_AGAIN_MS;
        return;
      }
      if (result.kind === 'refused') log('warn', 'a unit was refused', { peer: neighbour, code: result.code });
      await this.#arrivals.finish(unit.key);
    }
  }

  get #roomBytes(): number {
    return this.#options.messageBytes - this.#options.prefix.length - CHECK_BYTES;
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
