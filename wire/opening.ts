/** Openings: the secret behind a commitment of a record (spec/controls.md). Whoever shows it retracts or accepts, blindly. */
import { equalBytes } from '../base/bytes.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { LOCATOR_BYTES, OPENING_SECRET_BYTES, acceptCommitment, retractCommitment } from './capability.js';
import { measureCborItem } from './cbor-walker.js';
import { truncated } from './faults.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { OBJECT_TYPE } from './object-types.js';
import type { TransitRecord } from './record.js';

export interface Opening {
  readonly kind: 'retract' | 'accept';
  /** 24 bytes. */
  readonly locator: Uint8Array;
  /** 16 bytes. */
  readonly secret: Uint8Array;
}

export function encodeOpening(opening: Opening): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [0, OBJECT_TYPE[opening.kind]],
      [1, opening.locator],
      [2, opening.secret],
    ]),
  );
}

export function decodeOpening(bytes: Uint8Array, path = 'opening', offset = 0): Opening {
  return readOpening(readFields(bytes, path, undefined, offset));
}

export function readOpening(fields: Fields): Opening {
  const kind = fields.uint(0, 'type') === OBJECT_TYPE.accept ? 'accept' : 'retract';
  fields.type(OBJECT_TYPE[kind]);
  const opening: Opening = {
    kind,
    locator: fields.bytes(1, 'locator', LOCATOR_BYTES),
    secret: fields.bytes(2, 'secret', OPENING_SECRET_BYTES),
  };
  fields.end();
  return opening;
}

/** A CBOR sequence of openings, as somebody posts them who is no known peer. One that is bad spoils them all. */
export function decodeOpenings(bytes: Uint8Array, path = 'openings'): Opening[] {
  const openings: Opening[] = [];
  for (let at = 0; at < bytes.length; ) {
    const itemPath = `${path}/${openings.length}`;
    const end = measureCborItem(bytes, at, itemPath);
    if (end === undefined) throw truncated(itemPath, bytes.length);
    openings.push(decodeOpening(bytes.subarray(at, end), itemPath, at));
    at = end;
  }
  return openings;
}

/** Does the secret open the record's commitment of that kind? */
export function opens(opening: Opening, record: TransitRecord): boolean {
  if (!equalBytes(opening.locator, record.locator)) return false;
  if (opening.kind === 'retract') return equalBytes(retractCommitment(opening.locator, opening.secret), record.retractCommitment);
  return record.acceptCommitment !== undefined && equalBytes(acceptCommitment(opening.locator, opening.secret), record.acceptCommitment);
}
