import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { ForgetfulDatabase } from './forgetful-database-test-helper.js';
import type { LevelStore } from './level-store.js';
import { MemoryDisk, fault } from './memory-disk.js';
import type { DiskOperation } from './memory-disk.js';
import { openMemoryStore } from './open-memory.js';
import { QUEUE, makeEntry, readBlob, ridsOf, withoutBlob } from './store-test-helper.js';
import type { StoreLimits } from './store-parts.js';
import type { TestEntry } from './store-test-helper.js';

const LIMITS = { largeBlobBytes: 4096, segmentBytes: 16 * 1024, spareSegments: 1, aheadBytes: 3000 };

class World {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly database = new ForgetfulDatabase();

  open(limits: Partial<StoreLimits> = LIMITS): Promise<LevelStore> {
    return openMemoryStore({ clock: this.clock, disk: this.disk.mount(), database: this.database, limits });
  }

  /** The disk is full for the n-th operation from now on that needs more of it, and for all behind. */
  fullFrom(n: number): void {
    let left = n;
    this.disk.before = (operation: DiskOperation) => {
      if (operation.growthBytes === 0 && operation.kind !== 'create') return;
      left -= 1;
      if (left <= 0) throw fault('ENOSPC', operation.path);
    };
  }
}

async function receive(store: LevelStore, entry: TestEntry): Promise<void> {
  const receiver = await store.receiveBlob(entry);
  if (typeof receiver === 'string') throw new Error(receiver);
  try {
    await receiver.write(0, entry.blob);
    await receiver.finish();
  } finally {
    await receiver.close();
  }
}

t.test('a full disk, at whatever step, refuses and leaves nothing half done; with room again, all goes on', async (t) => {
  for (let at = 1; at <= 24; at += 1) {
    const world = new World();
    const store = await world.open();
    const before = makeEntry(world.clock);
    await store.hold([before]);
    const small = Array.from({ length: 30 }, () => makeEntry(world.clock, { blobBytes: 900 }));
    const large = makeEntry(world.clock, { blobBytes: 9000 });
    const incoming = makeEntry(world.clock, { blobBytes: 8000 });
    world.fullFrom(at);
    const held: TestEntry[] = [];
    for (const entry of [...small.slice(0, 15), large, ...small.slice(15)]) {
      const [result] = await store.hold([entry]);
      if (result?.kind === 'held') held.push(entry);
      else t.same(result, { kind: 'refused', why: 'full' });
    }
    const received = await receive(store, incoming).then(
      () => true,
      (error: unknown) => {
        t.match(error, { code: 'STORE_FULL' });
        return false;
      },
    );
    const stepped = await store.step([{ rid: before.record.rid, state: 'fetched' }]).then(
      ([taken]) => taken === true,
      (error: unknown) => {
        t.match(error, { code: 'STORE_FULL' });
        return false;
      },
    );
    t.equal(store.usage('peer', 'client').records, held.length + 1 + (store.status().incoming > 0 ? 1 : 0), `at ${at}: counts what is held`);
    world.disk.before = undefined;

    t.match(await store.find(before.record.rid), { state: stepped ? 'fetched' : 'held' });
    for (const entry of small.filter((entry) => !held.includes(entry))) t.equal(await store.find(entry.record.rid), undefined);
    for (const entry of small.concat(large).filter((entry) => !held.includes(entry))) t.same(await store.hold([entry]), [{ kind: 'held' }], `at ${at}: takes it when there is room`);
    if (!received) await receive(store, incoming);
    t.same(await store.hold([withoutBlob(incoming)]), [{ kind: 'held' }]);

    for (const check of [store, undefined]) {
      if (check === undefined) {
        await store.close();
        world.disk.crash();
        await world.database.crash(() => at % 2 === 0);
      }
      const open = check ?? (await world.open());
      for (const entry of [...small, large, incoming]) t.same(await readBlob(open, entry.record), Buffer.from(entry.blob));
      t.equal((await open.due(QUEUE, world.clock.nowMs(), 100)).length, stepped ? 32 : 33);
      if (check === undefined) await open.close();
    }
  }
});

t.test('a disk that reports an error is not trusted until the store is opened again', async (t) => {
  for (const kind of ['write', 'sync'] as const) {
    const world = new World();
    const store = await world.open();
    const first = makeEntry(world.clock);
    const second = makeEntry(world.clock);
    await store.hold([first]);
    world.disk.before = (operation) => {
      if (operation.kind === kind && operation.path.endsWith('.seg')) throw fault('EIO', operation.path);
    };
    await t.rejects(store.hold([second]), { code: 'STORE_IO' });
    world.disk.before = undefined;
    await t.rejects(store.hold([second]), { code: 'STORE_IO' }, 'even when the disk has recovered');
    await t.rejects(store.step([{ rid: first.record.rid, state: 'accepted' }]), { code: 'STORE_IO' });
    t.same(await readBlob(store, first.record), Buffer.from(first.blob), 'what it has it still serves');
    t.equal(store.usage('peer', 'client').records, 1);
    await store.close();
    const again = await world.open();
    t.match(await again.find(first.record.rid), { state: 'held' });
    const [result] = await again.hold([second]);
    t.match(result, { kind: kind === 'write' ? 'held' : 'known' });
    await again.close();
    world.disk.crash();
    await world.database.crash(() => false);
    const afterwards = await world.open();
    for (const entry of [first, second]) t.same(await readBlob(afterwards, entry.record), Buffer.from(entry.blob), 'what the log showed when it was opened is durable since');
    await afterwards.close();
  }
});

t.test('an index that failed is opened anew once, and whoever reads meanwhile waits', async (t) => {
  const world = new World();
  const store = await world.open();
  const entries = Array.from({ length: 20 }, () => makeEntry(world.clock, { blobBytes: 900 }));
  for (const entry of entries) await store.hold([entry]);
  // From the database itself, not from memory.
  await store.putMeta('before', Uint8Array.of(1));
  world.database.fault = new Error('IO error: write failed');
  await t.rejects(store.putMeta('during', Uint8Array.of(2)));
  const more = Array.from({ length: 20 }, () => makeEntry(world.clock, { blobBytes: 900 }));
  const reads = entries.flatMap((entry) => [store.find(entry.record.rid), store.findByLocator(entry.record.locator), readBlob(store, entry.record)]);
  const writes = more.map((entry) => store.hold([entry]));
  const later = entries.map((entry) => store.find(entry.record.rid));
  t.ok((await Promise.all(reads)).every((found) => found !== undefined));
  t.ok((await Promise.all(later)).every((found) => found?.state === 'held'));
  t.ok((await Promise.all(writes)).every(([result]) => result?.kind === 'held'));
  t.equal(world.database.reopenings, 1);
  t.same(await store.getMeta('during'), Uint8Array.of(2));
  await store.close();
});

t.test('a step that is durable and cannot be taken in by the index is promised to nobody, and has been taken after the next start', async (t) => {
  const world = new World();
  const before = await world.open();
  const entries = Array.from({ length: 3 }, () => makeEntry(world.clock, { blobBytes: 900 }));
  await before.hold(entries);
  await before.close();
  const store = await world.open();
  world.disk.before = (operation: DiskOperation) => {
    if (operation.kind === 'sync') world.database.readFault = new Error('IO error: read failed');
  };
  const steps = entries.map((entry) => store.step([{ rid: entry.record.rid, state: 'forwarded', to: 'south' }]));
  for (const step of steps) await t.rejects(step, { code: 'STORE_IO' });
  world.disk.before = undefined;
  world.database.readFault = undefined;
  await t.rejects(store.hold([makeEntry(world.clock)]), { code: 'STORE_IO' }, 'log and index are apart: nothing more is taken');
  await store.close().catch(() => undefined);
  const again = await world.open();
  for (const { record } of entries) t.equal((await again.find(record.rid))?.state, 'forwarded');
  t.match(await again.hold([makeEntry(world.clock)]), [{ kind: 'held' }], 'all goes on');
  await again.close();
});

t.test('nothing is promised before the disk has it', async (t) => {
  const world = new World();
  const store = await world.open({});
  await store.hold([makeEntry(world.clock)]);
  let release = (): void => undefined;
  const syncs: string[] = [];
  world.disk.before = async (operation) => {
    if (operation.kind !== 'sync' || !operation.path.endsWith('.seg')) return;
    syncs.push(operation.path);
    await new Promise<void>((resolve) => (release = resolve));
  };
  const entry = makeEntry(world.clock);
  let promised = false;
  const held = store.hold([entry]).then(() => (promised = true));
  while (syncs.length === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  t.equal(promised, false);
  t.equal(await store.find(entry.record.rid), undefined, 'and nobody sees it');
  const others = Array.from({ length: 50 }, () => makeEntry(world.clock, { blobBytes: 50 }));
  const waiting = Promise.all(others.map((other) => store.hold([other])));
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  release();
  await held;
  while (syncs.length === 1) await new Promise((resolve) => setImmediate(resolve));
  release();
  await waiting;
  t.equal(syncs.length, 2, 'all that waited shared one sync');
  t.equal(ridsOf(await store.due(QUEUE, world.clock.nowMs(), 100)).length, 52);
  world.disk.before = undefined;
  await store.close();
});
