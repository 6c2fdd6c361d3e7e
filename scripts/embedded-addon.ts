/**
 * Inside a single executable: native code cannot be loaded from memory, so it is unpacked once into a cache
 * folder that only its owner can write, under the hash of its content, and checked against that hash each time.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { getRawAsset } from 'node:sea';

/** The exports of an addon that scripts/package.ts has put into the executable. */
export function loadEmbeddedAddon(name: string): unknown {
  const file = unpackAddon(name, new Uint8Array(getRawAsset(name) as ArrayBuffer), process.env);
  const loaded: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(loaded, file);
  } catch (cause) {
    throw new Error(`${file} cannot be loaded. Is its folder mounted "noexec"? Set POSTERN_CACHE to a folder that may hold programs.`, { cause });
  }
  return loaded.exports;
}

/** Gives the path of a file that holds exactly `bytes`. Safe for several processes at once. */
export function unpackAddon(name: string, bytes: Uint8Array, env: Readonly<Record<string, string | undefined>>): string {
  const folder = cacheFolder(env);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const file = join(folder, `${name}-${hash}.node`);
  if (holds(file, hash)) return file;
  const temporary = join(folder, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    writeFileSync(temporary, bytes, { mode: 0o500, flag: 'wx' });
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new Error(`The database engine cannot be unpacked into ${folder}. Set POSTERN_CACHE to a folder that can be written.`, { cause });
  }
  return file;
}

/** POSTERN_CACHE, else the user's cache, else a folder of our own in the system's temporary one. */
function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = env.HOME ?? homedir();
  const choices = [env.POSTERN_CACHE, env.XDG_CACHE_HOME && join(env.XDG_CACHE_HOME, 'postern'), home && join(home, '.cache', 'postern'), join(tmpdir(), `postern-${userInfo().uid}`)];
  const tried: string[] = [];
  for (const folder of choices) {
    if (folder === undefined || folder === '') continue;
    tried.push(folder);
    if (isOurs(folder)) return folder;
  }
  throw new Error(`There is no folder to unpack the database engine into (tried ${tried.join(', ')}). Set POSTERN_CACHE to a folder that can be written.`);
}

/** Makes the folder if need be. A folder that somebody else owns or can write might swap the file under us. */
function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === userInfo().uid && (found.mode & OTHERS_WRITE) === 0;
  } catch {
    return false;
  }
}

const OTHERS_WRITE = 0o022;

function holds(file: string, hash: string): boolean {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex') === hash;
  } catch {
    return false;
  }
}
