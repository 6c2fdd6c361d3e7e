/** Writes changes of the index to the database: one batch, made in steps, so that nobody waits long for the thread meanwhile. */
import { ByteWriter } from './binary.js';
import type { ByteTable } from './byte-table.js';
import type { Changes } from './changes.js';
import type { KeyValue, KeyValueBatch } from './key-value.js';
import { seal } from './sealed-value.js';

/** Entries put into a batch in one turn of the event loop: a few milliseconds' worth. */
const ENTRIES_A_TURN = 1024;
/** What the database adds to an entry in its own log, about. */
const ENTRY_OVERHEAD_BYTES = 16;

/** Returns how many bytes the database has got. */
export async function writeChanges(kv: KeyValue, changes: Changes): Promise<number> {
  const writing = new Writing(kv.batch());
  for (const table of changes.tables) await writing.putTable(table);
  await writing.putOthers(changes.others);
  await writing.batch.write();
  return writing.bytes;
}

class Writing {
  readonly batch: KeyValueBatch;
  bytes = 0;
  readonly #key = new ByteWriter();
  readonly #value = new ByteWriter();
  #entries = 0;

  constructor(batch: KeyValueBatch) {
    this.batch = batch;
  }

  async putTable(table: ByteTable): Promise<void> {
    for (const { bytes, keyStart, valueStart, valueEnd, isDeleted } of table.entries()) {
      const key = this.#key.restart().part(bytes, keyStart, valueStart);
      const value = this.#value.restart().part(bytes, valueStart, valueEnd);
      if (this.#put(key, isDeleted ? undefined : value)) await turn();
    }
  }

  async putOthers(others: Changes['others']): Promise<void> {
    for (const [name, content] of others) {
      const key = this.#key.restart().latin1(name);
      const value = content === null ? undefined : this.#value.restart().fixed(content);
      if (this.#put(key, value)) await turn();
    }
  }

  /** Whether it is somebody else's turn. */
  #put(key: ByteWriter, value: ByteWriter | undefined): boolean {
    this.bytes += key.length + (value?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
    // The batch copies them at once.
    if (value === undefined) this.batch.del(key.finish());
    else this.batch.put(key.finish(), seal(value));
    this.#entries += 1;
    return this.#entries % ENTRIES_A_TURN === 0;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
