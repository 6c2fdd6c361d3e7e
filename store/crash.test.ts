import t from 'tap';
import type { Test } from 'tap';
import { toHex } from '../base/bytes.js';
import { ManualClock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import type { Random } from '../base/random.js';
import { ForgetfulDatabase } from './forgetful-database-test-helper.js';
import type { LevelStore } from './level-store.js';
import { MemoryDisk, fault } from './memory-disk.js';
import { openMemoryStore } from './open-memory.js';
import { LEGAL_STEPS, isEnd } from './store.js';
import type { EndState, RecordState, Store } from './store.js';
import { QUEUE, inHours, makeEntry, readBlob, ridsOf, withoutBlob } from './store-test-helper.js';
import type { TestEntry } from './store-test-helper.js';

/**
 * A store does some work on a disk, and the power goes at one operation of that disk after another. Each time, whatever
 * had been promised must be there, and nothing half. The index comes back whole, with holes, or not at all.
 */

const LIMITS = { largeBlobBytes: 4096, segmentBytes: 16 * 1024, spareSegments: 2, aheadBytes: 3000, indexBufferBytes: 8 * 1024 };
const WEEK_MS = 7 * 24 * 3600 * 1000;
const ENDS: readonly EndState[] = ['forwarded', 'accepted', 'retracted', 'dropped'];

/** What was promised of one record, and what was only asked for. */
interface Expectation {
  readonly entry: TestEntry;
  promised: RecordState | 'nothing' | 'blob';
  readonly asked: Set<RecordState>;
  forgettable: boolean;
}

class World {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly database = new ForgetfulDatabase();
  readonly expectations = new Map<string, Expectation>();
  readonly outboxPromised = new Set<string>();
  readonly outboxMaybe = new Set<string>();
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  open(): Promise<LevelStore> {
    return openMemoryStore({ clock: this.clock, disk: this.disk.mount(), database: this.database, limits: LIMITS, random: this.random });
  }

  expect(entry: TestEntry): Expectation {
    const expectation: Expectation = { entry, promised: 'nothing', asked: new Set(), forgettable: false };
    this.expectations.set(ridsOf([entry])[0]!, expectation);
    return expectation;
  }

  below(limit: number): number {
    return Math.floor(this.random.fraction() * limit);
  }
}

async function work(world: World, store: LevelStore): Promise<void> {
  const { clock } = world;
  const hold = async (entry: TestEntry, handed = true): Promise<void> => {
    const expectation = world.expectations.get(ridsOf([entry])[0]!) ?? world.expect(entry);
    expectation.asked.add('held');
    const [result] = await store.hold([handed ? entry : withoutBlob(entry)]);
    if (result?.kind === 'held') expectation.promised = 'held';
  };
  const step = async (expectation: Expectation, state: Exclude<RecordState, 'held'>, key?: string): Promise<void> => {
    expectation.asked.add(state);
    if (key !== undefined) world.outboxMaybe.add(key);
    const outbox = key === undefined ? [] : [{ peer: 'next', key, bytes: new Uint8Array([1, 2, 3]) }];
    const [taken] = await store.step([{ rid: expectation.entry.record.rid, state, outbox, ...(state === 'forwarded' && { to: 'next' }) }]);
    if (taken !== true) return;
    expectation.promised = state;
    if (key !== undefined) world.outboxPromised.add(key);
  };
  const some = (): Expectation[] => [...world.expectations.values()].filter(({ promised }) => promised !== 'nothing' && promised !== 'blob');
  const receive = async (entry: TestEntry): Promise<void> => {
    const expectation = world.expect(entry);
    const receiver = await store.receiveBlob(entry);
    if (typeof receiver === 'string') return;
    const middle = entry.blob.length >> 1;
    await receiver.write(middle, entry.blob.subarray(middle));
    await receiver.write(0, entry.blob.subarray(0, middle));
    if ((await receiver.finish()) !== 'complete') throw new Error('the blob did not arrive');
    expectation.promised = 'blob';
    await hold(entry, false);
  };

  for (let round = 0; round < 8; round += 1) {
    const fresh = Array.from({ length: 6 }, () => makeEntry(clock, { blobBytes: 100 + world.below(1500), expirySec: inHours(clock, 1 + world.below(4)) }));
    const shared = makeEntry(clock, { blob: fresh[0]!.blob });
    await Promise.all([...fresh.map((entry) => hold(entry)), hold(shared), round % 2 === 0 ? hold(makeEntry(clock, { blobBytes: 6000 })) : receive(makeEntry(clock, { blobBytes: 5000 })), receive(makeEntry(clock, { blobBytes: 900 }))]);
    const held = some();
    const chosen = held.filter(() => world.below(2) === 0);
    await Promise.all(chosen.map((expectation, i) => step(expectation, world.below(5) === 0 ? 'fetched' : ENDS[world.below(ENDS.length)]!, i % 3 === 0 ? `${round}-${i}` : undefined)));
    await store.reschedule(held.map(({ entry }) => ({ rid: entry.record.rid, schedule: { target: QUEUE, dueMs: clock.nowMs() + world.below(1000), attempts: 1 } })));
    await store.due(QUEUE, clock.nowMs(), 5);
    await store.outboxRemove('next', [`${round}-0`]);
    world.outboxPromised.delete(`${round}-0`);
    world.outboxMaybe.add(`${round}-1x`);
    await store.outboxPut([{ peer: 'next', key: `${round}-1x`, bytes: new Uint8Array(50) }]);
    world.outboxPromised.add(`${round}-1x`);
    clock.advance(round === 5 ? WEEK_MS + 5 * 3600_000 : 3600_000);
    for (const { entry, asked, ...rest } of world.expectations.values()) {
      void rest;
      if (entry.record.expirySec * 1000 <= clock.nowMs()) asked.add('expired');
    }
    for (const expectation of world.expectations.values()) expectation.forgettable = expectation.entry.record.expirySec * 1000 + WEEK_MS <= clock.nowMs();
    const expired = await store.expire(clock.nowMs(), 1000);
    for (const rid of ridsOf(expired)) world.expectations.get(rid)!.promised = 'expired';
    await store.compact();
  }
}

/** Everything promised is there, nothing is half there, and the counts agree with what is there. */
async function verify(t: Test, world: World, store: Store, label: string): Promise<void> {
  const problems: string[] = [];
  const live = { records: 0, bytes: 0 };
  const ended: TestEntry[] = [];
  const livingBlobs = new Set<string>();
  const due = new Set(ridsOf(await store.due(QUEUE, Number.MAX_SAFE_INTEGER / 1024, 10_000)));
  for (const [rid, { entry, promised, asked, forgettable }] of world.expectations) {
    const found = await store.find(entry.record.rid);
    const state = found?.state;
    const name = `${rid.slice(0, 8)} promised ${promised}, asked ${[...asked].join()}`;
    if (found === undefined) {
      if (promised === 'blob') {
        const [result] = await store.hold([withoutBlob(entry)]);
        const expiredAway = entry.record.expirySec * 1000 <= world.clock.nowMs();
        if (result?.kind !== 'held' && !expiredAway) problems.push(`${name}: its blob is gone`);
        if (result?.kind === 'held') {
          live.records += 1;
          live.bytes += entry.blob.length;
          asked.add('held');
        }
      } else if (promised !== 'nothing' && !forgettable) problems.push(`${name}: gone`);
      continue;
    }
    if (!isPossible(promised, state!, asked)) problems.push(`${name}: is ${state}`);
    if ((state === 'held') !== due.has(rid) && promised !== 'blob') problems.push(`${name}: is ${state}, and ${due.has(rid) ? '' : 'not '}due`);
    if (isEnd(state!)) {
      if ((await store.blob(entry.record.rid)) !== undefined) problems.push(`${name}: ended, and has a blob`);
      ended.push(entry);
      continue;
    }
    livingBlobs.add(toHex(entry.record.blobHash));
    live.records += 1;
    live.bytes += entry.blob.length;
    const blob = await readBlob(store, entry.record).catch(() => undefined);
    if (blob === undefined || !blob.equals(entry.blob)) problems.push(`${name}: its blob is not there`);
  }
  const keys = new Set((await store.outbox('next', 10_000)).map(({ key }) => key));
  for (const key of world.outboxPromised) if (!keys.has(key)) problems.push(`outbox ${key}: gone`);
  for (const key of keys) if (!world.outboxMaybe.has(key)) problems.push(`outbox ${key}: never put`);
  const { incoming } = store.status();
  const usage = store.usage('peer', 'client');
  if (incoming === 0 && (usage.records !== live.records || usage.bytes !== live.bytes)) {
    problems.push(`usage says ${usage.records} records of ${usage.bytes} bytes; there are ${live.records} of ${live.bytes}`);
  }
  if (incoming === 0) {
    for (const { record, blob } of ended.filter(({ record }) => !livingBlobs.has(toHex(record.blobHash)))) {
      const [result] = await store.hold([withoutBlob(makeEntry(world.clock, { blob }))]);
      if (result?.kind !== 'refused') problems.push(`the blob of ${toHex(record.rid).slice(0, 8)} has outlived its records`);
    }
  }
  t.same(problems, [], label);
}

function isPossible(promised: RecordState | 'nothing' | 'blob', found: RecordState, asked: ReadonlySet<RecordState>): boolean {
  if (promised === found) return true;
  if (promised === 'nothing' || promised === 'blob') return asked.has(found) || found === 'held';
  // A step that was asked for and not answered may have been taken.
  return asked.has(found) && (LEGAL_STEPS[promised].includes(found) || LEGAL_STEPS[promised].some((next) => LEGAL_STEPS[next].includes(found)));
}

type Way = 'kill' | 'index whole' | 'index with holes' | 'index lost';
const WAYS: readonly Way[] = ['kill', 'index whole', 'index with holes', 'index lost'];

async function cut(world: World, way: Way): Promise<void> {
  if (way === 'kill') {
    world.disk.kill();
    world.database.kill();
    return;
  }
  const kept = world.random.fraction();
  world.disk.crash(world.below(4) === 0 ? undefined : () => world.random.fraction() < kept);
  if (way === 'index whole') await world.database.crash(() => true);
  else if (way === 'index with holes') await world.database.crash(() => world.below(2) === 0);
  else {
    await world.database.crash(() => false);
    await world.database.destroy();
  }
}

async function countOperations(seed: number): Promise<number> {
  const world = new World(seed);
  let operations = 0;
  world.disk.before = () => void (operations += 1);
  const store = await world.open();
  await work(world, store);
  await store.close();
  return operations;
}

t.test('whenever the power goes, what was promised is there and nothing is half there', async (t) => {
  // All of it takes an hour: for a change to recovery or compaction.
  const points = Number(process.env['POSTERN_CRASH_POINTS'] ?? 60);
  t.setTimeout(points * 10_000);
  for (const seed of [1, 2]) {
    const operations = await countOperations(seed);
    t.comment(`${operations} operations`);
    const stride = Math.max(1, operations / (points / 2));
    for (let point = 0; point * stride < operations; point += 1) {
      const at = 1 + Math.floor(point * stride);
      for (const chosen of stride > 1 ? [WAYS[point % WAYS.length]!] : WAYS) {
        const world = new World(seed);
        let operation = 0;
        world.disk.before = async () => {
          operation += 1;
          if (operation !== at) return;
          await cut(world, chosen);
          throw fault('EIO', 'no power');
        };
        const store = await world.open().catch(() => undefined);
        if (store !== undefined) await work(world, store).catch(() => undefined);
        await store?.close().catch(() => undefined);
        if (operation < at) break;
        world.disk.before = undefined;
        const label = `seed ${seed}, operation ${at}, ${chosen}`;
        const again = await world.open();
        await verify(t, world, again, label);
        await again.close();
        const oncemore = await world.open();
        await verify(t, world, oncemore, `${label}, opened once more`);
        await oncemore.close();
      }
    }
  }
});
