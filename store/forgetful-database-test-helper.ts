/**
 * An index that may forget: it keeps every batch since the last checkpoint, and after a cut of power has only those of them
 * that chance leaves, in any combination. LevelDB can lose batches from the middle, so the store must stand any of it.
 */
import { MemoryLevel } from 'memory-level';
import { copyBytes } from '../base/bytes.js';
import type { IndexDatabase } from './assemble.js';
import type { KeyValue } from './key-value.js';
import { storeLocked } from './store-errors.js';

type Change = readonly [key: Uint8Array, value: Uint8Array | undefined];
type Level = MemoryLevel<Uint8Array, Uint8Array>;

export class ForgetfulDatabase implements IndexDatabase {
  #level = newLevel();
  /** What is durable, and the batches behind it. */
  #durable: Change[] = [];
  #batches: Change[][] = [];
  #holder: object | undefined;
  /** How often something was written, and made durable. */
  batches = 0;
  checkpoints = 0;
  /** What every write fails with, as of a database that has failed once. */
  fault: Error | undefined;
  /** What every single look-up fails with. */
  readFault: Error | undefined;
  reopenings = 0;

  async open(): Promise<KeyValue> {
    if (this.#holder !== undefined) throw storeLocked('memory', undefined);
    const holder = {};
    this.#holder = holder;
    let isOpen = true;
    const held = (): Level => {
      if (this.#holder !== holder) throw new Error('the database was taken away');
      if (!isOpen) throw new Error('Database is not open');
      return this.#level;
    };
    await this.#level.open();
    return {
      getSync: (key) => {
        if (this.readFault !== undefined) throw this.readFault;
        return held().getSync(key);
      },
      getMany: (keys) => held().getMany(keys),
      batch: () => {
        const changes: Change[] = [];
        return {
          put: (key, value) => changes.push([copyBytes(key), copyBytes(value)]),
          del: (key) => changes.push([copyBytes(key), undefined]),
          write: async () => {
            const level = held();
            if (this.fault !== undefined) throw this.fault;
            this.batches += 1;
            this.#batches.push(changes);
            await apply(level, changes);
          },
        };
      },
      iterator: (range) => held().iterator(range),
      close: async () => {
        if (this.#holder === holder) this.#holder = undefined;
      },
      reopen: async () => {
        isOpen = false;
        this.reopenings += 1;
        for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
        isOpen = true;
        this.fault = undefined;
      },
      condemn: () => undefined,
      checkpoint: async () => {
        held();
        this.checkpoints += 1;
        this.#durable.push(...this.#batches.flat());
        this.#batches = [];
      },
    };
  }

  async destroy(): Promise<void> {
    this.#level = newLevel();
    this.#durable = [];
    this.#batches = [];
  }

  /** The process died; all that was written is there. */
  kill(): void {
    this.#holder = undefined;
  }

  /** The power went: batches since the last checkpoint are left as `isLeft` says. */
  async crash(isLeft: (batch: number) => boolean): Promise<void> {
    this.#holder = undefined;
    this.#durable = [...this.#durable, ...this.#batches.filter((_, i) => isLeft(i)).flat()];
    this.#batches = [];
    this.#level = newLevel();
    await this.#level.open();
    await apply(this.#level, this.#durable);
  }
}

function newLevel(): Level {
  return new MemoryLevel({ keyEncoding: 'view', valueEncoding: 'view', storeEncoding: 'view' });
}

async function apply(level: Level, changes: readonly Change[]): Promise<void> {
  await level.batch(changes.map(([key, value]) => (value === undefined ? { type: 'del', key } : { type: 'put', key, value })));
}
