/** What two links say to each other for somebody who listens on the line: bundles, of which one is not taken. */
import { encodeBundle, makeBatchBundle } from '../wire/bundle.js';
import { parseEid } from '../wire/eid.js';
import type { Deliver, Freight, Link } from './link.js';
import { sendNow } from './link.suite.js';

/** The payloads of either side, in bytes. `refused` is the place of the one that comes back. */
export interface Conversation {
  readonly near: readonly number[];
  readonly far: readonly number[];
  readonly refused: number;
}

/** Near speaks and is answered, then far speaks; both are started. Throws where it does not go as planned. */
export async function converse(near: Link, far: Link, conversation: Conversation): Promise<void> {
  for (const [sequence, bytes] of conversation.near.entries()) {
    const { kind } = await sendNow(near, bundleFreight('ipn:1.1', 'ipn:2.1', sequence, bytes));
    if (kind !== (sequence === conversation.refused ? 'refused' : 'confirmed')) throw new Error(`${bytes} bytes: ${kind}`);
  }
  await Promise.all(conversation.far.map((bytes, sequence) => sendNow(far, bundleFreight('ipn:2.1', 'ipn:1.1', sequence, bytes))));
}

/** @param refused the place of the arrival that is not taken */
export function taking(refused?: number): Deliver {
  let arrivals = 0;
  return async (arrival) => {
    for await (const chunk of arrival.bytes) void chunk;
    return arrivals++ === refused ? { kind: 'refused', code: 'no-resources' } : { kind: 'taken' };
  };
}

export function bundleFreight(source: string, destination: string, sequence: number, payloadBytes: number): Freight {
  const payload = new Uint8Array(payloadBytes).fill(0xa5);
  const encoded = encodeBundle(makeBatchBundle({ source: parseEid(source)!, destination: parseEid(destination)!, createdDtnMs: 848_797_224_238, sequence, lifetimeMs: 86_400_000, payload, hopLimit: 30 }));
  return {
    bytes: encoded.length,
    async *open() {
      yield encoded;
    },
  };
}
