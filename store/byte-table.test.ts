import t from 'tap';
import { seededRandom } from '../base/random.js';
import { ByteWriter } from './binary.js';
import { ByteTable } from './byte-table.js';
import type { TableOptions } from './byte-table.js';
import { fromBytes, toBytes } from './keys.js';

const random = seededRandom(7);

function makeTable(options: Partial<TableOptions> = {}): ByteTable {
  return new ByteTable({ letter: 'x', keyBytes: 16, prefixBytes: 16, seed: random.bytes(32), ...options });
}

function below(limit: number): number {
  return Math.floor(random.fraction() * limit);
}

function writerOf(value: string): ByteWriter {
  return new ByteWriter().latin1(value);
}

/** What a table says of itself, as a map. */
function contentOf(table: ByteTable): Map<string, string | null> {
  const content = new Map<string, string | null>();
  for (const { bytes, keyStart, valueStart, valueEnd, isDeleted } of table.entries()) {
    content.set(fromBytes(bytes.subarray(keyStart, valueStart)), isDeleted ? null : fromBytes(bytes.subarray(valueStart, valueEnd)));
  }
  return content;
}

t.test('holds what a Map would, through changes of every kind', async (t) => {
  const table = makeTable();
  const expected = new Map<string, string | null>();
  const keys = Array.from({ length: 3000 }, () => fromBytes(random.bytes(16)));
  for (let i = 0; i < 20_000; i += 1) {
    const key = keys[below(keys.length)]!;
    const value = below(5) === 0 ? null : fromBytes(random.bytes(below(300)));
    expected.set(key, value);
    table.set(toBytes(key), value === null ? null : writerOf(value));
  }
  t.equal(table.size, expected.size);
  const wrong = keys.filter((key) => {
    const value = table.get(toBytes(key));
    return (value instanceof Uint8Array ? fromBytes(value) : value) !== expected.get(key);
  });
  t.equal(wrong.length, 0);
  t.same(contentOf(table), new Map([...expected].map(([key, value]) => [`x${key}`, value])));
});

t.test('finds keys by what they begin with, except those that were deleted', async (t) => {
  const table = makeTable({ keyBytes: 12, prefixBytes: 8 });
  const prefixes = Array.from({ length: 50 }, () => fromBytes(random.bytes(8)));
  for (const prefix of prefixes) for (const end of ['aaaa', 'bbbb', 'cccc']) table.set(toBytes(prefix + end), new ByteWriter());
  for (const prefix of prefixes) table.set(toBytes(`${prefix}bbbb`), null);
  for (const prefix of prefixes) t.same(table.withPrefix(toBytes(prefix)).sort(), [`${prefix}aaaa`, `${prefix}cccc`]);
  t.same(table.withPrefix(toBytes('unknown.')), []);
});

t.test('is laid over an older one', async (t) => {
  const [older, newer] = [makeTable({ keyBytes: 4, prefixBytes: 4 }), makeTable({ keyBytes: 4, prefixBytes: 4 })];
  for (const key of ['stay', 'long', 'gone']) older.set(toBytes(key), writerOf('old'));
  newer.set(toBytes('long'), writerOf('a longer one'));
  newer.set(toBytes('gone'), null);
  newer.set(toBytes('more'), writerOf('new'));
  older.takeOver(newer);
  t.same(contentOf(older), new Map([['xstay', 'old'], ['xlong', 'a longer one'], ['xgone', null], ['xmore', 'new']]));
});

t.test('does not grow when a value is written again and again', async (t) => {
  const table = makeTable();
  const key = random.bytes(16);
  table.set(key, writerOf('value'));
  const { bytes } = table;
  for (let i = 0; i < 1000; i += 1) table.set(key, i % 3 === 0 ? null : writerOf('v'.repeat(i % 6)));
  t.equal(table.bytes, bytes);
  t.equal(table.size, 1);
});
