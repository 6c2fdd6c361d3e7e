/**
 * The table of messages that are waiting for us somewhere: an entry per locator, made durable before anything is
 * fetched, and bounded, because a knock costs its sender nothing.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../base/bytes.js';
import { locatorOf } from '../wire/capability.js';
import type { Home } from './home.js';
import { readState, writeState } from './state-file.js';
import { pendingSchema } from './state-schema.js';
import type { PendingState } from './state-schema.js';

const NAME = /^([0-9a-f]{48})\.json$/;

export class PendingTable {
  readonly #dir: string;
  readonly #most: number;
  readonly #entries = new Map<string, PendingState>();

  private constructor(dir: string, most: number) {
    this.#dir = dir;
    this.#most = most;
  }

  static async open(home: Home, most: number, onBroken: (thrown: unknown) => void): Promise<PendingTable> {
    const table = new PendingTable(home.pending, most);
    for (const file of await readdir(home.pending)) {
      const locator = NAME.exec(file)?.[1];
      if (locator === undefined) continue;
      try {
        const entry = await readState(join(home.pending, file), pendingSchema);
        if (entry !== undefined) table.#entries.set(locator, entry);
      } catch (thrown) {
        onBroken(thrown);
      }
    }
    return table;
  }

  /** How an entry, its part of the blob and its place in the inbox are named. */
  static nameOf(messageId: Uint8Array): string {
    return toHex(locatorOf(messageId));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(locator: string): PendingState | undefined {
    return this.#entries.get(locator);
  }

  all(): IterableIterator<[string, PendingState]> {
    return this.#entries.entries();
  }

  /** Durable when it resolves. False when the table is full. */
  async put(entry: PendingState): Promise<boolean> {
    const locator = PendingTable.nameOf(entry.messageId);
    if (!this.#entries.has(locator) && this.#entries.size >= this.#most) return false;
    this.#entries.set(locator, entry);
    await writeState(this.#file(locator), pendingSchema, entry);
    return true;
  }

  /** Puts an entry off in memory only: for what changes nothing that would have to be known after a stop. */
  postpone(entry: PendingState): void {
    const locator = PendingTable.nameOf(entry.messageId);
    if (this.#entries.has(locator)) this.#entries.set(locator, entry);
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#most;
  }

  async remove(locator: string): Promise<void> {
    this.#entries.delete(locator);
    await rm(this.#file(locator), { force: true });
  }

  #file(locator: string): string {
    return join(this.#dir, `${locator}.json`);
  }
}
