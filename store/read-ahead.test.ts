import t from 'tap';
import type { Disk, DiskFile } from './disk.js';
import { entryBytes, writeEntry } from './log-entry.js';
import { OpenFiles } from './open-files.js';
import { ReadAhead } from './read-ahead.js';
import { generationOf } from './segment.js';

const SEQUENCE = 3;
const PAYLOAD_BYTES = 1000;
const ENTRY_BYTES = entryBytes(PAYLOAD_BYTES);
const ENTRIES = 2000;

/** A segment full of entries, and what was read of it. */
function segment(unreadableFrom = Number.POSITIVE_INFINITY): { readonly bytes: Buffer; readonly reads: [number, number][]; read(index: number): Promise<Uint8Array | undefined> } {
  const bytes = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  for (let i = 0; i < ENTRIES; i += 1) writeEntry(bytes, i * ENTRY_BYTES, { generation: generationOf(SEQUENCE), groupStart: 0 }, { kind: 'record', parts: [payload(i)] });
  const reads: [number, number][] = [];
  const file: Pick<DiskFile, 'read' | 'close'> = {
    async read(offset, length) {
      reads.push([offset, length]);
      if (offset + length > unreadableFrom) throw new Error('a bad sector');
      return Uint8Array.from(bytes.subarray(offset, offset + length));
    },
    close: async () => undefined,
  };
  const ahead = new ReadAhead(new OpenFiles({ open: async () => file } as unknown as Disk, 4));
  return { bytes, reads, read: (index) => ahead.payload({ path: 'a', sequence: SEQUENCE, offset: index * ENTRY_BYTES, payloadBytes: PAYLOAD_BYTES, endOffset: bytes.length }) };
}

function payload(index: number): Uint8Array {
  return new Uint8Array(PAYLOAD_BYTES).fill(index % 251);
}

t.test('who reads on gets many entries with one read of the disk', async (t) => {
  const { reads, read } = segment();
  for (let i = 0; i < ENTRIES; i += 1) t.same(await read(i), payload(i));
  t.ok(reads.length < 20, `${reads.length} reads for ${ENTRIES} entries`);
  t.ok(reads.every(([, length]) => length <= 257 * 1024), 'none of them large');
});

t.test('over gaps, and several at once, too', async (t) => {
  const { reads, read } = segment();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next; i < ENTRIES; i = next) {
      next += 7;
      t.same(await read(i), payload(i));
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  t.ok(reads.length < 25, `${reads.length} reads`);
});

t.test('who jumps about reads what was asked for', async (t) => {
  const { reads, read } = segment();
  for (const i of [0, 900, 300, 1500, 600, 1200, 1800]) t.same(await read(i), payload(i));
  t.equal(reads.length, 7);
  t.ok(reads.every(([, length]) => length === 24 + PAYLOAD_BYTES));
});

t.test('what was written after it had been fetched along is read anew', async (t) => {
  const { bytes, reads, read } = segment();
  const late = Buffer.from(bytes.subarray(3 * ENTRY_BYTES, 4 * ENTRY_BYTES));
  bytes.fill(0, 3 * ENTRY_BYTES, 4 * ENTRY_BYTES);
  await read(0);
  await read(1);
  late.copy(bytes, 3 * ENTRY_BYTES);
  t.same(await read(3), payload(3));
  t.equal(reads.length, 3);
});

t.test('a bad sector in what would be fetched along costs no other entry', async (t) => {
  const { read } = segment(5 * ENTRY_BYTES);
  for (let i = 0; i < 5; i += 1) t.same(await read(i), payload(i));
  await t.rejects(read(5), /bad sector/);
  t.same(await read(4), payload(4));
});

t.test('what is not whole is not given out', async (t) => {
  const { bytes, read } = segment();
  bytes[2 * ENTRY_BYTES + 500]! ^= 1;
  t.same(await read(1), payload(1));
  t.equal(await read(2), undefined);
  t.same(await read(3), payload(3));
});
