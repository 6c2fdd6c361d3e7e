/**
 * What a unit on a link is made of, for the accounts: which records, receipts and pieces are in it and how many bytes each
 * takes. It only counts: the gateways at both ends judge what they send and get, and a unit that cannot be read is all framing.
 */
import { toHex, utf8 } from '../base/bytes.js';
import { BREAK, INDEFINITE_ARRAY } from '../wire/bundle-cbor.js';
import { headBytesOf } from '../wire/cbor-head.js';
import { sha256Of } from '../wire/node-crypto.js';
import { OBJECT_TYPE } from '../wire/object-types.js';

export type ControlKind = 'receipts' | 'openings' | 'wants' | 'refusals';

export interface UnitContents {
  readonly records: readonly { readonly rid: string; readonly bytes: number }[];
  /** Bytes of each kind. */
  readonly controls: Readonly<Record<ControlKind, number>>;
  readonly pieces: readonly { readonly rid: string; readonly offset: number; readonly bytes: number }[];
}

interface Item {
  readonly major: number;
  readonly argument: number;
  /** Where what follows the head begins. */
  readonly inside: number;
}

const EMPTY: UnitContents = { records: [], controls: { receipts: 0, openings: 0, wants: 0, refusals: 0 }, pieces: [] };
const RID_LABEL = utf8('rid/1');
const PAYLOAD_TYPE = 1;
const [RECORD_COUNT, CONTROL_COUNT] = [4, 8];
const [BYTES, TEXT, ARRAY, MAP] = [2, 3, 4, 5];

/** @param bundle as a gateway wrote it */
export function contentsOf(bundle: Uint8Array): UnitContents {
  const payload = payloadOf(bundle);
  return payload === undefined ? EMPTY : batchContents(bundle, payload.start, payload.end);
}

/** Where the data of the payload block stands. */
function payloadOf(bytes: Uint8Array): { start: number; end: number } | undefined {
  if (bytes[0] !== INDEFINITE_ARRAY) return undefined;
  let at = endOf(bytes, 1);
  while (at < bytes.length && bytes[at] !== BREAK) {
    let field = itemAt(bytes, at).inside;
    const type = itemAt(bytes, field).argument;
    for (let skipped = 0; skipped < 4; skipped += 1) field = endOf(bytes, field);
    const data = itemAt(bytes, field);
    if (type === PAYLOAD_TYPE) return { start: data.inside, end: data.inside + data.argument };
    at = endOf(bytes, at);
  }
  return undefined;
}

function batchContents(bytes: Uint8Array, start: number, end: number): UnitContents {
  const records: { rid: string; bytes: number }[] = [];
  const controls = { ...EMPTY.controls };
  const pieces: { rid: string; offset: number; bytes: number }[] = [];
  const { recordCount, controlCount } = counts(bytes, itemAt(bytes, itemAt(bytes, start).inside).inside);
  let at = endOf(bytes, start);
  for (let index = 0; index < recordCount; index += 1) {
    const next = endOf(bytes, at);
    records.push({ rid: toHex(sha256Of(Buffer.concat([RID_LABEL, bytes.subarray(at, next)]))), bytes: next - at });
    at = next;
  }
  for (let index = 0; index < controlCount; index += 1) {
    const next = endOf(bytes, at);
    controls[controlKind(bytes, at)] += next - at;
    at = next;
  }
  while (at < end) {
    const number = itemAt(bytes, itemAt(bytes, at).inside);
    const offset = itemAt(bytes, number.inside);
    const data = itemAt(bytes, offset.inside);
    pieces.push({ rid: records[number.argument]?.rid ?? '', offset: offset.argument, bytes: data.argument });
    at = data.inside + data.argument;
  }
  return { records, controls, pieces };
}

/** From the body of an offer. */
function counts(bytes: Uint8Array, body: number): { recordCount: number; controlCount: number } {
  const found = { recordCount: 0, controlCount: 0 };
  const map = itemAt(bytes, body);
  let at = map.inside;
  for (let entry = 0; entry < map.argument; entry += 1) {
    const key = itemAt(bytes, at);
    const value = itemAt(bytes, key.inside);
    if (key.argument === RECORD_COUNT) found.recordCount = value.argument;
    if (key.argument === CONTROL_COUNT) found.controlCount = value.argument;
    at = endOf(bytes, key.inside);
  }
  return found;
}

/** A receipt is signed and an array; every other control is a map with its type first. */
function controlKind(bytes: Uint8Array, at: number): ControlKind {
  const control = itemAt(bytes, at);
  if (control.major === ARRAY) return 'receipts';
  const type = itemAt(bytes, itemAt(bytes, control.inside).inside).argument;
  if (type === OBJECT_TYPE.refusal) return 'refusals';
  return type === OBJECT_TYPE.want || type === OBJECT_TYPE.have ? 'wants' : 'openings';
}

function itemAt(bytes: Uint8Array, at: number): Item {
  const initial = bytes[at] ?? 0;
  const inside = at + headBytesOf(initial);
  let argument = initial & 31;
  if (inside > at + 1) {
    argument = 0;
    for (let index = at + 1; index < inside; index += 1) argument = argument * 256 + (bytes[index] ?? 0);
  }
  return { major: initial >> 5, argument, inside };
}

/** Where the item at `at` ends. Our own gateways nest a few levels. */
function endOf(bytes: Uint8Array, at: number): number {
  const { major, argument, inside } = itemAt(bytes, at);
  if (major === BYTES || major === TEXT) return inside + argument;
  if (major !== ARRAY && major !== MAP) return inside;
  let next = inside;
  for (let left = major === MAP ? 2 * argument : argument; left > 0; left -= 1) next = endOf(bytes, next);
  return next;
}
