/**
 * Moves the content of a delivered message into a folder of the user's, under the name the sender gave it, once.
 * The step that hands it out is one rename onto a name that was reserved before, so that after a crash the
 * content is either still here or has been handed out, never both and never half.
 */
import { constants } from 'node:fs';
import { copyFile, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, syncFolder, writeDurably } from '../base/durable-file.js';
import { makeFolder } from '../base/make-folder.js';
import { numberedFileName } from './file-name.js';
import { readState, writeState } from './state-file.js';
import { handoutSchema } from './state-schema.js';
import type { HandoutState } from './state-schema.js';

/** `report (1000).pdf` is enough; beyond it somebody is filling the folder. */
const MOST_NAMES = 1000;

/**
 * @param entryDir the message's folder in the inbox.
 * @param name a safe file name.
 * @returns where the content is now; undefined when it had been handed out before.
 */
export async function handOut(entryDir: string, name: string, outDir: string): Promise<string | undefined> {
  const content = contentFile(entryDir);
  const stateFile = join(entryDir, 'handout.json');
  if ((await sizeOf(content)) === undefined) return undefined;
  let handout = await readState(stateFile, handoutSchema);
  if (handout?.part !== undefined && (await sizeOf(handout.part)) === undefined) {
    if ((await sizeOf(markFile(handout.part))) !== undefined) {
      // The copy had been renamed into place before a crash: only what is ours was left to remove.
      await rm(content);
      await rm(markFile(handout.part));
      return undefined;
    }
    // The other file system is not there now, or is another one.
    handout = undefined;
  }
  if (handout === undefined || dirname(handout.path) !== outDir || !(await reserve(handout.path, true))) {
    await makeFolder(outDir);
    handout = await chooseName(outDir, name, stateFile);
  }
  await moveContent(content, handout, stateFile);
  await syncFolder(dirname(handout.path));
  await syncFolder(entryDir);
  return handout.path;
}

export function contentFile(entryDir: string): string {
  return join(entryDir, 'content');
}

async function moveContent(content: string, handout: HandoutState, stateFile: string): Promise<void> {
  try {
    await rename(content, handout.path);
  } catch (thrown) {
    if (codeOf(thrown) !== 'EXDEV') throw thrown;
    // Hidden, and named for the message: nobody's file has this name.
    const part = handout.part ?? join(dirname(handout.path), `.${basename(dirname(content))}.part`);
    if (handout.part === undefined) {
      await copySynced(content, part);
      await writeState(stateFile, handoutSchema, { ...handout, part });
    }
    await writeDurably(markFile(part), new Uint8Array());
    await rename(part, handout.path);
    await syncFolder(dirname(handout.path));
    await rm(content);
    await syncFolder(dirname(content));
    await rm(markFile(part));
  }
}

/** Says, on the file system that the copy was on, why it is gone: without it, that of a stick that was pulled out would look the same. */
function markFile(part: string): string {
  return `${part}.moved`;
}

/** The choice is on disk before the name is taken, so that an empty file left by a crash is known for what it is. */
async function chooseName(outDir: string, name: string, stateFile: string): Promise<HandoutState> {
  for (let number = 1; number <= MOST_NAMES; number += 1) {
    const path = join(outDir, numberedFileName(name, number));
    if ((await sizeOf(path)) !== undefined) continue;
    const handout: HandoutState = { format: 1, path };
    await writeState(stateFile, handoutSchema, handout);
    if (await reserve(path, false)) return handout;
  }
  throw Object.assign(new Error(`${outDir} has too many files named ${name}`), { code: 'EEXIST' });
}

/** Takes a name with an empty file, so that nothing of anybody's is overwritten. After a crash it may be our own that stands there. */
async function reserve(path: string, ours: boolean): Promise<boolean> {
  try {
    await (await open(path, 'wx', 0o600)).close();
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
    return ours && (await sizeOf(path)) === 0;
  }
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Undefined for what is not there. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return undefined;
    throw thrown;
  }
}
