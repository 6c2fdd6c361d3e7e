/** The ledger of one link as a file in the data folder. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, writeDurably } from '../base/durable-file.js';
import { makeFolder } from '../base/make-folder.js';
import type { LedgerFile } from './budget-keeper.js';

/** @param link the neighbour's name and the kind: `shore/burst` */
export function ledgerFile(dataDir: string, link: string): LedgerFile {
  const folder = path.join(dataDir, 'budget');
  const name = path.join(folder, `${link.replace('/', '.')}.json`);
  return {
    name,
    async read() {
      try {
        return await readFile(name);
      } catch (thrown) {
        if (codeOf(thrown) === 'ENOENT') return undefined;
        throw thrown;
      }
    },
    async write(bytes) {
      await makeFolder(folder, 0o700);
      await writeDurably(name, bytes);
    },
  };
}
