/**
 * Durable acceptance through the store's face beside what the disk gives: 1 KiB blobs, 1, 16 and 256 at once. Every round
 * runs all contestants on the same file system in rotated order; only ratios within a round count, and of these the median.
 *
 * raw    append + fdatasync of the same bytes in groups of the same size: no callers, no check, no copy, no index
 * level  record and blob as one value, an index entry beside it, one synced batch per group
 * file   one file per blob, synced, and its directory
 */
import { mkdir, open, rm } from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Level } from 'level';
import { systemClock } from '../base/clock.js';
import { makeRecord } from '../wire/record.js';
import { NO_QUOTAS } from '../store/open-memory.js';
import { openStore } from '../store/open.js';
import { entryBytes } from '../store/log-entry.js';
import type { HoldEntry } from '../store/store.js';

interface Goal {
  readonly name: string;
  readonly goal: number;
  readonly median: number;
  readonly rounds: readonly number[];
}

const BLOB_BYTES = 1024;
const DESTINATIONS = 1000;
/** What stands in front of the record in its log entry, about. */
const RECORD_HEAD_BYTES = 40;
const COUNTS = new Map([
  [1, 1500],
  [16, 16_000],
  [256, 60_000],
]);
const RAW_GOALS = new Map([
  [1, 0.8],
  [16, 0.65],
  [256, 0.5],
]);
const LEVEL_GOAL = 1.5;
const FILE_GOAL = 50;
const FILE_COUNT = 600;

type Entries = readonly Required<HoldEntry>[];
type Contestant = (dir: string, entries: Entries, atOnce: number) => Promise<number>;

async function benchAcceptStore(dir: string, rounds: number): Promise<Goal[]> {
  const goals: Goal[] = [];
  for (const [atOnce, count] of COUNTS) {
    const entries = makeEntries(count);
    const contestants = new Map<string, Contestant>([['raw', raw], ['store', store], ...(atOnce === 256 ? ([['level', level], ['file', file]] as const) : [])]);
    const rates = await race(dir, contestants, entries, atOnce, rounds);
    const ratios = (other: string): number[] => rates.get('store')!.map((rate, i) => rate / rates.get(other)![i]!);
    goals.push(goalOf(`${atOnce} at once, x raw`, RAW_GOALS.get(atOnce)!, ratios('raw')));
    if (atOnce === 256) goals.push(goalOf('256 at once, x level alone', LEVEL_GOAL, ratios('level')), goalOf('256 at once, x file per blob', FILE_GOAL, ratios('file')));
    for (const [name, list] of rates) console.log(`  ${String(atOnce).padStart(3)} at once  ${name.padEnd(6)} ${list.map((rate) => String(Math.round(rate)).padStart(8)).join('')} blobs/s`);
  }
  return goals;
}

function goalOf(name: string, goal: number, rounds: readonly number[]): Goal {
  return { name, goal, median: [...rounds].sort((a, b) => a - b)[rounds.length >> 1]!, rounds };
}

async function race(dir: string, contestants: ReadonlyMap<string, Contestant>, entries: Entries, atOnce: number, rounds: number): Promise<Map<string, number[]>> {
  const names = [...contestants.keys()];
  const rates = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < names.length; i += 1) {
      const name = names[(round + i) % names.length]!;
      const place = join(dir, name);
      await rm(place, { recursive: true, force: true });
      await mkdir(place, { recursive: true });
      rates.get(name)!.push(await contestants.get(name)!(place, entries, atOnce));
      await rm(place, { recursive: true, force: true });
    }
  }
  return rates;
}

/** Blobs per second. */
async function timed(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (count / (performance.now() - start)) * 1000;
}

async function raw(dir: string, entries: Entries, atOnce: number): Promise<number> {
  const handle = await open(join(dir, 'log'), 'w');
  const bytes = entryBytes(32 + BLOB_BYTES) + entryBytes(entries[0]!.record.bytes.length + RECORD_HEAD_BYTES);
  const buffers = Array.from({ length: atOnce }, () => randomBytes(bytes));
  try {
    return await timed(entries.length, async () => {
      for (let done = 0; done < entries.length; done += atOnce) {
        await handle.writev(buffers, done * bytes);
        await handle.datasync();
      }
    });
  } finally {
    await handle.close();
  }
}

async function store(dir: string, entries: Entries, atOnce: number): Promise<number> {
  const opened = await openStore({ dir, clock: systemClock, quotas: NO_QUOTAS, limits: { segmentBytes: 64 * 2 ** 20, indexBufferBytes: 16 * 2 ** 20 } });
  try {
    return await timed(entries.length, async () => {
      await inTurns(entries, atOnce, async (entry) => {
        const [result] = await opened.hold([entry]);
        if (result?.kind !== 'held') throw new Error(JSON.stringify(result));
      });
      // The index is written as its buffer fills, within the run where there is enough to fill it; what is left stays in memory and can be asked for.
      await opened.nextDueMs('nobody');
    });
  } finally {
    await opened.close();
  }
}

async function level(dir: string, entries: Entries, atOnce: number): Promise<number> {
  const db = new Level<Uint8Array, Uint8Array>(dir, { keyEncoding: 'view', valueEncoding: 'view', compression: false, writeBufferSize: 16 * 2 ** 20 });
  await db.open();
  try {
    return await timed(entries.length, async () => {
      for (let done = 0; done < entries.length; done += atOnce) {
        const batch = db.batch();
        for (const { record, blob } of entries.slice(done, done + atOnce)) {
          batch.put(record.rid, Buffer.concat([record.bytes, blob]));
          batch.put(Buffer.concat([Buffer.from(record.destination), record.rid]), record.locator);
        }
        await batch.write({ sync: true });
      }
    });
  } finally {
    await db.close();
  }
}

async function file(dir: string, entries: Entries, atOnce: number): Promise<number> {
  const few = entries.slice(0, FILE_COUNT);
  return timed(few.length, () =>
    inTurns(few, atOnce, async ({ record, blob }) => {
      const handle = await open(join(dir, Buffer.from(record.rid).toString('hex')), 'w');
      await handle.write(Buffer.concat([record.bytes, blob]));
      await handle.sync();
      await handle.close();
      const folder = await open(dir, 'r');
      await folder.sync();
      await folder.close();
    }),
  );
}

/** So many callers, each with its next entry as soon as the last one is done. */
async function inTurns(entries: Entries, atOnce: number, work: (entry: Required<HoldEntry>) => Promise<void>): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let entry = entries[next++]; entry !== undefined; entry = entries[next++]) await work(entry);
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}

function makeEntries(count: number): Entries {
  const nowMs = systemClock.nowMs();
  const expirySec = (Math.floor(nowMs / 1000 / 3600) + 24) * 3600;
  return Array.from({ length: count }, (_, i) => {
    const blob = randomBytes(BLOB_BYTES);
    const destination = `station-${i % DESTINATIONS}.example`;
    const record = makeRecord({
      destination,
      locator: randomBytes(24),
      expirySec: expirySec + (i % 24) * 3600,
      blobBytes: BLOB_BYTES,
      blobHash: createHash('sha256').update(blob).digest(),
      retractCommitment: randomBytes(16),
      notification: randomBytes(109),
    });
    return { record, from: 'client', heldAtMs: nowMs, schedule: { target: `peer:${i % 3}`, dueMs: nowMs, attempts: 0 }, blob };
  });
}

const [dir = join(process.cwd(), 'build', 'bench-accept'), roundsText = '5'] = process.argv.slice(2);
const goals = await benchAcceptStore(dir, Number(roundsText));
for (const { name, goal, median, rounds } of goals) {
  console.log(`${median >= goal ? 'PASS' : 'FAIL'} ${name.padEnd(32)} ${median.toFixed(2)} (goal ${goal}; rounds ${rounds.map((ratio) => ratio.toFixed(2)).join(' ')})`);
}
process.exitCode = goals.every(({ goal, median }) => median >= goal) ? 0 : 1;
