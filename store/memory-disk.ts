/**
 * A disk in memory, for tests and the simulator. Like a real one it keeps two truths: what programs
 * see, and what would be left after a power cut. Faults are asked for through `before`, which is
 * called ahead of every operation that changes something and may throw what a real disk would.
 */
import type { Disk, DiskFile, OpenMode } from './disk.js';

export interface DiskOperation {
  readonly kind: 'write' | 'sync' | 'create' | 'rename' | 'unlink' | 'sync-dir';
  readonly path: string;
  readonly bytes: number;
}

interface Inode {
  bytes: Uint8Array;
  /** What a power cut leaves of it. */
  synced: Uint8Array;
}

export class MemoryDisk implements Disk {
  /** Names as programs see them, and as a power cut leaves them. */
  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #dirs = new Set<string>();
  #epoch = 0;
  /** Called before each operation that changes something: throw to make it fail, await to make it slow. */
  before: ((operation: DiskOperation) => Promise<void> | void) | undefined;
  capacityBytes = Number.MAX_SAFE_INTEGER;

  /**
   * The power goes: open files turn dead, and what was not synced is gone. With `keep`, each unsynced file keeps as much of
   * its newer bytes as `keep` says (a fraction of the way through the file), as a disk that wrote some of its cache.
   */
  crash(keep?: (path: string) => number): void {
    this.#epoch += 1;
    const survivors = new Map<string, Inode>();
    for (const [path, inode] of this.#syncedNames) {
      const left = keep === undefined ? inode.synced : torn(inode, keep(path));
      survivors.set(path, { bytes: left.slice(), synced: left });
    }
    this.#names = survivors;
    this.#syncedNames = new Map(survivors);
  }

  /** The process dies and the machine lives: open files turn dead, every byte written is still there. */
  kill(): void {
    this.#epoch += 1;
  }

  /** Changes bytes behind the store's back, as a failing medium does. */
  damage(path: string, change: (bytes: Uint8Array) => void): void {
    const inode = this.#find(path);
    change(inode.bytes);
    inode.synced = inode.bytes.slice();
  }

  usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#names.values())) used += inode.bytes.length;
    return used;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    if (mode !== 'read' && !this.#names.has(path)) {
      await this.#announce({ kind: 'create', path, bytes: 0 });
      this.#names.set(path, { bytes: new Uint8Array(0), synced: new Uint8Array(0) });
    }
    return new MemoryFile(this, this.#find(path), path, mode === 'durable');
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#find(from);
    await this.#announce({ kind: 'rename', path: to, bytes: 0 });
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async unlink(path: string): Promise<void> {
    await this.#announce({ kind: 'unlink', path, bytes: 0 });
    this.#names.delete(path);
  }

  async list(dir: string): Promise<string[]> {
    const prefix = `${dir}/`;
    return [...this.#names.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length)).sort();
  }

  async makeDir(dir: string): Promise<void> {
    this.#dirs.add(dir);
  }

  async syncDir(dir: string): Promise<void> {
    await this.#announce({ kind: 'sync-dir', path: dir, bytes: 0 });
    const within = (path: string): boolean => path.startsWith(`${dir}/`);
    for (const path of [...this.#syncedNames.keys()]) if (within(path) && !this.#names.has(path)) this.#syncedNames.delete(path);
    for (const [path, inode] of this.#names) if (within(path)) this.#syncedNames.set(path, inode);
  }

  async freeBytes(): Promise<number> {
    return Math.max(0, this.capacityBytes - this.usedBytes());
  }

  /** For the files of this disk: runs the hook, and refuses a file that was open when the power went. */
  async change(operation: DiskOperation, epoch: number, grows: number): Promise<void> {
    this.alive(epoch);
    await this.#announce(operation);
    this.alive(epoch);
    if (grows > 0 && this.usedBytes() + grows > this.capacityBytes) throw fault('ENOSPC', operation.path);
  }

  alive(epoch: number): void {
    if (epoch !== this.#epoch) throw fault('EBADF', 'a file that was open when the power went');
  }

  get epoch(): number {
    return this.#epoch;
  }

  async #announce(operation: DiskOperation): Promise<void> {
    const epoch = this.#epoch;
    await this.before?.(operation);
    this.alive(epoch);
  }

  #find(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw fault('ENOENT', path);
    return inode;
  }
}

/** A fault with the code that node:fs would give it. */
export function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #inode: Inode;
  readonly #path: string;
  readonly #durable: boolean;
  readonly #epoch: number;

  constructor(disk: MemoryDisk, inode: Inode, path: string, durable: boolean) {
    this.#disk = disk;
    this.#inode = inode;
    this.#path = path;
    this.#durable = durable;
    this.#epoch = disk.epoch;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#disk.alive(this.#epoch);
    return this.#inode.bytes.slice(offset, offset + length);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length;
    await this.#disk.change({ kind: 'write', path: this.#path, bytes: bytes.length }, this.#epoch, end - this.#inode.bytes.length);
    if (end > this.#inode.bytes.length) {
      const longer = new Uint8Array(end);
      longer.set(this.#inode.bytes);
      this.#inode.bytes = longer;
    }
    this.#inode.bytes.set(bytes, offset);
    if (this.#durable) await this.sync();
  }

  async sync(): Promise<void> {
    await this.#disk.change({ kind: 'sync', path: this.#path, bytes: 0 }, this.#epoch, 0);
    this.#inode.synced = this.#inode.bytes.slice();
  }

  async size(): Promise<number> {
    this.#disk.alive(this.#epoch);
    return this.#inode.bytes.length;
  }

  async close(): Promise<void> {
    // A dead file closes like any other.
  }
}

/** The synced bytes with the newer ones laid over them up to a fraction of the file. */
function torn(inode: Inode, fraction: number): Uint8Array {
  if (inode.bytes.length < inode.synced.length) return inode.synced;
  const left = new Uint8Array(Math.max(inode.synced.length, Math.floor(inode.bytes.length * fraction)));
  left.set(inode.synced);
  left.set(inode.bytes.subarray(0, Math.floor(inode.bytes.length * fraction)));
  return left;
}
