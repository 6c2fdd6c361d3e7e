/**
 * What one direction of a link was used for: every byte by its cause, how each contact was filled, and what it cost.
 * A blob goes over a way once for its own sake; whatever goes again is counted as sent again.
 */
import { moneyFor } from '../plan/budget.js';
import type { Price } from '../plan/budget.js';
import type { LeftUnit } from './channel.js';
import type { UnitContents } from './unit-contents.js';

/** Bytes by what they were for. Together they are all bytes that gateways sent on a way. */
export interface ByteCauses {
  /** Blobs, for the first time on this way. */
  payload: number;
  /** Records, for the first time. */
  records: number;
  /** Blobs and records that had been on this way before. */
  again: number;
  receipts: number;
  openings: number;
  wants: number;
  refusals: number;
  /** Bundle, offer, heads of pieces. */
  framing: number;
}

export interface ContactUse {
  readonly startUs: number;
  readonly endUs: number;
  units: number;
  bytes: number;
  busyUs: number;
}

/** More contacts than this are counted and not listed: a page has so much room. */
const MOST_CONTACTS = 4000;
/** The window of a link that is always open. */
const FOR_EVER_US = Number.MAX_SAFE_INTEGER;

export class WayLedger {
  readonly causes: ByteCauses = { payload: 0, records: 0, again: 0, receipts: 0, openings: 0, wants: 0, refusals: 0, framing: 0 };
  /** By the end of each window: a cut moves its start. */
  readonly contacts = new Map<number, ContactUse>();
  money = 0;
  readonly #price: Price | undefined;
  /** How far each blob has come, by rid. */
  readonly #sentTo = new Map<string, number>();

  constructor(price: Price | undefined) {
    this.#price = price;
  }

  left({ bytes: { length: bytes }, busyUs, window }: LeftUnit, { records, controls, pieces }: UnitContents): void {
    const { causes } = this;
    let framing = bytes;
    for (const record of records) {
      const isNew = !this.#sentTo.has(record.rid);
      if (isNew) this.#sentTo.set(record.rid, 0);
      causes[isNew ? 'records' : 'again'] += record.bytes;
      framing -= record.bytes;
    }
    for (const kind of ['receipts', 'openings', 'wants', 'refusals'] as const) {
      causes[kind] += controls[kind];
      framing -= controls[kind];
    }
    for (const { rid, offset, bytes: length } of pieces) {
      const before = this.#sentTo.get(rid) ?? 0;
      const again = Math.min(Math.max(before - offset, 0), length);
      causes.again += again;
      causes.payload += length - again;
      this.#sentTo.set(rid, Math.max(before, offset + length));
      framing -= length;
    }
    causes.framing += framing;
    if (this.#price !== undefined) this.money += moneyFor(this.#price, { bytes, sessions: 1, ms: busyUs / 1000 });
    if (window.endUs !== FOR_EVER_US) this.#use(window, bytes, busyUs);
  }

  /** Nobody will send it again. */
  forget(rid: string): void {
    this.#sentTo.delete(rid);
  }

  #use({ startUs, endUs }: LeftUnit['window'], bytes: number, busyUs: number): void {
    const known = this.contacts.get(endUs);
    if (known === undefined && this.contacts.size >= MOST_CONTACTS) return;
    const use = known ?? { startUs, endUs, units: 0, bytes: 0, busyUs: 0 };
    use.units += 1;
    use.bytes += bytes;
    use.busyUs += busyUs;
    this.contacts.set(endUs, use);
  }
}
