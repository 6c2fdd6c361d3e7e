/**
 * The receiving half of a session (RFC 9174 §5.2): what the peer sends, what we answer. Answers leave in the order
 * in which transfers came: RFC 9174 §5.2.4 wants that for refusals, and HDTN takes acknowledgements in no other.
 */
import { isPosternError, type PosternError } from '../../base/errors.js';
import { decodeExtensionItems, decodeTransferLength, encodeMessage, ITEM_CRITICAL, limitFault, protocolFault, SEGMENT_END, SEGMENT_START, TRANSFER_LENGTH } from './messages.js';
import type { ExtensionItem, SegmentHead, XferAck } from './messages.js';
import { refuseCode, type RefuseReason } from './reasons.js';
import type { Emit } from './session-output.js';

export interface InboundLimits {
  readonly segmentBytes: number;
  readonly transferBytes: number;
  /** Transfers that may wait for our answer at once. */
  readonly transfers: number;
}

/** Acknowledgements that wait behind a transfer not answered yet. Beyond that the peer has to wait with its segments. */
const HELD_ACKS = 256;

interface Transfer {
  readonly id: bigint;
  readonly announcedBytes: bigint | undefined;
  receivedBytes: number;
  /** Not sent yet, because an earlier transfer is not answered. */
  readonly acks: XferAck[];
  /** There once every byte is; sent when the verdict is to accept. */
  lastAck?: XferAck;
  verdict?: 'accepted' | RefuseReason;
}

export class InboundTransfers {
  readonly #limits: InboundLimits;
  readonly #emit: Emit;
  /** In order of arrival, until answered. */
  readonly #unanswered: Transfer[] = [];
  /** The one whose END segment has not come; it stays here after a refusal, for what crosses on the wire. */
  #open: Transfer | undefined;
  #segment: SegmentHead | undefined;
  #heldAcks = 0;

  constructor(limits: InboundLimits, emit: Emit) {
    this.#limits = limits;
    this.#emit = emit;
  }

  /** Some transfer is not answered. */
  get busy(): boolean {
    return this.#unanswered.length > 0;
  }

  /** The peer owes us the rest of a transfer. */
  get expectsData(): boolean {
    return this.#open !== undefined && !isRefused(this.#open);
  }

  /** This segment has to wait until something is answered. */
  mustWait(head: SegmentHead): boolean {
    const starts = (head.flags & SEGMENT_START) !== 0;
    return this.#heldAcks >= HELD_ACKS || (starts && this.#unanswered.length >= this.#limits.transfers);
  }

  /** @returns the fault after which the session cannot go on, if there is one. */
  onSegment(head: SegmentHead, ending: boolean): PosternError | undefined {
    const fault = this.#outOfOrder(head);
    if (fault !== undefined) return fault;
    if (head.dataBytes > BigInt(this.#limits.segmentBytes)) return limitFault('tcpcl/xfer-segment/data', 0, head.dataBytes, this.#limits.segmentBytes);
    this.#segment = head;
    if (head.extensions !== undefined) this.#begin(head, head.extensions, ending);
    else if (isRefused(this.#open!) && !this.#unanswered.includes(this.#open!)) this.#sendRefusal(this.#open!);
    const open = this.#open!;
    if (!isRefused(open)) this.#checkLength(open, BigInt(open.receivedBytes) + head.dataBytes);
    return undefined;
  }

  onData(bytes: Uint8Array): void {
    const open = this.#open!;
    if (isRefused(open)) return;
    open.receivedBytes += bytes.length;
    this.#emit({ kind: 'arrival-data', transferId: open.id, bytes });
  }

  onSegmentEnd(): void {
    const open = this.#open!;
    const { flags } = this.#segment!;
    const last = (flags & SEGMENT_END) !== 0;
    if (last) this.#open = undefined;
    if (isRefused(open)) return;
    const ack: XferAck = { type: 'xfer-ack', flags, transferId: open.id, ackedBytes: BigInt(open.receivedBytes) };
    if (!last) {
      open.acks.push(ack);
      this.#heldAcks++;
    } else if (open.announcedBytes !== undefined && open.announcedBytes !== ack.ackedBytes) {
      this.#break(open, protocolFault('tcpcl/xfer-segment', 0, `${ack.ackedBytes} bytes in all`, `the ${open.announcedBytes} that were announced`));
    } else {
      open.lastAck = ack;
      this.#emit({ kind: 'arrival-end', transferId: open.id });
    }
    this.#answer();
  }

  /** The verdict on a transfer, at any time after its arrival; without effect when it is answered already. */
  decide(transferId: bigint, verdict: 'accepted' | RefuseReason): void {
    const transfer = this.#unanswered.find(({ id }) => id === transferId);
    if (transfer === undefined || transfer.verdict !== undefined) return;
    transfer.verdict = verdict;
    this.#answer();
  }

  onDisconnect(): void {
    if (this.#open !== undefined && !isRefused(this.#open)) this.#emit({ kind: 'arrival-broken', transferId: this.#open.id });
    this.#open = undefined;
    this.#unanswered.length = 0;
  }

  #outOfOrder(head: SegmentHead): PosternError | undefined {
    const fault = (found: string, expected: string): PosternError => protocolFault('tcpcl/xfer-segment', 0, found, expected);
    const open = this.#open;
    if (head.extensions === undefined) return open?.id === head.transferId ? undefined : fault(`a later segment of transfer ${head.transferId}`, open === undefined ? 'a START segment' : `transfer ${open.id}`);
    // After a refusal the next transfer may begin without an END (RFC 9174 §5.2.4).
    if (this.expectsData) return fault(`the start of transfer ${head.transferId}`, `the rest of transfer ${open!.id}`);
    return this.#unanswered.some(({ id }) => id === head.transferId) ? fault(`transfer ${head.transferId} again`, 'an id of its own for each transfer') : undefined;
  }

  #begin(head: SegmentHead, extensions: Uint8Array, ending: boolean): void {
    const { announcedBytes, refusal } = readExtensions(extensions);
    const transfer: Transfer = { id: head.transferId, announcedBytes, receivedBytes: 0, acks: [] };
    this.#open = transfer;
    this.#unanswered.push(transfer);
    const tooLong = (announcedBytes ?? 0n) > BigInt(this.#limits.transferBytes);
    const verdict = ending ? 'session-terminating' : (refusal ?? (tooLong ? 'not-acceptable' : undefined));
    if (verdict === undefined) this.#emit({ kind: 'arrival', transferId: transfer.id });
    else this.decide(transfer.id, verdict);
  }

  /** The Transfer Length is binding (RFC 9174 §5.2.5.1), and so is our MRU. */
  #checkLength(transfer: Transfer, bytes: bigint): void {
    const { transferBytes } = this.#limits;
    if (bytes > BigInt(transferBytes)) this.#break(transfer, limitFault('tcpcl/xfer-segment', 0, bytes, transferBytes));
    else if (transfer.announcedBytes !== undefined && bytes > transfer.announcedBytes) this.#break(transfer, protocolFault('tcpcl/xfer-segment', 0, `${bytes} bytes`, `the ${transfer.announcedBytes} that were announced`));
  }

  #break(transfer: Transfer, error: PosternError): void {
    this.#emit({ kind: 'arrival-broken', transferId: transfer.id, error });
    transfer.verdict = 'not-acceptable';
    this.#answer();
  }

  #answer(): void {
    for (let first = this.#unanswered[0]; first !== undefined; first = this.#unanswered[0]) {
      for (const ack of first.acks) this.#emit({ kind: 'send', parts: [encodeMessage(ack)] });
      this.#heldAcks -= first.acks.length;
      first.acks.length = 0;
      if (isRefused(first)) this.#sendRefusal(first);
      else if (first.verdict === 'accepted' && first.lastAck !== undefined) this.#emit({ kind: 'send', parts: [encodeMessage(first.lastAck)] });
      else return;
      this.#unanswered.shift();
    }
  }

  #sendRefusal({ id, verdict }: Transfer): void {
    const reason = verdict === 'accepted' || verdict === undefined ? 'unknown' : verdict;
    this.#emit({ kind: 'send', parts: [encodeMessage({ type: 'xfer-refuse', reason: refuseCode(reason), transferId: id })] });
  }
}

function isRefused(transfer: Transfer): boolean {
  return transfer.verdict !== undefined && transfer.verdict !== 'accepted';
}

/** RFC 9174 §5.2.5: critical items nobody knows, items that do not fit their frame and a second length are refused. */
function readExtensions(extensions: Uint8Array): { announcedBytes: bigint | undefined; refusal?: RefuseReason } {
  let announcedBytes: bigint | undefined;
  try {
    for (const item of decodeExtensionItems(extensions, 'tcpcl/xfer-segment')) {
      if (item.itemType === TRANSFER_LENGTH && announcedBytes === undefined) announcedBytes = decodeTransferLength(item);
      else if (item.itemType === TRANSFER_LENGTH || isCritical(item)) return { announcedBytes, refusal: 'extension-failure' };
    }
    return { announcedBytes };
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    return { announcedBytes, refusal: 'extension-failure' };
  }
}

function isCritical(item: ExtensionItem): boolean {
  return (item.flags & ITEM_CRITICAL) !== 0;
}
