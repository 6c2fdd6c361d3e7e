import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { ForgetfulDatabase } from './forgetful-database-test-helper.js';
import type { LevelStore } from './level-store.js';
import { MemoryDisk } from './memory-disk.js';
import { openMemoryStore } from './open-memory.js';
import { QUEUE, makeEntry, ridsOf } from './store-test-helper.js';

const PLENTY_BYTES = 2 ** 20;
const LITTLE_BYTES = 8 * 1024;

class World {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly database = new ForgetfulDatabase();
  readonly events: string[] = [];

  open(indexBufferBytes = PLENTY_BYTES): Promise<LevelStore> {
    return openMemoryStore({ clock: this.clock, disk: this.disk.mount(), database: this.database, limits: { indexBufferBytes }, report: ({ kind }) => this.events.push(kind) });
  }

  /** The process is gone, and what its index had in memory with it. */
  kill(): void {
    this.disk.kill();
    this.database.kill();
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

t.test('what the database has not seen is found by every way', async (t) => {
  const world = new World();
  const store = await world.open();
  const { batches } = world.database;
  const entries = Array.from({ length: 40 }, (_, i) => makeEntry(world.clock, { dueMs: world.clock.nowMs() + (i % 7) }));
  await store.hold(entries);
  t.equal(world.database.batches, batches);
  const [first] = entries;
  t.match(await store.find(first!.record.rid), { state: 'held' });
  t.same(ridsOf(await store.findByLocator(first!.record.locator)), ridsOf([first!]));
  t.equal((await store.due(QUEUE, world.clock.nowMs() + 7, 100)).length, 40);
  await store.outboxPut([{ peer: 'next', key: 'a', bytes: new Uint8Array(1) }]);
  t.equal((await store.outbox('next', 10)).length, 1);
  await store.outboxRemove('next', ['a']);
  t.same(await store.outbox('next', 10), []);
  await store.step([{ rid: first!.record.rid, state: 'forwarded', to: 'next' }]);
  t.equal((await store.due(QUEUE, world.clock.nowMs() + 7, 100)).length, 39);
  t.equal(world.database.batches, batches);
  await store.close();
});

t.test('a queue is whole while a part of it is being written', async (t) => {
  const world = new World();
  const store = await world.open();
  const [old, young] = [0, 1].map(() => Array.from({ length: 1500 }, (_, i) => makeEntry(world.clock, { blobBytes: 10, dueMs: world.clock.nowMs() + i })));
  await store.hold(old!);
  const write = store.putMeta('now', new Uint8Array(1));
  // The batch is made in steps; somewhere in the middle of them more comes, and is asked for.
  await turns(2);
  await store.hold(young!);
  t.equal((await store.due(QUEUE, world.clock.nowMs() + 1500, 5000)).length, 3000);
  await write;
  t.equal((await store.due(QUEUE, world.clock.nowMs() + 1500, 5000)).length, 3000);
  await store.close();
});

t.test('is written when a while has passed, so that a schedule outlives the process', async (t) => {
  const world = new World();
  const store = await world.open();
  const { batches } = world.database;
  const entry = makeEntry(world.clock);
  const schedule = { target: QUEUE, dueMs: world.clock.nowMs() + 60_000, attempts: 3 };
  await store.hold([entry]);
  await store.reschedule([{ rid: entry.record.rid, schedule }]);
  world.clock.advance(10_000);
  while (world.database.batches === batches) await turns(1);
  world.kill();
  await store.close().catch(() => undefined);
  const again = await world.open();
  t.match(await again.find(entry.record.rid), { schedule });
  await again.close();
});

t.test('what is not written when the process is killed comes back from the log', async (t) => {
  const world = new World();
  const store = await world.open();
  const { batches } = world.database;
  const entries = Array.from({ length: 20 }, () => makeEntry(world.clock));
  await store.hold(entries);
  await store.step([{ rid: entries[0]!.record.rid, state: 'accepted' }]);
  t.equal(world.database.batches, batches);
  world.kill();
  await store.close().catch(() => undefined);
  const again = await world.open();
  t.match(await again.find(entries[0]!.record.rid), { state: 'accepted' });
  t.equal((await again.due(QUEUE, world.clock.nowMs(), 100)).length, 19);
  t.match(again.status(), { records: 19, tombstones: 1 });
  await again.close();
});

t.test('does not grow in memory, and leaves little of the log to be read again, while much is held at once', async (t) => {
  const world = new World();
  const store = await world.open(LITTLE_BYTES);
  await Promise.all(Array.from({ length: 400 }, () => store.hold([makeEntry(world.clock, { blobBytes: 10 })])));
  for (let i = 0; i < 100; i += 1) await store.hold([makeEntry(world.clock, { blobBytes: 10 })]);
  t.ok(world.database.checkpoints > 2, 'checkpoints were made on the way');
  await store.close();
  t.same(world.events, []);
});
