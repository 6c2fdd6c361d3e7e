/** What a session asks of its driver, in order: bytes to send, things that happened, and the end. */
import type { PosternError } from '../../base/errors.js';
import type { RefuseReason, TermReason } from './reasons.js';
import type { SessionPeer } from './session-terms.js';

export type SessionOutput =
  | { readonly kind: 'send'; readonly parts: readonly Uint8Array[] }
  /** Start TLS now, on the same connection, and call `secured`. */
  | { readonly kind: 'secure' }
  /** Passive side: the peer has said who it is. Call `admit` or `terminate`. */
  | { readonly kind: 'introduced'; readonly nodeId: string }
  | { readonly kind: 'established'; readonly peer: SessionPeer }
  | { readonly kind: 'arrival'; readonly transferId: bigint }
  | { readonly kind: 'arrival-data'; readonly transferId: bigint; readonly bytes: Uint8Array }
  /** The rest will not come: the connection is gone, or the peer broke its word as `error` says. */
  | { readonly kind: 'arrival-broken'; readonly transferId: bigint; readonly error?: PosternError }
  /** Every byte is here. The peer hears of it when `accept` or `refuse` is called. */
  | { readonly kind: 'arrival-end'; readonly transferId: bigint }
  | { readonly kind: 'settled'; readonly transferId: bigint; readonly result: TransferResult }
  /** No transfer may begin from here on. */
  | { readonly kind: 'ending'; readonly reason: TermReason }
  /** Close the connection once everything is sent. Nothing follows. inOrder: both sides have said their SESS_TERM, and nothing was left undone. */
  | { readonly kind: 'close'; readonly reason: string; readonly inOrder: boolean; readonly error?: PosternError };

/** confirmed: the peer acknowledged the last byte. broken: the session ended first. */
export type TransferResult = { readonly kind: 'confirmed' } | { readonly kind: 'refused'; readonly reason: RefuseReason } | { readonly kind: 'broken' };

export type Emit = (output: SessionOutput) => void;
