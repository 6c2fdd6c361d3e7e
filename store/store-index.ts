/**
 * The index: a cache of the log in an ordered key-value database, written without sync and behind the promises. What is
 * not written yet is read from memory. Each flush is one batch, so that what belongs together is lost together.
 */
import { asBuffer, copyBytes, equalBytes } from '../base/bytes.js';
import { crc32c } from '../wire/crc.js';
import { decodeBlobRow, writeBlobRow } from './blob-row.js';
import type { BlobRow } from './blob-row.js';
import { ByteReader, ByteWriter } from './binary.js';
import { isDiskFull } from './disk.js';
import { blobKey, fromBytes, locatorPrefix, ownKey, rowKey, toBytes } from './keys.js';
import type { Pages } from './pages.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import { decodeRecordRow, writeRecordRow } from './record-row.js';
import type { RecordRow } from './record-row.js';
import { damagedIndex } from './store-errors.js';

/** The few things asked of the database. store/open.ts makes it from `level`. */
export interface KeyValue {
  getSync(key: Uint8Array): Uint8Array | undefined;
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  batch(): KeyValueBatch;
  iterator(range: { gte: Uint8Array; lt: Uint8Array }): KeyValueIterator;
  close(): Promise<void>;
  /** Closes and opens again: after one failed write LevelDB refuses all others until then. */
  reopen(): Promise<void>;
  /** Resolves when all that was written before the call is on stable storage. */
  checkpoint(): Promise<void>;
  /** Notes that this database is damaged: whoever opens it next makes it again. */
  condemn(): void;
}

/** Copies what it is given at once. */
export interface KeyValueBatch {
  put(key: Uint8Array, value: Uint8Array): unknown;
  del(key: Uint8Array): unknown;
  write(): Promise<void>;
}

export interface KeyValueIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}

/** What was changed since a flush began. `null` stands for a deletion. */
class Changes {
  readonly rows = new Map<string, RecordRow | null>();
  readonly blobs = new Map<string, BlobRow | null>();
  readonly others = new Map<string, Uint8Array | null>();
  /** Record keys by locator; only ever added, and with each new record, so a list will do. */
  readonly locators: (readonly [locator: Uint8Array, record: string])[] = [];

  get size(): number {
    return this.rows.size + this.blobs.size + this.others.size + this.locators.length;
  }

  /** Lays newer changes over these. */
  takeOver(newer: Changes): void {
    for (const [key, row] of newer.rows) this.rows.set(key, row);
    for (const [key, row] of newer.blobs) this.blobs.set(key, row);
    for (const [key, value] of newer.others) this.others.set(key, value);
    this.locators.push(...newer.locators);
  }
}

/** More changes than this in memory, and those who make them wait: the index has fallen behind the log. */
const MOST_CHANGES = 32_768;
const ENTRIES_AT_ONCE = 256;
/** Most keys are below this by far; a name of the gateway's may not be. */
const LARGEST_KEY_BYTES = 512;
/** Prefixes are letters. */
const BEHIND_ALL_KEYS = new Uint8Array([0xff]);
/** What the database adds to an entry in its own log, about. */
const ENTRY_OVERHEAD_BYTES = 16;
/** What opening takes, beside a table of all that has been written since the last checkpoint. */
const REOPEN_BYTES = 1 << 20;

/** What the index says about itself. */
export interface IndexNotes {
  /** The log it belongs to. */
  readonly storeId: Uint8Array;
  /** All that the log says up to here is durable in the index. */
  readonly watermark: Position;
  /** The index has taken in the log up to here, durably or not. */
  readonly through: Position;
}

export interface IndexOptions {
  readonly kv: KeyValue;
  readonly pages: Pages;
  readonly notes: IndexNotes;
  /** Changes written between two checkpoints; at most so much of the log is replayed after a crash. */
  readonly checkpointBytes: number;
  /** What the disk has room for. */
  readonly freeBytes: () => Promise<number>;
  /** Called before a checkpoint begins, for what need not be written with every flush. */
  readonly beforeCheckpoint: (put: (key: string, value: Uint8Array | null) => void) => void;
}

export class StoreIndex {
  readonly #options: IndexOptions;
  readonly #kv: KeyValue;
  #changes = new Changes();
  #flushing: Changes | undefined;
  #running: Promise<void> | undefined;
  #checkpointing: Promise<void> | undefined;
  #watermark: Position;
  #through: Position;
  #bytesSinceCheckpoint = 0;
  #stalled: Error | undefined;
  #version = 0;

  constructor(options: IndexOptions) {
    this.#options = options;
    this.#kv = options.kv;
    this.#watermark = options.notes.watermark;
    this.#through = options.notes.through;
  }

  get notes(): IndexNotes {
    return { storeId: this.#options.notes.storeId, watermark: this.#watermark, through: this.#through };
  }

  /** The fault that keeps changes from being written, while there is one. */
  get stalled(): Error | undefined {
    return this.#stalled;
  }

  /** Another number after every change: an answer worked out at the same version holds still. */
  get version(): number {
    return this.#version;
  }

  get behind(): boolean {
    return this.#changes.size > MOST_CHANGES;
  }

  row(record: string): RecordRow | undefined {
    const changed = latest(this.#changes.rows, this.#flushing?.rows, record);
    if (changed !== undefined) return changed ?? undefined;
    const value = this.#stored(rowKey(record));
    return value === undefined ? undefined : decodeRecordRow(value);
  }

  /** Rows of many records in one go, off the main thread, as the database has them: flush first. */
  async rows(records: readonly string[]): Promise<(RecordRow | undefined)[]> {
    const values = await this.#kv.getMany(records.map((record) => toBytes(rowKey(record))));
    return values.map((value) => (value === undefined ? undefined : decodeRecordRow(this.#checked(value))));
  }

  putRow(record: string, row: RecordRow | null): void {
    this.#changes.rows.set(record, row);
    this.#changed();
  }

  blob(hash: string): BlobRow | undefined {
    const changed = latest(this.#changes.blobs, this.#flushing?.blobs, hash);
    if (changed !== undefined) return changed ?? undefined;
    const value = this.#stored(blobKey(hash));
    return value === undefined ? undefined : decodeBlobRow(value);
  }

  /** Lets a record be found by its locator. */
  addLocator(locator: Uint8Array, record: string): void {
    this.#changes.locators.push([locator, record]);
  }

  putBlob(hash: string, row: BlobRow | null): void {
    this.#changes.blobs.set(hash, row);
    this.#changed();
  }

  get(key: string): Uint8Array | undefined {
    const changed = latest(this.#changes.others, this.#flushing?.others, key);
    if (changed !== undefined) return changed ?? undefined;
    return this.#stored(key);
  }

  put(key: string, value: Uint8Array | null): void {
    this.#changes.others.set(key, value);
    this.#changed();
  }

  /** Says that the changes made so far cover the log up to here. */
  applied(position: Position): void {
    if (position > this.#through) this.#through = position;
  }

  /** Entries of a range, in order, as the database has them: flush first. */
  async *range(gte: string, lt: string): AsyncGenerator<[string, Uint8Array]> {
    const iterator = this.#kv.iterator({ gte: toBytes(gte), lt: toBytes(lt) });
    try {
      for (;;) {
        const entries = await iterator.nextv(ENTRIES_AT_ONCE);
        if (entries.length === 0) return;
        for (const [key, value] of entries) yield [fromBytes(key), this.#checked(value)];
      }
    } finally {
      await iterator.close();
    }
  }

  /** Records whose locators the database has not taken yet. */
  waitingAt(locator: Uint8Array): string[] {
    const waiting = [...(this.#flushing?.locators ?? []), ...this.#changes.locators];
    return waiting.filter(([other]) => equalBytes(other, locator)).map(([, record]) => record);
  }

  /** The first `count` keys at or behind `gte`, whatever they are: so many are read where nothing is looked for, too. Flush first. */
  async keysFrom(gte: string, count: number): Promise<string[]> {
    const iterator = this.#kv.iterator({ gte: toBytes(gte), lt: BEHIND_ALL_KEYS });
    try {
      return (await iterator.nextv(count)).map(([key]) => fromBytes(key));
    } finally {
      await iterator.close();
    }
  }

  /** Resolves when every change made so far can be read from the database. */
  async flush(): Promise<void> {
    while (this.#running !== undefined || this.#changes.size > 0 || this.#options.pages.waiting) {
      if (this.#stalled !== undefined) throw this.#stalled;
      this.#running ??= this.#run();
      await this.#running;
    }
  }

  /** As `flush`, but a database that takes nothing (a full disk) is no fault: what waits is still read by `row`, `blob`, `get` and `waitingAt`. */
  async settle(): Promise<void> {
    await this.flush().catch((error: unknown) => {
      if (this.#stalled === undefined) throw error;
    });
  }

  /** After a fault: opens the database anew and writes what waited. Throws when that fails too. */
  async revive(): Promise<void> {
    await this.#running;
    if (this.#stalled === undefined) return;
    // A database that is closed and finds no room to be opened again cannot be read either.
    if (isDiskFull(this.#stalled) && (await this.#options.freeBytes()) < this.#bytesSinceCheckpoint + REOPEN_BYTES) throw this.#stalled;
    await this.#kv.reopen();
    this.#stalled = undefined;
    await this.flush();
  }

  /** Makes all changes so far durable in the index, and raises the watermark. */
  async checkpoint(): Promise<void> {
    while (this.#checkpointing !== undefined) await this.#checkpointing;
    this.#checkpointing = this.#checkpoint().finally(() => (this.#checkpointing = undefined));
    await this.#checkpointing;
  }

  async close(): Promise<void> {
    try {
      await this.#running;
      if (this.#stalled === undefined) {
        await this.checkpoint();
        // Once more, for the watermark.
        await this.#run();
      }
    } finally {
      await this.#kv.close();
    }
  }

  #stored(key: string): Uint8Array | undefined {
    const value = this.#kv.getSync(toBytes(key));
    return value === undefined ? undefined : this.#checked(value);
  }

  #checked(value: Uint8Array): Uint8Array {
    const content = unsealed(value);
    if (content !== undefined) return content;
    this.#kv.condemn();
    throw damagedIndex();
  }

  #changed(): void {
    this.#version += 1;
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#stalled === undefined) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What one turn of the event loop changes goes out together.
    await new Promise((resolve) => setImmediate(resolve));
    const changes = this.#changes;
    const put = (key: string, value: Uint8Array | null): void => void changes.others.set(key, value);
    this.#options.pages.drain(put);
    put(NOTES_KEY, encodeNotes(this.notes));
    this.#flushing = changes;
    this.#changes = new Changes();
    try {
      await this.#write(changes);
    } catch (error) {
      this.#stalled = error instanceof Error ? error : new Error(String(error));
      changes.takeOver(this.#changes);
      this.#changes = changes;
    }
    this.#flushing = undefined;
    this.#running = undefined;
    if (this.#changes.size > 0) this.#flushSoon();
    if (this.#stalled === undefined && this.#checkpointing === undefined && this.#bytesSinceCheckpoint > this.#options.checkpointBytes) {
      // A failed checkpoint leaves the watermark where it is, which is all that it means.
      this.checkpoint().catch(() => undefined);
    }
  }

  async #write(changes: Changes): Promise<void> {
    const batch = this.#kv.batch();
    const keys = new Scratch();
    const values = new ByteWriter();
    const add = (key: string, value: ByteWriter): void => {
      const sealed = seal(value);
      this.#bytesSinceCheckpoint += key.length + sealed.length + ENTRY_OVERHEAD_BYTES;
      batch.put(keys.bytesOf(key), sealed);
    };
    const remove = (key: string): void => {
      this.#bytesSinceCheckpoint += key.length + ENTRY_OVERHEAD_BYTES;
      batch.del(keys.bytesOf(key));
    };
    for (const [record, row] of changes.rows) {
      if (row === null) remove(rowKey(record));
      else add(rowKey(record), writeRecordRow(values.restart(), row));
    }
    for (const [hash, row] of changes.blobs) {
      if (row === null) remove(blobKey(hash));
      else add(blobKey(hash), writeBlobRow(values.restart(), row));
    }
    for (const [locator, record] of changes.locators) add(locatorPrefix(locator) + record, values.restart());
    for (const [key, value] of changes.others) {
      if (value === null) remove(key);
      else add(key, values.restart().fixed(value));
    }
    await batch.write();
  }

  async #checkpoint(): Promise<void> {
    const through = this.#through;
    this.#options.beforeCheckpoint((key, value) => this.put(key, value));
    const release = this.#options.pages.atCheckpoint();
    this.put(MARK_KEY, new ByteWriter(POSITION_BYTES).uint(through, POSITION_BYTES).finish());
    await this.flush();
    this.#bytesSinceCheckpoint = 0;
    await this.#kv.checkpoint();
    this.#watermark = Math.max(this.#watermark, through);
    release();
  }
}

const SEAL_BYTES = 4;

/** Every value ends in its checksum: LevelDB has checksums too, and does not look at them when it reads. */
function seal(value: ByteWriter): Uint8Array {
  return value.uint(crc32c(value.finish()), SEAL_BYTES).finish();
}

function unsealed(value: Uint8Array): Uint8Array | undefined {
  if (value.length < SEAL_BYTES) return undefined;
  const content = value.subarray(0, -SEAL_BYTES);
  return asBuffer(value).readUInt32BE(content.length) === crc32c(content) ? content : undefined;
}

/** Turns keys into bytes that last until the next one: a batch copies them at once. */
class Scratch {
  readonly #bytes = Buffer.allocUnsafe(LARGEST_KEY_BYTES);
  readonly #views = new Map<number, Uint8Array>();

  bytesOf(key: string): Uint8Array {
    if (key.length > LARGEST_KEY_BYTES) return toBytes(key);
    this.#bytes.write(key, 0, 'latin1');
    let view = this.#views.get(key.length);
    if (view === undefined) {
      view = this.#bytes.subarray(0, key.length);
      this.#views.set(key.length, view);
    }
    return view;
  }
}

/**
 * What the database says about itself; undefined when it is new. The notes are the last thing written, and all that was
 * durable before stands in tables by then: where these do not have the mark of the last checkpoint, they are not those of the notes.
 */
export function readNotes(kv: KeyValue): IndexNotes | undefined {
  const content = readOwn(kv, NOTES_KEY);
  if (content === undefined) return undefined;
  const reader = new ByteReader(content, 'the notes of the index');
  const notes = { storeId: copyBytes(reader.fixed(STORE_ID_BYTES)), watermark: reader.uint(POSITION_BYTES), through: reader.uint(POSITION_BYTES) };
  reader.end();
  const mark = readOwn(kv, MARK_KEY);
  if (notes.watermark > (mark === undefined ? 0 : new ByteReader(mark, 'the mark of the index').uint(POSITION_BYTES))) throw damagedIndex();
  return notes;
}

function readOwn(kv: KeyValue, key: string): Uint8Array | undefined {
  const value = kv.getSync(toBytes(key));
  if (value === undefined) return undefined;
  const content = unsealed(value);
  if (content === undefined) throw damagedIndex();
  return content;
}

const NOTES_KEY = ownKey('notes');
/** Up to where the log was taken in when the last checkpoint began. */
const MARK_KEY = ownKey('mark');
const STORE_ID_BYTES = 16;

function encodeNotes(notes: IndexNotes): Uint8Array {
  return new ByteWriter(64).fixed(notes.storeId).uint(notes.watermark, POSITION_BYTES).uint(notes.through, POSITION_BYTES).finish();
}

/** undefined: not among the changes. */
function latest<Value>(newer: ReadonlyMap<string, Value | null>, older: ReadonlyMap<string, Value | null> | undefined, key: string): Value | null | undefined {
  const value = newer.get(key);
  return value === undefined ? older?.get(key) : value;
}
