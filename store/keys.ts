/**
 * Every key of the index in one list. A key is bytes, written here as a string of the characters 0 to 255, because
 * strings are what a Map compares fast; their order is that of the bytes. A retired prefix keeps its letter.
 *
 * | prefix | key                                  | value                    | why this order            |
 * |--------|--------------------------------------|--------------------------|---------------------------|
 * | r      | record key                           | record row               | looked up one by one      |
 * | l      | locator, record key                  | nothing                  | all records of a locator  |
 * | b      | blob hash                            | blob row                 | looked up one by one      |
 * | d      | queue name, due time, page number    | record keys              | a queue in order of time  |
 * | e      | expiry hour, page number             | record keys              | what expires next         |
 * | o      | peer name, position, number          | outbox key, bytes        | order of arrival          |
 * | k      | peer name, outbox key                | the end of its o key     | replace and remove by key |
 * | u      | kind of counter, name                | counter row              | read whole when opening   |
 * | p      | record key                           | incoming row             | read whole when opening   |
 * | g      | sequence number of a segment         | how much of it lives     | read whole when opening   |
 * | m      | name                                 | the gateway's value      | looked up one by one      |
 * | s      | name                                 | the store's own notes    | looked up one by one      |
 */
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';

/**
 * A record is known in the index by half of its rid. 128 bits are out of reach for finding a second record with the
 * same ones, and two records that somebody made to collide harm nobody but him.
 */
export const RECORD_KEY_BYTES = 16;
const TIME_BYTES = 6;
const HOUR_BYTES = 4;
const PAGE_BYTES = 7;
const SEQUENCE_BYTES = 6;
const LARGEST_NAME_BYTES = 255;

export function recordKey(rid: Uint8Array): string {
  return latin1(rid, 0, RECORD_KEY_BYTES);
}

export function hashKey(hash: Uint8Array): string {
  return latin1(hash, 0, hash.length);
}

/** Whether `hash` has this key, found out without making it. */
export function isHashKeyOf(key: string, hash: Uint8Array): boolean {
  if (key.length !== hash.length) return false;
  for (let i = 0; i < hash.length; i += 1) if (key.charCodeAt(i) !== hash[i]) return false;
  return true;
}

/** What a record and its blob are known by in the index. */
export interface RecordKeys {
  readonly record: string;
  readonly hash: string;
}

export function keysOf({ rid, blobHash }: { readonly rid: Uint8Array; readonly blobHash: Uint8Array }): RecordKeys {
  return { record: recordKey(rid), hash: hashKey(blobHash) };
}

export const rowKey = (record: string): string => `r${record}`;
export const blobKey = (hash: string): string => `b${hash}`;
export const incomingKey = (record: string): string => `p${record}`;
export const metaKey = (name: string): string => `m${binaryText(name)}`;
export const ownKey = (name: string): string => `s${name}`;

export function locatorPrefix(locator: Uint8Array): string {
  return `l${fromBytes(locator)}`;
}

export function queuePrefix(target: string): string {
  return `d${nameKey(target)}`;
}

/** All pages of one due time of a queue begin with this. */
export function duePrefix(target: string, dueMs: number): string {
  return queuePrefix(target) + number(Math.max(0, Math.floor(dueMs)), TIME_BYTES);
}

export function expiryPrefix(expiryHour: number): string {
  return `e${number(expiryHour, HOUR_BYTES)}`;
}

export function pageKey(prefix: string, page: number): string {
  return prefix + number(page, PAGE_BYTES);
}

export function outboxPrefix(peer: string): string {
  return `o${nameKey(peer)}`;
}

/** What follows the prefix in the key of an outbox entry. */
export function outboxPlace(position: Position, index: number): string {
  return number(position, POSITION_BYTES) + number(index, 4);
}

export function positionOfPlace(place: string): Position {
  return toBytes(place.slice(0, POSITION_BYTES)).reduce((value, byte) => value * 256 + byte, 0);
}

export function outboxNameKey(peer: string, key: string): string {
  return `k${nameKey(peer)}${binaryText(key)}`;
}

export function counterKey(kind: string, name: string): string {
  return `u${kind}${binaryText(name)}`;
}

export function segmentKey(sequence: number): string {
  return `g${number(sequence, SEQUENCE_BYTES)}`;
}

export function sequenceOfSegmentKey(key: string): number {
  return toBytes(key.slice(1)).readUIntBE(0, SEQUENCE_BYTES);
}

export function partsOfCounterKey(key: string): { readonly letter: string; readonly name: string } {
  return { letter: key.charAt(1), name: toBytes(key.slice(2)).toString('utf8') };
}

export function toBytes(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}

export function fromBytes(key: Uint8Array): string {
  return latin1(key, 0, key.length);
}

/** The first key behind all that begin with `prefix`. */
export function after(prefix: string): string {
  const end = prefix.replace(/\u00ff+$/, '');
  return end.slice(0, -1) + String.fromCharCode(end.charCodeAt(end.length - 1) + 1);
}

/** The characters of a text as those of its UTF-8 bytes. */
function binaryText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

const ASCII = /^[\x00-\x7f]*$/;

const { latin1Slice } = Buffer.prototype as unknown as { readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string };

/** Node's own conversion, without a Buffer made for each of the many calls. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/** A name of bounded length that no other name is the beginning of. */
function nameKey(name: string): string {
  const text = binaryText(name);
  if (text.length > LARGEST_NAME_BYTES) throw new RangeError(`a name of ${text.length} bytes; ${LARGEST_NAME_BYTES} are the most`);
  return String.fromCharCode(text.length) + text;
}

function number(value: number, width: number): string {
  const high = Math.floor(value / 2 ** 32);
  const text = String.fromCharCode((high >>> 16) & 0xff, (high >>> 8) & 0xff, high & 0xff, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  return text.slice(text.length - width);
}
