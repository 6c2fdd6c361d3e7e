/** Writes changes of the index to the database: one batch, made in steps, so that nobody waits long for the thread meanwhile. */
import { ByteWriter } from './binary.js';
import { writeBlobRow } from './blob-row.js';
import type { Changes } from './changes.js';
import type { KeyValue } from './key-value.js';
import { blobKey, rowKey, toBytes } from './keys.js';
import { writeRecordRow } from './record-row.js';
import { seal } from './sealed-value.js';

/** Entries put into a batch in one turn of the event loop: a few milliseconds' worth. */
const ENTRIES_A_TURN = 1024;
/** What the database adds to an entry in its own log, about. */
const ENTRY_OVERHEAD_BYTES = 16;
/** Most keys are below this by far; a name of the gateway's may not be. */
const LARGEST_KEY_BYTES = 512;

/** Returns how many bytes the database has got. */
export async function writeChanges(kv: KeyValue, changes: Changes): Promise<number> {
  const batch = kv.batch();
  const keys = new Scratch();
  let bytes = 0;
  let entries = 0;
  for (const [key, value] of encoded(changes)) {
    bytes += key.length + (value?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
    if (value === undefined) batch.del(keys.bytesOf(key));
    else batch.put(keys.bytesOf(key), value);
    entries += 1;
    if (entries % ENTRIES_A_TURN === 0) await turn();
  }
  await batch.write();
  return bytes;
}

/** Keys and sealed values; undefined where something goes. A value lasts until the next one. */
function* encoded(changes: Changes): Generator<readonly [key: string, value: Uint8Array | undefined]> {
  const values = new ByteWriter();
  for (const [record, row] of changes.rows) yield [rowKey(record), row === null ? undefined : seal(writeRecordRow(values.restart(), row))];
  for (const [hash, row] of changes.blobs) yield [blobKey(hash), row === null ? undefined : seal(writeBlobRow(values.restart(), row))];
  for (const [prefix, records] of changes.locators) for (const record of records) yield [prefix + record, seal(values.restart())];
  for (const key of changes.lostLocators) yield [key, undefined];
  for (const [key, value] of changes.others) yield [key, value === null ? undefined : seal(values.restart().fixed(value))];
}

/** Turns keys into bytes that last until the next one: a batch copies them at once. */
class Scratch {
  readonly #bytes = Buffer.allocUnsafe(LARGEST_KEY_BYTES);
  readonly #views = new Map<number, Uint8Array>();

  bytesOf(key: string): Uint8Array {
    if (key.length > LARGEST_KEY_BYTES) return toBytes(key);
    this.#bytes.write(key, 0, 'latin1');
    let view = this.#views.get(key.length);
    if (view === undefined) {
      view = this.#bytes.subarray(0, key.length);
      this.#views.set(key.length, view);
    }
    return view;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
