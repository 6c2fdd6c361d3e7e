/** A disk that can be filled: a small tmpfs, mounted for one test, and a file in it that takes what is left. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeSync, openSync, closeSync, fsyncSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';

const CHUNK = new Uint8Array(64 * 1024);

/** Why no small disk can be mounted here, if none can: to be given as the `skip` of a test. */
export function whyNoSmallDisk(): string | false {
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-mount-'));
  try {
    const { status, stderr, error } = mount(dir, 1);
    if (status !== 0) return `no tmpfs can be mounted: ${error?.message ?? String(stderr).trim()}`;
    unmount(dir);
    return false;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export class SmallDisk {
  readonly dir: string;
  readonly #filler: string;

  private constructor(dir: string) {
    this.dir = dir;
    this.#filler = path.join(dir, 'filler');
  }

  /** @param teardown of the test: what runs on the disk has to be stopped there before */
  static mount(t: Test, mebibytes: number): SmallDisk {
    const base = mkdtempSync(path.join(tmpdir(), 'postern-disk-'));
    const dir = path.join(base, 'disk');
    mkdirSync(dir);
    const { status, stderr } = mount(dir, mebibytes);
    if (status !== 0) throw new Error(`cannot mount: ${String(stderr)}`);
    // Teardown runs in the order of its setting reversed: what was started later is stopped before.
    t.teardown(() => {
      unmount(dir);
      rmSync(base, { recursive: true, force: true });
    });
    return new SmallDisk(dir);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.dir);
    return bavail * bsize;
  }

  /** Takes all but so many bytes. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#filler, 'a');
    try {
      while (this.freeBytes > leaveBytes) writeSync(file, CHUNK, 0, Math.min(CHUNK.length, Math.max(this.freeBytes - leaveBytes, 1)));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
    } finally {
      fsyncSync(file);
      closeSync(file);
    }
  }

  /** Gives back what the filler took. */
  relieve(): void {
    unlinkSync(this.#filler);
  }
}

function mount(dir: string, mebibytes: number): ReturnType<typeof spawnSync> {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', dir]);
}

function unmount(dir: string): void {
  spawnSync('umount', ['-l', dir]);
}
