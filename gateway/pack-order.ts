/** Pack, on links with contacts, budgets or priorities: which of the due records go into the next load, and in what order. */
import { fill } from '../plan/fill.js';
import type { Waiting } from '../plan/fill.js';
import type { StoredRecord } from '../store/store.js';
import type { Filling, PackInput } from './load.js';
import { isRaised } from './priorities.js';
import { HAVE_BYTES, headRoomBytes, PIECE_HEAD_BYTES } from './unit-size.js';

export interface Due {
  readonly stored: StoredRecord;
  /** It goes without its blob: the neighbour is told of it. */
  readonly isNotice: boolean;
}

type Candidate = Waiting & Due;

/** In the order of going; what stays is told to `filling`. */
export function orderDue(due: readonly Due[], input: PackInput, filling: Filling, loadBytes: number): readonly Due[] {
  const { chosen, heldBack } = fill(
    due.map((one) => candidate(one, input, filling)),
    { ...filling, nowMs: input.nowMs, loadBytes, leftBytes: Math.min(filling.leftBytes, input.roomBytes) - headRoomBytes(input.supports) },
  );
  filling.tell(heldBack);
  return chosen;
}

/** Must this go before the pieces of a large blob that is on its way? */
export function isPressing(stored: StoredRecord, filling: Filling): boolean {
  const priority = filling.priorityOf(stored);
  return isRaised(stored) || priority === 'urgent' || priority === 'high';
}

function candidate({ stored, isNotice }: Due, input: PackInput, filling: Filling): Candidate {
  const { record, heldAtMs } = stored;
  const inline = record.blobBytes < input.largeBlobBytes;
  const noticeBytes = record.bytes.length + HAVE_BYTES;
  return {
    stored,
    isNotice,
    bytes: isNotice ? noticeBytes : record.bytes.length + (inline ? record.blobBytes + PIECE_HEAD_BYTES : 0),
    wholeBytes: isNotice ? noticeBytes : record.bytes.length + record.blobBytes + PIECE_HEAD_BYTES,
    priority: filling.priorityOf(stored),
    raised: isRaised(stored),
    heldAtMs,
    expiryMs: filling.trusted ? record.expirySec * 1000 : Number.POSITIVE_INFINITY,
  };
}
