/** A store in memory, for tests and simulations: the code of the real one on a disk that can crash, and an index that can lose its last writes. */
import { copyBytes } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import type { Random } from '../base/random.js';
import { assembleStore } from './assemble.js';
import type { IndexDatabase } from './assemble.js';
import type { Disk } from './disk.js';
import type { KeyValue, KeyValueBatch, KeyValueIterator } from './key-value.js';
import { fromBytes } from './keys.js';
import { MemoryDisk } from './memory-disk.js';
import { MemoryEntries } from './memory-entries.js';
import type { MemoryEntry } from './memory-entries.js';
import type { LevelStore } from './level-store.js';
import type { Quotas } from './store.js';
import { storeLocked } from './store-errors.js';
import type { StoreEvent } from './store-event.js';
import type { StoreLimits } from './store-parts.js';

export interface MemoryOptions {
  readonly clock: Clock;
  readonly quotas?: Quotas;
  readonly limits?: Partial<StoreLimits>;
  readonly random?: Random;
  /** Mount the same disk again, with the same database, to open what a store left behind. */
  readonly disk?: Disk;
  readonly database?: IndexDatabase;
  readonly report?: (event: StoreEvent) => void;
}

export const NO_QUOTAS: Quotas = {
  peer: () => ({ bytes: Infinity, byteSeconds: Infinity }),
  destination: () => ({ bytes: Infinity, byteSeconds: Infinity }),
};

/** Small, as what is written to them: a store here lives for one test or one run. */
const SEGMENT_BYTES = 2 * 2 ** 20;

export function openMemoryStore(options: MemoryOptions): Promise<LevelStore> {
  return assembleStore({
    dir: 'memory',
    clock: options.clock,
    disk: options.disk ?? new MemoryDisk().mount(),
    database: options.database ?? new MemoryDatabase(),
    random: options.random ?? seededRandom(1),
    quotas: options.quotas ?? NO_QUOTAS,
    limits: { segmentBytes: SEGMENT_BYTES, spareSegments: 1, aheadBytes: 0, ...options.limits },
    ...(options.report !== undefined && { report: options.report }),
  });
}

type Changed = ReadonlyMap<string, MemoryEntry | undefined>;

/** A database that outlives the store that uses it. */
export class MemoryDatabase implements IndexDatabase {
  readonly #crashes: boolean;
  #entries = new MemoryEntries();
  #holder: object | undefined;
  /** What stood under the keys of each batch since the last checkpoint, before it. */
  #undo: Changed[] = [];

  /** @param crashes remember enough to lose, at a crash, what no checkpoint covers */
  constructor({ crashes = false } = {}) {
    this.#crashes = crashes;
  }

  async open(): Promise<KeyValue> {
    if (this.#holder !== undefined) throw storeLocked('memory', undefined);
    const entries = this.#entries;
    const holder = {};
    this.#holder = holder;
    const held = (): MemoryEntries => {
      if (this.#holder !== holder) throw new Error('the database was taken away');
      return entries;
    };
    return {
      getSync: (key) => held().get(fromBytes(key)),
      getMany: async (keys) => keys.map((key) => held().get(fromBytes(key))),
      batch: () => this.#batch(held),
      iterator: ({ gte, lt }) => iteratorOf(held().range(fromBytes(gte), fromBytes(lt))),
      close: async () => {
        if (this.#holder === holder) this.#holder = undefined;
      },
      reopen: async () => undefined,
      checkpoint: async () => {
        held();
        this.#undo = [];
      },
      condemn: () => undefined,
    };
  }

  async destroy(): Promise<void> {
    this.#entries = new MemoryEntries();
    this.#undo = [];
  }

  /** The process died: whoever had it open has it no more. What was flushed is there. */
  release(): void {
    this.#holder = undefined;
  }

  /** The power went: of the batches since the last checkpoint only the first are left. @param isLeft asked for one batch after the other, until it says no */
  async crash(isLeft: () => boolean): Promise<void> {
    this.#holder = undefined;
    let left = 0;
    while (left < this.#undo.length && isLeft()) left += 1;
    for (const changes of this.#undo.slice(left).reverse()) this.#entries.change(changes);
    this.#undo = [];
  }

  #batch(held: () => MemoryEntries): KeyValueBatch {
    const changes = new Map<string, MemoryEntry | undefined>();
    return {
      put: (bytes, value) => {
        const key = fromBytes(bytes);
        changes.set(key, { key, keyBytes: copyBytes(bytes), value: copyBytes(value) });
      },
      del: (bytes) => changes.set(fromBytes(bytes), undefined),
      write: async () => {
        const entries = held();
        const before = this.#crashes ? new Map<string, MemoryEntry | undefined>() : undefined;
        entries.change(changes, before);
        if (before !== undefined) this.#undo.push(before);
      },
    };
  }
}

function iteratorOf(walk: Iterator<MemoryEntry>): KeyValueIterator {
  return {
    async nextv(size) {
      const entries: [Uint8Array, Uint8Array][] = [];
      while (entries.length < size) {
        const next = walk.next();
        if (next.done === true) break;
        entries.push([next.value.keyBytes, next.value.value]);
      }
      return entries;
    },
    async close() {
      walk.return?.();
    },
  };
}
