/**
 * Where sticks of ours are mounted: folders that have our folder in them, among those where the system mounts things and
 * one or two levels below (`/media/LABEL`, `/media/USER/LABEL`). Asked again and again: a mount is nothing that every system tells of.
 */
import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { STICK_FOLDER } from './stick-names.js';

export interface StickPlace {
  readonly dir: string;
  /** When it changes, another file system is mounted there. */
  readonly mark: string;
}

export interface StickPlaces {
  readonly sticks: readonly StickPlace[];
  /** Watched folders that are not there. */
  readonly missing: readonly string[];
}

/** A folder for mounts has a few; what has more is something else. */
const MOST_ENTRIES = 64;
const LEVELS = 2;

export async function findSticks(folders: readonly string[]): Promise<StickPlaces> {
  const found = new Map<string, StickPlace>();
  const missing: string[] = [];
  for (const folder of folders) {
    const entry = await folderAt(folder);
    if (entry === undefined) missing.push(folder);
    else await look(folder, entry, LEVELS, found);
  }
  return { sticks: [...found.values()], missing };
}

async function look(dir: string, { dev, ino }: Stats, levels: number, found: Map<string, StickPlace>): Promise<void> {
  if ((await folderAt(`${dir}/${STICK_FOLDER}`)) !== undefined) {
    found.set(dir, { dir, mark: `${dev}:${ino}` });
    return;
  }
  if (levels === 0) return;
  for (const name of await namesIn(dir)) {
    const below = `${dir}/${name}`;
    const entry = await folderAt(below);
    // Inside another file system there are no mounts to look for, only somebody's files.
    if (entry !== undefined) await look(below, entry, entry.dev === dev ? levels - 1 : 0, found);
  }
}

/** Links are not followed: a folder for mounts has none, and a stick may. */
async function folderAt(path: string): Promise<Stats | undefined> {
  const entry = await lstat(path).catch(() => undefined);
  return entry?.isDirectory() === true ? entry : undefined;
}

async function namesIn(dir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(dir)) {
      if (names.length === MOST_ENTRIES) break;
      if (entry.isDirectory()) names.push(entry.name);
    }
  } catch {
    // Not ours to read, or just unmounted.
  }
  return names.sort();
}
