/**
 * The files of a segment directory: those in use, and spares that are ready to be. A spare is a freed segment or a
 * new file full of zeros; either way its blocks exist, so that writing into it is one flush and seldom finds the disk
 * full. Without a spare a new file grows as it is written, which is all that a store of a few messages ever needs.
 */
import { join } from 'node:path';
import { readEntryHead, ENTRY_HEADER_BYTES } from './log-entry.js';
import { asBuffer } from '../base/bytes.js';
import type { Disk, DiskFile } from './disk.js';
import { SEGMENT_HEADER_BYTES, decodeSegmentHeader } from './segment.js';
import type { SegmentHeader } from './segment.js';

export interface PoolOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly segmentBytes: number;
  /** Freed segments kept for use again. */
  readonly spareSegments: number;
}

export interface FoundSegment {
  readonly name: string;
  readonly header: SegmentHeader;
}

const NAME = /^[0-9a-f]{8}\.seg$/;
const ZEROS = new Uint8Array(1 << 20);

export class SegmentPool {
  readonly #options: PoolOptions;
  readonly #spares: string[] = [];
  #nextNumber = 1;
  #preparing: Promise<void> | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Sorts what is in the directory into segments (by age), spares, and names of files that hold entries under a header that is lost. */
  async find(): Promise<{ segments: FoundSegment[]; headless: string[] }> {
    const { disk, dir } = this.#options;
    await disk.makeDir(dir);
    const segments: FoundSegment[] = [];
    const headless: string[] = [];
    for (const name of (await disk.list(dir)).filter((found) => NAME.test(found))) {
      this.#nextNumber = Math.max(this.#nextNumber, Number.parseInt(name, 16) + 1);
      const file = await disk.open(this.path(name), 'read');
      try {
        const start = await file.read(0, SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES);
        const header = decodeSegmentHeader(start);
        if (header !== undefined) segments.push({ name, header });
        else if (holdsEntry(start)) headless.push(name);
        else if ((await file.size()) === this.#options.segmentBytes) this.#spares.push(name);
        else await disk.unlink(this.path(name));
      } finally {
        await file.close();
      }
    }
    segments.sort((a, b) => a.header.sequence - b.header.sequence);
    return { segments, headless };
  }

  path(name: string): string {
    return join(this.#options.dir, name);
  }

  get spares(): number {
    return this.#spares.length;
  }

  /** A file to begin a segment in, its name durable. `grows`: its blocks do not exist yet. */
  async take(): Promise<{ name: string; file: DiskFile; grows: boolean }> {
    await this.#preparing;
    const { disk, dir } = this.#options;
    const spare = this.#spares.shift();
    const name = spare ?? this.#newName();
    const file = await disk.open(this.path(name), 'durable');
    if (spare === undefined) await disk.syncDir(dir);
    return { name, file, grows: spare === undefined };
  }

  /** Takes back the file of a segment in which nothing lives. */
  async give(name: string): Promise<void> {
    if (this.#spares.length < this.#options.spareSegments) this.#spares.push(name);
    else await this.#options.disk.unlink(this.path(name));
  }

  /** Sees to it, in the background, that a spare is at hand. Where there is no room for one, or none is wanted, there is none. */
  prepare(): void {
    if (this.#options.spareSegments === 0 || this.#spares.length > 0 || this.#preparing !== undefined) return;
    this.#preparing = this.#make()
      .then((name) => void this.#spares.push(name))
      .catch(() => undefined)
      .finally(() => (this.#preparing = undefined));
  }

  async settle(): Promise<void> {
    await this.#preparing;
  }

  #newName(): string {
    return `${(this.#nextNumber++).toString(16).padStart(8, '0')}.seg`;
  }

  async #make(): Promise<string> {
    const { disk, dir, segmentBytes } = this.#options;
    const name = this.#newName();
    const file = await disk.open(this.path(name), 'write');
    try {
      for (let offset = 0; offset < segmentBytes; offset += ZEROS.length) {
        await file.write(offset, ZEROS.subarray(0, Math.min(ZEROS.length, segmentBytes - offset)));
      }
      await file.sync();
      await disk.syncDir(dir);
      return name;
    } catch (error) {
      await disk.unlink(this.path(name)).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
  }
}

function holdsEntry(start: Uint8Array): boolean {
  if (start.length < SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES) return false;
  const bytes = asBuffer(start);
  return readEntryHead(bytes, SEGMENT_HEADER_BYTES, bytes.readUInt32BE(SEGMENT_HEADER_BYTES + 8)) !== undefined;
}
