import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { concatBytes } from '../../base/bytes.js';
import { seededRandom } from '../../base/random.js';
import { BlockRoom, type BlockBuffer } from './block-buffer.js';
import { openSpillFile } from './spill-file.js';

const PAGE_BYTES = 64 * 1024;
const SEGMENT_BYTES = 1400;
const random = seededRandom(7);

/** The segments of a block, from its end to its beginning. */
function fill(buffer: BlockBuffer, block: Uint8Array): boolean {
  for (let end = block.length; end > 0; end -= SEGMENT_BYTES) {
    const start = Math.max(0, end - SEGMENT_BYTES);
    if (!buffer.write(start, block.subarray(start, end))) return false;
  }
  return true;
}

async function whole(buffer: BlockBuffer, bytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of buffer.read(bytes)) parts.push(part.slice());
  return concatBytes(...parts);
}

t.test('what memory does not hold is gathered in files without a name, byte for byte', async (t) => {
  const folder = join(t.testdir(), 'ltp');
  const room = new BlockRoom(3 * PAGE_BYTES, () => openSpillFile(folder, random));
  const blocks = [random.bytes(2 * PAGE_BYTES), random.bytes(5 * PAGE_BYTES + 77), random.bytes(100)];
  const buffers = blocks.map(() => room.makeBuffer());
  t.same(room.limits(1e9), [
    { name: 'memory for blocks arriving', unit: 'bytes', used: 0, most: 3 * PAGE_BYTES, refused: 0 },
    { name: 'files for blocks arriving', unit: 'bytes', used: 0, most: 1e9, refused: 0 },
  ]);
  blocks.forEach((block, index) => t.ok(fill(buffers[index]!, block)));
  t.match(room.limits(1e9), [{ used: 3 * PAGE_BYTES }, { used: 6 * PAGE_BYTES, refused: 0 }], 'to the last page');
  t.same(readdirSync(folder), [], 'nothing that a crash would leave');
  for (const [index, block] of blocks.entries()) t.ok(Buffer.from(block).equals(await whole(buffers[index]!, block.length)));
  for (const buffer of buffers) buffer.free();
  t.match(room.limits(1e9), [{ used: 0 }, { used: 0 }]);
  t.ok(fill(room.makeBuffer(), random.bytes(3 * PAGE_BYTES)));
  t.match(room.limits(1e9), [{ used: 3 * PAGE_BYTES }, { used: 0 }], 'memory is used again');
});

t.test('without files a block is refused beyond the memory, and at its edge it is not', async (t) => {
  const room = new BlockRoom(2 * PAGE_BYTES);
  const buffer = room.makeBuffer();
  t.ok(fill(buffer, random.bytes(2 * PAGE_BYTES)));
  t.notOk(buffer.write(2 * PAGE_BYTES, Uint8Array.of(1)));
  t.notOk(room.makeBuffer().write(0, Uint8Array.of(1)));
  t.same(room.limits(0), [{ name: 'memory for blocks arriving', unit: 'bytes', used: 2 * PAGE_BYTES, most: 2 * PAGE_BYTES, refused: 2 }]);
});

t.test('a disk that takes nothing is a refusal', async (t) => {
  const dir = t.testdir();
  writeFileSync(join(dir, 'file'), '');
  const none = new BlockRoom(0, () => openSpillFile(join(dir, 'file', 'folder'), random));
  t.notOk(none.makeBuffer().write(0, Uint8Array.of(1)));
  mkdirSync(join(dir, 'full'));
  let left = 1;
  const full = new BlockRoom(0, () => {
    const file = openSpillFile(join(dir, 'full'), random);
    return { ...file, write: (offset, bytes) => (left-- > 0 ? file.write(offset, bytes) : fail()) };
  });
  const buffer = full.makeBuffer();
  t.ok(buffer.write(0, Uint8Array.of(1)));
  t.notOk(buffer.write(1, Uint8Array.of(2)));
  t.match(full.limits(9), [{}, { refused: 1, used: PAGE_BYTES }]);
  buffer.free();
  t.match(full.limits(9), [{}, { used: 0 }]);
});

function fail(): never {
  throw new Error('ENOSPC');
}
