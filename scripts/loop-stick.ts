/** A stick with ext4 on it, as the kernel of this machine mounts it from a file. Needs root and a loop device. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

export class LoopStick {
  /** Where it is while it is plugged in. */
  readonly dir: string;
  readonly #image: string;
  #isIn = false;

  /** Throws where it cannot be made or mounted. */
  constructor(dir: string, bytes: number) {
    this.#image = join(dir, 'stick.img');
    this.dir = join(dir, 'stick');
    mkdirSync(this.dir);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, bytes);
    run('mkfs.ext4', '-q', '-F', this.#image);
  }

  plugIn(): void {
    run('mount', '-o', 'loop,noatime', this.#image, this.dir);
    this.#isIn = true;
    process.once('exit', this.pullOut);
  }

  /** Unmounted, as whoever pulls a stick out is told to do first. Safe to call twice. */
  pullOut = (): void => {
    process.off('exit', this.pullOut);
    if (!this.#isIn) return;
    run('umount', this.dir);
    this.#isIn = false;
  };
}

function run(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
