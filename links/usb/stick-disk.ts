/**
 * The face of a mounted stick: the few things that are asked of its file system. node-stick-disk.ts is the real one; in
 * tests another forgets what was not synced, fails, and stops.
 */

export interface StickEntry {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly bytes: number;
  readonly changedMs: number;
}

export interface StickReader {
  readonly bytes: number;
  /** Bytes from `offset` into the beginning of `into`; how many there were. */
  read(offset: number, into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

export interface StickWriter {
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything written so far is on the medium. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface StickDisk {
  /** What stands there, a link not followed; undefined when nothing does. */
  look(path: string): Promise<StickEntry | undefined>;
  /** At most so many names of a folder, in any order. */
  list(dir: string, most: number): Promise<string[]>;
  /**
   * An ordinary file of the file system that `dir` stands on, opened without following a link; anything else is refused with
   * ENOTSUP. `medium` asks for the bytes on the medium rather than those in memory, where the system can do that.
   */
  open(path: string, from: 'cache' | 'medium'): Promise<StickReader>;
  /** A new file; one that is there already is refused with EEXIST. */
  create(path: string): Promise<StickWriter>;
  /** A file gets its name. Resolves when the file is durable under it as far as it was; the folder is synced by `syncDir`. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  makeDir(dir: string): Promise<void>;
  /** Makes new, renamed and removed names in a folder durable. */
  syncDir(dir: string): Promise<void>;
  freeBytes(dir: string): Promise<number>;
}

/** SHA-256 in pieces, handed in: a link knows no formats and no cryptography. */
export interface StickHash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}
