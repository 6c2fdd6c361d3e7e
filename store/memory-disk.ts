/**
 * A disk in memory, for tests and the simulator. Like a real one it keeps two truths: what programs see, and what would be
 * left after a power cut. Faults are asked for through `before`, which is called ahead of every operation that changes
 * something and may throw what a real disk would, or wait as a slow one does.
 */
import type { Disk, DiskFile, OpenMode } from './disk.js';
import { MemoryInode } from './memory-inode.js';

export interface DiskOperation {
  readonly kind: 'create' | 'write' | 'sync' | 'rename' | 'unlink' | 'sync-dir';
  readonly path: string;
  /** By how much a write makes its file longer. */
  readonly growthBytes: number;
}

export class MemoryDisk {
  before: ((operation: DiskOperation) => Promise<void> | void) | undefined;
  capacityBytes = Number.MAX_SAFE_INTEGER;
  /** Names as programs see them, and as a power cut leaves them. */
  #names = new Map<string, MemoryInode>();
  #syncedNames = new Map<string, MemoryInode>();
  #mount: MountedDisk | undefined;

  /** The disk as one process sees it. A mount that was there before is dead. */
  mount(): Disk {
    this.#mount = new MountedDisk(this);
    return this.#mount;
  }

  /**
   * The power goes: what was not synced is gone. With `keep`, which is asked for each sector that was written and not synced,
   * some of it is there all the same, as on a disk that had written a part of its cache, in an order of its own.
   */
  crash(keep?: () => boolean): void {
    this.#mount = undefined;
    const left = new Map<string, MemoryInode>();
    for (const [path, inode] of this.#syncedNames) {
      left.set(path, new MemoryInode(keep === undefined ? inode.synced : torn(inode, keep)));
    }
    this.#names = left;
    this.#syncedNames = new Map(left);
  }

  /** The process dies and the machine lives: every byte written is still there. */
  kill(): void {
    this.#mount = undefined;
  }

  /** Changes bytes behind everybody's back, as a failing medium does. */
  damage(path: string, change: (bytes: Uint8Array) => void): void {
    const inode = this.find(path);
    change(inode.bytes);
    inode.syncAll();
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  get usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#names.values())) used += inode.bytes.length;
    return used;
  }

  /** Runs the hook ahead of a change, for a mount that must be alive before and after it. */
  async change(mount: MountedDisk, operation: DiskOperation): Promise<void> {
    this.alive(mount, operation.path);
    await this.before?.(operation);
    this.alive(mount, operation.path);
    if (operation.growthBytes > 0 && this.usedBytes + operation.growthBytes > this.capacityBytes) throw fault('ENOSPC', operation.path);
  }

  alive(mount: MountedDisk, path: string): void {
    if (this.#mount !== mount) throw fault('EIO', path);
  }

  has(path: string): boolean {
    return this.#names.has(path);
  }

  find(path: string): MemoryInode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw fault('ENOENT', path);
    return inode;
  }

  link(path: string, inode: MemoryInode | undefined): void {
    if (inode === undefined) this.#names.delete(path);
    else this.#names.set(path, inode);
  }

  syncNames(dir: string): void {
    const within = (path: string): boolean => path.startsWith(`${dir}/`);
    for (const path of [...this.#syncedNames.keys()]) if (within(path) && !this.#names.has(path)) this.#syncedNames.delete(path);
    for (const [path, inode] of this.#names) if (within(path)) this.#syncedNames.set(path, inode);
  }
}

class MountedDisk implements Disk {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    this.#disk.alive(this, path);
    if (mode !== 'read' && !this.#disk.has(path)) {
      await this.#disk.change(this, { kind: 'create', path, growthBytes: 0 });
      this.#disk.link(path, new MemoryInode());
    }
    return new MemoryFile(this.#disk, this, this.#disk.find(path), path, mode === 'durable');
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#disk.change(this, { kind: 'rename', path: to, growthBytes: 0 });
    const inode = this.#disk.find(from);
    this.#disk.link(from, undefined);
    this.#disk.link(to, inode);
  }

  async unlink(path: string): Promise<void> {
    await this.#disk.change(this, { kind: 'unlink', path, growthBytes: 0 });
    this.#disk.link(path, undefined);
  }

  async list(dir: string): Promise<string[]> {
    this.#disk.alive(this, dir);
    return this.#disk.paths().filter((path) => path.startsWith(`${dir}/`)).map((path) => path.slice(dir.length + 1));
  }

  async makeDir(dir: string): Promise<void> {
    // Directories are the beginnings of names.
    this.#disk.alive(this, dir);
  }

  async syncDir(dir: string): Promise<void> {
    await this.#disk.change(this, { kind: 'sync-dir', path: dir, growthBytes: 0 });
    this.#disk.syncNames(dir);
  }

  async freeBytes(): Promise<number> {
    return Math.max(0, this.#disk.capacityBytes - this.#disk.usedBytes);
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #mount: MountedDisk;
  readonly #inode: MemoryInode;
  readonly #path: string;
  readonly #durable: boolean;

  constructor(disk: MemoryDisk, mount: MountedDisk, inode: MemoryInode, path: string, durable: boolean) {
    this.#disk = disk;
    this.#mount = mount;
    this.#inode = inode;
    this.#path = path;
    this.#durable = durable;
  }

  async read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    this.#disk.alive(this.#mount, this.#path);
    const bytes = this.#inode.bytes.slice(offset, offset + length);
    into?.set(bytes);
    return bytes;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length;
    // What is written is what was handed over now, whatever becomes of the buffer while a slow disk is at it.
    const written = bytes.slice();
    await this.#disk.change(this.#mount, { kind: 'write', path: this.#path, growthBytes: Math.max(0, end - this.#inode.bytes.length) });
    this.#inode.write(offset, written);
    if (this.#durable) await this.sync();
  }

  async sync(): Promise<void> {
    await this.#disk.change(this.#mount, { kind: 'sync', path: this.#path, growthBytes: 0 });
    this.#inode.sync();
  }

  async size(): Promise<number> {
    this.#disk.alive(this.#mount, this.#path);
    return this.#inode.bytes.length;
  }

  async close(): Promise<void> {
    // A dead file closes like any other.
  }
}

/** A fault with the code that node:fs would give it. */
export function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

const SECTOR_BYTES = 512;

/** The synced bytes, with some of the newer sectors in them. */
function torn({ bytes, synced }: MemoryInode, keep: () => boolean): Uint8Array {
  const left = new Uint8Array(Math.max(bytes.length, synced.length));
  left.set(synced);
  let end = synced.length;
  for (let start = 0; start < bytes.length; start += SECTOR_BYTES) {
    const sector = bytes.subarray(start, start + SECTOR_BYTES);
    if (Buffer.compare(sector, left.subarray(start, start + sector.length)) === 0 || !keep()) continue;
    left.set(sector, start);
    end = Math.max(end, start + sector.length);
  }
  return left.slice(0, end);
}
