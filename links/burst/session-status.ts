/** What a session status of the modem means (MO status of +SBDIX): whether the message has left, and whether it may have cost something. */

export type SessionFate =
  /** The network has the message. */
  | 'sent'
  /** The session never began: nothing has left, nothing is charged. */
  | 'not-begun'
  /** It broke off; the message may or may not have left. */
  | 'unknown';

const NOT_BEGUN: Readonly<Record<number, string>> = {
  11: 'the queue of the network is full',
  12: 'the message has too many segments',
  14: 'a segment has a wrong size',
  15: 'the network denies access',
  16: 'the modem is locked by the network',
  32: 'there is no network service',
  33: 'the antenna is faulty',
  34: 'the radio is switched off',
  35: 'the modem is busy',
  36: 'the network asks to wait three minutes',
  37: 'the service is switched off',
  38: 'the network asks to wait',
  64: 'the band is not allowed here',
  65: 'the modem is too hot or too cold',
};

const BROKEN: Readonly<Record<number, string>> = {
  10: 'the session took too long',
  13: 'the session did not complete',
  17: 'the gateway of the network does not answer',
  18: 'the radio was lost',
  19: 'the link failed',
};

/** Statuses up to this one are successes, three of them with a remark on something else. */
const LAST_SUCCESS = 4;
/** The network's own words: after 36 and 38 it is left alone for so long. */
const ASKED_TO_WAIT_MS: Readonly<Record<number, number>> = { 36: 180_000, 38: 180_000 };

export function fateOf(status: number): SessionFate {
  if (status <= LAST_SUCCESS) return 'sent';
  return NOT_BEGUN[status] === undefined ? 'unknown' : 'not-begun';
}

export function wordsFor(status: number): string {
  return `${NOT_BEGUN[status] ?? BROKEN[status] ?? 'the session failed'} (status ${status})`;
}

export function waitAskedMs(status: number): number {
  return ASKED_TO_WAIT_MS[status] ?? 0;
}
