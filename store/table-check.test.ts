import { copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import t from 'tap';
import { seededRandom } from '../base/random.js';
import { nodeDisk } from './node-disk.js';
import { tableIsWhole, tablesAreWhole } from './table-check.js';

const FOOTER_BYTES = 48;

/** A database of a few tables, closed. */
async function makeTables(dir: string): Promise<string[]> {
  const random = seededRandom(4);
  const level = new Level<Uint8Array, Uint8Array>(dir, { keyEncoding: 'view', valueEncoding: 'view', compression: false, writeBufferSize: 1 << 16, maxFileSize: 1 << 20 });
  await level.open();
  for (let round = 0; round < 400; round += 1) {
    const batch = level.batch();
    for (let i = 0; i < 5; i += 1) batch.put(random.bytes(17), random.bytes(100));
    await batch.write();
  }
  await level.close();
  return readdirSync(dir).filter((name) => name.endsWith('.ldb'));
}

t.test('finds tables whole as LevelDB left them, and no database whole', async (t) => {
  const dir = t.testdir();
  t.ok(await tablesAreWhole(nodeDisk, join(dir, 'nothing')));
  const tables = await makeTables(dir);
  t.ok(tables.length > 0);
  t.ok(await tablesAreWhole(nodeDisk, dir));
});

t.test('finds every changed byte', async (t) => {
  const dir = t.testdir();
  const [name = ''] = await makeTables(dir);
  const table = readFileSync(join(dir, name));
  const unnoticed: number[] = [];
  for (let at = 0; at < table.length - FOOTER_BYTES; at += at < 5000 ? 1 : 53) {
    table[at]! ^= 1 << (at & 7);
    if (tableIsWhole(table)) unnoticed.push(at);
    table[at]! ^= 1 << (at & 7);
  }
  t.same(unnoticed, []);
  t.ok(tableIsWhole(table));
});

t.test('finds a table that was cut, emptied or written over', async (t) => {
  const dir = t.testdir();
  const [name = ''] = await makeTables(dir);
  const file = join(dir, name);
  copyFileSync(file, join(dir, 'kept'));
  const whole = readFileSync(file);
  for (const length of [0, 1, FOOTER_BYTES - 1, FOOTER_BYTES, whole.length >> 1, whole.length - 1]) {
    truncateSync(file, length);
    t.notOk(await tablesAreWhole(nodeDisk, dir), `${length} bytes left`);
    copyFileSync(join(dir, 'kept'), file);
  }
  const random = seededRandom(9);
  for (let round = 0; round < 200; round += 1) {
    const footer = Buffer.concat([random.bytes(FOOTER_BYTES - 8), whole.subarray(-8)]);
    t.notOk(tableIsWhole(Buffer.concat([whole.subarray(0, 500), footer])));
  }
  writeFileSync(file, new Uint8Array(whole.length));
  t.notOk(await tablesAreWhole(nodeDisk, dir));
});
