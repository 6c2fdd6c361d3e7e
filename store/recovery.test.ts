import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { ForgetfulDatabase } from './forgetful-database-test-helper.js';
import type { StoreEvent } from './store-event.js';
import { MemoryDisk } from './memory-disk.js';
import { MemoryDatabase, NO_QUOTAS, openMemoryStore } from './open-memory.js';
import { openStore } from './open.js';
import type { Store } from './store.js';
import { QUEUE, makeEntry, readBlob, ridsOf, withoutBlob } from './store-test-helper.js';

const SEGMENT = 'memory/segments/00000001.seg';
const LIMITS = { segmentBytes: 4 * 2 ** 20 };

class World {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly database = new MemoryDatabase();
  readonly events: StoreEvent[] = [];

  open(): Promise<Store> {
    return openMemoryStore({ clock: this.clock, disk: this.disk.mount(), database: this.database, limits: LIMITS, report: (event) => this.events.push(event) });
  }
}

/** Where some bytes stand in the segment. */
function find(bytes: Uint8Array, what: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(what);
}

t.test('a lost index is made again from the log, and everything is due', async (t) => {
  const world = new World();
  const store = await world.open();
  const entries = Array.from({ length: 5 }, (_, i) => makeEntry(world.clock, { dueMs: world.clock.nowMs() + i * 1000, blobBytes: i === 4 ? 2 ** 20 : 500 }));
  await store.hold(entries);
  await store.step([{ rid: entries[0]!.record.rid, state: 'forwarded', to: 'next' }]);
  await store.putMeta('mark', new Uint8Array([1]));
  const usage = store.usage('peer', 'client');
  await store.close();
  await world.database.destroy();

  const again = await world.open();
  t.same(world.events, [{ kind: 'index-rebuilt', entries: 11 }]);
  t.match(await again.find(entries[0]!.record.rid), { state: 'forwarded', to: 'next' });
  t.same(ridsOf(await again.due(QUEUE, world.clock.nowMs(), 10)).sort(), ridsOf(entries.slice(1)).sort());
  t.same(again.usage('peer', 'client'), usage);
  t.equal(await again.getMeta('mark'), undefined);
  for (const entry of entries.slice(1)) t.same(await readBlob(again, entry.record), Buffer.from(entry.blob));
  await again.close();
});

for (const way of ['the process is killed', 'the power goes']) {
  t.test(`a young store whose index was never written is not one that was damaged, when ${way}`, async (t) => {
    const database = new ForgetfulDatabase();
    const disk = new MemoryDisk();
    const events: StoreEvent[] = [];
    const clock = new ManualClock();
    const open = (): Promise<Store> => openMemoryStore({ clock, disk: disk.mount(), database, limits: LIMITS, report: (event) => events.push(event) });
    const entry = makeEntry(clock);
    await (await open()).hold([entry]);
    disk.crash(() => way === 'the process is killed');
    if (way === 'the process is killed') database.kill();
    else await database.crash(() => false);

    const again = await open();
    t.strictSame(events, []);
    t.match(await again.find(entry.record.rid), { state: 'held' });
    await again.close();
  });
}

t.test('an index of another store is not taken for ours', async (t) => {
  const world = new World();
  const other = new World();
  for (const { open } of [{ open: () => world.open() }, { open: () => other.open() }]) await (await open()).close();
  const entry = makeEntry(world.clock);
  const store = await world.open();
  await store.hold([entry]);
  await store.close();
  const mixed = await openMemoryStore({ clock: world.clock, disk: world.disk.mount(), database: other.database, limits: LIMITS });
  t.match(await mixed.find(entry.record.rid), { state: 'held' });
  await mixed.close();
});

t.test('an index that knows more than the log is made again', async (t) => {
  const world = new World();
  const store = await world.open();
  const entries = [makeEntry(world.clock), makeEntry(world.clock)];
  await store.hold([entries[0]!]);
  await store.hold([entries[1]!]);
  await store.close();
  // As after a medium that had said "synced" and was not.
  world.disk.damage(SEGMENT, (bytes) => bytes.fill(0, find(bytes, entries[1]!.blob) - 56));
  const again = await world.open();
  const [lost] = ridsOf([entries[1]!]);
  t.same(world.events, [{ kind: 'records-lost', rids: [lost?.slice(0, 32)] }, { kind: 'index-rebuilt', entries: 2 }], 'and says what is lost');
  t.match(await again.find(entries[0]!.record.rid), { state: 'held' });
  t.equal(await again.find(entries[1]!.record.rid), undefined);
  t.equal(again.usage('peer', 'client').records, 1);
  t.same(await again.hold([entries[1]!]), [{ kind: 'held' }]);
  await again.close();
});

t.test('damage in the middle costs what was there, and nothing else', async (t) => {
  const world = new World();
  const store = await world.open();
  const entries = Array.from({ length: 6 }, () => makeEntry(world.clock, { blobBytes: 700 }));
  for (const entry of entries) await store.hold([entry]);
  await store.close();
  world.disk.damage(SEGMENT, (bytes) => void (bytes[find(bytes, entries[2]!.blob) + 100]! ^= 1));

  const again = await world.open();
  await t.rejects(readBlob(again, entries[2]!.record), { code: 'STORE_DAMAGED' });
  t.same(await readBlob(again, entries[3]!.record), Buffer.from(entries[3]!.blob));
  await again.close();

  await world.database.destroy();
  world.events.length = 0;
  const rebuilt = await world.open();
  t.match(world.events, [{ kind: 'damaged', file: '00000001.seg' }, { kind: 'index-rebuilt' }, { kind: 'records-lost', rids: ridsOf([entries[2]!]) }]);
  for (const entry of entries.filter((_, i) => i !== 2)) t.same(await readBlob(rebuilt, entry.record), Buffer.from(entry.blob));
  t.equal(await rebuilt.find(entries[2]!.record.rid), undefined);
  t.same(await rebuilt.findByLocator(entries[2]!.record.locator), []);
  t.equal(rebuilt.usage('peer', 'client').records, 5);
  t.same(await rebuilt.hold([entries[2]!]), [{ kind: 'held' }], 'is taken when it comes again');
  await rebuilt.close();
});

t.test('a damaged entry header costs the rest of its segment, and new entries go elsewhere', async (t) => {
  const world = new World();
  const store = await world.open();
  const entries = Array.from({ length: 6 }, () => makeEntry(world.clock, { blobBytes: 700 }));
  for (const entry of entries) await store.hold([entry]);
  await store.close();
  world.disk.damage(SEGMENT, (bytes) => void (bytes[find(bytes, entries[2]!.blob) - 50]! ^= 1));
  await world.database.destroy();
  const rebuilt = await world.open();
  t.match(world.events, [{ kind: 'damaged', file: '00000001.seg' }, { kind: 'index-rebuilt' }]);
  t.equal((await rebuilt.due(QUEUE, world.clock.nowMs(), 10)).length, 2);
  await rebuilt.hold(entries.slice(2));
  await rebuilt.close();
  await world.database.destroy();
  const again = await world.open();
  for (const entry of entries) t.same(await readBlob(again, entry.record), Buffer.from(entry.blob));
  await again.close();
});

t.test('one damaged copy of a segment header is not even noticed; without both the file is set aside', async (t) => {
  const world = new World();
  const store = await world.open();
  const entry = makeEntry(world.clock);
  await store.hold([entry]);
  await store.close();
  world.disk.damage(SEGMENT, (bytes) => bytes.fill(0xaa, 0, 512));
  const again = await world.open();
  t.same(await readBlob(again, entry.record), Buffer.from(entry.blob));
  t.same(world.events, []);
  await again.close();
  world.disk.damage(SEGMENT, (bytes) => bytes.fill(0xaa, 0, 4096));
  const without = await world.open();
  t.match(world.events, [{ kind: 'damaged', file: '00000001.seg' }]);
  t.same(await without.hold([makeEntry(world.clock)]), [{ kind: 'held' }]);
  t.ok(world.disk.paths().includes(SEGMENT));
  await without.close();
});

t.test('files that nothing speaks of are swept away', async (t) => {
  const world = new World();
  const store = await world.open();
  const entry = makeEntry(world.clock, { blobBytes: 2 ** 20 });
  await store.hold([entry]);
  await store.close();
  const disk = world.disk.mount();
  await disk.open(`memory/blobs/${'0'.repeat(64)}-00000000`, 'write');
  await disk.open(`memory/blobs/${'0'.repeat(32)}.part`, 'write');
  const again = await world.open();
  t.equal(world.disk.paths().filter((path) => path.includes('/blobs/')).length, 1);
  t.same(await readBlob(again, entry.record), Buffer.from(entry.blob));
  await again.close();
});

t.test('a database that cannot be read is made again; a power cut while it is first made leaves one', async (t) => {
  const clock = new ManualClock();
  const dir = t.testdir();
  const open = (): Promise<Store> => openStore({ dir, clock, quotas: NO_QUOTAS, limits: LIMITS });
  const entry = makeEntry(clock);
  const store = await open();
  await store.hold([entry]);
  await store.close();
  for (const spoil of [(name: string) => name.startsWith('MANIFEST'), (name: string) => name === 'CURRENT', (name: string) => name.endsWith('.ldb')]) {
    const index = join(dir, 'index');
    for (const name of await readdir(index)) if (spoil(name)) await writeFile(join(index, name), 'spoilt');
    const again = await open();
    t.match(await again.find(entry.record.rid), { state: 'held' });
    t.same(await readBlob(again, entry.record), Buffer.from(entry.blob));
    await again.close();
  }
});

t.test('two stores do not open one directory', async (t) => {
  const clock = new ManualClock();
  const dir = t.testdir();
  const store = await openStore({ dir, clock, quotas: NO_QUOTAS, limits: LIMITS });
  const entry = makeEntry(clock);
  await store.hold([entry]);
  await t.rejects(openStore({ dir, clock, quotas: NO_QUOTAS, limits: LIMITS }), { code: 'STORE_LOCKED' });
  t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
  await store.close();
});

t.test('an entry dressed up inside a blob is never taken for one', async (t) => {
  const world = new World();
  const store = await world.open();
  const victim = makeEntry(world.clock);
  await store.hold([victim]);
  await store.step([{ rid: victim.record.rid, state: 'dropped' }]);
  await store.close();
  // The bytes of a real step entry, as somebody who knows the format would make them.
  let forged = new Uint8Array(0);
  world.disk.damage(SEGMENT, (bytes) => {
    const start = bytes.length - 200;
    forged = bytes.slice(Math.max(0, start));
  });
  const again = await world.open();
  const carrier = makeEntry(world.clock, { blob: Buffer.concat([forged, Buffer.alloc(64)]) });
  const after = makeEntry(world.clock);
  await again.hold([carrier]);
  await again.hold([after]);
  await again.close();
  world.disk.damage(SEGMENT, (bytes) => void (bytes[find(bytes, carrier.blob) - 50]! ^= 1));
  await world.database.destroy();
  const rebuilt = await world.open();
  t.match(await rebuilt.find(victim.record.rid), { state: 'dropped' });
  t.equal(await rebuilt.find(after.record.rid), undefined);
  t.same(await rebuilt.hold([withoutBlob(after)]), [{ kind: 'refused', why: 'blob-missing' }]);
  await rebuilt.close();
});
