/**
 * Receive: bytes from a link or from the API become a batch of a known peer. Everything is checked before
 * anything is acted on: structure, signature, addressee; and a batch that turns out bad half-way leaves nothing behind.
 */
import { equalBytes } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import type { PosternError } from '../base/errors.js';
import { BatchReader } from '../wire/batch-reader.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { verifyOffer } from '../wire/offer.js';
import type { Offer } from '../wire/offer.js';
import type { GatewayContext } from './context.js';
import type { BeginIntake, Intake, Taken } from './intake.js';
import type { Peer } from './peer-book.js';

export type Received =
  | { readonly kind: 'batch'; readonly peer: Peer; readonly head: BatchHead; readonly taken: Taken }
  /** Nobody we know, or not meant for us: nothing is stored and nothing is said. */
  | { readonly kind: 'stranger' }
  /** A known peer's batch, or bytes that are none. `peer` is set when the signature was good. */
  | { readonly kind: 'bad'; readonly error: PosternError; readonly peer?: Peer };

export async function receiveBatch(context: GatewayContext, bytes: AsyncIterable<Uint8Array>, begin: BeginIntake): Promise<Received> {
  const reader = new BatchReader();
  let peer: Peer | undefined;
  let head: BatchHead | undefined;
  let intake: Intake | undefined;
  let piece = { index: 0, offset: 0 };
  try {
    for await (const chunk of bytes) {
      const events = reader.push(chunk);
      if (peer === undefined && reader.offer !== undefined) {
        peer = authenticate(context, reader.offer);
        if (peer === undefined) return { kind: 'stranger' };
      }
      for (const event of events) {
        if (event.kind === 'head' && peer !== undefined) {
          head = event.head;
          intake = await begin(peer, head);
        } else if (event.kind === 'piece') {
          piece = { index: event.index, offset: event.offset };
        } else if (event.kind === 'data') {
          await intake?.piece(piece.index, piece.offset, event.bytes);
          piece.offset += event.bytes.length;
        }
      }
    }
    reader.finish();
    if (peer === undefined || head === undefined || intake === undefined) return { kind: 'stranger' };
    return { kind: 'batch', peer, head, taken: await intake.finish() };
  } catch (thrown) {
    await intake?.abandon();
    if (!isPosternError(thrown)) throw thrown;
    // The fault may stand in the very bytes that the offer came with.
    peer ??= reader.offer && authenticate(context, reader.offer);
    return { kind: 'bad', error: thrown, ...(peer !== undefined && { peer }) };
  }
}

/** The peer whose signature the offer bears, if we know it and the offer is addressed to us. */
function authenticate(context: GatewayContext, offer: Offer): Peer | undefined {
  if (!equalBytes(offer.to, context.kid)) return undefined;
  const peer = context.book.byKid(offer.from);
  return peer !== undefined && verifyOffer(offer, peer.key) ? peer : undefined;
}
