/** A short-burst modem as the link uses it: set up, signal, one session with a message each way. The commands are those of Iridium 9602 and 9603. */
import { concatBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { PosternError } from '../../base/errors.js';
import type { AtAnswer, ModemPort } from './at-channel.js';
import { AtChannel } from './at-channel.js';

export interface SessionResult {
  /** See session-status.ts. */
  readonly moStatus: number;
  /** A message has come and waits in the modem. */
  readonly hasMessage: boolean;
  /** Of that message. */
  readonly messageBytes: number;
  /** How many more wait in the network. */
  readonly queued: number;
}

export interface ModemState {
  /** A message from before waits in the modem. */
  readonly hasMessage: boolean;
  /** The network has rung since the last session. */
  readonly hasRung: boolean;
}

export interface ModemEvents {
  onRing(): void;
  /** Bars, 0 to 5. */
  onSignal(bars: number): void;
}

/** What a 9602 takes and gives at once. */
export const MO_BYTES = 340;
export const MT_BYTES = 270;

const QUICK_MS = 5_000;
/** A modem measures the signal for up to 50 s, and a session takes up to a minute; twice that is a modem that hangs. */
const SIGNAL_MS = 60_000;
const SESSION_MS = 150_000;
const TRIES = 3;

export class SbdModem {
  readonly #channel: AtChannel;
  readonly #address: string;

  private constructor(channel: AtChannel, address: string) {
    this.#channel = channel;
    this.#address = address;
  }

  /** Finds the modem and sets it up. Throws LINK_MODEM where there is none. */
  static async open(port: ModemPort, clock: Clock, address: string, events: ModemEvents): Promise<SbdModem> {
    const channel = new AtChannel(port, clock, address, (line) => {
      if (line.startsWith('SBDRING')) events.onRing();
      const bars = /^\+CIEV:\s*0,\s*([0-5])$/.exec(line)?.[1];
      if (bars !== undefined) events.onSignal(Number(bars));
    });
    const modem = new SbdModem(channel, address);
    try {
      await modem.#setUp();
      return modem;
    } catch (thrown) {
      await channel.close();
      throw thrown;
    }
  }

  /** Called once, when the port is gone. */
  set onBroken(run: (error: PosternError) => void) {
    this.#channel.onBroken = run;
  }

  async state(): Promise<ModemState> {
    const [, , hasMessage = 0, , hasRung = 0] = await this.#numbers('AT+SBDSX', '+SBDSX', QUICK_MS);
    return { hasMessage: hasMessage === 1, hasRung: hasRung === 1 };
  }

  /** Bars, 0 to 5. */
  async signal(): Promise<number> {
    const [bars = 0] = await this.#numbers('AT+CSQ', '+CSQ', SIGNAL_MS);
    return bars;
  }

  /** Puts a message into the modem; an empty one clears what was there. */
  async load(message: Uint8Array): Promise<void> {
    if (message.length === 0) return void (await this.#ok('AT+SBDD0', QUICK_MS));
    for (let tries = 0; tries < TRIES; tries++) {
      const ready = await this.#channel.command(`AT+SBDWB=${message.length}`, QUICK_MS);
      if (ready.result !== 'READY') throw this.#fault(`${ready.lines.join(' ')} ${ready.result} to a message of ${message.length} bytes`);
      // 0: taken. 1: too slow, 2: wrong sum, 3: wrong size: a disturbed line, so once more.
      const { lines } = await this.#channel.data(concatBytes(message, sumOf(message)), QUICK_MS);
      if (lines.at(-1) === '0') return;
    }
    throw this.#fault(`it did not take a message ${TRIES} times`);
  }

  /** One session with the network; it costs. @param answersRing tells the network that its ring was heard */
  async session(answersRing: boolean): Promise<SessionResult> {
    const [moStatus, , mtStatus, , messageBytes, queued] = await this.#numbers(answersRing ? 'AT+SBDIXA' : 'AT+SBDIX', '+SBDIX', SESSION_MS);
    if (moStatus === undefined || mtStatus === undefined || messageBytes === undefined || queued === undefined) throw this.#fault('half an answer to a session');
    return { moStatus, hasMessage: mtStatus === 1, messageBytes, queued };
  }

  /** The message that has come. Asked for again where the line has disturbed it. */
  async read(): Promise<Uint8Array> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { block } = await this.#channel.command('AT+SBDRB', QUICK_MS, true);
      if (block === undefined) throw this.#fault('no message where one was said to be');
      const message = block.subarray(0, -2);
      const sum = sumOf(message);
      if (sum[0] === block.at(-2) && sum[1] === block.at(-1)) return message;
    }
    throw this.#fault(`the sum of a message was wrong ${TRIES} times`);
  }

  /** Lets go of the message that has come. */
  async discard(): Promise<void> {
    await this.#ok('AT+SBDD1', QUICK_MS);
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  async #setUp(): Promise<void> {
    // No echo, answers in words, no flow control (three wires), rings announced, the signal told when it changes.
    for (const command of ['ATE0V1', 'AT&K0', 'AT+SBDMTA=1', 'AT+CIER=1,1,0']) await this.#ok(command, QUICK_MS);
  }

  async #ok(command: string, limitMs: number): Promise<AtAnswer> {
    const answer = await this.#channel.command(command, limitMs);
    if (answer.result !== 'OK') throw this.#fault(`${answer.result} to ${command}`);
    return answer;
  }

  async #numbers(command: string, name: string, limitMs: number): Promise<number[]> {
    const { lines } = await this.#ok(command, limitMs);
    const line = lines.find((text) => text.startsWith(`${name}:`));
    const numbers = line?.slice(name.length + 1).split(',').map((text) => (/^\s*\d{1,6}\s*$/.test(text) ? Number(text) : Number.NaN));
    if (numbers === undefined || numbers.some(Number.isNaN)) throw this.#fault(`${line ?? 'nothing'} to ${command}`);
    return numbers;
  }

  #fault(found: string): PosternError {
    return new PosternError('LINK_MODEM', `The modem at ${this.#address} does not do what a modem does: ${found}.`, { address: this.#address, found });
  }
}

/** The last 16 bits of the sum of the bytes. */
export function sumOf(message: Uint8Array): Uint8Array {
  const sum = message.reduce((total, byte) => (total + byte) & 0xffff, 0);
  return Uint8Array.of(sum >> 8, sum & 0xff);
}
