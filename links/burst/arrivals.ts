/**
 * Units on their way in, a file for each fragment, so that nothing that was paid for comes twice over a restart. When a
 * unit stands still with fragments missing, the other side is told which, a few times and ever more seldom.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { writeDurably } from '../../base/durable-file.js';
import type { LinkLimit } from '../link.js';
import type { Fragment, Holdings } from './message.js';
import { fromFragments } from './unit.js';

/** Whoever can send to this modem can fill so many and no more; the one that has stood still longest makes room. */
const MOST_UNITS = 16;
/** The other side may be gone for a month and go on where it was. */
const KEPT_MS = 40 * 86_400_000;
/** The other side may still be sending, at a session a minute; after that each question waits twice as long as the one before. */
const ASK_AFTER_MS = 20 * 60_000;
const MOST_QUESTIONS = 3;
/** Fragments of these that come again are known and ask for nothing. */
const MOST_DONE = 32;

interface Arriving {
  readonly unit: number;
  readonly parts: (Uint8Array | undefined)[];
  lastMs: number;
  questions: number;
}

export class Arrivals {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #units = new Map<string, Arriving>();
  #done: string[] = [];
  /** Units that made room for others. */
  #dropped = 0;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async restore(): Promise<void> {
    this.#units.clear();
    this.#done = (await readFile(join(this.#folder, DONE_FILE), 'utf8').catch(() => '')).split(' ').filter((key) => key !== '');
    for (const name of await readdir(this.#folder)) {
      const [, unit, count, index] = PART_NAME.exec(name) ?? [];
      if (unit === undefined || count === undefined || index === undefined) continue;
      const fragment = { unit: Number.parseInt(unit, 16), count: Number(count), index: Number(index), bytes: new Uint8Array(await readFile(join(this.#folder, name))) };
      if (fragment.index < fragment.count) this.#place(fragment);
    }
  }

  /** Resolves once the fragment is on disk. */
  async add(fragment: Fragment): Promise<void> {
    if (this.#done.includes(keyOf(fragment))) return;
    await writeDurably(join(this.#folder, partName(fragment)), fragment.bytes);
    const arriving = this.#place(fragment);
    arriving.lastMs = this.#clock.nowMs();
    arriving.questions = 0;
    await this.#makeRoom();
  }

  /** A unit that is complete. It stays until `finish`. Parts that do not belong together are dropped. */
  async complete(): Promise<{ readonly key: string; readonly bytes: Uint8Array } | undefined> {
    for (const [key, { parts }] of this.#units) {
      if (parts.includes(undefined)) continue;
      const bytes = fromFragments(parts as Uint8Array[]);
      if (bytes !== undefined) return { key, bytes };
      await this.#drop(key);
    }
    return undefined;
  }

  /** The gateway has dealt with the unit. */
  async finish(key: string): Promise<void> {
    this.#done = [...this.#done, key].slice(-MOST_DONE);
    await writeDurably(join(this.#folder, DONE_FILE), utf8(this.#done.join(' ')));
    await this.#drop(key);
  }

  limit(): LinkLimit {
    return { name: 'units arriving', unit: 'count', used: this.#units.size, most: MOST_UNITS, refused: this.#dropped };
  }

  /** What to ask for now. */
  questions(): Holdings[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#units.values()].filter((arriving) => askAtMs(arriving) <= nowMs).map(({ unit, parts }) => ({ kind: 'holdings', unit, has: parts.map((part) => part !== undefined) }));
  }

  /** When there will be something to ask for. */
  nextQuestionMs(): number | undefined {
    const times = [...this.#units.values()].map(askAtMs).filter(Number.isFinite);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The question has left. */
  asked({ unit, has }: Holdings): void {
    const arriving = this.#units.get(keyOf({ unit, count: has.length }));
    if (arriving === undefined) return;
    arriving.questions += 1;
    arriving.lastMs = this.#clock.nowMs();
  }

  #place({ unit, count, index, bytes }: Pick<Fragment, 'unit' | 'count' | 'index' | 'bytes'>): Arriving {
    const key = keyOf({ unit, count });
    const arriving = this.#units.get(key) ?? { unit, parts: new Array<undefined>(count).fill(undefined), lastMs: this.#clock.nowMs(), questions: 0 };
    this.#units.set(key, arriving);
    arriving.parts[index] = bytes;
    return arriving;
  }

  async #makeRoom(): Promise<void> {
    const oldMs = this.#clock.nowMs() - KEPT_MS;
    const byAge = [...this.#units].sort(([, a], [, b]) => a.lastMs - b.lastMs);
    for (const [index, [key, { lastMs }]] of byAge.entries()) {
      const isTooMany = index < byAge.length - MOST_UNITS;
      if (isTooMany) this.#dropped += 1;
      if (isTooMany || lastMs < oldMs) await this.#drop(key);
    }
  }

  async #drop(key: string): Promise<void> {
    const arriving = this.#units.get(key);
    this.#units.delete(key);
    for (let index = 0; index < (arriving?.parts.length ?? 0); index++) await rm(join(this.#folder, `in-${key}-${index}`), { force: true });
  }
}

const PART_NAME = /^in-([0-9a-f]{4})-(\d{1,3})-(\d{1,3})$/;
const DONE_FILE = 'done';

/** Drawn numbers of two units may be the same; their counts seldom are, too. */
function keyOf({ unit, count }: { readonly unit: number; readonly count: number }): string {
  return `${unit.toString(16).padStart(4, '0')}-${count}`;
}

function partName(fragment: Fragment): string {
  return `in-${keyOf(fragment)}-${fragment.index}`;
}

function askAtMs({ parts, lastMs, questions }: Arriving): number {
  return questions >= MOST_QUESTIONS || !parts.includes(undefined) ? Number.POSITIVE_INFINITY : lastMs + ASK_AFTER_MS * 2 ** questions;
}
