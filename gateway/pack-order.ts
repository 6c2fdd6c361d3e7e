/** Pack, on links with contacts, budgets or priorities: which of the due records go into the next load, and in what order. */
import { fill } from '../plan/fill.js';
import type { Waiting } from '../plan/fill.js';
import type { StoredRecord } from '../store/store.js';
import type { Filling, PackInput } from './load.js';
import { isRaised } from './priorities.js';
import { headRoomBytes, PIECE_HEAD_BYTES } from './unit-size.js';

interface Candidate extends Waiting {
  readonly stored: StoredRecord;
}

/** In the order of going; what stays is told to `filling`. */
export function orderDue(due: readonly StoredRecord[], input: PackInput, filling: Filling, loadBytes: number): StoredRecord[] {
  const { chosen, heldBack } = fill(
    due.map((stored) => candidate(stored, input, filling)),
    { ...filling, nowMs: input.nowMs, loadBytes, leftBytes: Math.min(filling.leftBytes, input.roomBytes) - headRoomBytes(input.supports) },
  );
  filling.tell(heldBack);
  return chosen.map(({ stored }) => stored);
}

/** Must this go before the pieces of a large blob that is on its way? */
export function isPressing(stored: StoredRecord, filling: Filling): boolean {
  const priority = filling.priorityOf(stored);
  return isRaised(stored) || priority === 'urgent' || priority === 'high';
}

function candidate(stored: StoredRecord, input: PackInput, filling: Filling): Candidate {
  const { record, heldAtMs } = stored;
  const inline = record.blobBytes < input.largeBlobBytes;
  return {
    stored,
    bytes: record.bytes.length + (inline ? record.blobBytes + PIECE_HEAD_BYTES : 0),
    wholeBytes: record.bytes.length + record.blobBytes + PIECE_HEAD_BYTES,
    priority: filling.priorityOf(stored),
    raised: isRaised(stored),
    heldAtMs,
    expiryMs: filling.trusted ? record.expirySec * 1000 : Number.POSITIVE_INFINITY,
  };
}
