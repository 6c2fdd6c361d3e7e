/** One message of the simulation, and what has become of it, which only the simulator sees whole. */
import { concatBytes, toHex, utf8 } from '../base/bytes.js';
import { acceptCommitment, locatorOf, retractCommitment } from '../wire/capability.js';
import { sha256Of } from '../wire/node-crypto.js';
import type { Opening } from '../wire/opening.js';
import { encodeInner } from '../wire/notification.js';
import { EXPIRY_STEP_SEC, makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import type { Stream } from './streams.js';

/** Every message id of a simulation begins with these six bytes, so that one found where none may be is recognized. */
export const ID_MARK = utf8('idMARK');
const ID_BYTES = 24;
const SECRET_BYTES = 16;
const BITS_HIDDEN = 0xa5;

export interface Message {
  readonly number: number;
  /** Hex. */
  readonly rid: string;
  readonly record: TransitRecord;
  readonly id: Uint8Array;
  readonly from: string;
  readonly to: string;
  readonly createdUs: number;
  readonly retract: Opening;
  readonly accept: Opening;
  /** Until somebody has taken it over. */
  blob: Uint8Array | undefined;
  custodyUs?: number;
  deliveredUs?: number;
  isRetracted: boolean;
  isAccepted: boolean;
  /** The gateway has had the acceptance for so long that it must know of it. */
  isSettled: boolean;
  fetches: number;
  knocks: number;
  /** Who took it into custody, in order, and when. */
  readonly hops: { readonly node: string; readonly timeUs: number }[];
  /** When it, or a part of it, left on a way, the first few times. */
  readonly legs: Leg[];
}

export interface Leg {
  readonly way: string;
  readonly leftUs: number;
  /** Undefined where it was lost on the way. */
  readonly arrivesUs: number | undefined;
}

export interface MessageWishes {
  readonly number: number;
  readonly from: string;
  readonly to: string;
  readonly blobBytes: number;
  readonly createdUs: number;
  readonly startMs: number;
  readonly lifetimeUs: number;
}

export function makeMessage(wishes: MessageWishes, chance: Stream): Message {
  const { number, from, to, blobBytes, createdUs, startMs, lifetimeUs } = wishes;
  const blob = chance.bytes(blobBytes);
  const id = concatBytes(ID_MARK, chance.bytes(ID_BYTES - ID_MARK.length));
  const locator = locatorOf(id);
  const [retractSecret, acceptSecret] = [chance.bytes(SECRET_BYTES), chance.bytes(SECRET_BYTES)];
  const expirySec = Math.ceil((startMs / 1000 + (createdUs + lifetimeUs) / 1e6) / EXPIRY_STEP_SEC) * EXPIRY_STEP_SEC;
  const record = makeRecord({
    destination: to,
    locator,
    expirySec,
    blobBytes,
    blobHash: sha256Of(blob),
    retractCommitment: retractCommitment(locator, retractSecret),
    acceptCommitment: acceptCommitment(locator, acceptSecret),
    notification: hideInner(encodeInner({ recipientHash: chance.bytes(ID_BYTES), messageId: id, expirySec })),
  });
  return {
    number,
    rid: toHex(record.rid),
    record,
    id,
    from,
    to,
    createdUs,
    retract: { kind: 'retract', locator, secret: retractSecret },
    accept: { kind: 'accept', locator, secret: acceptSecret },
    blob,
    isRetracted: false,
    isAccepted: false,
    isSettled: false,
    fetches: 0,
    knocks: 0,
    hops: [],
    legs: [],
  };
}

/**
 * What stands for the sealed inner notification: as long, opaque to every gateway, and without two operations on a curve
 * for each message, which are the business of domains and no part of what is simulated.
 */
function hideInner(inner: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array(SEAL_BYTES).fill(BITS_HIDDEN), inner.map((byte) => byte ^ BITS_HIDDEN));
}

const SEAL_BYTES = 48;

export function uncoverInner(sealed: Uint8Array): Uint8Array {
  return sealed.slice(SEAL_BYTES).map((byte) => byte ^ BITS_HIDDEN);
}
