/**
 * The folder in which bundles arrive as files. It is looked at again and again; a file is taken once all of it is there:
 * moved to a name that only we use, read, and deleted when the gateway has dealt with it. What is not ours by name and kind is
 * never touched.
 */
import type { Stats } from 'node:fs';
import { constants, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { codeOf } from '../../base/durable-file.js';
import { messageOf, PosternError } from '../../base/errors.js';
import { makeFolder } from '../../base/make-folder.js';
import type { Deliver } from '../link.js';
import { bytesByName } from './file-name.js';
import { quarantine } from './quarantine.js';

export interface InboxOptions {
  readonly folder: string;
  readonly neighbour: string;
  /** What is larger is refused unread. */
  readonly largestBytes: number;
  readonly clock: Clock;
  /** Bytes of a file the gateway has dealt with. */
  readonly onTaken: (bytes: number) => void;
  readonly onRefused: (name: string, reason: string) => void;
}

/** How a file looked at an earlier look, and since when it has looked like that. */
interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  readonly inode: number;
  readonly sinceMs: number;
}

/** Beside the files, on the same file system, so that taking one is a move. */
const OURS = '.postern';
/** A folder may hold any number of foreign files; each look goes over so many. */
const LOOKED_AT = 100_000;
const TAKEN_AT_ONCE = 256;
/** A file that has not grown for a day will not be finished. */
const ABANDONED_MS = 86_400_000;
const CHUNK_BYTES = 64 * 1024;

export class Inbox {
  readonly #options: InboxOptions;
  readonly #claimed: string;
  readonly #refused: string;
  #seen = new Map<string, Seen>();

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#claimed = join(options.folder, OURS, 'claimed');
    this.#refused = join(options.folder, OURS, 'refused');
  }

  /** Throws LINK_FOLDER where the folder cannot be made, or somebody has put a link in the place of ours. */
  async open(): Promise<void> {
    const { folder } = this.#options;
    try {
      await makeFolder(folder, 0o750);
      for (const own of [join(folder, OURS), this.#claimed, this.#refused]) {
        await mkdir(own, { mode: 0o700 }).catch((thrown: unknown) => {
          if (codeOf(thrown) !== 'EEXIST') throw thrown;
        });
        if (!(await lstat(own)).isDirectory()) throw new Error(`${own} is no folder`);
      }
    } catch (cause) {
      throw new PosternError('LINK_FOLDER', `The inbox ${folder} cannot be used: ${messageOf(cause)}.`, { folder, systemCode: codeOf(cause) ?? '' }, { cause });
    }
  }

  /** Takes what is complete, and first what a gateway that was killed had taken. Throws what the file system says of the folder itself. */
  async look(deliver: Deliver, isStopped: () => boolean): Promise<void> {
    for (const name of await readdir(this.#claimed)) {
      if (isStopped()) return;
      if (bytesByName(name) !== undefined) await this.#deliver(name, deliver);
    }
    const names = (await readdir(this.#options.folder)).filter((name) => bytesByName(name) !== undefined).slice(0, LOOKED_AT);
    const seen = new Map<string, Seen>();
    let taken = 0;
    for (const name of names) {
      if (isStopped()) return;
      const stats = await statOf(join(this.#options.folder, name));
      // A name of ours on something else: a link may lead anywhere, and a file with two names may change under us.
      if (stats === undefined || !stats.isFile() || stats.nlink !== 1) continue;
      const step = this.#judge(name, stats);
      if (step.kind === 'refuse') await this.#refuse(join(this.#options.folder, name), name, step.reason);
      else if (step.kind === 'wait' || taken === TAKEN_AT_ONCE) seen.set(name, step.seen);
      else {
        taken += 1;
        await rename(join(this.#options.folder, name), join(this.#claimed, name));
        await this.#deliver(name, deliver);
      }
    }
    this.#seen = seen;
  }

  /** Complete is a file as long as its name says that has not changed since the look before. */
  #judge(name: string, { size, mtimeMs, ino }: Stats): { kind: 'take' | 'wait'; seen: Seen } | { kind: 'refuse'; reason: string } {
    const named = bytesByName(name) ?? 0;
    const { largestBytes, clock } = this.#options;
    if (named > largestBytes) return { kind: 'refuse', reason: `too-large: the file has ${named} bytes by its name, ${largestBytes} are taken at most` };
    const nowMs = clock.monotonicMs();
    const before = this.#seen.get(name);
    const isStill = before !== undefined && before.size === size && before.mtimeMs === mtimeMs && before.inode === ino;
    const seen = isStill ? before : { size, mtimeMs, inode: ino, sinceMs: nowMs };
    if (isStill && size === named) return { kind: 'take', seen };
    if (isStill && size > named) return { kind: 'refuse', reason: `wrong-size: the file has ${size} bytes, by its name ${named}` };
    if (nowMs - seen.sinceMs >= ABANDONED_MS) return { kind: 'refuse', reason: `cut-short: the file has had ${size} bytes of ${named} for a day` };
    return { kind: 'wait', seen };
  }

  async #deliver(name: string, deliver: Deliver): Promise<void> {
    const path = join(this.#claimed, name);
    const bytes = bytesByName(name) ?? 0;
    const file = await openQuietly(path);
    // One file that cannot be read keeps none of the others waiting.
    if (file === undefined) return this.#refuse(path, name, 'unreadable: the gateway may not read the file, or the medium fails');
    let result;
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size !== bytes) result = { kind: 'refused', code: 'wrong-size' } as const;
      else result = await deliver({ peer: this.#options.neighbour, bytes: chunksOf(file, bytes) });
    } finally {
      await file.close();
    }
    if (result.kind === 'taken') {
      await rm(path, { force: true });
      this.#options.onTaken(bytes);
      return;
    }
    // The gateway is busy, or its own disk fails: the file is as good as before, and is tried at the next look.
    if (result.retryAfterMs !== undefined || result.code.startsWith('STORE_')) return;
    await this.#refuse(path, name, result.code);
  }

  async #refuse(path: string, name: string, reason: string): Promise<void> {
    await quarantine(this.#refused, path, name, reason);
    this.#options.onRefused(name, reason);
  }
}

/** Undefined for a file that its bringer has taken away again. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function openQuietly(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
}

/** Never more than the file had when it was looked at. */
async function* chunksOf(file: FileHandle, bytes: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes; ) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}
