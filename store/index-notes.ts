/** What the index says about itself: which log it belongs to, and how much of it it has taken in. */
import { copyBytes } from '../base/bytes.js';
import { ByteReader, ByteWriter } from './binary.js';
import type { KeyValue } from './key-value.js';
import { ownKey, toBytes } from './keys.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import { unsealed } from './sealed-value.js';
import { damagedIndex } from './store-errors.js';

export interface IndexNotes {
  /** The log it belongs to. */
  readonly storeId: Uint8Array;
  /** All that the log says up to here is durable in the index. */
  readonly watermark: Position;
  /** The index has taken in the log up to here, durably or not. */
  readonly through: Position;
}

export const NOTES_KEY = ownKey('notes');
/** Up to where the log was taken in when the last checkpoint began. */
export const MARK_KEY = ownKey('mark');
const STORE_ID_BYTES = 16;

/**
 * What the database says about itself; undefined when it is new. The notes are the last thing written, and all that was
 * durable before stands in tables by then: where these do not have the mark of the last checkpoint, they are not those of the notes.
 */
export function readNotes(kv: KeyValue): IndexNotes | undefined {
  const content = readOwn(kv, NOTES_KEY);
  if (content === undefined) return undefined;
  const reader = new ByteReader(content, 'the notes of the index');
  const notes = { storeId: copyBytes(reader.fixed(STORE_ID_BYTES)), watermark: reader.uint(POSITION_BYTES), through: reader.uint(POSITION_BYTES) };
  reader.end();
  const mark = readOwn(kv, MARK_KEY);
  if (notes.watermark > (mark === undefined ? 0 : new ByteReader(mark, 'the mark of the index').uint(POSITION_BYTES))) throw damagedIndex();
  return notes;
}

export function encodeNotes(notes: IndexNotes): Uint8Array {
  return new ByteWriter(64).fixed(notes.storeId).uint(notes.watermark, POSITION_BYTES).uint(notes.through, POSITION_BYTES).finish();
}

export function encodeMark(through: Position): Uint8Array {
  return new ByteWriter(POSITION_BYTES).uint(through, POSITION_BYTES).finish();
}

function readOwn(kv: KeyValue, key: string): Uint8Array | undefined {
  const value = kv.getSync(toBytes(key));
  if (value === undefined) return undefined;
  const content = unsealed(value);
  if (content === undefined) throw damagedIndex();
  return content;
}
