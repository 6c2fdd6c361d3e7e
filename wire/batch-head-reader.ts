/** Reads the head of a batch as it arrives: offer, records, controls. What it gives out agrees with its offer (spec/batch.md). */
import { equalBytes, toHex } from '../base/bytes.js';
import type { BatchLimits } from './batch.js';
import { CborGatherer } from './cbor-gatherer.js';
import { CONTROL_LIMITS, decodeControl } from './control.js';
import type { Control } from './control.js';
import { overLimit, wrongValue } from './faults.js';
import { merkleRoot } from './merkle.js';
import { OFFER_LIMITS, decodeOffer } from './offer.js';
import type { Offer } from './offer.js';
import { RECORD_LIMITS, decodeRecord } from './record.js';
import type { TransitRecord } from './record.js';

export interface BatchHead {
  readonly offer: Offer;
  readonly records: readonly TransitRecord[];
  readonly controls: readonly Control[];
}

export class BatchHeadReader {
  readonly #limits: BatchLimits;
  readonly #gatherer = new CborGatherer();
  /** Where the item at hand begins in the batch. */
  #offset = 0;
  #offer: Offer | undefined;
  readonly #records: TransitRecord[] = [];
  readonly #controls: Control[] = [];
  readonly #rids = new Set<string>();
  #blobBytes = 0;
  #head: BatchHead | undefined;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
    this.#beginItem('batch/offer', OFFER_LIMITS);
  }

  /** Once it is complete. Whether the rest agrees with it is not known before there is a head. */
  get offer(): Offer | undefined {
    return this.#offer;
  }

  /** Once the last item is complete and all agree. */
  get head(): BatchHead | undefined {
    return this.#head;
  }

  /** Bytes of the batch taken so far. */
  get taken(): number {
    return this.#offset + this.#gatherer.held;
  }

  /** Takes what belongs to the item at hand from `chunk`, from `at` on. Returns how many bytes that was. */
  take(chunk: Uint8Array, at: number): number {
    const taken = this.#gatherer.take(chunk, at);
    const { item } = this.#gatherer;
    if (item !== undefined) this.#add(item);
    return taken;
  }

  #add(item: Uint8Array): void {
    if (this.#offer === undefined) this.#offer = this.#readOffer(item);
    else if (this.#records.length < this.#offer.recordCount) this.#addRecord(item, this.#offer);
    else this.#controls.push(decodeControl(item, `batch/control/${this.#controls.length}`, this.#offset));
    this.#offset += item.length;

    if (this.#records.length < this.#offer.recordCount) this.#beginItem(`batch/record/${this.#records.length}`, RECORD_LIMITS);
    else if (this.#controls.length < this.#offer.controlCount) this.#beginItem(`batch/control/${this.#controls.length}`, CONTROL_LIMITS);
    else this.#head = this.#complete(this.#offer);
  }

  #beginItem(path: string, limits: { readonly bytes: number; readonly items?: number }): void {
    this.#gatherer.begin(path, this.#offset, { ...limits, bytes: Math.min(limits.bytes, this.#limits.headBytes - this.#offset) });
  }

  #readOffer(item: Uint8Array): Offer {
    const offer = decodeOffer(item, 'batch/offer', this.#offset);
    const { records, controls } = this.#limits;
    if (offer.recordCount > records) throw overLimit('batch/offer/record-count', this.#offset, offer.recordCount, records, 'records');
    if (offer.controlCount > controls) throw overLimit('batch/offer/control-count', this.#offset, offer.controlCount, controls, 'controls');
    return offer;
  }

  #addRecord(item: Uint8Array, offer: Offer): void {
    const path = `batch/record/${this.#records.length}`;
    const record = decodeRecord(item, path, this.#offset);
    const rid = toHex(record.rid);
    if (this.#rids.has(rid)) throw wrongValue(path, this.#offset, 'a record that stands in the batch already', 'each record once');
    this.#rids.add(rid);
    this.#blobBytes += record.blobBytes;
    if (this.#blobBytes > offer.blobBytes) throw wrongValue(path, this.#offset, `${this.#blobBytes} blob bytes so far`, `${offer.blobBytes} as offered`);
    this.#records.push(record);
  }

  #complete(offer: Offer): BatchHead {
    const head = { offer, records: this.#records, controls: this.#controls };
    if (this.#blobBytes !== offer.blobBytes) {
      throw wrongValue('batch/offer/blob-bytes', 0, String(offer.blobBytes), `${this.#blobBytes}, the sum of the records`);
    }
    const root = merkleRoot([...head.records, ...head.controls].map(({ bytes }) => bytes));
    if (!equalBytes(root, offer.root)) throw wrongValue('batch/offer/root', 0, 'another root', 'the root of the records and controls');
    return head;
  }
}
