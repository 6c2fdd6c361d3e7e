/** What the gateway says of an arrival as a reason of RFC 9174 §5.2.4, and such a reason as the outcome of a send. */
import type { DeliverResult, Outcome } from '../link.js';
import { isRefuseReason, type RefuseReason } from './reasons.js';
import type { TransferResult } from './session-output.js';

/** Faults of the store are ours, and pass: a disk is full, a blob is being brought by somebody else. */
const OUR_FAULTS = /^STORE_/;

export function refuseReasonOf({ code, retryAfterMs }: DeliverResult & { kind: 'refused' }): RefuseReason {
  if (isRefuseReason(code)) return code;
  // TCPCL cannot say when to come back, but it can say that coming back makes sense.
  return OUR_FAULTS.test(code) || retryAfterMs !== undefined ? 'no-resources' : 'not-acceptable';
}

export function outcomeOf(result: TransferResult): Outcome {
  if (result.kind === 'confirmed') return { kind: 'confirmed' };
  if (result.kind === 'broken') return { kind: 'unreachable', reason: 'The session ended before the peer had acknowledged everything.' };
  // RFC 9174 §5.2.4: the sender may take the bundle as completely received. The gateway waits for its receipt anyway.
  if (result.reason === 'completed') return { kind: 'confirmed' };
  return { kind: 'refused', code: result.reason, reason: MEANINGS[result.reason] };
}

const MEANINGS: Readonly<Record<Exclude<RefuseReason, 'completed'>, string>> = {
  unknown: 'The peer refused it and gave no reason.',
  'no-resources': 'The peer has no room for it now.',
  retransmit: 'The peer wants all of it again.',
  'not-acceptable': 'The peer will not take these bytes.',
  'extension-failure': 'The peer could not work with the transfer extensions.',
  'session-terminating': 'The peer is ending the session.',
};
