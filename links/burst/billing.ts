/** What the network charges a message for: at least so many bytes, and in steps. */
import type { Outlay } from '../purse.js';
import { MT_BYTES } from './sbd-modem.js';
import type { SessionResult } from './sbd-modem.js';
import { fateOf } from './session-status.js';

export interface Billing {
  readonly minimumBytes: number;
  readonly stepBytes: number;
}

/** What a session may come to before anybody knows how it goes: a message down as large as they get. */
export function mostOf(billing: Billing, sentBytes: number): Outlay {
  return { bytes: billedBytes(billing, sentBytes) + billedBytes(billing, MT_BYTES), sessions: 1 };
}

/** What a session has come to by what the modem says. */
export function outlayOf(billing: Billing, sentBytes: number, { moStatus, hasMessage, messageBytes }: SessionResult): Outlay {
  if (fateOf(moStatus) === 'not-begun') return { bytes: 0, sessions: 0 };
  const bytes = billedBytes(billing, sentBytes) + billedBytes(billing, hasMessage ? messageBytes : 0);
  // A look into an empty mailbox costs the least there is.
  return { bytes: bytes || billedBytes(billing, 1), sessions: 1 };
}

function billedBytes({ minimumBytes, stepBytes }: Billing, bytes: number): number {
  return bytes === 0 ? 0 : Math.ceil(Math.max(bytes, minimumBytes) / stepBytes) * stepBytes;
}
