/** Opens the store of a gateway on the machine's disk: the door to `level`. */
import { join } from 'node:path';
import { Level } from 'level';
import type { Clock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import type { Random } from '../base/random.js';
import { assembleStore } from './assemble.js';
import type { IndexDatabase } from './assemble.js';
import type { Disk } from './disk.js';
import type { KeyValue, KeyValueBatch, KeyValueIterator } from './key-value.js';
import { nodeDisk } from './node-disk.js';
import type { Quotas, Store } from './store.js';
import { damagedIndex, storeLocked } from './store-errors.js';
import type { StoreEvent } from './store-event.js';
import { DEFAULT_LIMITS } from './store-parts.js';
import type { StoreLimits } from './store-parts.js';
import { tablesAreWhole } from './table-check.js';

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
    database: new LevelDatabase(options.dir, disk, { ...DEFAULT_LIMITS, ...options.limits }),
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
  readonly #disk: Disk;
  readonly #limits: StoreLimits;

  constructor(dir: string, disk: Disk, limits: StoreLimits) {
    this.#dir = dir;
    this.#disk = disk;
    this.#limits = limits;
  }

  async open(): Promise<KeyValue> {
    const path = join(this.#dir, 'index');
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
    // Read now, under the lock: a process that still has it open changes its tables.
    if ((await this.#disk.list(this.#dir)).includes(CONDEMNED) || !(await tablesAreWhole(this.#disk, path))) {
      await level.close();
      await this.destroy();
      await level.open();
    }
    return new LevelKeyValue(level, () => this.#condemn());
  }

  async destroy(): Promise<void> {
    await NativeLevel.destroy(join(this.#dir, 'index'));
    await this.#disk.unlink(join(this.#dir, CONDEMNED));
  }

  #condemn(): void {
    // Where not even this can be written, the next to open it will find out for himself.
    this.#disk
      .open(join(this.#dir, CONDEMNED), 'write')
      .then((file) => file.close())
      .catch(() => undefined);
  }

  #make(): Database {
    const { indexBufferBytes, indexCacheBytes } = this.#limits;
    return new Level<Uint8Array, Uint8Array>(join(this.#dir, 'index'), {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Hashes and counters do not compress.
      compression: false,
      writeBufferSize: indexBufferBytes,
      cacheSize: indexCacheBytes,
      maxFileSize: indexBufferBytes,
    }) as Database;
  }
}

class LevelKeyValue implements KeyValue {
  readonly #level: Database;
  readonly condemn: () => void;

  constructor(level: Database, condemn: () => void) {
    this.#level = level;
    this.condemn = condemn;
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#level.getSync(key);
    } catch (error) {
      throw this.#judged(error);
    }
  }

  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#judging(this.#level.getMany(keys));
  }

  batch(): KeyValueBatch {
    const batch = this.#level.batch();
    return { put: (key, value) => batch.put(key, value), del: (key) => batch.del(key), write: () => this.#judging(batch.write()) };
  }

  iterator(range: { gte: Uint8Array; lt: Uint8Array }): KeyValueIterator {
    const iterator = this.#level.iterator({ ...range, highWaterMarkBytes: ITERATOR_BYTES });
    return { nextv: (size) => this.#judging(iterator.nextv(size)), close: () => iterator.close() };
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  async reopen(): Promise<void> {
    await this.#level.close();
    await this.#level.open();
  }

  checkpoint(): Promise<void> {
    // Before LevelDB compacts a range it writes its memory to a table and syncs it, whatever the range.
    return this.#judging(this.#level.compactRange(BEHIND_ALL_KEYS, BEHIND_ALL_KEYS));
  }

  async #judging<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      throw this.#judged(error);
    }
  }

  #judged(error: unknown): unknown {
    if (!isUnreadable(error)) return error;
    this.condemn();
    return damagedIndex(error);
  }
}

/** Stands beside an index that was found damaged. */
const CONDEMNED = 'index-is-damaged';
/** By default an iterator fetches 16 KiB at a time, which is less than a page. */
const ITERATOR_BYTES = 256 * 1024;
/** Prefixes are letters. */
const BEHIND_ALL_KEYS = new Uint8Array([0xff]);

function causeCode(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
}

/** What LevelDB says of files that are missing, cut short or scrambled; not what it says of a disk that fails or is full. */
function isUnreadable(error: unknown): boolean {
  const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
  return /does not exist|No such file|[Cc]orruption|Invalid argument|missing files/.test(text);
}
