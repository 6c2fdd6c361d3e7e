/** A store in memory, for tests and simulations: the code of the real one on a disk that can crash. The door to `memory-level`. */
import { MemoryLevel } from 'memory-level';
import { copyBytes } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import type { Random } from '../base/random.js';
import { assembleStore } from './assemble.js';
import type { IndexDatabase } from './assemble.js';
import type { Disk } from './disk.js';
import type { KeyValue, KeyValueBatch } from './key-value.js';
import { MemoryDisk } from './memory-disk.js';
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

/** Segments are written full of zeros first, so a store that lives for one test had better have small ones. */
const SEGMENT_BYTES = 2 * 2 ** 20;

export function openMemoryStore(options: MemoryOptions): Promise<LevelStore> {
  return assembleStore({
    dir: 'memory',
    clock: options.clock,
    disk: options.disk ?? new MemoryDisk().mount(),
    database: options.database ?? new MemoryDatabase(),
    random: options.random ?? seededRandom(1),
    quotas: options.quotas ?? NO_QUOTAS,
    limits: { segmentBytes: SEGMENT_BYTES, spareSegments: 1, ...options.limits },
    ...(options.report !== undefined && { report: options.report }),
  });
}

/** A database that outlives the store that uses it. */
export class MemoryDatabase implements IndexDatabase {
  readonly #crashes: boolean;
  #level = newLevel();
  #holder: object | undefined;
  /** What stood under the keys of each batch since the last checkpoint, before it. */
  #undo: (readonly [key: Uint8Array, before: Uint8Array | undefined])[][] = [];

  /** @param crashes remember enough to lose, at a crash, what no checkpoint covers */
  constructor({ crashes = false } = {}) {
    this.#crashes = crashes;
  }

  async open(): Promise<KeyValue> {
    if (this.#holder !== undefined) throw storeLocked('memory', undefined);
    const level = this.#level;
    const holder = {};
    this.#holder = holder;
    await level.open();
    const held = (): MemoryIndex => {
      if (this.#holder !== holder) throw new Error('the database was taken away');
      return level;
    };
    return {
      getSync: (key) => held().getSync(key),
      getMany: (keys) => held().getMany(keys),
      batch: () => (this.#crashes ? this.#undoable(held()) : copying(held().batch())),
      iterator: (range) => held().iterator(range),
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
    this.#level = newLevel();
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
    const back = this.#level.batch();
    for (const changes of this.#undo.slice(left).reverse()) {
      for (const [key, before] of changes) {
        if (before === undefined) back.del(key);
        else back.put(key, before);
      }
    }
    await back.write();
    this.#undo = [];
  }

  #undoable(level: MemoryIndex): KeyValueBatch {
    const batch = copying(level.batch());
    const keys: Uint8Array[] = [];
    return {
      put: (key, value) => {
        keys.push(copyBytes(key));
        batch.put(key, value);
      },
      del: (key) => {
        keys.push(copyBytes(key));
        batch.del(key);
      },
      write: () => {
        this.#undo.push(keys.map((key) => [key, level.getSync(key)] as const));
        return batch.write();
      },
    };
  }
}

/** memory-level keeps what it is given, where LevelDB copies it. */
function copying(batch: KeyValueBatch): KeyValueBatch {
  return {
    put: (key, value) => batch.put(copyBytes(key), copyBytes(value)),
    del: (key) => batch.del(copyBytes(key)),
    write: () => batch.write(),
  };
}

type MemoryIndex = MemoryLevel<Uint8Array, Uint8Array>;

function newLevel(): MemoryIndex {
  return new MemoryLevel({ keyEncoding: 'view', valueEncoding: 'view', storeEncoding: 'view' });
}
