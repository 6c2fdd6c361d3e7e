/** What every store must do. Each implementation runs it: see level-store.test.ts. */
import type { Test } from 'tap';
import { ManualClock } from '../base/clock.js';
import type { BlobReceiver, QuotaLimits, Quotas, Store } from './store.js';
import type { StoreLimits } from './store-parts.js';
import { QUEUE, inHours, makeEntry, readBlob, ridsOf, streamBlob, withoutBlob } from './store-test-helper.js';
import type { TestEntry } from './store-test-helper.js';

export interface StoreHarness {
  readonly clock: ManualClock;
  /** Opens the store, or what an earlier one left behind. */
  open(options?: { readonly limits?: Partial<StoreLimits>; readonly quotas?: Quotas }): Promise<Store>;
}

const DAY_MS = 24 * 3600 * 1000;
const WEEK_MS = 7 * DAY_MS;
const UNLIMITED: QuotaLimits = { bytes: Infinity, byteSeconds: Infinity };

async function receiverOf(store: Store, entry: TestEntry): Promise<BlobReceiver> {
  const receiver = await store.receiveBlob(entry);
  if (typeof receiver === 'string') throw new Error(`refused: ${receiver}`);
  return receiver;
}

export function storeSuite(t: Test, makeHarness: (t: Test) => StoreHarness): void {
  const check = (name: string, run: (t: Test, harness: StoreHarness, store: Store) => Promise<void>): void => {
    void t.test(name, async (t) => {
      const harness = makeHarness(t);
      const store = await harness.open();
      t.teardown(() => store.close());
      await run(t, harness, store);
    });
  };

  check('holds a record, finds it by id and by locator, and hands out its blob', async (t, { clock }, store) => {
    const entry = makeEntry(clock, { blobBytes: 1000 });
    t.same(await store.hold([entry]), [{ kind: 'held' }]);
    const found = await store.find(entry.record.rid);
    t.match(found, { state: 'held', from: 'client', heldAtMs: entry.heldAtMs, schedule: entry.schedule });
    t.same(found?.record, entry.record);
    t.same(ridsOf(await store.findByLocator(entry.record.locator)), ridsOf([entry]));
    t.same(ridsOf(await store.findServable(entry.record.locator, clock.nowMs())), ridsOf([entry]));
    t.same(await store.findServable(entry.record.locator, entry.record.expirySec * 1000), []);
    t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    t.same(await streamBlob(store, entry.record, 10, 20), Buffer.from(entry.blob.subarray(10, 20)));
    t.equal(await store.find(new Uint8Array(32)), undefined);
    t.equal(await store.blob(new Uint8Array(32)), undefined);
  });

  check('holds a large blob as well as a small one', async (t, { clock }, store) => {
    const entry = makeEntry(clock, { blobBytes: 3 * 2 ** 20 + 7 });
    t.same(await store.hold([entry]), [{ kind: 'held' }]);
    t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    t.same(await streamBlob(store, entry.record, 2 ** 20 - 3, 2 ** 21 + 3), Buffer.from(entry.blob.subarray(2 ** 20 - 3, 2 ** 21 + 3)));
  });

  check('answers a record that it holds already with its state', async (t, { clock }, store) => {
    const entry = makeEntry(clock);
    const results = await store.hold([entry, entry]);
    t.same(results, [{ kind: 'held' }, { kind: 'known', state: 'held' }]);
    await store.step([{ rid: entry.record.rid, state: 'forwarded', to: 'next' }]);
    t.same(await store.hold([entry]), [{ kind: 'known', state: 'forwarded' }]);
    t.equal(store.usage('peer', 'client').records, 0);
  });

  check('refuses a blob that is not the one of its record, and a record whose blob is not there', async (t, { clock }, store) => {
    const entry = makeEntry(clock);
    const other = makeEntry(clock);
    t.same(await store.hold([{ ...entry, blob: other.blob }]), [{ kind: 'refused', why: 'blob-mismatch' }]);
    t.same(await store.hold([{ ...entry, blob: entry.blob.subarray(1) }]), [{ kind: 'refused', why: 'blob-mismatch' }]);
    t.same(await store.hold([withoutBlob(entry)]), [{ kind: 'refused', why: 'blob-missing' }]);
    t.equal(await store.find(entry.record.rid), undefined);
    t.equal(store.status().bytes, 0);
  });

  check('stores a blob once for all records that share it, until the last of them has ended', async (t, { clock }, store) => {
    const first = makeEntry(clock, { blobBytes: 5000 });
    const second = makeEntry(clock, { blob: first.blob });
    const third = makeEntry(clock, { blob: first.blob });
    t.same(await store.hold([first, second]), [{ kind: 'held' }, { kind: 'held' }]);
    t.same(await store.hold([withoutBlob(third)]), [{ kind: 'held' }]);
    await store.step([first, second].map(({ record }) => ({ rid: record.rid, state: 'accepted' as const })));
    t.equal(await store.blob(first.record.rid), undefined);
    t.same(await readBlob(store, third.record), Buffer.from(first.blob));
    const [ended, live, unknown] = await store.blobs([first.record.rid, third.record.rid, new Uint8Array(32)]);
    t.same([ended, unknown], [undefined, undefined]);
    t.same(Buffer.from((await live?.read(10, 20)) ?? []), Buffer.from(first.blob.subarray(10, 20)));
    await store.step([{ rid: third.record.rid, state: 'accepted' }]);
    t.same(await store.hold([withoutBlob(makeEntry(clock, { blob: first.blob }))]), [{ kind: 'refused', why: 'blob-missing' }]);
  });

  check('lists a queue in parts, however many are due in one millisecond', async (t, { clock }, store) => {
    const entries = Array.from({ length: 30 }, (_, i) => makeEntry(clock, { dueMs: clock.nowMs() + (i < 25 ? 0 : i) }));
    await store.hold(entries);
    const listed: string[] = [];
    for (let part = await store.list(QUEUE, 7); part.length > 0; part = await store.list(QUEUE, 7, part.at(-1)!.record.rid)) listed.push(...ridsOf(part));
    t.same(listed, ridsOf(await store.list(QUEUE, 100)));
    t.same([...listed].sort(), ridsOf(entries).sort());
    // Where the one before has ended, the queue is listed from its beginning.
    await store.step([{ rid: entries[3]!.record.rid, state: 'accepted' }]);
    t.equal((await store.list(QUEUE, 100, entries[3]!.record.rid)).length, 29);
  });

  check('hands out what is due, oldest due time first, and no more than asked for', async (t, { clock }, store) => {
    const nowMs = clock.nowMs();
    const late = makeEntry(clock, { dueMs: nowMs + 5000 });
    const middle = makeEntry(clock, { dueMs: nowMs - 10 });
    const early = makeEntry(clock, { dueMs: nowMs - 20 });
    const elsewhere = makeEntry(clock, { target: 'peer:other' });
    await store.hold([late, middle, early, elsewhere]);
    t.same(ridsOf(await store.due(QUEUE, nowMs, 10)), ridsOf([early, middle]));
    t.same(ridsOf(await store.due(QUEUE, nowMs, 1)), ridsOf([early]));
    t.same(ridsOf(await store.due(QUEUE, nowMs + 5000, 10)), ridsOf([early, middle, late]));
    t.equal(await store.nextDueMs(QUEUE), nowMs - 20);
    t.equal(await store.nextDueMs('peer:nobody'), undefined);
    t.same(ridsOf(await store.list(QUEUE, 10)), ridsOf([early, middle, late]));
    t.same(ridsOf(await store.list(QUEUE, 10, early.record.rid)), ridsOf([middle, late]));
    t.same(ridsOf(await store.list(QUEUE, 1, early.record.rid)), ridsOf([middle]));
    t.same((await store.queues()).map(({ target, records }) => [target, records]), [['peer:other', 1], [QUEUE, 3]]);
  });

  check('moves a record in its queue and to another queue', async (t, { clock }, store) => {
    const nowMs = clock.nowMs();
    const entry = makeEntry(clock);
    const rid = entry.record.rid;
    await store.hold([entry]);
    await store.reschedule([{ rid, schedule: { target: QUEUE, dueMs: nowMs + 1000, attempts: 1 } }]);
    t.same(await store.due(QUEUE, nowMs, 10), []);
    t.match((await store.find(rid))?.schedule, { dueMs: nowMs + 1000, attempts: 1 });
    t.equal(await store.hurry(QUEUE, nowMs, 10), 1);
    t.equal(await store.hurry(QUEUE, nowMs, 10), 0);
    t.match((await store.due(QUEUE, nowMs, 10))[0]?.schedule, { dueMs: nowMs, attempts: 0 });
    await store.reschedule([{ rid, schedule: { target: 'peer:other', dueMs: nowMs, attempts: 0 } }]);
    t.same(await store.due(QUEUE, nowMs, 10), []);
    t.same(ridsOf(await store.due('peer:other', nowMs, 10)), ridsOf([entry]));
    t.same((await store.queues()).map(({ target, records }) => [target, records]), [['peer:other', 1]]);
  });

  check('takes legal steps and no others', async (t, { clock }, store) => {
    const entry = makeEntry(clock);
    const rid = entry.record.rid;
    t.same(await store.step([{ rid, state: 'accepted' }]), [false]);
    await store.hold([entry]);
    t.same(await store.step([{ rid, state: 'fetched' }]), [true]);
    t.match(await store.find(rid), { state: 'fetched' });
    t.same(await store.due(QUEUE, clock.nowMs(), 10), []);
    t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    t.same(await store.step([{ rid, state: 'fetched' }]), [false]);
    t.same(await store.step([{ rid, state: 'forwarded', to: 'next' }]), [true]);
    t.match(await store.find(rid), { state: 'forwarded', to: 'next', schedule: undefined });
    t.same(await store.step([{ rid, state: 'dropped' }, { rid, state: 'retracted' }, { rid, state: 'accepted' }]), [false, true, false]);
    t.match(await store.find(rid), { state: 'retracted', to: 'next' });
    t.match(store.status(), { records: 0, bytes: 0, tombstones: 1 });
  });

  check('takes a step that names queues only from one of them', async (t, { clock }, store) => {
    const entry = makeEntry(clock);
    const rid = entry.record.rid;
    await store.hold([entry]);
    t.same(await store.step([{ rid, state: 'forwarded', to: 'other', queues: ['peer:other', 'hold:peer:other'] }]), [false]);
    t.match(await store.find(rid), { state: 'held' });
    t.same(await store.step([{ rid, state: 'forwarded', to: 'next', queues: ['peer:other', QUEUE] }]), [true]);
  });

  check('lets the first of two steps at once win', async (t, { clock }, store) => {
    const entry = makeEntry(clock);
    const rid = entry.record.rid;
    await store.hold([entry]);
    const results = await Promise.all([store.step([{ rid, state: 'accepted' }]), store.step([{ rid, state: 'retracted' }]), store.step([{ rid, state: 'expired' }])]);
    t.same(results, [[true], [false], [false]]);
    t.match(await store.find(rid), { state: 'accepted' });
  });

  check('keeps control items for a peer in order of arrival until they are removed', async (t, { clock }, store) => {
    const entry = makeEntry(clock);
    const item = (key: string, text: string) => ({ peer: 'next', key, bytes: new TextEncoder().encode(text) });
    await store.hold([entry]);
    await store.outboxPut([item('a', '1'), item('b', '2'), { ...item('a', 'x'), peer: 'other' }]);
    await store.step([{ rid: entry.record.rid, state: 'retracted', outbox: [item('c', '3'), item('a', '4')] }]);
    const texts = async (limit = 10): Promise<string[]> => (await store.outbox('next', limit)).map(({ key, bytes }) => `${key}${Buffer.from(bytes).toString()}`);
    t.same(await texts(), ['b2', 'c3', 'a4']);
    t.same(await texts(2), ['b2', 'c3']);
    await store.outboxRemove('next', ['b', 'a', 'nothing']);
    t.same(await texts(), ['c3']);
    t.equal((await store.outbox('other', 10)).length, 1);
  });

  check('keeps small values of the gateway', async (t, _, store) => {
    t.equal(await store.getMeta('clock'), undefined);
    await store.putMeta('clock', new Uint8Array([1, 2]));
    await store.putMeta('clock', new Uint8Array([3]));
    t.same(Buffer.from((await store.getMeta('clock'))!), Buffer.from([3]));
  });

  check('expires silently, and forgets the tombstone when it has stood long enough', async (t, { clock }, store) => {
    const soon = makeEntry(clock, { expirySec: inHours(clock, 2) });
    const later = makeEntry(clock, { expirySec: inHours(clock, 4) });
    await store.hold([soon, later]);
    t.same(await store.expire(clock.nowMs() + 3600_000, 10), []);
    clock.advance(2 * 3600_000);
    t.same((await store.expire(clock.nowMs(), 10)).map(({ state, record }) => [state, record.rid]), [['expired', soon.record.rid]]);
    t.same(await store.expire(clock.nowMs(), 10), []);
    t.match(await store.find(soon.record.rid), { state: 'expired' });
    t.equal(await store.blob(soon.record.rid), undefined);
    t.same(ridsOf(await store.due(QUEUE, clock.nowMs(), 10)), ridsOf([later]));
    clock.advance(WEEK_MS + 3600_000);
    await store.expire(clock.nowMs(), 10);
    t.equal(await store.find(soon.record.rid), undefined);
    t.same(await store.findByLocator(soon.record.locator), []);
    t.match(await store.find(later.record.rid), { state: 'expired' });
    t.match(store.status(), { tombstones: 1, records: 0 });
    t.same(await store.hold([{ ...soon, heldAtMs: clock.nowMs() }]), [{ kind: 'held' }]);
  });

  check('takes a blob in pieces of any order', async (t, { clock }, store) => {
    for (const blobBytes of [700, 2 * 2 ** 20 + 5]) {
      const entry = makeEntry(clock, { blobBytes });
      const receiver = await receiverOf(store, entry);
      t.same(receiver.missing(), [{ startByte: 0, endByte: blobBytes }]);
      await receiver.write(300, entry.blob.subarray(300, 500));
      t.same(receiver.missing(), [{ startByte: 0, endByte: 300 }, { startByte: 500, endByte: blobBytes }]);
      t.equal(await receiver.finish(), 'incomplete');
      await receiver.write(500, entry.blob.subarray(500));
      await receiver.write(0, entry.blob.subarray(0, 400));
      t.same(receiver.missing(), []);
      t.same(await store.hold([withoutBlob(entry)]), [{ kind: 'refused', why: 'blob-missing' }]);
      t.equal(await receiver.finish(), 'complete');
      t.equal(await receiver.finish(), 'complete');
      await receiver.close();
      await receiver.close();
      t.same(await store.hold([withoutBlob(entry)]), [{ kind: 'held' }]);
      t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    }
    t.match(store.status(), { records: 2, incoming: 0 });
  });

  check('keeps nothing of a blob that turns out to be another one', async (t, { clock }, store) => {
    for (const blobBytes of [700, 2 ** 20]) {
      const entry = makeEntry(clock, { blobBytes });
      const receiver = await receiverOf(store, entry);
      await receiver.write(0, new Uint8Array(blobBytes));
      t.equal(await receiver.finish(), 'mismatch');
      await receiver.close();
      t.same(await store.hold([withoutBlob(entry)]), [{ kind: 'refused', why: 'blob-missing' }]);
      const again = await receiverOf(store, entry);
      t.same(again.missing(), [{ startByte: 0, endByte: blobBytes }]);
      await again.close();
    }
    t.equal(store.status().incoming, 2, 'opened again, both wait');
  });

  check('does not let a second piece overwrite what a first has brought', async (t, { clock }, store) => {
    const entry = makeEntry(clock, { blobBytes: 2 ** 20 });
    const receiver = await receiverOf(store, entry);
    await receiver.write(0, entry.blob.subarray(0, 1000));
    await receiver.write(0, new Uint8Array(1000));
    await receiver.write(500, Buffer.concat([new Uint8Array(500), entry.blob.subarray(1000)]));
    t.equal(await receiver.finish(), 'complete');
    await store.hold([withoutBlob(entry)]);
    t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
  });

  check('refuses bytes beyond the blob, and a second receiver of the same one', async (t, { clock }, store) => {
    const entry = makeEntry(clock, { blobBytes: 1000 });
    const receiver = await receiverOf(store, entry);
    await t.rejects(receiver.write(900, new Uint8Array(101)), { code: 'STORE_RANGE' });
    await t.rejects(receiver.write(-1, new Uint8Array(1)), { code: 'STORE_RANGE' });
    await t.rejects(receiver.write(0.5, new Uint8Array(1)), { code: 'STORE_RANGE' });
    await t.rejects(store.receiveBlob(entry), { code: 'STORE_BUSY' });
    await receiver.close();
    await (await receiverOf(store, entry)).close();
  });

  check('does not ask for a blob that it has', async (t, { clock }, store) => {
    const first = makeEntry(clock, { blobBytes: 5000 });
    const second = makeEntry(clock, { blob: first.blob });
    await store.hold([first]);
    const receiver = await receiverOf(store, second);
    t.same(receiver.missing(), []);
    t.equal(await receiver.finish(), 'complete');
    await store.step([{ rid: first.record.rid, state: 'accepted' }]);
    t.same(await store.hold([withoutBlob(second)]), [{ kind: 'held' }], 'though its first record has ended meanwhile');
    t.same(await readBlob(store, second.record), Buffer.from(first.blob));
    t.same((await receiverOf(store, second)).missing(), []);
  });

  check('goes on with a blob where it stopped, and gives up on it when its record has expired', async (t, harness, store) => {
    const { clock } = harness;
    const entry = makeEntry(clock, { blobBytes: 3 * 2 ** 20 });
    const receiver = await receiverOf(store, entry);
    await receiver.write(0, entry.blob.subarray(0, 2 ** 20 + 17));
    await receiver.close();
    await store.close();
    const again = await harness.open();
    t.teardown(() => again.close());
    t.match(again.usage('peer', 'client'), { records: 1, bytes: entry.blob.length });
    const resumed = await receiverOf(again, entry);
    t.same(resumed.missing(), [{ startByte: 2 ** 20 + 17, endByte: entry.blob.length }]);
    await resumed.write(2 ** 20 + 17, entry.blob.subarray(2 ** 20 + 17));
    t.equal(await resumed.finish(), 'complete');
    clock.advance(25 * 3600_000);
    await again.expire(clock.nowMs(), 10);
    t.match(again.status(), { incoming: 0, bytes: 0 });
    t.same(await again.hold([withoutBlob(entry)]), [{ kind: 'refused', why: 'blob-missing' }]);
  });

  check('takes a whole blob while a part of it is being received', async (t, { clock }, store) => {
    const entry = makeEntry(clock, { blobBytes: 2 ** 20 });
    const receiver = await receiverOf(store, entry);
    await receiver.write(0, entry.blob.subarray(0, 1000));
    t.same(await store.hold([entry]), [{ kind: 'held' }]);
    await receiver.write(1000, entry.blob.subarray(1000));
    t.equal(await receiver.finish(), 'complete');
    await receiver.close();
    t.match(store.status(), { records: 1, bytes: 2 ** 20, incoming: 0 });
    t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
  });

  void t.test('keeps to the quotas of peers and destinations, in bytes and in byte seconds', async (t) => {
    const harness = makeHarness(t);
    const quotas = (peer: Partial<QuotaLimits>, destination: Partial<QuotaLimits> = {}): Quotas => ({ peer: () => ({ ...UNLIMITED, ...peer }), destination: () => ({ ...UNLIMITED, ...destination }) });
    const { clock } = harness;
    const cases: [Quotas, string | undefined][] = [
      [quotas({ bytes: 1000 }), 'quota-peer'],
      [quotas({ bytes: 2000 }), undefined],
      [quotas({ byteSeconds: 1000 * 24 * 3600 + 1 }), 'quota-peer'],
      [quotas({}, { bytes: 1999 }), 'quota-destination'],
      [quotas({}, { byteSeconds: 1000 * 30 * 3600 }), 'quota-destination'],
    ];
    for (const [limits, why] of cases) {
      const store = await harness.open({ quotas: limits });
      const first = makeEntry(clock, { blobBytes: 1000 });
      const second = makeEntry(clock, { blobBytes: 1000 });
      t.same(await store.hold([first]), [{ kind: 'held' }]);
      t.equal(store.room(second), why);
      t.same(await store.hold([second]), [why === undefined ? { kind: 'held' } : { kind: 'refused', why }]);
      if (why !== undefined) t.equal(await store.receiveBlob(second), why);
      await store.step([first, second].map(({ record }) => ({ rid: record.rid, state: 'dropped' as const })));
      t.equal(store.room(second), undefined);
      t.match(store.usage('destination', 'station.example'), { records: 0, bytes: 0, byteSeconds: 0 });
      await store.close();
    }
  });

  void t.test('does not overshoot a quota when many hold at once', async (t) => {
    const harness = makeHarness(t);
    const store = await harness.open({ quotas: { peer: () => ({ bytes: 10_000, byteSeconds: Infinity }), destination: () => UNLIMITED } });
    const entries = Array.from({ length: 40 }, () => makeEntry(harness.clock, { blobBytes: 1000 }));
    const results = (await Promise.all(entries.map((entry) => store.hold([entry])))).flat();
    t.equal(results.filter(({ kind }) => kind === 'held').length, 10);
    t.match(store.usage('peer', 'client'), { records: 10, bytes: 10_000 });
    const receiver = await store.receiveBlob(makeEntry(harness.clock, { from: 'other', blobBytes: 9500 }));
    t.not(typeof receiver, 'string');
    t.equal(store.room(makeEntry(harness.clock, { from: 'other', blobBytes: 501 })), 'quota-peer');
    t.match(store.usage('peer', 'other'), { records: 1, bytes: 9500 });
    if (typeof receiver !== 'string') await receiver.close();
    await store.close();
  });

  void t.test('keeps its reserve free of blobs, and never lets go of one to take another', async (t) => {
    const harness = makeHarness(t);
    const store = await harness.open({ limits: { capacityBytes: 100_000, reserveFraction: 0.2 } });
    const entries = Array.from({ length: 20 }, () => makeEntry(harness.clock, { blobBytes: 10_000 }));
    const results = await store.hold(entries);
    const held = entries.filter((_, i) => results[i]?.kind === 'held');
    t.equal(held.length, 7);
    t.same(new Set(results.map((result) => (result.kind === 'refused' ? result.why : result.kind))), new Set(['held', 'full']));
    t.match(store.status(), { records: 7, capacityBytes: 100_000, reserveBytes: 20_000 });
    for (const entry of held) t.same(await readBlob(store, entry.record), Buffer.from(entry.blob));
    t.same(await store.step([{ rid: held[0]!.record.rid, state: 'accepted', outbox: [{ peer: 'next', key: 'k', bytes: new Uint8Array(500) }] }]), [true]);
    t.same(await store.hold([makeEntry(harness.clock, { blobBytes: 10_000 })]), [{ kind: 'held' }]);
    await store.close();
  });

  check('is found as it was left', async (t, harness, store) => {
    const { clock } = harness;
    const entries = Array.from({ length: 50 }, (_, i) => makeEntry(clock, { blobBytes: 200 + i, dueMs: clock.nowMs() + i }));
    const large = makeEntry(clock, { blobBytes: 2 ** 20 });
    await store.hold([...entries, large]);
    await store.step(entries.slice(0, 10).map(({ record }) => ({ rid: record.rid, state: 'forwarded' as const, to: 'next' })));
    await store.reschedule([{ rid: entries[20]!.record.rid, schedule: { target: QUEUE, dueMs: clock.nowMs() + 9999, attempts: 3 } }]);
    await store.outboxPut([{ peer: 'next', key: 'k', bytes: new Uint8Array([1]) }]);
    await store.putMeta('m', new Uint8Array([2]));
    const usage = store.usage('peer', 'client');
    const queues = await store.queues();
    await store.close();
    await store.close();
    await t.rejects(store.find(large.record.rid), { code: 'STORE_CLOSED' });

    const again = await harness.open();
    t.teardown(() => again.close());
    t.same(again.usage('peer', 'client'), usage);
    t.same(await again.queues(), queues);
    t.match(await again.find(entries[5]!.record.rid), { state: 'forwarded', to: 'next' });
    t.match((await again.find(entries[20]!.record.rid))?.schedule, { attempts: 3 });
    t.equal((await again.due(QUEUE, clock.nowMs() + 9999, 100)).length, 41);
    t.same(await readBlob(again, large.record), Buffer.from(large.blob));
    t.same(await readBlob(again, entries[30]!.record), Buffer.from(entries[30]!.blob));
    t.equal((await again.outbox('next', 10)).length, 1);
    t.same(Buffer.from((await again.getMeta('m'))!), Buffer.from([2]));
  });
}
