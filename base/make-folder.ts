/** Folders with those above them: as `mkdir -p`, and as a place where nothing can be made ends in an error. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './durable-file.js';

/**
 * Node's own `recursive: true` goes round for ever where a folder that exists says that it does not (as /proc does).
 * @param mode of every folder that has to be made
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    const above = dirname(path);
    if (codeOf(thrown) !== 'ENOENT' || above === path) throw thrown;
    await makeFolder(above, mode);
    // Once more, and what is said now counts.
    await mkdir(path, { mode }).catch((again: unknown) => {
      if (codeOf(again) !== 'EEXIST') throw again;
    });
  }
}
