import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { MemoryDisk, fault } from './memory-disk.js';
import { openMemoryStore } from './open-memory.js';
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
