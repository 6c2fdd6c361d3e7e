/** The latest believed time, on disk: what a clock that wakes in 1970 is held against. One small file, written seldom, for the sake of SD cards. */
import { readFile } from 'node:fs/promises';
import { utf8 } from '../base/bytes.js';
import { codeOf, writeDurably } from '../base/durable-file.js';
import type { Clock, Timer } from '../base/clock.js';
import type { ClockTrust } from './clock-trust.js';

/** What a power cut may cost in time, if the clock is lost with it. */
const EVERY_MS = 10 * 60_000;

/** Unix milliseconds; undefined at the first start, or where the file was damaged. */
export async function readHighWater(file: string): Promise<number | undefined> {
  try {
    const timeMs = Number(await readFile(file, 'utf8'));
    return Number.isSafeInteger(timeMs) && timeMs > 0 ? timeMs : undefined;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Keeps the time where a restart finds it. */
export type SaveHighWater = (highWaterMs: number) => Promise<void>;

export function highWaterWriter(file: string): SaveHighWater {
  return (highWaterMs) => writeDurably(file, utf8(`${highWaterMs}\n`));
}

export class HighWaterKeeper {
  readonly #save: SaveHighWater;
  readonly #clock: Clock;
  readonly #trust: ClockTrust;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(save: SaveHighWater, clock: Clock, trust: ClockTrust) {
    this.#save = save;
    this.#clock = clock;
    this.#trust = trust;
  }

  start(): void {
    this.#write();
    this.#timer = this.#clock.timer(EVERY_MS, () => this.start());
  }

  /** Writes a last time. Safe to call twice. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#write();
    await this.#writing;
  }

  /** A write that fails (a full disk) leaves the older time, which is a worse bound and no harm. */
  #write(): void {
    const { highWaterMs } = this.#trust;
    this.#writing = this.#writing.then(() => this.#save(highWaterMs)).catch(() => undefined);
  }
}
