/**
 * A stick of 40 MiB with a file system of the real kind, inside a guest kernel: formatted, mounted, pulled out under whoever
 * writes to it, damaged below its file system. It can touch nothing but the guest's own disk.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import assert from 'node:assert/strict';

export const FILE_SYSTEMS = ['fat32', 'exfat', 'ext4'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** The first disk of a user-mode kernel; no other machine has one of this name. */
const DISK = '/dev/ubda';
/** Between the file system and the disk, so that the disk can go away under it. */
const MAPPED = '/dev/dm-0';
const DIR = '/mnt/stick';
const LARGEST_BYTES = 64 * 1024 * 1024;
const SAFE = 'nosuid,nodev,noexec';
/** Clusters of a sector: so small a FAT32 has to have many. Nothing kept back for root, who runs this. */
const FORMAT: Readonly<Record<FileSystem, readonly string[]>> = { fat32: ['mkfs.vfat', '-F', '32', '-s', '1'], exfat: ['mkfs.exfat'], ext4: ['mkfs.ext4', '-q', '-F', '-m', '0'] };
const CHECK: Readonly<Record<FileSystem, readonly string[]>> = { fat32: ['fsck.vfat', '-n'], exfat: ['fsck.exfat', '-n'], ext4: ['fsck.ext4', '-f', '-n'] };

export class Volume {
  readonly dir = DIR;
  readonly #kind: FileSystem;
  readonly #sectors: number;
  /** Used again: a guest is slow to give new memory. */
  readonly #medium: Buffer;

  constructor(kind: FileSystem) {
    assert(existsSync(DISK), `${DISK} is not here: this runs in a user-mode kernel only`);
    this.#kind = kind;
    this.#sectors = Number(readFileSync('/sys/block/ubda/size', 'utf8'));
    assert(this.#sectors * 512 <= LARGEST_BYTES, 'a stick for trials is small');
    this.#medium = Buffer.alloc(this.#sectors * 512);
    mkdirSync(DIR, { recursive: true });
  }

  /** An empty stick, mounted. */
  format(): void {
    this.unmount();
    run(...FORMAT[this.#kind], DISK);
    this.mount();
  }

  mount(options = 'rw'): void {
    run('dmsetup', 'create', '--noudevsync', '--noudevrules', 'stick', '--table', `0 ${this.#sectors} linear ${DISK} 0`);
    if (this.#kind === 'exfat') run('mount.exfat-fuse', '-o', `${SAFE},${options}`, MAPPED, DIR);
    else run('mount', '-t', this.#kind === 'fat32' ? 'vfat' : 'ext4', '-o', `${SAFE},${options}`, MAPPED, DIR);
    const { blocks, bsize } = statfsSync(DIR);
    assert(isMounted() && blocks * bsize <= LARGEST_BYTES, 'what is mounted is the small stick');
  }

  /** Off the machine: nothing of it is remembered here. Safe to call twice. */
  unmount(): void {
    if (isMounted()) run('umount', DIR);
    if (existsSync(MAPPED)) run('dmsetup', 'remove', '--noudevsync', '--retry', 'stick');
  }

  /** Pulled out while it is mounted: from now on every read and write of the medium fails. */
  pull(): void {
    run('dmsetup', 'wipe_table', '--noudevsync', '--noflush', '--nolockfs', 'stick');
  }

  /** Plugged in again: what had not reached the medium is gone. */
  plugIn(): void {
    if (isMounted()) order('umount', '-l', DIR);
    this.unmount();
    this.mount();
  }

  /** Undefined when the checker of its file system finds nothing wrong. */
  complaint(): string | undefined {
    this.unmount();
    const { status, text } = order(...CHECK[this.#kind], DISK);
    this.mount();
    return status === 0 ? undefined : text;
  }

  /** Changes bytes of the medium below the file system. @param change gets all of it, and gives what to write where */
  damage(change: (medium: Buffer) => readonly (readonly [offset: number, bytes: Uint8Array])[]): void {
    this.unmount();
    const file = openSync(DISK, 'r+');
    try {
      const medium = this.#medium;
      for (let at = 0; at < medium.length; ) at += readSync(file, medium, at, medium.length - at, at);
      const places = change(medium);
      assert(places.length > 0, 'there is something to damage');
      for (const [offset, bytes] of places) writeSync(file, bytes, 0, bytes.length, offset);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.mount();
  }
}

function isMounted(): boolean {
  return readFileSync('/proc/mounts', 'utf8').split('\n').some((line) => line.split(' ')[1] === DIR);
}

/** Carries out a command, or throws what it says. */
export function run(...words: readonly string[]): void {
  const { status, text } = order(...words);
  assert.equal(status, 0, `${words.join(' ')}: ${text}`);
}

/** By the guest's own small shell: a process as large as this one takes a user-mode kernel half a second to fork. */
function order(...words: readonly string[]): { readonly status: number; readonly text: string } {
  writeFileSync('/mnt/orders', `${words.map((word) => `'${word}'`).join(' ')}\n`);
  const [, text = '', status = ''] = /^([^]*)ended with (\d+)\n$/.exec(readFileSync('/mnt/answers', 'utf8')) ?? [];
  return { status: Number(status), text };
}
