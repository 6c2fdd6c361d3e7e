/**
 * Large sets of test vectors made by others are not in this repository. Where the folder of them is at hand,
 * named by POSTERN_SHARED or ../shared beside the project, the tests run them; elsewhere they say that they did not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = process.env['POSTERN_SHARED'] ?? fileURLToPath(new URL('../../../shared', import.meta.url));

/** Options for the test that runs the set in `file`: skipped, with the reason, where it is not there. */
export function needsShared(file: string): { skip: string | false } {
  const path = join(FOLDER, file);
  return { skip: existsSync(path) ? false : `${path} is not there: set POSTERN_SHARED` };
}

export function readShared(file: string): unknown {
  return JSON.parse(readSharedText(file));
}

export function readSharedText(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

/** The rows of a table with a head, by the names in it; lines that begin with # are remarks. */
export function readSharedTable(file: string): Record<string, string>[] {
  const [head = '', ...rows] = readSharedText(file).split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  const names = head.split(',');
  return rows.map((row) => Object.fromEntries(row.split(',').map((cell, index) => [names[index] ?? '', cell])));
}
