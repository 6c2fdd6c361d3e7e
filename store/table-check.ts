/**
 * Whether the tables of the index read back as LevelDB wrote them. LevelDB keeps a checksum with every block and, as it
 * can be opened from here, never looks at it: a row that a failing medium changed would be taken for what we wrote, and a key
 * that it changed for no row at all. Format: doc/table_format.md of LevelDB.
 */
import { join } from 'node:path';
import { asBuffer } from '../base/bytes.js';
import { crc32c } from '../wire/crc.js';
import { isMissing } from './disk.js';
import type { Disk } from './disk.js';

const TABLE = /\.(ldb|sst)$/;
const FOOTER_BYTES = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
/** The kind of a block and its checksum stand behind it. */
const TRAILER_BYTES = 5;
const MASK_DELTA = 0xa282ead8;

/** Reads every table: about a second for a million records. */
export async function tablesAreWhole(disk: Disk, dir: string): Promise<boolean> {
  for (const name of (await disk.list(dir)).filter((candidate) => TABLE.test(candidate))) {
    const table = await readTable(disk, join(dir, name));
    if (table !== undefined && !tableIsWhole(table)) return false;
  }
  return true;
}

/** Undefined for a table that a compaction has just removed. */
async function readTable(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    const file = await disk.open(path, 'read');
    try {
      return asBuffer(await file.read(0, await file.size()));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function tableIsWhole(table: Buffer): boolean {
  const footer = table.subarray(table.length - FOOTER_BYTES);
  if (table.length < FOOTER_BYTES || !footer.subarray(-MAGIC.length).equals(MAGIC)) return false;
  const reader = new VarintReader(footer, 0, FOOTER_BYTES - MAGIC.length);
  const [metaindex, index] = [readHandle(reader), readHandle(reader)];
  if (metaindex === undefined || index === undefined) return false;
  for (const list of [metaindex, index]) {
    const block = blockAt(table, list);
    const handles = block === undefined ? undefined : handlesIn(block);
    if (handles?.every((handle) => blockAt(table, handle) !== undefined) !== true) return false;
  }
  return true;
}

interface Handle {
  readonly offset: number;
  readonly bytes: number;
}

/** The content of a block; undefined where its checksum does not hold. */
function blockAt(table: Buffer, { offset, bytes }: Handle): Buffer | undefined {
  const end = offset + bytes;
  if (end + TRAILER_BYTES > table.length) return undefined;
  const sum = crc32c(table, undefined, offset, end + 1);
  const masked = (((sum >>> 15) | (sum << 17)) + MASK_DELTA) >>> 0;
  return table.readUInt32LE(end + 1) === masked ? table.subarray(offset, end) : undefined;
}

/** The blocks that a list of blocks names. Its checksum has been found good. */
function handlesIn(block: Buffer): Handle[] | undefined {
  const restarts = block.readUInt32LE(block.length - 4);
  const reader = new VarintReader(block, 0, block.length - 4 - 4 * restarts);
  const handles: Handle[] = [];
  while (!reader.done) {
    reader.next();
    const keyBytes = reader.next();
    const valueBytes = reader.next();
    if (keyBytes === undefined || valueBytes === undefined) return undefined;
    reader.skip(keyBytes);
    const value = new VarintReader(block, reader.at, reader.at + valueBytes);
    const handle = readHandle(value);
    if (handle === undefined) return undefined;
    handles.push(handle);
    reader.skip(valueBytes);
  }
  return handles;
}

function readHandle(reader: VarintReader): Handle | undefined {
  const [offset, bytes] = [reader.next(), reader.next()];
  return offset === undefined || bytes === undefined ? undefined : { offset, bytes };
}

class VarintReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.at >= this.#end;
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  next(): number | undefined {
    let value = 0;
    for (let scale = 1; this.at < this.#end; scale *= 128) {
      const byte = this.#bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return undefined;
  }
}
