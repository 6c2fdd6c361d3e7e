/** What the tests of the store share: records with blobs, and a store that can be opened, left, and opened again. */
import { createHash } from 'node:crypto';
import type { ManualClock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import { makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import type { HoldEntry, Store } from './store.js';

export interface TestEntry extends HoldEntry {
  readonly blob: Uint8Array;
}

export interface EntryWishes {
  readonly blobBytes?: number;
  readonly blob?: Uint8Array;
  readonly from?: string;
  readonly destination?: string;
  readonly target?: string;
  readonly dueMs?: number;
  readonly expirySec?: number;
  readonly locator?: Uint8Array;
}

export const QUEUE = 'peer:shore';
const HOUR_SEC = 3600;
let made = 0;

/** A record of its own with a blob of its own, held now, due now, living for a day. */
export function makeEntry(clock: ManualClock, wishes: EntryWishes = {}): TestEntry {
  const random = seededRandom(++made);
  const blob = wishes.blob ?? random.bytes(wishes.blobBytes ?? 300);
  const heldAtMs = clock.nowMs();
  return {
    record: makeTestRecord(blob, {
      destination: wishes.destination ?? 'station.example',
      locator: wishes.locator ?? random.bytes(24),
      expirySec: wishes.expirySec ?? inHours(clock, 24),
    }),
    from: wishes.from ?? 'client',
    heldAtMs,
    schedule: { target: wishes.target ?? QUEUE, dueMs: wishes.dueMs ?? heldAtMs, attempts: 0 },
    blob,
  };
}

export function makeTestRecord(blob: Uint8Array, fields: Pick<TransitRecord, 'destination' | 'locator' | 'expirySec'>): TransitRecord {
  return makeRecord({ ...fields, blobBytes: blob.length, blobHash: new Uint8Array(createHash('sha256').update(blob).digest()), retractCommitment: new Uint8Array(16).fill(7) });
}

/** A full hour, that many hours ahead. */
export function inHours(clock: ManualClock, hours: number): number {
  return (Math.floor(clock.nowMs() / 1000 / HOUR_SEC) + hours) * HOUR_SEC;
}

export function withoutBlob({ record, from, heldAtMs, schedule }: HoldEntry): HoldEntry {
  return { record, from, heldAtMs, schedule };
}

export async function readBlob(store: Store, record: TransitRecord): Promise<Buffer | undefined> {
  const source = await store.blob(record.rid);
  return source === undefined ? undefined : Buffer.from(await source.read(0, source.bytes));
}

export async function streamBlob(store: Store, record: TransitRecord, startByte?: number, endByte?: number): Promise<Buffer> {
  const source = await store.blob(record.rid);
  const parts: Uint8Array[] = [];
  if (source !== undefined) for await (const part of source.stream(startByte, endByte)) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

export function ridsOf(stored: readonly { readonly record: TransitRecord }[]): string[] {
  return stored.map(({ record }) => Buffer.from(record.rid).toString('hex'));
}
