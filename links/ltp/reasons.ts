/** Reasons for cancelling a session (RFC 5326 §3.2.4), what the gateway says of an arrival as one, and one as the outcome of a send. */
import type { DeliverResult, Outcome } from '../link.js';

const CODES = { 'client-cancelled': 0, 'client-unreachable': 1, 'retransmission-limit': 2, miscoloured: 3, 'system-cancelled': 4, 'retransmission-cycles': 5 } as const;

export type CancelReason = keyof typeof CODES;

export function cancelCode(reason: CancelReason): number {
  return CODES[reason];
}

/** Faults of the store are ours, and pass: a disk is full, a blob is being brought by somebody else. */
const OUR_FAULTS = /^STORE_/;
const NO_ROOM = new Set(['no-resources', 'retransmit']);

export function cancelReasonOf({ code, retryAfterMs }: DeliverResult & { kind: 'refused' }): CancelReason {
  // LTP cannot say when to come back, but it can say that the system, not the client, had enough.
  return NO_ROOM.has(code) || OUR_FAULTS.test(code) || retryAfterMs !== undefined ? 'system-cancelled' : 'client-cancelled';
}

/** A cancellation by the far end, in the words that the other kinds of link use. */
export function outcomeOfCancel(code: number): Outcome {
  switch (code) {
    case CODES['client-cancelled']:
    case CODES.miscoloured:
      return { kind: 'refused', code: 'not-acceptable', reason: 'The peer will not take these bytes.' };
    case CODES['client-unreachable']:
      return { kind: 'refused', code: 'no-resources', reason: "Nobody takes bundles at the peer's end now." };
    case CODES['system-cancelled']:
      return { kind: 'refused', code: 'no-resources', reason: 'The peer has no room for it now.' };
    default:
      return { kind: 'unreachable', reason: `The peer gave the session up (reason ${code}).` };
  }
}
