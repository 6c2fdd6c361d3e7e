/**
 * Gives back segments in which little lives: what does is written again at the end of the log, and the file is recycled.
 * Nothing is taken from a count: every entry is looked at, and lives if the index points to it.
 */
import { copyBytes } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import type { TransitRecord } from '../wire/record.js';
import { hashKey, recordKey } from './keys.js';
import { decodeContent, encodeContent } from './log-content.js';
import type { ArrivedContent, BlobContent, BlobFileContent, RecordContent } from './log-content.js';
import type { LogItem } from './log-entry.js';
import { sequenceOf } from './position.js';
import type { Position } from './position.js';
import type { RecordRow } from './record-row.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';
import { payloadBytesOf } from './segment-log.js';
import type { LoggedEntry } from './segment-log.js';
import type { Segment } from './segment.js';
import type { OutboxEntry } from './store.js';
import type { StoreParts } from './store-parts.js';

/** While the log takes less than this part of the capacity, and less than the disk has left, there is room to wait: what is in a segment ends by itself, and is never copied. */
const ROOMY = 0.25;
const SPARSE_WITH_ROOM = 0.02;
/** Below this it costs less to copy what lives than to keep what is dead. */
const SPARSE = 0.3;
/** When the log has outgrown the capacity of the store, fuller segments must go too. */
const SPARSE_UNDER_PRESSURE = 0.8;
/** How much of a segment must have died somewhere before it is worth looking for a sparse one again. */
const LOOK_EVERY = 0.1;
/** Bytes copied between two waits for the disk, so that compaction does not crowd out those who hold. */
const COPY_AT_ONCE_BYTES = 256 * 1024;

export class Compaction {
  readonly #parts: StoreParts;
  /** Segments that something unreadable keeps from being given back. */
  readonly #stuck = new Set<Segment>();
  #running: Promise<void> | undefined;
  #stopped = false;
  /** Now is the time for it, whether or not there is room. */
  #isThorough = false;
  #hasRoom = false;
  #diedBytes = -Infinity;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** Starts work in the background if there is any. */
  poke(): void {
    if (this.#running !== undefined || this.#stopped) return;
    const { live, limits } = this.#parts;
    if (live.diedBytes - this.#diedBytes < limits.segmentBytes * LOOK_EVERY) return;
    this.#diedBytes = live.diedBytes;
    // What a full or failing disk stops is tried again at the next occasion.
    this.#running = this.#run()
      .catch(() => undefined)
      .finally(() => (this.#running = undefined));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Gives back what is worth it, room or no room. Resolves when nothing is left to do for now. */
  async idle(): Promise<void> {
    await this.#running;
    this.#isThorough = true;
    this.#diedBytes = -Infinity;
    this.poke();
    await this.#running;
    this.#isThorough = false;
  }

  async #run(): Promise<void> {
    const { log, limits, freeBytes } = this.#parts;
    this.#hasRoom = log.diskBytes < limits.capacityBytes * ROOMY && log.diskBytes < (await freeBytes());
    for (let segment = this.#next(); segment !== undefined && !this.#stopped; segment = this.#next()) {
      try {
        if (!(await this.#compact(segment))) return;
      } catch (error) {
        if (!isPosternError(error) || error.code !== 'STORE_DAMAGED') throw error;
        this.#stuck.add(segment);
      }
    }
  }

  #next(): Segment | undefined {
    const { log, live } = this.#parts;
    const below = this.#sparse();
    for (const segment of log.sealed()) {
      const used = segment.endOffset - SEGMENT_HEADER_BYTES;
      if (segment.damage.length === 0 && !this.#stuck.has(segment) && live.of(segment.header.sequence) < used * below) return segment;
    }
    return undefined;
  }

  /** How little of a segment must live for it to be given back. */
  #sparse(): number {
    const { log, limits } = this.#parts;
    if (log.diskBytes > limits.capacityBytes) return SPARSE_UNDER_PRESSURE;
    return this.#isThorough || !this.#hasRoom ? SPARSE : SPARSE_WITH_ROOM;
  }

  /** Whether the segment was given back, or turned out to be one that never can be. */
  async #compact(segment: Segment): Promise<boolean> {
    const { log, index, live } = this.#parts;
    const { sequence } = segment.header;
    const copies = new Copies();
    await log.visit(segment, async (entry) => {
      if (this.#stopped) return;
      await this.#copy(entry, copies);
      if (copies.bytes > COPY_AT_ONCE_BYTES) await copies.settle();
    });
    await copies.settle();
    if (segment.damage.length > 0) return true;
    // No index that comes back after a cut of power may point into it, or need it to catch up.
    if (this.#stopped || sequenceOf(index.notes.through) <= sequence) return false;
    await index.checkpoint();
    live.forget(sequence);
    await log.recycle(segment);
    return true;
  }

  async #copy({ kind, payload, position }: LoggedEntry, copies: Copies): Promise<void> {
    const content = decodeContent(kind, payload);
    switch (content.kind) {
      case 'blob':
      case 'blob-file':
        this.#copyBlob(content, { kind, parts: [copyBytes(payload)] }, position, copies);
        break;
      case 'record':
      case 'copy':
        await this.#copyRecord(recordKey(content.record.rid), content.record, (row) => row.entry === position, copies);
        break;
      case 'step':
        this.#copyOutbox(content.outbox, position, copies);
        await this.#copyRecord(content.record, undefined, (row) => row.position === position, copies);
        break;
      case 'outbox':
        this.#copyOutbox(content.entries, position, copies);
        break;
      case 'arrived':
        this.#copyArrived(content, position, copies);
        break;
      case 'horizon':
        // Segment headers carry it on.
        break;
    }
  }

  #copyBlob(content: BlobContent | BlobFileContent, item: LogItem, position: Position, copies: Copies): void {
    const { index, ledger } = this.#parts;
    const key = hashKey(content.hash);
    if (index.blob(key)?.entry !== position) return;
    this.#append(item, copies, (moved) => {
      const row = index.blob(key);
      // It may have been let go meanwhile, and the copy with it.
      if (row?.entry === position) ledger.applyBlob(content, moved, row);
    });
  }

  /**
   * Copies a record with all that is known of it, when nobody is about to change it.
   * @param atHand the record, where it has been read already
   */
  async #copyRecord(key: string, atHand: TransitRecord | undefined, lives: (row: RecordRow) => boolean, copies: Copies): Promise<void> {
    const { index, ledger, records, busy } = this.#parts;
    const found = index.row(key);
    if (found === undefined || !lives(found)) return;
    const record = atHand ?? (await records.read({ record: key, row: found })).record;
    for (let wait = busy.records.wait(key); wait !== undefined; wait = busy.records.wait(key)) await wait;
    const row = index.row(key);
    if (row === undefined || !lives(row)) return;
    const content: RecordContent = { kind: 'copy', record, state: row.state, from: row.from, ...(row.to !== undefined && { to: row.to }), heldAtMs: row.heldAtMs, target: row.schedule.target };
    const item = encodeContent(content);
    busy.records.begin(key);
    this.#append(item, copies, (position) => ledger.applyRecord(content, { position, payloadBytes: payloadBytesOf(item) }, row.schedule, index.row(key)), () =>
      busy.records.end(key),
    );
  }

  #copyOutbox(entries: readonly OutboxEntry[], position: Position, copies: Copies): void {
    const { outbox } = this.#parts;
    const waiting = outbox.waiting(entries, position);
    if (waiting.length > 0) this.#append(encodeContent({ kind: 'outbox', entries: waiting }), copies, (moved) => outbox.move(waiting, position, moved));
  }

  #copyArrived(content: ArrivedContent, position: Position, copies: Copies): void {
    const { incoming } = this.#parts;
    const way = incoming.get(recordKey(content.record.rid));
    if (way?.arrived?.entry !== position) return;
    const item = encodeContent(content);
    this.#append(item, copies, (moved) => incoming.arrive(way, moved, payloadBytesOf(item)));
  }

  #append(item: LogItem, copies: Copies, apply: (position: Position) => void, done?: () => void): void {
    const { log, index } = this.#parts;
    const copy = log.appendOne([item], ([position]) => {
      apply(position!);
      index.applied(position!);
    });
    copies.add(done === undefined ? copy : copy.finally(done), payloadBytesOf(item));
  }
}

/** Copies on their way to the log. */
class Copies {
  bytes = 0;
  #under: Promise<void>[] = [];

  add(copy: Promise<void>, bytes: number): void {
    // Whoever settles hears of a fault; until then it is nobody's.
    copy.catch(() => undefined);
    this.#under.push(copy);
    this.bytes += bytes;
  }

  async settle(): Promise<void> {
    const under = this.#under;
    this.#under = [];
    this.bytes = 0;
    await Promise.all(under);
  }
}
