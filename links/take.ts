/** Hands an arrival to the gateway for links that have to answer whatever happens: a bug there is told, and the peer may come again. */
import { messageOf } from '../base/errors.js';
import type { Arrival, Deliver, DeliverResult } from './link.js';

type Warn = (level: 'warn', message: string, data: Readonly<Record<string, string>>) => void;

export async function takeOr(deliver: Deliver, arrival: Arrival, warn: Warn): Promise<DeliverResult> {
  try {
    return await deliver(arrival);
  } catch (thrown) {
    warn('warn', 'an arrival could not be dealt with', { reason: messageOf(thrown) });
    return { kind: 'refused', code: 'retransmit' };
  }
}
