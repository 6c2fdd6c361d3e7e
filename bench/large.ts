/**
 * One large blob through the store's face, in pieces of 64 KiB as they come from a wire, beside what the disk and one core give:
 * the raw sequential write of the same bytes with fdatasync at the end, and SHA-256 over them. Rounds are interleaved; the ratios of
 * each round count, and of these the median. The store runs in a process of its own, whose memory is watched.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import { NO_QUOTAS } from '../store/open-memory.js';
import { openStore } from '../store/open.js';
import type { Store } from '../store/store.js';
import { makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';

const MIB = 2 ** 20;
const BLOB_BYTES = 1024 * MIB;
const WARM_BYTES = 64 * MIB;
const PIECE_BYTES = 64 * 1024;
const RAW_WRITE_BYTES = MIB;
const DISK_GOAL = 0.45;
const HASH_GOAL = 0.65;
const GROWTH_GOAL_BYTES = 16 * MIB;
const PIECES_BETWEEN_LOOKS = 64;

interface StoreFigures {
  readonly bytesPerMs: number;
  readonly growthBytes: number;
}

const [dir = join(process.cwd(), 'build', 'bench-large'), roundsText = '3', role] = process.argv.slice(2);
if (role === 'store') process.send?.(await throughStore(dir));
else await compare(dir, Number(roundsText));

async function compare(dir: string, rounds: number): Promise<void> {
  const lines: { raw: number; hash: number; store: StoreFigures }[] = [];
  console.log('1 GiB               raw MB/s   sha256 MB/s   store MB/s   x raw   x sha256   memory +MiB');
  for (let round = 0; round < rounds; round += 1) {
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    // Whoever comes first finds a quieter disk cache; nobody is first twice running.
    const store = round % 2 === 0 ? await inChild(dir) : undefined;
    const line = { raw: await raw(join(dir, 'raw')), hash: hashed(), store: store ?? (await inChild(dir)) };
    lines.push(line);
    console.log(
      `round ${round + 1}${mb(line.raw).padStart(20)}${mb(line.hash).padStart(14)}${mb(line.store.bytesPerMs).padStart(13)}${(line.store.bytesPerMs / line.raw).toFixed(2).padStart(8)}${(line.store.bytesPerMs / line.hash).toFixed(2).padStart(11)}${(line.store.growthBytes / MIB).toFixed(1).padStart(14)}`,
    );
  }
  await rm(dir, { recursive: true, force: true });
  const share = median(lines.map(({ raw, hash, store }) => store.bytesPerMs / Math.min(raw * DISK_GOAL, hash * HASH_GOAL)));
  const growth = median(lines.map(({ store }) => store.growthBytes));
  const goals: [string, boolean][] = [
    [`the lower of ${DISK_GOAL} of the disk and ${HASH_GOAL} of one core's SHA-256: ${share.toFixed(2)} of it`, share >= 1],
    [`memory grows by at most ${GROWTH_GOAL_BYTES / MIB} MiB: ${(growth / MIB).toFixed(1)}`, growth <= GROWTH_GOAL_BYTES],
  ];
  for (const [text, met] of goals) console.log(`${met ? 'PASS' : 'FAIL'} ${text}`);
  process.exitCode = goals.every(([, met]) => met) ? 0 : 1;
}

async function raw(path: string): Promise<number> {
  const bytes = seededRandom(1).bytes(RAW_WRITE_BYTES);
  const file = await open(path, 'w');
  const startMs = performance.now();
  for (let offset = 0; offset < BLOB_BYTES; offset += RAW_WRITE_BYTES) await file.write(bytes, 0, RAW_WRITE_BYTES, offset);
  await file.datasync();
  const elapsedMs = performance.now() - startMs;
  await file.close();
  await rm(path);
  return BLOB_BYTES / elapsedMs;
}

function hashed(): number {
  const piece = seededRandom(1).bytes(PIECE_BYTES);
  const sum = createHash('sha256');
  const startMs = performance.now();
  for (let offset = 0; offset < BLOB_BYTES; offset += PIECE_BYTES) sum.update(piece);
  sum.digest();
  return BLOB_BYTES / (performance.now() - startMs);
}

async function inChild(dir: string): Promise<StoreFigures> {
  const child = fork(fileURLToPath(import.meta.url), [dir, '1', 'store']);
  const exited = once(child, 'exit');
  const [figures] = (await once(child, 'message')) as [StoreFigures];
  child.disconnect();
  await exited;
  return figures;
}

async function throughStore(dir: string): Promise<StoreFigures> {
  const store = await openStore({ dir: join(dir, 'store'), clock: systemClock, quotas: NO_QUOTAS });
  await receive(store, recordOf(WARM_BYTES), () => undefined);
  const record = recordOf(BLOB_BYTES);
  const before = process.memoryUsage.rss();
  let most = before;
  const startMs = performance.now();
  await receive(store, record, () => (most = Math.max(most, process.memoryUsage.rss())));
  const elapsedMs = performance.now() - startMs;
  await store.close();
  return { bytesPerMs: BLOB_BYTES / elapsedMs, growthBytes: most - before };
}

async function receive(store: Store, record: TransitRecord, look: () => void): Promise<void> {
  const entry = { record, from: 'client', heldAtMs: systemClock.nowMs(), schedule: { target: 'peer:shore', dueMs: systemClock.nowMs(), attempts: 0 } };
  const receiver = await store.receiveBlob(entry);
  if (typeof receiver === 'string') throw new Error(receiver);
  let count = 0;
  for (const [offset, piece] of pieces(record.blobBytes)) {
    await receiver.write(offset, piece);
    count += 1;
    if (count % PIECES_BETWEEN_LOOKS === 0) look();
  }
  if ((await receiver.finish()) !== 'complete') throw new Error('the blob did not arrive');
  const [result] = await store.hold([entry]);
  if (result?.kind !== 'held') throw new Error(JSON.stringify(result));
}

/** The same bytes for the same length, every piece another. */
function* pieces(blobBytes: number): Generator<[number, Uint8Array]> {
  const piece = Buffer.from(seededRandom(1).bytes(PIECE_BYTES));
  for (let offset = 0; offset < blobBytes; offset += PIECE_BYTES) {
    piece.writeDoubleBE(offset, 0);
    yield [offset, piece];
  }
}

function recordOf(blobBytes: number): TransitRecord {
  const sum = createHash('sha256');
  for (const [, piece] of pieces(blobBytes)) sum.update(piece);
  return makeRecord({
    destination: 'station.example',
    locator: seededRandom(blobBytes).bytes(24),
    expirySec: (Math.floor(systemClock.nowMs() / 3_600_000) + 24) * 3600,
    blobBytes,
    blobHash: new Uint8Array(sum.digest()),
    retractCommitment: new Uint8Array(16),
  });
}

function mb(bytesPerMs: number): string {
  return (bytesPerMs / 1000).toFixed(0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
