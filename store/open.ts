/** Opens the store of a gateway on the machine's disk: the door to `level`. */
import { join } from 'node:path';
import { Level } from 'level';
import type { Clock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import type { Random } from '../base/random.js';
import { assembleStore } from './assemble.js';
import type { IndexDatabase, StoreEvent } from './assemble.js';
import type { Disk } from './disk.js';
import { nodeDisk } from './node-disk.js';
import type { Quotas, Store } from './store.js';
import { storeLocked } from './store-errors.js';
import type { KeyValue } from './store-index.js';
import { DEFAULT_LIMITS } from './store-parts.js';
import type { StoreLimits } from './store-parts.js';

export interface OpenOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly quotas: Quotas;
  readonly limits?: Partial<StoreLimits>;
  readonly disk?: Disk;
  readonly random?: Random;
  readonly report?: (event: StoreEvent) => void;
}

export async function openStore(options: OpenOptions): Promise<Store> {
  const disk = options.disk ?? nodeDisk;
  await disk.makeDir(options.dir);
  return assembleStore({
    ...options,
    disk,
    random: options.random ?? systemRandom,
    database: new LevelDatabase(options.dir, { ...DEFAULT_LIMITS, ...options.limits }),
  });
}

/** In Node, `Level` is classic-level with all it can do; its types promise only what it can do in a browser too. */
interface Database extends Level<Uint8Array, Uint8Array> {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}
const NativeLevel = Level as unknown as { destroy(location: string): Promise<void> };

/** LevelDB holds the lock on its directory, and with it ours, for as long as it is open. */
class LevelDatabase implements IndexDatabase {
  readonly #dir: string;
  readonly #limits: StoreLimits;

  constructor(dir: string, limits: StoreLimits) {
    this.#dir = dir;
    this.#limits = limits;
  }

  async open(): Promise<KeyValue> {
    const level = this.#make();
    try {
      await level.open();
    } catch (error) {
      if (causeCode(error) === 'LEVEL_LOCKED') throw storeLocked(this.#dir, error);
      if (!isUnreadable(error)) throw error;
      // A cut of power while it was first made leaves it unreadable, as damage does; the log has what was in it.
      await this.destroy();
      await level.open();
    }
    return keyValue(level);
  }

  async destroy(): Promise<void> {
    await NativeLevel.destroy(this.#path);
  }

  #make(): Database {
    const { indexBufferBytes, indexCacheBytes } = this.#limits;
    return new Level<Uint8Array, Uint8Array>(this.#path, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Hashes and counters do not compress.
      compression: false,
      writeBufferSize: indexBufferBytes,
      cacheSize: indexCacheBytes,
      maxFileSize: indexBufferBytes,
    }) as Database;
  }

  get #path(): string {
    return join(this.#dir, 'index');
  }
}

function keyValue(level: Database): KeyValue {
  return {
    getSync: (key) => level.getSync(key),
    getMany: (keys) => level.getMany(keys),
    batch: () => level.batch(),
    iterator: (range) => level.iterator({ ...range, highWaterMarkBytes: ITERATOR_BYTES }),
    close: () => level.close(),
    async reopen() {
      await level.close();
      await level.open();
    },
    // Before LevelDB compacts a range it writes its memory to a table and syncs it, whatever the range.
    checkpoint: () => level.compactRange(NO_KEY, NO_KEY),
  };
}

/** By default an iterator fetches 16 KiB at a time, which is less than a page. */
const ITERATOR_BYTES = 256 * 1024;
/** Behind every key of the store. */
const NO_KEY = new Uint8Array([0xff]);

function causeCode(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
}

function isUnreadable(error: unknown): boolean {
  return causeCode(error) === 'LEVEL_CORRUPTION' || (error instanceof Error && /does not exist|[Cc]orruption/.test(String(error.cause)));
}
