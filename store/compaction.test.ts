import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { ForgetfulDatabase } from './forgetful-database-test-helper.js';
import type { LevelStore } from './level-store.js';
import { MemoryDisk } from './memory-disk.js';
import { openMemoryStore } from './open-memory.js';
import { QUEUE, inHours, makeEntry, readBlob, ridsOf, withoutBlob } from './store-test-helper.js';
import type { TestEntry } from './store-test-helper.js';

const LIMITS = { largeBlobBytes: 4096, segmentBytes: 16 * 1024, spareSegments: 1, aheadBytes: 3000, indexBufferBytes: 64 * 1024 };
const WEEK_MS = 7 * 24 * 3600 * 1000;

class World {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly database = new ForgetfulDatabase();

  open(): Promise<LevelStore> {
    return openMemoryStore({ clock: this.clock, disk: this.disk.mount(), database: this.database, limits: LIMITS });
  }

  /** A store that has lost its index. */
  async rebuild(store: LevelStore): Promise<LevelStore> {
    await store.close();
    await this.database.destroy();
    return this.open();
  }

  entries(count: number, wishes: Parameters<typeof makeEntry>[1] = {}): TestEntry[] {
    return Array.from({ length: count }, () => makeEntry(this.clock, { blobBytes: 1000, ...wishes }));
  }

  get segments(): string[] {
    return this.disk.paths().filter((path) => path.endsWith('.seg'));
  }
}

const step = (store: LevelStore, entries: readonly TestEntry[], state: 'forwarded' | 'accepted'): Promise<boolean[]> => store.step(entries.map(({ record }) => ({ rid: record.rid, state, to: 'next' })));

t.test('does not grow with what passes through', async (t) => {
  const world = new World();
  const store = await world.open();
  const stays = world.entries(5);
  await store.hold(stays);
  let most = 0;
  for (let round = 0; round < 20; round += 1) {
    const passing = world.entries(40, { expirySec: inHours(world.clock, 2) });
    await store.hold(passing);
    await step(store, passing, 'accepted');
    await store.compact();
    world.clock.advance(WEEK_MS / 4);
    await store.expire(world.clock.nowMs(), 1000);
    most = Math.max(most, world.segments.length);
  }
  t.ok(most < 12, `${most} segments for 800 KiB that passed`);
  await store.close();
});

for (const room of ['plenty of room', 'little room'] as const) {
  t.test(`a segment of which a tenth lives is copied, and given back, only where the disk has little room: ${room}`, async (t) => {
    const world = new World();
    const store = await world.open();
    const entries = world.entries(100);
    await store.hold(entries);
    const before = world.segments.length;
    if (room === 'little room') world.disk.capacityBytes = world.disk.usedBytes + 5 * LIMITS.segmentBytes;
    for (const [i, entry] of entries.entries()) if (i % 10 > 0) await store.step([{ rid: entry.record.rid, state: 'accepted' }]);
    for (let turns = 0; turns < 200; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    const more = world.entries(60);
    await store.hold(more);
    t.equal(world.segments.length > before + 2, room === 'plenty of room', `${before} segments, then ${world.segments.length}`);
    for (const entry of [...more, ...entries.filter((_, i) => i % 10 === 0)]) t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    await store.close();
  });
}

t.test('keeps everything that lives, wherever it was moved', async (t) => {
  const world = new World();
  let store = await world.open();
  const passing = world.entries(60);
  const stays = world.entries(6);
  const sharing = makeEntry(world.clock, { blob: stays[0]!.blob });
  for (let i = 0; i < stays.length; i += 1) await store.hold([...passing.slice(i * 10, i * 10 + 10), stays[i]!]);
  await store.hold([withoutBlob(sharing)]);
  const arriving = makeEntry(world.clock, { blobBytes: 900 });
  const receiver = await store.receiveBlob(arriving);
  if (typeof receiver === 'string') throw new Error(receiver);
  await receiver.write(0, arriving.blob);
  t.equal(await receiver.finish(), 'complete');
  await store.outboxPut([{ peer: 'next', key: 'a', bytes: new Uint8Array([1]) }]);
  await store.step([{ rid: passing[0]!.record.rid, state: 'accepted', outbox: [{ peer: 'next', key: 'b', bytes: new Uint8Array([2]) }] }]);
  await step(store, passing.slice(1), 'accepted');
  const before = world.segments.length;
  await store.compact();

  const check = async (): Promise<void> => {
    for (const entry of [...stays, sharing]) t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    for (const entry of passing) t.match(await store.find(entry.record.rid), { state: 'accepted', record: { rid: entry.record.rid } });
    t.same((await store.outbox('next', 10)).map(({ key }) => key).sort(), ['a', 'b']);
    t.equal((await store.due(QUEUE, world.clock.nowMs(), 100)).length, 7);
    t.match(store.status(), { records: 8, tombstones: 60, incoming: 1 });
  };
  await check();
  await store.close();
  store = await world.open();
  await check();
  store = await world.rebuild(store);
  await check();
  t.ok(world.segments.length < before, `${before} segments, then ${world.segments.length}`);
  t.same(await store.hold([withoutBlob(arriving)]), [{ kind: 'held' }]);
  t.same(await readBlob(store, arriving.record), Buffer.from(arriving.blob));
  await store.close();
});

t.test('a copy tells a rebuilt index what became of the record, when its steps are gone', async (t) => {
  const world = new World();
  let store = await world.open();
  const first = world.entries(8);
  await store.hold(first);
  // The steps come to lie in a segment of their own, in which little else lives after a while.
  const passing = world.entries(30);
  await store.hold(passing.slice(0, 10));
  await step(store, first.slice(0, 1), 'forwarded');
  await store.hold(passing.slice(10));
  await step(store, passing, 'accepted');
  await store.compact();
  store = await world.rebuild(store);
  t.match(await store.find(first[0]!.record.rid), { state: 'forwarded', to: 'next' });
  t.equal((await store.due(QUEUE, world.clock.nowMs(), 100)).length, 7);
  await store.close();
});

t.test('what was forgotten stays forgotten when the index is rebuilt', async (t) => {
  const world = new World();
  let store = await world.open();
  const gone = world.entries(1, { expirySec: inHours(world.clock, 1) });
  const stays = world.entries(9, { expirySec: inHours(world.clock, 24 * 30) });
  await store.hold([...gone, ...stays]);
  const passing = world.entries(40, { expirySec: inHours(world.clock, 1) });
  await store.hold(passing.slice(0, 20));
  await step(store, gone, 'accepted');
  await store.hold(passing.slice(20));
  await step(store, passing, 'accepted');
  world.clock.advance(WEEK_MS + 3 * 3600_000);
  await store.expire(world.clock.nowMs(), 1000);
  await store.compact();
  // Enough to use the segments again in which the steps were.
  await store.hold(world.entries(30, { expirySec: inHours(world.clock, 24 * 30) }));
  store = await world.rebuild(store);
  t.equal(await store.find(gone[0]!.record.rid), undefined);
  t.match(store.status(), { records: 39, tombstones: 0 });
  t.same(ridsOf(await store.due(QUEUE, world.clock.nowMs(), 100)).includes(ridsOf(gone)[0]!), false);
  await store.close();
});
