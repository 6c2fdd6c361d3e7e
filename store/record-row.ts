/** What the index knows of a record. The record itself is in the log, at `entry`. */
import { ByteReader } from './binary.js';
import type { ByteWriter } from './binary.js';
import { fromBytes } from './keys.js';
import { readState, stateNumber } from './log-content.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import type { RecordState, Schedule } from './store.js';

export interface RecordRow {
  /** The last log entry that shaped this row: what is replayed from before it is known here already. */
  readonly position: Position;
  readonly entry: Position;
  readonly entryPayloadBytes: number;
  readonly state: RecordState;
  readonly from: string;
  readonly to: string | undefined;
  readonly heldAtMs: number;
  /** Of the record: what accounting and letting go need without reading the log. */
  readonly destination: string;
  readonly expirySec: number;
  readonly blobBytes: number;
  /** Hash key of the blob; see keys.ts. */
  readonly hash: string;
  /** Kept at an end too, where it means nothing any more. */
  readonly schedule: Schedule;
}

const TIME_BYTES = 6;
const SIZE_BYTES = 6;
const EXPIRY_BYTES = 5;
const HASH_BYTES = 32;

export function writeRecordRow(writer: ByteWriter, row: RecordRow): ByteWriter {
  return writer
    .uint(row.position, POSITION_BYTES)
    .uint(row.entry, POSITION_BYTES)
    .uint(row.entryPayloadBytes, 3)
    .uint(stateNumber(row.state), 1)
    .uint(row.heldAtMs, TIME_BYTES)
    .uint(row.expirySec, EXPIRY_BYTES)
    .uint(row.blobBytes, SIZE_BYTES)
    .latin1(row.hash)
    .uint(row.schedule.dueMs, TIME_BYTES)
    .uint(row.schedule.attempts, 3)
    .text(row.schedule.target)
    .text(row.from)
    .text(row.to ?? '')
    .text(row.destination);
}

export function decodeRecordRow(bytes: Uint8Array): RecordRow {
  const reader = new ByteReader(bytes, 'a record row of the index');
  const fixed = {
    position: reader.uint(POSITION_BYTES),
    entry: reader.uint(POSITION_BYTES),
    entryPayloadBytes: reader.uint(3),
    state: readState(reader),
    heldAtMs: reader.uint(TIME_BYTES),
    expirySec: reader.uint(EXPIRY_BYTES),
    blobBytes: reader.uint(SIZE_BYTES),
    hash: fromBytes(reader.fixed(HASH_BYTES)),
  };
  const dueMs = reader.uint(TIME_BYTES);
  const attempts = reader.uint(3);
  const { target, from, to, destination } = namesIn(reader.rest());
  return { ...fixed, schedule: { target, dueMs, attempts }, from, to, destination };
}

type Names = Pick<RecordRow, 'from' | 'to' | 'destination'> & Pick<Schedule, 'target'>;

/** Thousands of rows say the same names: they are read once, and kept once. */
const names = new Map<string, Names>();
const MOST_NAMES = 1024;

function namesIn(bytes: Uint8Array): Names {
  const key = fromBytes(bytes);
  const known = names.get(key);
  if (known !== undefined) return known;
  const reader = new ByteReader(bytes, 'a record row of the index');
  const [target, from, to, destination] = [reader.text(), reader.text(), reader.text(), reader.text()];
  reader.end();
  const found = { target, from, to: to === '' ? undefined : to, destination };
  if (names.size >= MOST_NAMES) names.clear();
  names.set(key, found);
  return found;
}
