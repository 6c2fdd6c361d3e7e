/**
 * Large blobs that wait for a cheaper link than the one at hand: which of them may go all the same, and of which the neighbour
 * has been told. A notice costs money where everything does, so that each is given once, and again only where nobody can
 * know that it has arrived; what was given is remembered over a restart.
 */
import { toHex, utf8 } from '../base/bytes.js';
import type { LinkLimit } from '../links/link.js';
import type { Store, StoredRecord } from '../store/store.js';
import { isRaised } from './priorities.js';
import { peerTarget } from './target.js';

interface Told {
  /** How often, in all. */
  times: number;
  /** When it may be told of again; null: the neighbour knows it for sure. */
  nextMs: number | null;
  /** The neighbour has asked for it: it goes by any link. */
  asked: boolean;
  /** Another link has offered it since: what the neighbour wants of it now, it wants of that link. */
  offered: boolean;
}

/** A notice that may have been lost is repeated, but three of them are enough: the blob itself is on its way, too. */
const MOST_TIMES = 3;
/** Told of at the same time. What is more is told of when some of these have gone. */
const MOST_TOLD = 512;
/** Raised by an operator, remembered when they are raised no more: then their pieces may still go. */
const MOST_LET = 4096;

export class HeldLarge {
  readonly #store: Store;
  readonly #peer: string;
  readonly #let = new Set<string>();
  readonly #told = new Map<string, Told>();
  /** How many could not be told of for want of room, at the last look. */
  #untold = 0;

  constructor(store: Store, peer: string) {
    this.#store = store;
    this.#peer = peer;
  }

  async restore(): Promise<void> {
    for (const [rid, told] of await savedOf(this.#store, this.#peer)) this.#told.set(rid, told);
  }

  /** Does a link with this threshold leave the record to another? Not where an operator has raised it, or the neighbour asks for it. */
  holds(stored: StoredRecord, holdLargeBytes: number): boolean {
    if (stored.record.blobBytes < holdLargeBytes) return false;
    const rid = toHex(stored.record.rid);
    if (isRaised(stored)) this.#let.add(rid);
    const [oldest] = this.#let;
    if (oldest !== undefined && this.#let.size > MOST_LET) this.#let.delete(oldest);
    return !this.#let.has(rid) && this.#told.get(rid)?.asked !== true;
  }

  /** Is the neighbour to hear now that we have this one? */
  isToTell({ record }: StoredRecord, nowMs: number): boolean {
    const told = this.#told.get(toHex(record.rid));
    if (told === undefined) return this.#told.size < MOST_TOLD;
    return told.times < MOST_TIMES && told.nextMs !== null && told.nextMs <= nowMs;
  }

  /**
   * Counted before they are sent: after a kill in between they are not told of at once again.
   * @param again when they may be; asked only where there is something to tell
   */
  async telling(notices: readonly StoredRecord[], again: () => number): Promise<void> {
    if (notices.length === 0) return;
    const nextMs = again();
    for (const { record } of notices) {
      const rid = toHex(record.rid);
      const times = (this.#told.get(rid)?.times ?? 0) + 1;
      this.#told.set(rid, { times, nextMs, asked: false, offered: false });
    }
    await this.#save();
  }

  /** What became of them. `lost`: they have not left; `known`: the neighbour's gateway has dealt with them. */
  async tellingEnded(notices: readonly StoredRecord[], outcome: 'known' | 'lost' | 'unsure'): Promise<void> {
    if (notices.length === 0 || outcome === 'unsure') return;
    for (const { record } of notices) {
      const told = this.#told.get(toHex(record.rid));
      if (told === undefined) continue;
      if (outcome === 'known') told.nextMs = null;
      else if (told.times > 1) Object.assign(told, { times: told.times - 1, nextMs: 0 });
      else this.#told.delete(toHex(record.rid));
    }
    await this.#save();
  }

  /** A link that does not hold it has offered it: it is to be told of again only if that comes to nothing. */
  async offered(records: readonly StoredRecord[], again: () => number): Promise<void> {
    if (this.#told.size === 0) return;
    const changed = records.flatMap(({ record }) => this.#told.get(toHex(record.rid)) ?? []).filter((told) => !told.offered);
    if (changed.length === 0) return;
    const nextMs = again();
    for (const told of changed) Object.assign(told, { offered: true, nextMs });
    await this.#save();
  }

  /** The neighbour wants it: true where it was told of, and so asks for it of its own accord. */
  async ask(rid: Uint8Array): Promise<boolean> {
    const told = this.#told.get(toHex(rid));
    if (told === undefined || told.offered) return false;
    if (!told.asked) {
      told.asked = true;
      await this.#save();
    }
    return true;
  }

  /** An earlier time than that of before was confirmed. @param latestMs nothing is told of again later than this */
  async timeFell(latestMs: number): Promise<void> {
    const late = [...this.#told.values()].filter(({ nextMs }) => nextMs !== null && nextMs > latestMs);
    for (const told of late) told.nextMs = 0;
    if (late.length > 0) await this.#save();
  }

  /** Forgets what is not on its way to the neighbour any more, once there is no room for others. */
  async makeRoom(): Promise<void> {
    if (this.#told.size < MOST_TOLD) return;
    for (const rid of [...this.#told.keys()]) {
      const stored = await this.#store.find(Buffer.from(rid, 'hex'));
      if (stored?.schedule?.target !== peerTarget(this.#peer)) this.#told.delete(rid);
    }
  }

  /** @param untold how many of those held were not told of */
  looked(held: readonly StoredRecord[]): void {
    this.#untold = this.#told.size < MOST_TOLD ? 0 : held.filter(({ record }) => !this.#told.has(toHex(record.rid))).length;
  }

  limits(): LinkLimit[] {
    return [{ name: 'notices given', unit: 'count', used: this.#told.size, most: MOST_TOLD, refused: this.#untold }];
  }

  async #save(): Promise<void> {
    await this.#store.putMeta(metaKey(this.#peer), utf8(JSON.stringify([...this.#told])));
  }
}

/** What a neighbour has been told of, by the hashes of the records in hex. */
export async function noticesGiven(store: Store, peer: string): Promise<ReadonlySet<string>> {
  return new Set((await savedOf(store, peer)).map(([rid]) => rid));
}

async function savedOf(store: Store, peer: string): Promise<[string, Told][]> {
  const saved = await store.getMeta(metaKey(peer));
  return saved === undefined ? [] : (JSON.parse(Buffer.from(saved).toString()) as [string, Told][]);
}

function metaKey(peer: string): string {
  return `notices-given/${peer}`;
}
