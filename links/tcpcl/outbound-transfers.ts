/** The sending half of a session (RFC 9174 §5.2): one transfer is written at a time, several wait for their last acknowledgement. */
import { strict as assert } from 'node:assert';
import { encodeExtensionItems, encodeMessage, encodeTransferLength, SEGMENT_END, SEGMENT_START } from './messages.js';
import type { SegmentHead, XferAck } from './messages.js';
import { refuseReason } from './reasons.js';
import type { Emit } from './session-output.js';

interface Transfer {
  readonly totalBytes: number;
  sentBytes: number;
  /** The END segment is out. */
  complete: boolean;
}

export class OutboundTransfers {
  readonly #emit: Emit;
  readonly #unsettled = new Map<bigint, Transfer>();
  /** RFC 9174 §5.2.1: from zero, one by one. */
  #nextId = 0n;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Some transfer has no result yet. */
  get busy(): boolean {
    return this.#unsettled.size > 0;
  }

  begin(totalBytes: number): bigint {
    for (const transfer of this.#unsettled.values()) assert(transfer.complete, 'segments of two transfers are never mixed (RFC 9174 §5.2.2)');
    const id = this.#nextId++;
    this.#unsettled.set(id, { totalBytes, sentBytes: 0, complete: false });
    return id;
  }

  /** The next segment; without effect once the transfer is settled. */
  segment(id: bigint, parts: readonly Uint8Array[]): void {
    const transfer = this.#unsettled.get(id);
    if (transfer === undefined) return;
    const dataBytes = parts.reduce((sum, part) => sum + part.length, 0);
    const starts = transfer.sentBytes === 0;
    transfer.sentBytes += dataBytes;
    transfer.complete = transfer.sentBytes === transfer.totalBytes;
    assert(transfer.sentBytes <= transfer.totalBytes && (dataBytes > 0 || transfer.totalBytes === 0), 'a transfer has the bytes it was begun with');
    const head: SegmentHead = {
      type: 'xfer-segment',
      flags: (starts ? SEGMENT_START : 0) | (transfer.complete ? SEGMENT_END : 0),
      transferId: id,
      // A single segment tells its length by itself (RFC 9174 §5.2.5.1).
      ...(starts ? { extensions: encodeExtensionItems(transfer.complete ? [] : [encodeTransferLength(transfer.totalBytes)]) } : {}),
      dataBytes: BigInt(dataBytes),
    };
    this.#emit({ kind: 'send', parts: [encodeMessage(head), ...parts] });
  }

  /** @returns false where the peer acknowledges what was never sent. */
  onAck(ack: XferAck): boolean {
    const transfer = this.#unsettled.get(ack.transferId);
    // Given up or refused before: acknowledgements may have been on their way.
    if (transfer === undefined) return ack.transferId < this.#nextId;
    if (ack.ackedBytes > BigInt(transfer.sentBytes)) return false;
    if (transfer.complete && ack.ackedBytes === BigInt(transfer.totalBytes)) {
      this.#unsettled.delete(ack.transferId);
      this.#emit({ kind: 'settled', transferId: ack.transferId, result: { kind: 'confirmed' } });
    }
    return true;
  }

  /** @returns false where the peer refuses what was never sent. */
  onRefuse(transferId: bigint, reason: number): boolean {
    if (this.#unsettled.delete(transferId)) this.#emit({ kind: 'settled', transferId, result: { kind: 'refused', reason: refuseReason(reason) } });
    return transferId < this.#nextId;
  }

  /** Nobody waits for this one any more. @returns false where the peer has only a part of it, and the session has to end. */
  abandon(id: bigint): boolean {
    const transfer = this.#unsettled.get(id);
    this.#unsettled.delete(id);
    return transfer?.complete ?? true;
  }

  onDisconnect(): void {
    for (const transferId of this.#unsettled.keys()) this.#emit({ kind: 'settled', transferId, result: { kind: 'broken' } });
    this.#unsettled.clear();
  }
}
