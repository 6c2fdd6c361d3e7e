/**
 * Units on their way out, on disk: what a kill leaves is gone on with, and a fragment that has left is not sent again
 * unless the other side lacks it. A unit of which nothing has left is not gone on with: the gateway offers it anew.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { writeDurably } from '../../base/durable-file.js';
import type { Fragment, Holdings } from './message.js';
import { MOST_FRAGMENTS } from './message.js';
import { toFragments } from './unit.js';

/** Units that have left are kept for the other side to ask about, so many and so long: the network itself forgets after five days. */
const MOST_KEPT = 4;
const KEPT_MS = 10 * 86_400_000;
/** How often the other side may ask for more of one unit. */
const MOST_REPAIRS = 8;

interface Departure {
  readonly unit: number;
  readonly fragments: readonly Uint8Array[];
  readonly sent: boolean[];
  readonly sinceMs: number;
  repairs: number;
}

export class Departures {
  readonly #folder: string;
  readonly #clock: Clock;
  /** Oldest first. */
  #units: Departure[] = [];

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async restore(): Promise<void> {
    this.#units = [];
    for (const name of (await readdir(this.#folder)).sort()) {
      const unit = UNIT_NAME.exec(name)?.[1];
      if (unit === undefined) continue;
      const departure = await this.#read(Number.parseInt(unit, 16));
      if (departure !== undefined && departure.sent.includes(true)) this.#units.push(departure);
      else await this.#delete(Number.parseInt(unit, 16));
    }
  }

  /** Writes a unit down. Nothing of it may leave before this resolves. */
  async put(unit: number, bytes: Uint8Array, fragmentBytes: number): Promise<void> {
    const fragments = toFragments(bytes, fragmentBytes);
    await writeDurably(join(this.#folder, unitName(unit)), concatBytes(Uint8Array.of(fragmentBytes >> 8, fragmentBytes & 0xff), bytes));
    this.#units.push({ unit, fragments, sent: fragments.map(() => false), sinceMs: this.#clock.nowMs(), repairs: 0 });
    await this.#forgetOld();
  }

  isLeaving(unit: number): boolean {
    return this.#find(unit)?.sent.includes(false) === true;
  }

  hasLeft(unit: number): boolean {
    return this.#find(unit)?.sent.includes(true) === true;
  }

  /** The unit that is on its way out, the oldest first. */
  get leaving(): number | undefined {
    return this.#units.find(({ sent }) => sent.includes(false))?.unit;
  }

  /** The next fragment that fits; the oldest unit first. */
  next(mostBytes: number): Fragment | undefined {
    for (const { unit, fragments, sent } of this.#units) {
      const index = sent.findIndex((isSent, at) => !isSent && fragments[at]!.length <= mostBytes);
      if (index >= 0) return { kind: 'fragment', unit, index, count: fragments.length, bytes: fragments[index]! };
    }
    return undefined;
  }

  async left({ unit, index }: Fragment): Promise<void> {
    const departure = this.#find(unit);
    if (departure === undefined) return;
    departure.sent[index] = true;
    await this.#save(departure);
    await this.#forgetOld();
  }

  /** What the other side has of a unit: the rest goes again. */
  async answer({ unit, has }: Holdings): Promise<void> {
    const departure = this.#find(unit);
    if (departure?.fragments.length !== has.length) return;
    if (!has.includes(false) || departure.repairs >= MOST_REPAIRS) return this.drop(unit);
    departure.repairs += 1;
    // What has not left yet stays unsent, and what has arrived is never sent again.
    has.forEach((isThere, index) => (departure.sent[index] = isThere));
    await this.#save(departure);
  }

  async drop(unit: number): Promise<void> {
    this.#units = this.#units.filter((departure) => departure.unit !== unit);
    await this.#delete(unit);
  }

  #find(unit: number): Departure | undefined {
    return this.#units.find((departure) => departure.unit === unit);
  }

  async #forgetOld(): Promise<void> {
    const gone = this.#units.filter(({ sent }) => !sent.includes(false));
    const oldMs = this.#clock.nowMs() - KEPT_MS;
    for (const [index, { unit, sinceMs }] of gone.entries()) if (index < gone.length - MOST_KEPT || sinceMs < oldMs) await this.drop(unit);
  }

  async #save({ unit, sent }: Departure): Promise<void> {
    await writeDurably(join(this.#folder, sentName(unit)), Uint8Array.from(sent, Number));
  }

  async #read(unit: number): Promise<Departure | undefined> {
    const bytes = new Uint8Array(await readFile(join(this.#folder, unitName(unit))));
    const fragmentBytes = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
    const marks = await readFile(join(this.#folder, sentName(unit))).catch(() => undefined);
    if (bytes.length < 2 || fragmentBytes === 0 || marks === undefined) return undefined;
    const fragments = toFragments(bytes.subarray(2), fragmentBytes);
    if (fragments.length > MOST_FRAGMENTS || fragments.length !== marks.length) return undefined;
    return { unit, fragments, sent: [...marks].map((mark) => mark === 1), sinceMs: this.#clock.nowMs(), repairs: 0 };
  }

  async #delete(unit: number): Promise<void> {
    await rm(join(this.#folder, unitName(unit)), { force: true });
    await rm(join(this.#folder, sentName(unit)), { force: true });
  }
}

const UNIT_NAME = /^out-([0-9a-f]{4})$/;

function unitName(unit: number): string {
  return `out-${unit.toString(16).padStart(4, '0')}`;
}

function sentName(unit: number): string {
  return `sent-${unit.toString(16).padStart(4, '0')}`;
}
