/**
 * The index: a cache of the log in an ordered key-value database, written without sync and behind the promises. Changes
 * stay in memory until they are many or a while has passed, and every reader sees them; so most of what comes and goes
 * on soon costs the database one write. What is written together is one batch, so that what belongs together is lost together.
 */
import type { Clock, Timer } from '../base/clock.js';
import { sha256Of } from '../wire/node-crypto.js';
import { decodeBlobRow } from './blob-row.js';
import type { BlobRow } from './blob-row.js';
import { Changes } from './changes.js';
import { isDiskFull } from './disk.js';
import { MARK_KEY, NOTES_KEY, encodeMark, encodeNotes } from './index-notes.js';
import type { IndexNotes } from './index-notes.js';
import { writeChanges } from './index-writer.js';
import type { KeyValue } from './key-value.js';
import { blobKey, rowKey } from './keys.js';
import { merged } from './merge.js';
import { membersOf } from './pages.js';
import type { Page, Pages } from './pages.js';
import type { Position } from './position.js';
import { Readers } from './readers.js';
import { Recently } from './recently.js';
import { decodeRecordRow } from './record-row.js';
import type { RecordRow } from './record-row.js';
import { SealedReader } from './sealed-reader.js';
import { WaitingChanges } from './waiting-changes.js';

/** How long a change is in memory only, at most: what the log does not have (due times, removals from the outbox) is lost with the process. */
const WRITE_AFTER_MS = 2000;
/** About 300 bytes each. */
const ROWS_KEPT = 2048;
/** Buried pages are passed over by whoever walks, and found anew after a cut of power: where little is written, so many make a checkpoint due. */
const MOST_LINGERING = 64;
/** What opening takes, beside a table of all that has been written since the last checkpoint. */
const REOPEN_BYTES = 1 << 20;

export interface IndexOptions {
  readonly kv: KeyValue;
  readonly pages: Pages;
  readonly notes: IndexNotes;
  readonly clock: Clock;
  /** Changes between two checkpoints; at most so much of the log is replayed after a crash. So much is kept in memory, too. */
  readonly checkpointBytes: number;
  /** What the disk has room for. */
  readonly freeBytes: () => Promise<number>;
  /** Called before a checkpoint begins, for what need not be written with every flush. */
  readonly beforeCheckpoint: (put: (key: string, value: Uint8Array | null) => void) => void;
}

export class StoreIndex {
  /** What the database has, without the changes that wait. */
  readonly written: SealedReader;
  readonly #options: IndexOptions;
  readonly #kv: KeyValue;
  /** Of the tables of changes: the identity of a store leaves it with nobody. */
  readonly #seed: Uint8Array;
  readonly #recently = new Recently<string, RecordRow>(ROWS_KEPT);
  readonly #waiting: WaitingChanges;
  readonly #readers = new Readers();
  #running: Promise<void> | undefined;
  #checkpointing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #watermark: Position;
  #through: Position;
  #bytesSinceCheckpoint = 0;
  /** Rows and blobs put so far. */
  #puts = 0;
  #blobChanges = 0;
  #stalled: Error | undefined;

  constructor(options: IndexOptions) {
    this.#options = options;
    this.#kv = options.kv;
    this.written = new SealedReader(options.kv);
    this.#seed = sha256Of(options.notes.storeId);
    this.#waiting = new WaitingChanges(this.#seed);
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

  /** So much waits that those who bring more must wait, too. */
  get behind(): boolean {
    return this.#waiting.gathering.bytes > this.#options.checkpointBytes;
  }

  row(record: string): RecordRow | undefined {
    const recent = this.#recently.get(record);
    if (recent !== undefined) return recent;
    const row = this.unremembered(record);
    if (row !== undefined) this.#recently.set(record, row);
    return row;
  }

  /** The same for those who must take as long for one record as for another, whether or not it was looked at lately. */
  unremembered(record: string): RecordRow | undefined {
    const changed = this.#waiting.row(record);
    if (changed !== undefined) return changed ?? undefined;
    const value = this.written.get(rowKey(record));
    return value === undefined ? undefined : decodeRecordRow(value);
  }

  /** Rows of many records in one go; what must be read is read off the main thread. */
  rows(records: readonly string[]): Promise<(RecordRow | undefined)[]> {
    return this.#many(records, (record) => this.#recently.get(record) ?? this.#waiting.row(record), rowKey, decodeRecordRow);
  }

  /** Reads rows that are about to be asked for one by one, unless something changes meanwhile. */
  async warm(records: readonly string[]): Promise<void> {
    const puts = this.#puts;
    const rows = await this.rows(records);
    if (this.#puts !== puts) return;
    for (const [i, record] of records.entries()) this.#recently.set(record, rows[i]);
  }

  putRow(record: string, row: RecordRow | null): void {
    this.#recently.set(record, row ?? undefined);
    this.addRow(record, row);
  }

  /** The same for a record that has none. */
  addRow(record: string, row: RecordRow | null): void {
    this.#puts += 1;
    this.#waiting.gathering.putRow(record, row);
    this.#changed();
  }

  blob(hash: string): BlobRow | undefined {
    const changed = this.#waiting.blob(hash);
    if (changed !== undefined) return changed ?? undefined;
    const value = this.written.get(blobKey(hash));
    return value === undefined ? undefined : decodeBlobRow(value);
  }

  /** Blobs of many hashes, in the same way. */
  blobs(hashes: readonly string[]): Promise<(BlobRow | undefined)[]> {
    return this.#many(hashes, (hash) => this.#waiting.blob(hash), blobKey, decodeBlobRow);
  }

  /** Goes up with every change of a blob: while it does not, what was looked up is still so. */
  get blobChanges(): number {
    return this.#blobChanges;
  }

  putBlob(hash: string, row: BlobRow | null): void {
    this.#blobChanges += 1;
    this.#waiting.gathering.putBlob(hash, row);
    this.#changed();
  }

  /** Lets a record be found by its locator. */
  addLocator(locator: Uint8Array, record: string): void {
    this.#waiting.gathering.addLocator(locator, record);
    this.#changed();
  }

  removeLocator(locator: Uint8Array, record: string): void {
    this.#waiting.gathering.removeLocator(locator, record);
    this.#changed();
  }

  get(key: string): Uint8Array | undefined {
    const changed = this.#waiting.other(key);
    if (changed !== undefined) return changed ?? undefined;
    return this.written.get(key);
  }

  put(key: string, value: Uint8Array | null): void {
    this.#waiting.gathering.others.set(key, value);
    this.#changed();
  }

  /** Says that the changes made so far cover the log up to here. */
  applied(position: Position): void {
    if (position > this.#through) this.#through = position;
  }

  /** Entries of a range, in order, that are neither rows nor locators nor pages. */
  async *range(gte: string, lt: string): AsyncGenerator<readonly [string, Uint8Array]> {
    yield* merged(this.#waiting.othersBetween(gte, lt), this.written.range(gte, lt));
  }

  /** Pages of a range, in order. */
  async *pages(gte: string, lt: string): AsyncGenerator<Page> {
    const { pages } = this.#options;
    const waiting = Array.from(pages.between(gte, lt), (page) => [page.key, page] as const);
    for await (const [, page] of merged(waiting, asPages(this.range(gte, lt)))) {
      if (!pages.isBuried(page.key)) yield page;
    }
  }

  /** Records whose locators the database has not taken yet. */
  waitingAt(locator: Uint8Array): string[] {
    return this.#waiting.recordsAt(locator);
  }

  /** Resolves when every change made so far is in the database. */
  async flush(): Promise<void> {
    const wanted = this.#waiting.gathering;
    while (this.#running !== undefined || (this.#waiting.gathering === wanted && this.#hasToWrite)) {
      await this.#writeNow();
      if (!this.#waiting.has(wanted)) return;
    }
  }

  /** Resolves when there is room for more changes. */
  async catchUp(): Promise<void> {
    while (this.behind) await this.#writeNow();
  }

  /** Runs what reads more than once, with the database open all the while. One must not be run within another. */
  reading<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#readers.reading(work);
  }

  /** After a fault: opens the database anew, once for all who want it and while nobody reads, and writes what waited. Throws when that fails too. */
  revive(): Promise<void> {
    return this.#readers.shutOut(() => this.#revive());
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
      if (this.#stalled === undefined) await this.checkpoint();
    } finally {
      this.#timer?.cancel();
      await this.#kv.close();
    }
  }

  async #revive(): Promise<void> {
    await this.#running;
    if (this.#stalled === undefined) return;
    // A database that is closed and finds no room to be opened again cannot be read either.
    if (isDiskFull(this.#stalled) && (await this.#options.freeBytes()) < this.#unsafeBytes + REOPEN_BYTES) throw this.#stalled;
    await this.#readers.gone();
    await this.#kv.reopen();
    this.#stalled = undefined;
    await this.flush();
  }

  get #hasToWrite(): boolean {
    return !this.#waiting.gathering.isEmpty || this.#options.pages.waiting;
  }

  async #many<Row>(names: readonly string[], known: (name: string) => Row | null | undefined, keyOf: (name: string) => string, decode: (value: Uint8Array) => Row): Promise<(Row | undefined)[]> {
    const rows = names.map(known);
    const unknown = names.flatMap((_, i) => (rows[i] === undefined ? [i] : []));
    if (unknown.length > 0) {
      const values = await this.written.getMany(unknown.map((i) => keyOf(names[i]!)));
      for (const [n, i] of unknown.entries()) {
        const value = values[n];
        if (value !== undefined) rows[i] = decode(value);
      }
    }
    return rows.map((row) => row ?? undefined);
  }

  #changed(): void {
    this.#timer ??= this.#options.clock.timer(WRITE_AFTER_MS, () => void this.#writeSoon());
    const isMuch = this.#unsafeBytes > this.#options.checkpointBytes || this.#lingersMuch;
    if (isMuch && this.#checkpointing === undefined && this.#stalled === undefined) {
      // A failed checkpoint leaves the watermark where it is, which is all that it means.
      this.#checkpointUntilClean().catch(() => undefined);
    }
  }

  async #checkpointUntilClean(): Promise<void> {
    await this.checkpoint();
    if (this.#lingersMuch) await this.checkpoint();
  }

  get #lingersMuch(): boolean {
    return this.#options.pages.lingering > MOST_LINGERING;
  }

  /** What would have to be made again from the log. */
  get #unsafeBytes(): number {
    return this.#bytesSinceCheckpoint + this.#waiting.gathering.bytes;
  }

  #writeSoon(): void {
    this.#timer = undefined;
    if (this.#stalled === undefined) this.#running ??= this.#run();
  }

  /** Waits for what is being written; where there is nothing, for what waits to be. */
  async #writeNow(): Promise<void> {
    if (this.#stalled !== undefined) throw this.#stalled;
    this.#running ??= this.#run();
    await this.#running;
    // It may have been found out just now.
    const { stalled } = this;
    if (stalled !== undefined) throw stalled;
  }

  async #run(): Promise<void> {
    // What one turn of the event loop changes belongs together.
    await turn();
    this.#timer?.cancel();
    this.#timer = undefined;
    const { others } = this.#waiting.gathering;
    this.#options.pages.drain((key, value) => void others.set(key, value));
    others.set(NOTES_KEY, encodeNotes(this.notes));
    try {
      await this.#waiting.write(async (changes) => {
        this.#bytesSinceCheckpoint += await writeChanges(this.#kv, changes);
      });
    } catch (error) {
      this.#stalled = error instanceof Error ? error : new Error(String(error));
    }
    this.#running = undefined;
  }

  async #checkpoint(): Promise<void> {
    await turn();
    const through = this.#through;
    const { others } = this.#waiting.gathering;
    this.#options.beforeCheckpoint((key, value) => void others.set(key, value));
    const release = this.#options.pages.atCheckpoint();
    others.set(MARK_KEY, encodeMark(through));
    await this.flush();
    this.#bytesSinceCheckpoint = 0;
    await this.#kv.checkpoint();
    this.#watermark = Math.max(this.#watermark, through);
    release();
    const notes = new Changes(this.#seed);
    notes.others.set(NOTES_KEY, encodeNotes(this.notes));
    await writeChanges(this.#kv, notes);
  }
}

async function* asPages(entries: AsyncIterable<readonly [string, Uint8Array]>): AsyncGenerator<readonly [string, Page]> {
  for await (const [key, value] of entries) yield [key, { key, members: membersOf(value) }];
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
