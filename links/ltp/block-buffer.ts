/**
 * Where the bytes of blocks gather until they are whole: in memory as far as it is given, in files beyond that. Both are taken as
 * bytes come, not as their offsets claim.
 */
import type { LinkLimit } from '../link.js';

export interface BlockBuffer {
  /** False where there is no room: nothing was kept. */
  write(offset: number, bytes: Uint8Array): boolean;
  /** The first `bytes` bytes, in order. */
  read(bytes: number): AsyncIterable<Uint8Array>;
  /** It is looked at no more. */
  free(): void;
}

/** A file for what memory does not hold: see spill-file.ts. */
export interface SpillFile {
  /** Throws where the disk does not take it. */
  write(offset: number, bytes: Uint8Array): void;
  read(offset: number, into: Uint8Array): void;
  close(): void;
}

const PAGE_BYTES = 64 * 1024;

/** The room for all blocks of a link. */
export class BlockRoom {
  readonly #memoryBytes: number;
  readonly #openSpill: (() => SpillFile) | undefined;
  #usedBytes = 0;
  #spilledBytes = 0;
  #refused = 0;

  /** @param openSpill absent: what memory does not hold is not taken */
  constructor(memoryBytes: number, openSpill?: () => SpillFile) {
    this.#memoryBytes = memoryBytes;
    this.#openSpill = openSpill;
  }

  makeBuffer(): BlockBuffer {
    const takePage = (): Uint8Array | undefined => {
      if (this.#usedBytes + PAGE_BYTES > this.#memoryBytes) return undefined;
      this.#usedBytes += PAGE_BYTES;
      return new Uint8Array(PAGE_BYTES);
    };
    return new PagedBuffer({
      takePage,
      spill: () => this.#openSpill?.(),
      spilled: (bytes) => (this.#spilledBytes += bytes),
      freed: (memoryBytes, spilledBytes) => {
        this.#usedBytes -= memoryBytes;
        this.#spilledBytes -= spilledBytes;
      },
      refused: () => (this.#refused += 1),
    });
  }

  /** @param mostSpilledBytes what may lie in files */
  limits(mostSpilledBytes: number): LinkLimit[] {
    const memory: LinkLimit = { name: 'memory for blocks arriving', unit: 'bytes', used: this.#usedBytes, most: this.#memoryBytes, refused: this.#openSpill === undefined ? this.#refused : 0 };
    if (this.#openSpill === undefined) return [memory];
    return [memory, { name: 'files for blocks arriving', unit: 'bytes', used: this.#spilledBytes, most: mostSpilledBytes, refused: this.#refused }];
  }
}

interface Pages {
  takePage(): Uint8Array | undefined;
  spill(): SpillFile | undefined;
  spilled(bytes: number): void;
  freed(memoryBytes: number, spilledBytes: number): void;
  refused(): void;
}

class PagedBuffer implements BlockBuffer {
  readonly #room: Pages;
  readonly #pages = new Map<number, Uint8Array>();
  /** Pages that are in the file. */
  readonly #spilled = new Set<number>();
  #file: SpillFile | undefined;

  constructor(room: Pages) {
    this.#room = room;
  }

  write(offset: number, bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((offset + at) / PAGE_BYTES);
      const within = (offset + at) % PAGE_BYTES;
      const part = bytes.subarray(at, at + PAGE_BYTES - within);
      if (!this.#writePart(index, within, part)) return false;
      at += part.length;
    }
    return true;
  }

  async *read(bytes: number): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes; at += PAGE_BYTES) {
      const index = at / PAGE_BYTES;
      const page = this.#pages.get(index) ?? new Uint8Array(PAGE_BYTES);
      const part = page.subarray(0, Math.min(PAGE_BYTES, bytes - at));
      if (this.#spilled.has(index)) this.#file?.read(at, part);
      yield part;
    }
  }

  free(): void {
    this.#room.freed(this.#pages.size * PAGE_BYTES, this.#spilled.size * PAGE_BYTES);
    this.#pages.clear();
    this.#spilled.clear();
    this.#file?.close();
    this.#file = undefined;
  }

  #writePart(index: number, within: number, part: Uint8Array): boolean {
    const page = this.#spilled.has(index) ? undefined : (this.#pages.get(index) ?? this.#room.takePage());
    if (page !== undefined) {
      this.#pages.set(index, page);
      page.set(part, within);
      return true;
    }
    try {
      this.#file ??= this.#room.spill();
      this.#file?.write(index * PAGE_BYTES + within, part);
    } catch {
      // A full disk: the sender is told, and comes back.
      this.#room.refused();
      return false;
    }
    if (this.#file === undefined) {
      this.#room.refused();
      return false;
    }
    if (!this.#spilled.has(index)) this.#room.spilled(PAGE_BYTES);
    this.#spilled.add(index);
    return true;
  }
}
