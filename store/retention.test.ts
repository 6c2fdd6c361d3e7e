import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { MemoryDisk, fault } from './memory-disk.js';
import { seededRandom } from '../base/random.js';
import type { KeyValue } from './key-value.js';
import { MemoryDatabase, openMemoryStore } from './open-memory.js';
import type { Store } from './store.js';
import { StoreIndex } from './store-index.js';
import { inHours, makeEntry, ridsOf } from './store-test-helper.js';

const TOGETHER = 2000;
const SLICE = 50;

/** Rows looked up while `work` is done. */
async function rowsLookedUp(work: () => Promise<void>): Promise<number> {
  const real = Reflect.get<StoreIndex, 'rows'>(StoreIndex.prototype, 'rows');
  let count = 0;
  StoreIndex.prototype.rows = function (records) {
    count += records.length;
    return real.call(this, records);
  };
  try {
    await work();
  } finally {
    StoreIndex.prototype.rows = real;
  }
  return count;
}

/** Counts the entries that walks through a database read. */
class CountedDatabase extends MemoryDatabase {
  entriesRead = 0;

  override async open(): Promise<KeyValue> {
    const kv = await super.open();
    return {
      ...kv,
      iterator: (range) => {
        const iterator = kv.iterator(range);
        return {
          nextv: async (size) => {
            const entries = await iterator.nextv(size);
            this.entriesRead += entries.length;
            return entries;
          },
          close: () => iterator.close(),
        };
      },
    };
  }
}

async function expireAll(store: Store, clock: ManualClock): Promise<string[]> {
  const expired: string[] = [];
  for (;;) {
    const slice = await store.expire(clock.nowMs(), SLICE);
    expired.push(...ridsOf(slice));
    if (slice.length === 0) return expired;
  }
}

t.test('what expires in one hour costs what it is, however many slices it takes', async (t) => {
  const clock = new ManualClock();
  const store = await openMemoryStore({ clock });
  const entries = Array.from({ length: TOGETHER }, () => makeEntry(clock, { expirySec: inHours(clock, 2), blobBytes: 10 }));
  await store.hold(entries);
  clock.jumpTo(clock.nowMs() + 3 * 3_600_000);
  let expired: string[] = [];
  const lookedUp = await rowsLookedUp(async () => {
    expired = await expireAll(store, clock);
  });
  t.same([...expired].sort(), ridsOf(entries).sort(), 'each once');
  t.ok(lookedUp < 4 * TOGETHER, `${lookedUp} rows looked up for ${TOGETHER}`);
  t.equal(store.status().records, 0);
  await store.close();
});

t.test('what comes with a past expiry while its hour is being seen to expires, too', async (t) => {
  const clock = new ManualClock();
  const store = await openMemoryStore({ clock });
  const expirySec = inHours(clock, 2);
  const entries = Array.from({ length: 3 * SLICE }, () => makeEntry(clock, { expirySec, blobBytes: 10 }));
  await store.hold(entries);
  clock.jumpTo(clock.nowMs() + 3 * 3_600_000);
  const first = await store.expire(clock.nowMs(), SLICE);
  const late = [makeEntry(clock, { expirySec }), makeEntry(clock, { expirySec: expirySec - 3600 })];
  await store.hold(late);
  const during = makeEntry(clock, { expirySec: expirySec - 7200 });
  const [second] = await Promise.all([store.expire(clock.nowMs(), 4 * SLICE), store.hold([during])]);
  const rest = await expireAll(store, clock);
  t.same([...ridsOf(first), ...ridsOf(second), ...rest].sort(), ridsOf([...entries, ...late, during]).sort());
  t.equal(store.status().records, 0);
  await store.close();
});

t.test('a slice whose end could not be written down is seen to again', async (t) => {
  const clock = new ManualClock();
  const disk = new MemoryDisk();
  const store = await openMemoryStore({ clock, disk: disk.mount(), limits: { segmentBytes: 16 * 1024 } });
  const entries = Array.from({ length: 4 * SLICE }, () => makeEntry(clock, { expirySec: inHours(clock, 1), blobBytes: 10 }));
  await store.hold(entries);
  clock.jumpTo(clock.nowMs() + 2 * 3_600_000);
  const first = await store.expire(clock.nowMs(), SLICE);
  disk.before = ({ kind, path }) => {
    if (kind === 'write' || kind === 'create') throw fault('ENOSPC', path);
  };
  await t.rejects(store.expire(clock.nowMs(), 2 * SLICE), { code: 'STORE_FULL' });
  disk.before = undefined;
  t.same([...ridsOf(first), ...(await expireAll(store, clock))].sort(), ridsOf(entries).sort());
  await store.close();
});

t.test('a process that dies every hour, with little to do, does not leave more and more to look through', async (t) => {
  const clock = new ManualClock();
  const [disk, database] = [new MemoryDisk(), new CountedDatabase({ crashes: true })];
  const random = seededRandom(1);
  const looked: number[] = [];
  for (let life = 0; life < 160; life += 1) {
    const store = await openMemoryStore({ clock, disk: disk.mount(), database, random: seededRandom(life), limits: { tombstoneMs: 20 * 3_600_000 } });
    // Pages are written a few seconds apart: what waits together would stand in one.
    for (let i = 0; i < 8; i += 1) {
      await store.hold([makeEntry(clock, { expirySec: inHours(clock, 3), blobBytes: 10, target: `peer:${i}` })]);
      await store.putMeta('tick', new Uint8Array([i]));
    }
    const before = database.entriesRead;
    while ((await store.expire(clock.nowMs(), SLICE)).length > 0);
    await store.expire(clock.nowMs(), SLICE);
    looked.push(database.entriesRead - before);
    for (let i = 0; i < 10; i += 1) await store.putMeta('tick', new Uint8Array([9]));
    await database.crash(() => random.fraction() < 0.5);
    disk.crash();
    clock.jumpTo(clock.nowMs() + 3_600_000);
  }
  const [early, late] = [Math.max(...looked.slice(60, 110)), Math.max(...looked.slice(-50))];
  t.ok(late <= 1.5 * early, `${late} entries read by a life at the end, ${early} by one before`);
});
