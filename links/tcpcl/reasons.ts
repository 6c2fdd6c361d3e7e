/** The reason codes of RFC 9174 by name. A code nobody has named counts as unknown (RFC 9174 §5.2.4, §6.1). */

/** SESS_TERM, RFC 9174 §6.1. The place in the list is the code, here and below. */
const TERM_REASONS = ['unknown', 'idle-timeout', 'version-mismatch', 'busy', 'contact-failure', 'resource-exhaustion'] as const;
/** XFER_REFUSE, RFC 9174 §5.2.4. */
const REFUSE_REASONS = ['unknown', 'completed', 'no-resources', 'retransmit', 'not-acceptable', 'extension-failure', 'session-terminating'] as const;
/** MSG_REJECT, RFC 9174 §5.1.2. Code 0 is not assigned. */
const REJECT_REASONS = ['unknown', 'type-unknown', 'unsupported', 'unexpected'] as const;

export type TermReason = (typeof TERM_REASONS)[number];
export type RefuseReason = (typeof REFUSE_REASONS)[number];
export type RejectReason = (typeof REJECT_REASONS)[number];

export function termCode(reason: TermReason): number {
  return TERM_REASONS.indexOf(reason);
}

export function termReason(code: number): TermReason {
  return TERM_REASONS[code] ?? 'unknown';
}

export function refuseCode(reason: RefuseReason): number {
  return REFUSE_REASONS.indexOf(reason);
}

export function refuseReason(code: number): RefuseReason {
  return REFUSE_REASONS[code] ?? 'unknown';
}

export function isRefuseReason(name: string): name is RefuseReason {
  return (REFUSE_REASONS as readonly string[]).includes(name);
}

export function rejectCode(reason: RejectReason): number {
  return REJECT_REASONS.indexOf(reason);
}

export function rejectReason(code: number): RejectReason {
  return REJECT_REASONS[code] ?? 'unknown';
}
