/**
 * The folder in which a bundle lies as a file while the program carries it: written under another name, synced and moved
 * into place, so that a program never sees half of one; gone when the program has ended.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepTemporaries, writeDurably } from '../../base/durable-file.js';
import { makeFolder } from '../../base/make-folder.js';
import type { Random } from '../../base/random.js';
import { gatherFreight } from '../gather.js';
import type { Freight } from '../link.js';
import { bytesByName, newFileName } from './file-name.js';

/** The program may run as another user of the same group. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

export class Outbox {
  readonly folder: string;
  readonly #random: Random;

  constructor(folder: string, random: Random) {
    this.folder = folder;
    this.#random = random;
  }

  /** Makes the folder, and removes what a gateway that was killed has left: it will be sent again under another name. */
  async open(): Promise<void> {
    await makeFolder(this.folder, FOLDER_MODE);
    await sweepTemporaries(this.folder);
    for (const name of await readdir(this.folder)) if (bytesByName(name) !== undefined) await this.remove(join(this.folder, name));
  }

  /** Gives the path of the file; undefined when the signal came first. */
  async put(freight: Freight, signal: AbortSignal): Promise<string | undefined> {
    const bytes = await gatherFreight(freight, signal);
    if (bytes === undefined) return undefined;
    const path = join(this.folder, newFileName(this.#random, bytes.length));
    await writeDurably(path, bytes, FILE_MODE);
    return path;
  }

  /** A program that moves its files away has done so already. */
  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }
}
