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
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
}
