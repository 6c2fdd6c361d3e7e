/**
 * The log: a row of segment files, written at one end, that is the truth of the store. Appending is group commit; a
 * segment in which nothing lives is used again under a new sequence number.
 */
import assert from 'node:assert';
import { isPosternError } from '../base/errors.js';
import type { PosternError } from '../base/errors.js';
import { ActiveSegment } from './active-segment.js';
import type { ActiveOptions } from './active-segment.js';
import { isDiskFull } from './disk.js';
import { GroupCommit } from './group-commit.js';
import type { GroupUnit, Written } from './group-commit.js';
import { entryBytes } from './log-entry.js';
import type { EntryKind, LogItem } from './log-entry.js';
import { OpenFiles } from './open-files.js';
import { LARGEST_SEGMENT_BYTES, offsetOf, positionOf, sequenceOf } from './position.js';
import type { Position } from './position.js';
import { ReadAhead } from './read-ahead.js';
import { SegmentPool } from './segment-pool.js';
import type { PoolOptions } from './segment-pool.js';
import { scanSegment } from './segment-scan.js';
import type { ScanResult, Stretch } from './segment-scan.js';
import { damaged, storeFault, storeFull } from './store-errors.js';
import { SEGMENT_HEADER_BYTES, generationOf } from './segment.js';
import type { Horizon, Segment, SegmentHeader } from './segment.js';

export interface LogOptions extends PoolOptions {
  /** 16 bytes: the identity of a store that is being made. */
  readonly newStoreId: Uint8Array;
  /** See active-segment.ts. */
  readonly aheadBytes: number;
  readonly report: (fault: LogFault) => void;
  /** How long things take, which says how to group them. */
  readonly monotonicMs: () => number;
}

/** A segment whose stretch does not read back, or a file whose header is lost. It is left as it is and never reused. */
export interface LogFault {
  readonly file: string;
  readonly stretch?: Stretch;
}

/** Items that become durable together, and what to do then. */
export interface LogUnit extends GroupUnit {
  readonly items: readonly LogItem[];
  /** What the items take in the log: see `bytesOf`. */
  readonly bytes: number;
  /** Called once, in the order in which units were appended. */
  durable(positions: readonly Position[]): void;
}

export interface LoggedEntry {
  readonly kind: EntryKind;
  readonly position: Position;
  readonly payload: Uint8Array;
}

/** A flush costs nearly the same for 1 KiB as for 256 KiB; beyond 1 MiB it is the bytes that cost. */
const GROUP_LIMITS = { bytes: 1 << 20, units: 4096 };
/** Enough for the working set, few beside the usual limit of 1024. */
const OPEN_SEGMENTS = 64;

export class SegmentLog {
  readonly #options: LogOptions;
  readonly #pool: SegmentPool;
  readonly #files: OpenFiles;
  readonly #ahead: ReadAhead;
  readonly #commit: GroupCommit<LogUnit>;
  /** By sequence number, oldest first. */
  readonly #segments = new Map<number, Segment>();
  #storeId: Uint8Array;
  #active: ActiveSegment | undefined;
  #lastSequence = 0;
  #horizon: Horizon = { expirySec: 0, position: 0 };
  #recycledSequence = 0;
  #buffer = Buffer.alloc(0);
  #broken: PosternError | undefined;

  private constructor(options: LogOptions) {
    assert(options.segmentBytes <= LARGEST_SEGMENT_BYTES);
    this.#options = options;
    this.#storeId = options.newStoreId;
    this.#pool = new SegmentPool(options);
    this.#files = new OpenFiles(options.disk, OPEN_SEGMENTS);
    this.#ahead = new ReadAhead(this.#files);
    this.#commit = new GroupCommit({ write: (group) => this.#write(group), limits: GROUP_LIMITS, monotonicMs: options.monotonicMs });
  }

  /** Reads the headers of what is there. Nothing may be appended before `replay` has seen to the end of the log. */
  static async open(options: LogOptions): Promise<SegmentLog> {
    const log = new SegmentLog(options);
    const { segments, headless } = await log.#pool.find();
    for (const file of headless) options.report({ file });
    for (const { name, header } of segments) {
      // Where it really ends is found out when it is read.
      log.#segments.set(header.sequence, { name, header, endOffset: options.segmentBytes, damage: [] });
      log.#storeId = header.storeId;
      log.#lastSequence = header.sequence;
      log.raiseHorizon(header.horizon);
      log.#recycledSequence = Math.max(log.#recycledSequence, header.recycledSequence);
    }
    return log;
  }

  get storeId(): Uint8Array {
    return this.#storeId;
  }

  get horizon(): Horizon {
    return this.#horizon;
  }

  get recycledSequence(): number {
    return this.#recycledSequence;
  }

  get diskBytes(): number {
    return (this.#segments.size + this.#pool.spares) * this.#options.segmentBytes;
  }

  /** Whether an I/O error has cost the log our trust: nothing is appended until it is opened again. */
  get broken(): PosternError | undefined {
    return this.#broken;
  }

  /** Segments that will not be written to any more, oldest first. */
  sealed(): Segment[] {
    return [...this.#segments.values()].filter((segment) => segment !== this.#active?.segment);
  }

  /**
   * Visits every segment's header and every entry behind `from`, in order, then mends the end of the log so that new
   * entries can follow. Returns the last position that is known to have been written.
   */
  async replay(from: Position, visitHeader: (header: SegmentHeader) => Promise<void>, visit: (entry: LoggedEntry) => Promise<void> | void): Promise<Position> {
    let last = 0;
    for (const segment of [...this.#segments.values()]) {
      const { sequence } = segment.header;
      if (sequence < sequenceOf(from)) continue;
      await visitHeader(segment.header);
      const result = await this.#scan(segment, sequence === this.#lastSequence, async (entry) => {
        last = entry.position;
        if (entry.position > from) await visit(entry);
      });
      const behindDamage = result.damage.at(-1)?.endOffset ?? 0;
      last = Math.max(last, positionOf(sequence, behindDamage));
      if (sequence === this.#lastSequence && result.damage.length === 0) await this.#resume(segment, result);
    }
    return last;
  }

  append(unit: LogUnit): void {
    if (this.#broken !== undefined) unit.failed(this.#broken);
    else this.#commit.submit(unit);
  }

  /** As `append`, for those who wait for one unit at a time. */
  appendOne(items: readonly LogItem[], apply: (positions: readonly Position[]) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.append({
        items,
        bytes: bytesOf(items),
        durable(positions) {
          apply(positions);
          resolve();
        },
        failed: reject,
      });
    });
  }

  /** The payload of the entry at a position, of a length known from the index. */
  async read(position: Position, payloadBytes: number): Promise<Uint8Array> {
    const sequence = sequenceOf(position);
    const segment = this.#segments.get(sequence);
    if (segment === undefined) throw damaged(`the log entry at ${position}`);
    const payload = await this.#ahead.payload({ path: this.#pool.path(segment.name), sequence, offset: offsetOf(position), payloadBytes, endOffset: segment.endOffset });
    if (payload === undefined) throw damaged(`the log entry at ${position}`);
    return payload;
  }

  /** Visits the entries of a sealed segment, and finds out whether it is damaged. */
  async visit(segment: Segment, visit: (entry: LoggedEntry) => Promise<void> | void): Promise<void> {
    await this.#scan(segment, false, visit);
  }

  /** Gives back a segment in which nothing lives, to be overwritten. */
  async recycle(segment: Segment): Promise<void> {
    const { sequence } = segment.header;
    assert(segment !== this.#active?.segment && segment.damage.length === 0);
    this.#segments.delete(sequence);
    this.#recycledSequence = Math.max(this.#recycledSequence, sequence);
    await this.#files.forget(this.#pool.path(segment.name));
    await this.#pool.give(segment.name);
  }

  /** From the next segment on, a rebuilt index forgets what the horizon covers. */
  raiseHorizon(horizon: Horizon): void {
    if (horizon.position > this.#horizon.position) this.#horizon = horizon;
  }

  idle(): Promise<void> {
    return this.#commit.idle();
  }

  async close(): Promise<void> {
    await this.idle();
    await this.#active?.close();
    this.#active = undefined;
    await this.#files.closeAll();
  }

  async #scan(segment: Segment, isLast: boolean, visit: (entry: LoggedEntry) => Promise<void> | void): Promise<ScanResult> {
    const { sequence } = segment.header;
    const file = await this.#files.get(this.#pool.path(segment.name));
    const result = await scanSegment(file, generationOf(sequence), SEGMENT_HEADER_BYTES, isLast, (entry) =>
      visit({ kind: entry.kind, position: positionOf(sequence, entry.offset), payload: entry.payload }),
    );
    segment.endOffset = result.endOffset;
    segment.damage = result.damage;
    for (const stretch of result.damage) this.#options.report({ file: segment.name, stretch });
    return result;
  }

  /** Goes on writing in the last segment. */
  async #resume(segment: Segment, { lastGroupOffset, torn }: ScanResult): Promise<void> {
    const file = await this.#options.disk.open(this.#pool.path(segment.name), 'durable');
    this.#active = await ActiveSegment.resume(segment, file, lastGroupOffset, torn, this.#activeOptions);
  }

  /** Writes as many first units of the group as fit into the active segment, as one durable write. */
  async #write(group: readonly LogUnit[]): Promise<Written> {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      if (this.#active?.fits(group[0]!.bytes) !== true) await this.#roll();
      const positions = await this.#active!.write(group, (bytes) => this.#bufferOf(bytes));
      return { count: positions.length, tell: (i) => this.#tell(group[i]!, positions[i]!) };
    } catch (error) {
      if (!isPosternError(error) && isDiskFull(error)) throw storeFull(this.#options.dir, error);
      this.#broken = isPosternError(error) ? error : storeFault(this.#options.dir, error);
      throw this.#broken;
    }
  }

  /** An entry that is durable and cannot be taken in (an index that does not read) leaves the two apart: nothing more is taken until the log is read again. */
  #tell(unit: LogUnit, positions: readonly Position[]): void {
    try {
      unit.durable(positions);
    } catch (error) {
      this.#broken ??= storeFault(this.#options.dir, error);
      unit.failed(this.#broken);
    }
  }

  async #roll(): Promise<void> {
    const { name, file } = await this.#pool.take();
    await this.#active?.close();
    const sequence = this.#lastSequence + 1;
    const header = { storeId: this.#storeId, sequence, horizon: this.#horizon, recycledSequence: this.#recycledSequence };
    const segment: Segment = { name, header, endOffset: SEGMENT_HEADER_BYTES, damage: [] };
    this.#lastSequence = sequence;
    this.#segments.set(sequence, segment);
    this.#active = await ActiveSegment.begin(segment, file, this.#activeOptions);
  }

  get #activeOptions(): ActiveOptions {
    const { dir, segmentBytes, aheadBytes } = this.#options;
    return { dir, segmentBytes, aheadBytes };
  }

  #bufferOf(bytes: number): Buffer {
    if (this.#buffer.length < bytes) this.#buffer = Buffer.alloc(Math.max(bytes, SEGMENT_HEADER_BYTES + GROUP_LIMITS.bytes));
    return this.#buffer;
  }
}

export function bytesOf(items: readonly LogItem[]): number {
  let bytes = 0;
  for (const item of items) bytes += entryBytes(payloadBytesOf(item));
  return bytes;
}

export function payloadBytesOf(item: LogItem): number {
  let bytes = 0;
  for (const part of item.parts) bytes += part.length;
  return bytes;
}
