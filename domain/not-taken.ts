/** Why a gateway has not taken a message, in the words that people get to read. */
import type { Refusal } from '../wire/refusal.js';
import type { BatchAnswer } from './gateway-door.js';

export interface NotTaken {
  readonly code: string;
  readonly reason: string;
  readonly retryAfterSec?: number;
}

export const NO_RECEIPT: NotTaken = { code: 'no-receipt', reason: 'it answered without a receipt; it may be short of room' };

export function whyNotAnswered(answer: Exclude<BatchAnswer, { kind: 'answered' }>): NotTaken {
  if (answer.kind === 'unreachable') return answer;
  return { code: 'stranger', reason: 'it does not know this domain: give it our card' };
}

export function whyRefused(refusal: Refusal): NotTaken {
  return {
    code: refusal.code,
    reason: refusal.note ?? REASONS[refusal.code],
    ...(refusal.retryAfterSec !== undefined && { retryAfterSec: refusal.retryAfterSec }),
  };
}

const REASONS: Readonly<Record<Refusal['code'], string>> = {
  expired: 'the message has expired, by the clock of the gateway',
  'too-large': 'the message is larger than the gateway takes',
  quota: 'the quota for this domain or for the destination is used up',
  full: 'the gateway has no room',
  'no-route': 'the gateway knows no way to the destination',
  'blob-mismatch': 'what arrived is not what the record says',
  unknown: 'the gateway does not know the record',
  clock: 'the clocks differ too much',
  loop: 'the gateway has passed this message on already',
};
