/**
 * The face of a disk: the few things the store asks of one. node-disk.ts is the real one;
 * memory-disk.ts forgets what was not synced when it crashes, and fails when told to.
 */

export interface DiskFile {
  /** Bytes from `offset`, in the beginning of `into` where that is given; fewer than `length` only where the file ends. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Writes all of `bytes` at `offset`. On a durable file they are on stable storage when this resolves. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Resolves when everything written so far is on stable storage (fdatasync). */
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * read: an existing file, for reading. write: made when absent. durable: as write, and each write
 * waits for stable storage by itself (O_DSYNC), which saves a round trip per group.
 */
export type OpenMode = 'read' | 'write' | 'durable';

export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removing what is not there is no error. */
  unlink(path: string): Promise<void>;
  /** Names in a directory, sorted; none when it does not exist. */
  list(dir: string): Promise<string[]>;
  makeDir(dir: string): Promise<void>;
  /** Makes new, renamed and removed names in a directory durable. */
  syncDir(dir: string): Promise<void>;
  freeBytes(dir: string): Promise<number>;
}

/** Whether a fault says that there is no room: the one fault that passes. LevelDB has only words for it. */
export function isDiskFull(thrown: unknown): boolean {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true;
    if (/No space left on device|Disk quota exceeded/.test(error.message)) return true;
  }
  return false;
}

/** Whether a fault says that the file is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
