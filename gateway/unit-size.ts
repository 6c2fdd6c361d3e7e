/** What fits a unit of a link. On most links a large blob travels in pieces; where every byte has a price it does not travel at all, and waits for another link. */
import type { LinkSupport } from '../links/link.js';
import type { TransitRecord } from '../wire/record.js';

/** Offer, bundle blocks and framing, generously; on links where every byte counts, as they are. */
const HEAD_ROOM_BYTES = 2048;
const COMPACT_HEAD_ROOM_BYTES = 256;
/** Array head, index, offset and length of one piece, at their longest. */
export const PIECE_HEAD_BYTES = 24;
/** A have of a whole blob, which makes a record without its blob a notice. */
export const HAVE_BYTES = 56;

/** False for a record that this link will never carry. */
export function isCarried(supports: Pick<LinkSupport, 'carries' | 'largestBytes'>, record: Pick<TransitRecord, 'bytes' | 'blobBytes'>): boolean {
  return supports.carries !== 'compact' || record.bytes.length + record.blobBytes + PIECE_HEAD_BYTES <= supports.largestBytes - headRoomBytes(supports);
}

export function headRoomBytes({ carries }: Pick<LinkSupport, 'carries'>): number {
  return carries === 'compact' ? COMPACT_HEAD_ROOM_BYTES : HEAD_ROOM_BYTES;
}
