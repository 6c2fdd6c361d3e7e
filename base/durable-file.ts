/**
 * Files that a `kill -9` or a power cut leaves whole: written under a temporary name, synced, moved into place,
 * and then the folder is synced, because a name lives in its folder and not in its file.
 */
import { link, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/** Temporary names carry the number of the process that made them, so that the next start knows which are left over. */
const TEMPORARY = /^\.tmp-(\d+)-\d+/;

let made = 0;
const ours = new Set<string>();

/** Writes or replaces a file. When this resolves, the new content is on stable storage under its name. */
export async function writeDurably(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  await viaTemporary(path, bytes, mode, (temporary) => rename(temporary, path));
}

/** Writes a file that must not be there yet: the first writer wins, and the others get false. */
export async function createDurably(path: string, bytes: Uint8Array, mode = 0o600): Promise<boolean> {
  let created = true;
  await viaTemporary(path, bytes, mode, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
      created = false;
    }
    await unlink(temporary);
  });
  return created;
}

/** A folder that nobody else uses, beside its later place: filled first, then moved whole by `moveFolderDurably`. */
export async function temporaryFolder(parent: string): Promise<string> {
  const path = temporaryPath(parent);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** Takes back what `temporaryFolder` gave, whatever is in it. */
export async function dropTemporary(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  ours.delete(path);
}

/** Moves a folder whose files are synced already. False when a folder with content stands there: somebody was first. */
export async function moveFolderDurably(from: string, to: string): Promise<boolean> {
  await syncFolder(from);
  try {
    await rename(from, to);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOTEMPTY' || codeOf(thrown) === 'EEXIST') return false;
    throw thrown;
  }
  ours.delete(from);
  await syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
  return true;
}

/** Makes the names in a folder as durable as the files behind them. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes what processes that are gone have left half written in a folder. */
export async function sweepTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const maker = TEMPORARY.exec(name)?.[1];
    if (maker === undefined || ours.has(join(folder, name)) || isAnotherProcess(Number(maker))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** The code of a system error (`ENOSPC`), or undefined for anything else that was thrown. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

async function viaTemporary(path: string, bytes: Uint8Array, mode: number, place: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(dirname(path), basename(path));
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  } finally {
    ours.delete(temporary);
  }
}

function temporaryPath(folder: string, suffix = ''): string {
  const path = join(folder, `.tmp-${process.pid}-${made++}${suffix === '' ? '' : `-${suffix}`}`);
  ours.add(path);
  return path;
}

/** Whether another process has this number now. One that had our own number is gone: in a container every start has the same number. */
export function isAnotherProcess(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === 'EPERM';
  }
}
