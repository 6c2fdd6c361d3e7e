/**
 * The command language of a modem over a byte stream: one command at a time, its answer as lines up to the result, binary
 * blocks in between, and lines that the modem says on its own account. What is out of order ends the channel: whoever uses it
 * opens the port anew.
 */
import { asBuffer, concatBytes, utf8 } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { PosternError } from '../../base/errors.js';

/** A serial port, or what stands in for one. */
export interface ModemPort {
  write(bytes: Uint8Array): Promise<void>;
  /** Safe to call twice. */
  close(): Promise<void>;
  onData: ((bytes: Uint8Array) => void) | undefined;
  onClose: ((reason: string) => void) | undefined;
}

export interface AtAnswer {
  readonly result: string;
  /** What came before the result. */
  readonly lines: readonly string[];
  /** The binary block, where one was asked for and came. */
  readonly block?: Uint8Array;
}

const RESULTS = new Set(['OK', 'ERROR', 'READY']);
const UNSOLICITED = /^(SBDRING|\+CIEV:|\+AREG:|HARDWARE FAILURE)/;
/** Longer lines are noise. */
const LINE_BYTES = 512;
const LINES = 64;
const CR = 13;
const LF = 10;
/** Length before and sum behind a block. No block is longer than this, so anything greater is text: two letters make a number beyond 8000. */
const BLOCK_HEAD_BYTES = 2;
const BLOCK_SUM_BYTES = 2;
const LONGEST_BLOCK = 2000;

interface Waiting {
  readonly command: string;
  readonly lines: string[];
  wantsBlock: boolean;
  block?: Uint8Array;
  resolve(answer: AtAnswer): void;
  reject(error: PosternError): void;
}

export class AtChannel {
  readonly #port: ModemPort;
  readonly #clock: Clock;
  readonly #address: string;
  readonly #onUnsolicited: (line: string) => void;
  #held: Uint8Array = new Uint8Array();
  #waiting: Waiting | undefined;
  #broken: PosternError | undefined;
  /** Called once, when the port is gone. */
  onBroken: ((error: PosternError) => void) | undefined;

  /** @param address names the port in errors */
  constructor(port: ModemPort, clock: Clock, address: string, onUnsolicited: (line: string) => void) {
    this.#port = port;
    this.#clock = clock;
    this.#address = address;
    this.#onUnsolicited = onUnsolicited;
    port.onData = (bytes) => this.#take(bytes);
    port.onClose = (reason) => this.#break(`the port was closed: ${reason}`);
  }

  /** Throws LINK_MODEM when the modem does not answer in time, or the port is gone. */
  async command(text: string, limitMs: number, wantsBlock = false): Promise<AtAnswer> {
    return this.#exchange(text, utf8(`${text}\r`), limitMs, wantsBlock);
  }

  /** Raw bytes that the modem has asked for. */
  async data(bytes: Uint8Array, limitMs: number): Promise<AtAnswer> {
    return this.#exchange('data', bytes, limitMs, false);
  }

  async close(): Promise<void> {
    this.#break('closed');
    await this.#port.close();
  }

  async #exchange(command: string, bytes: Uint8Array, limitMs: number, wantsBlock: boolean): Promise<AtAnswer> {
    if (this.#broken !== undefined) throw this.#broken;
    const answer = new Promise<AtAnswer>((resolve, reject) => {
      this.#waiting = { command, lines: [], wantsBlock, resolve, reject };
    });
    const timer = this.#clock.timer(limitMs, () => this.#break(`no answer to ${command} within ${limitMs} ms`));
    try {
      void this.#port.write(bytes).catch((thrown: unknown) => this.#break(String(thrown)));
      return await answer;
    } finally {
      timer.cancel();
      this.#waiting = undefined;
    }
  }

  #take(bytes: Uint8Array): void {
    this.#held = concatBytes(this.#held, bytes);
    while (this.#held.length > 0) {
      const taken = this.#waiting?.wantsBlock === true ? this.#takeBlock(this.#waiting) : this.#takeLine();
      if (!taken) return;
    }
  }

  /** False when more bytes are needed. */
  #takeBlock(waiting: Waiting): boolean {
    if (this.#held.length < BLOCK_HEAD_BYTES) return false;
    const length = this.#held[0]! * 256 + this.#held[1]!;
    if (length > LONGEST_BLOCK) return this.#takeLine();
    const end = BLOCK_HEAD_BYTES + length + BLOCK_SUM_BYTES;
    if (this.#held.length < end) return false;
    waiting.block = this.#held.slice(BLOCK_HEAD_BYTES, end);
    waiting.wantsBlock = false;
    this.#held = this.#held.subarray(end);
    return true;
  }

  #takeLine(): boolean {
    const end = this.#held.findIndex((byte) => byte === CR || byte === LF);
    if (end < 0) {
      if (this.#held.length > LINE_BYTES) this.#held = new Uint8Array();
      return false;
    }
    const line = asBuffer(this.#held.subarray(0, end)).toString('latin1').trim();
    this.#held = this.#held.subarray(end + 1);
    if (line !== '') this.#hear(line);
    return true;
  }

  #hear(line: string): void {
    if (UNSOLICITED.test(line)) return this.#onUnsolicited(line);
    const waiting = this.#waiting;
    // An echo, before the modem was told to give none, and what answers nothing.
    if (waiting === undefined || line.startsWith('AT')) return;
    if (!RESULTS.has(line)) {
      if (waiting.lines.length < LINES) waiting.lines.push(line);
      return;
    }
    const { lines, block } = waiting;
    this.#waiting = undefined;
    waiting.resolve({ result: line, lines, ...(block !== undefined && { block }) });
  }

  #break(found: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = new PosternError('LINK_MODEM', `The modem at ${this.#address} does not do what a modem does: ${found}.`, { address: this.#address, found });
    this.#waiting?.reject(this.#broken);
    this.onBroken?.(this.#broken);
  }
}
