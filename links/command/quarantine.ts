/** Where files go that were refused: each with its reason beside it, the oldest making room for the newest. */
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '../../base/bytes.js';
import { writeDurably } from '../../base/durable-file.js';
import { bytesByName } from './file-name.js';

/** Enough to find out what goes wrong at the other side; no more, since anybody who can write to the inbox can fill it. */
export const MOST_FILES = 64;
export const MOST_BYTES = 64 * 1024 * 1024;

const REASON = '.reason.txt';

/** Moves the file there. A file larger than the whole quarantine leaves only its reason. */
export async function quarantine(folder: string, path: string, name: string, reason: string): Promise<void> {
  await rename(path, join(folder, name));
  await writeDurably(join(folder, `${name}${REASON}`), utf8(`${reason}\n`));
  await makeRoom(folder);
}

async function makeRoom(folder: string): Promise<void> {
  const files: { path: string; bytes: number; changedMs: number }[] = [];
  for (const name of await readdir(folder)) {
    if (bytesByName(name) === undefined) continue;
    const { size, ctimeMs } = await lstat(join(folder, name));
    files.push({ path: join(folder, name), bytes: size, changedMs: ctimeMs });
  }
  files.sort((a, b) => b.changedMs - a.changedMs);
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    bytes += file.bytes;
    if (index < MOST_FILES && bytes <= MOST_BYTES) continue;
    await rm(file.path, { force: true });
    if (index >= MOST_FILES) await rm(`${file.path}${REASON}`, { force: true });
  }
  await dropOldReasons(folder);
}

/** A reason outlives a file that was too large to keep, but not for ever. */
async function dropOldReasons(folder: string): Promise<void> {
  const reasons = (await readdir(folder)).filter((name) => name.endsWith(REASON));
  if (reasons.length <= 2 * MOST_FILES) return;
  const dated = await Promise.all(reasons.map(async (name) => ({ name, changedMs: (await lstat(join(folder, name))).ctimeMs })));
  dated.sort((a, b) => a.changedMs - b.changedMs);
  for (const { name } of dated.slice(0, reasons.length - 2 * MOST_FILES)) await rm(join(folder, name), { force: true });
}
