/** What each side brings to a session, and what the two agree on (RFC 9174 §4.7). */
import { decodeExtensionItems, ITEM_CRITICAL, protocolFault } from './messages.js';
import type { SessInit } from './messages.js';

/** What we say of ourselves, and how patient we are. */
export interface SessionTerms {
  readonly nodeId: string;
  /** 0: no keepalives. */
  readonly keepaliveSec: number;
  readonly segmentMruBytes: number;
  readonly transferMruBytes: number;
  /** Transfers of the peer that may wait for our answer at once. */
  readonly inboundTransfers: number;
  /** A transfer that does not move in either direction for so long ends the session. */
  readonly progressMs: number;
  /** How long an ending session waits for transfers in hand. */
  readonly drainMs: number;
  /** Ends the session when nothing has moved for so long; absent: stays until told. */
  readonly idleMs?: number;
}

/** What the peer said of itself, as far as it binds us. */
export interface SessionPeer {
  readonly nodeId: string;
  /** The session's, not the peer's wish. 0: no keepalives. */
  readonly keepaliveSec: number;
  readonly segmentMtuBytes: number;
  readonly transferMtuBytes: number;
}

/** RFC 9174 §4.7 lets us turn down peers with whom every transfer would crumble to dust ("data dribble", §7.10). */
const SMALLEST_SEGMENT_MTU_BYTES = 256;
const SMALLEST_TRANSFER_MTU_BYTES = 1024;

export function initOf(terms: SessionTerms): SessInit {
  return {
    type: 'sess-init',
    keepaliveSec: terms.keepaliveSec,
    segmentMru: BigInt(terms.segmentMruBytes),
    transferMru: BigInt(terms.transferMruBytes),
    nodeId: terms.nodeId,
    extensions: new Uint8Array(0),
  };
}

/** @throws LINK_PROTOCOL where nothing can be agreed */
export function negotiate(terms: SessionTerms, peer: SessInit): SessionPeer {
  const path = 'tcpcl/sess-init';
  const critical = decodeExtensionItems(peer.extensions, path).find(({ flags }) => (flags & ITEM_CRITICAL) !== 0);
  if (critical !== undefined) throw protocolFault(`${path}/extensions`, 0, `a critical item of type ${critical.itemType}`, 'items everybody knows');
  if (peer.segmentMru < SMALLEST_SEGMENT_MTU_BYTES) throw protocolFault(`${path}/segment-mru`, 3, `${peer.segmentMru} bytes`, `at least ${SMALLEST_SEGMENT_MTU_BYTES}`);
  if (peer.transferMru < SMALLEST_TRANSFER_MTU_BYTES) throw protocolFault(`${path}/transfer-mru`, 11, `${peer.transferMru} bytes`, `at least ${SMALLEST_TRANSFER_MTU_BYTES}`);
  return {
    nodeId: peer.nodeId,
    keepaliveSec: Math.min(terms.keepaliveSec, peer.keepaliveSec),
    segmentMtuBytes: countOf(peer.segmentMru),
    transferMtuBytes: countOf(peer.transferMru),
  };
}

/** Sizes beyond what a number can count are as good as endless. */
function countOf(size: bigint): number {
  return size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(size);
}
