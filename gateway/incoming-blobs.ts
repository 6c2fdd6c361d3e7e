/**
 * Large blobs on their way in. The pieces of one blob may come in several batches at once (bundles travel side by
 * side), so these share one receiver of the store, and write to it one after the other. Only the peer that began
 * a transfer takes part in it: another could spoil it.
 */
import { toHex } from '../base/bytes.js';
import type { Clock, Timer } from '../base/clock.js';
import type { BlobReceiver, HoldEntry, HoldRefusal, Range, Store } from '../store/store.js';

export type Outcome = 'complete' | 'incomplete' | 'mismatch';

interface Transfer {
  readonly from: string;
  readonly receiver: BlobReceiver;
  users: number;
  /** The end of the line of writes. */
  turn: Promise<unknown>;
  /** Set when the receiver has given its last word. */
  ended: boolean;
  /** Runs while nobody takes part. */
  linger?: Timer;
}

/** Between two bundles of one blob the receiver stays open: opened again, it would have to hash from the start. */
const LINGER_MS = 5000;

export class IncomingBlobs {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #transfers = new Map<string, Transfer>();
  /** Openings and closings of one receiver come one after the other. */
  readonly #gates = new Map<string, Promise<unknown>>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Is somebody sending the blob of this record right now? */
  has(rid: Uint8Array): boolean {
    return (this.#transfers.get(toHex(rid))?.users ?? 0) > 0;
  }

  /** Takes part in the transfer of a record, or begins it. `busy`: another peer is sending it. */
  join(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): Promise<IncomingBlob | HoldRefusal | 'busy'> {
    const key = toHex(entry.record.rid);
    return this.#atGate(key, async () => {
      const begun = this.#transfers.get(key);
      if (begun !== undefined && begun.from !== entry.from) return 'busy';
      const transfer = begun ?? (await this.#begin(key, entry));
      if (typeof transfer === 'string') return transfer;
      transfer.linger?.cancel();
      transfer.users += 1;
      return new IncomingBlob(transfer, () => this.#leave(key, transfer));
    });
  }

  /** Closes what lingers. Whoever still takes part has to leave first. */
  async close(): Promise<void> {
    await Promise.all([...this.#transfers].map(([key, transfer]) => this.#end(key, transfer)));
  }

  async #begin(key: string, entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): Promise<Transfer | HoldRefusal> {
    const receiver = await this.#store.receiveBlob(entry);
    if (typeof receiver === 'string') return receiver;
    const transfer: Transfer = { from: entry.from, receiver, users: 0, turn: Promise.resolve(), ended: false };
    this.#transfers.set(key, transfer);
    return transfer;
  }

  async #leave(key: string, transfer: Transfer): Promise<void> {
    transfer.users -= 1;
    if (transfer.users > 0) return;
    if (transfer.ended) await this.#end(key, transfer);
    // What it cannot write down any more is sent again.
    else transfer.linger = this.#clock.timer(LINGER_MS, () => void this.#end(key, transfer).catch(() => undefined));
  }

  #end(key: string, transfer: Transfer): Promise<void> {
    return this.#atGate(key, async () => {
      if (transfer.users > 0) return;
      transfer.linger?.cancel();
      await transfer.turn.catch(() => undefined);
      if (this.#transfers.get(key) === transfer) this.#transfers.delete(key);
      await transfer.receiver.close();
    });
  }

  #atGate<T>(key: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#gates.get(key) ?? Promise.resolve()).catch(() => undefined).then(work);
    const gate = result.catch(() => undefined).finally(() => {
      if (this.#gates.get(key) === gate) this.#gates.delete(key);
    });
    this.#gates.set(key, gate);
    return result;
  }
}

/** One batch's part in a transfer. */
export class IncomingBlob {
  readonly #transfer: Transfer;
  #leave: (() => Promise<void>) | undefined;

  constructor(transfer: Transfer, leave: () => Promise<void>) {
    this.#transfer = transfer;
    this.#leave = leave;
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#transfer.ended) await this.#transfer.receiver.write(offset, bytes);
    });
  }

  missing(): Range[] {
    return this.#transfer.receiver.missing();
  }

  /** Whether the blob is whole now. Among the batches that share a transfer one learns it; the others are `incomplete`. */
  finish(): Promise<Outcome> {
    return this.#inTurn(async () => {
      if (this.#transfer.ended || this.#transfer.receiver.missing().length > 0) return 'incomplete';
      this.#transfer.ended = true;
      return this.#transfer.receiver.finish();
    });
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    const leave = this.#leave;
    this.#leave = undefined;
    await leave?.();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#transfer.turn.catch(() => undefined).then(work);
    this.#transfer.turn = result;
    result.catch(() => undefined);
    return result;
  }
}
