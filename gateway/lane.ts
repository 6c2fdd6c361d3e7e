/**
 * One link of a neighbour as forwarding sees it: whether it may be tried now (its back-off, its contacts, its
 * budget), how much still fits, and how many sends are under way. The back-off is kept by the store's meta values,
 * so that a restart does not hammer a link that was down.
 */
import { backoffMs } from '../base/backoff.js';
import type { Backoff } from '../base/backoff.js';
import type { Random } from '../base/random.js';
import { utf8 } from '../base/bytes.js';
import type { Link, LinkLimit } from '../links/link.js';
import type { Spending } from '../links/purse.js';
import type { Cost, SendTime } from '../plan/budget.js';
import { always, nextTimeIn, sendingMs, volumeLeft } from '../plan/contact.js';
import type { Contact, ContactSource } from '../plan/contact.js';
import type { HeldBack } from '../plan/fill.js';
import type { Store } from '../store/store.js';
import type { BudgetKeeper, BudgetStatus } from './budget-keeper.js';

export interface LaneStatus {
  readonly link: string;
  readonly state: string;
  readonly attempts: number;
  readonly notBeforeMs: number;
  readonly sending: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly lastContactMs?: number;
  readonly lastError?: string;
  /** Absent for a link that works at any time. */
  readonly contact?: ContactStatus;
  readonly budget?: BudgetStatus;
  /** Absent where nothing stays. */
  readonly heldBack?: HeldBack;
  /** How many are too large for this link and wait for another; absent where none does. */
  readonly heldLarge?: number;
  /** How many sends may be under way, and what the link says of its own bounds. */
  readonly limits: readonly LinkLimit[];
}

export interface ContactStatus {
  readonly open: boolean;
  /** Of the contact that holds. Its bytes are absent where nobody has said how fast the link is. */
  readonly endsMs?: number;
  readonly leftBytes?: number;
  /** Absent when no other is planned. */
  readonly nextMs?: number;
}

/** One load on its way. */
export interface Passage {
  /** The budget counts it now. Safe to call twice. */
  paid(): void;
  /** Call it once. */
  end(): void;
}

/** When a link works and what it costs. */
export interface LanePlan {
  readonly contacts: ContactSource;
  readonly budget?: BudgetKeeper | undefined;
  readonly reservePercent?: number;
  /** Blobs from this size on wait for another link. */
  readonly holdLargeBytes?: number | undefined;
}

const AT_ANY_TIME: LanePlan = { contacts: always({ rateBytesPerSec: Number.POSITIVE_INFINITY, lightTimeMs: 0 }) };

/** What a receipt may take beyond the light time there and back: a sync on a slow card, a queue. */
export const RECEIPT_SLACK_MS = 30_000;

/**
 * Where time is counted, a transfer may take twice as long as its bytes say, the light time there and back, and this much
 * more, and is then cut off. That much is booked, and a second for the cutting off: no transfer takes more than is booked for it.
 */
const MINUTES_SLACK_MS = 30_000;
const CUTTING_OFF_MS = 1000;

export class Lane {
  readonly link: Link;
  /** How long a receipt may take on this link before the record is offered again. */
  readonly receiptWait: Backoff;
  readonly contacts: ContactSource;
  readonly budget: BudgetKeeper | undefined;
  readonly reservePercent: number;
  readonly holdLargeBytes: number | undefined;
  /** How many were due at the last look and wait for another link. */
  heldLarge = 0;
  /** What was due at the last look and stays, and why. */
  heldBack: HeldBack | undefined;
  sending = 0;
  /** Bytes of the sends under way, and of those among them that no budget counts yet. */
  #underWayBytes = 0;
  #unpaidBytes = 0;
  readonly #retry: Backoff;
  #attempts = 0;
  #notBeforeMs = 0;
  /** What the last send came to, where it failed. */
  #trouble: string | undefined;

  constructor(link: Link, retry: Backoff, receiptWait: Backoff, plan: LanePlan = AT_ANY_TIME) {
    this.link = link;
    this.#retry = retry;
    this.receiptWait = receiptWait;
    this.contacts = plan.contacts;
    this.budget = plan.budget;
    this.reservePercent = plan.reservePercent ?? 0;
    this.holdLargeBytes = plan.holdLargeBytes;
  }

  async restore(store: Store): Promise<void> {
    const saved = await store.getMeta(this.#metaKey());
    const [attempts, notBeforeMs] = saved === undefined ? [] : Buffer.from(saved).toString().split(' ').map(Number);
    if (!Number.isSafeInteger(attempts) || !Number.isSafeInteger(notBeforeMs)) return;
    this.#attempts = attempts as number;
    this.#notBeforeMs = notBeforeMs as number;
  }

  isOpen(nowMs: number): boolean {
    return this.worksAt(nowMs) && this.sending < this.link.supports.parallel;
  }

  /** Open, or busy. */
  worksAt(nowMs: number): boolean {
    if (nowMs < this.#waitsUntilMs(nowMs) || this.link.supports.parallel === 0) return false;
    const contact = this.contacts.at(nowMs);
    return contact !== undefined && this.#spentUntilMs(contact) === undefined;
  }

  /** When the lane is worth a look again: it opens, or its next contact begins. Undefined when nothing is planned. */
  opensAtMs(nowMs: number): number | undefined {
    const earliestMs = Math.max(this.#waitsUntilMs(nowMs), this.#spentUntilMs(this.contacts.at(nowMs)) ?? nowMs);
    return earliestMs > nowMs ? nextTimeIn(this.contacts, earliestMs) : this.contacts.next(nowMs)?.startMs;
  }

  /** When a receipt given at `thereMs` is here at the latest, if it takes this link; undefined where it cannot. */
  receiptHomeMs(thereMs: number): number | undefined {
    const leavesMs = nextTimeIn(this.contacts, thereMs);
    const contact = leavesMs === undefined ? undefined : this.contacts.at(leavesMs);
    if (leavesMs === undefined || contact === undefined) return undefined;
    return leavesMs + contact.lightTimeMs + (leavesMs === thereMs ? 0 : RECEIPT_SLACK_MS);
  }

  /** The bytes that one more send may have: what is left of the contact and of the budget. */
  roomBytes(nowMs: number): number {
    const contact = this.contacts.at(nowMs);
    if (contact === undefined) return 0;
    const aheadBytes = this.link.backlogBytes === undefined ? this.#underWayBytes : this.link.backlogBytes();
    const mediumBytes = Math.min(volumeLeft(contact, nowMs) - aheadBytes, this.budget === undefined ? Number.POSITIVE_INFINITY : this.budget.leftBytes(this.#countsTime ? longestTime(contact) : undefined) - this.#unpaidBytes);
    return mediumBytes / (this.link.supports.expansion ?? 1);
  }

  /** What so many bytes of a unit are on the medium: what counts for contacts and budgets. */
  mediumBytes(unitBytes: number): number {
    return Math.ceil(unitBytes * (this.link.supports.expansion ?? 1));
  }

  /** Does anything but its back-off say what goes here and when? */
  isPlanned(contact: Contact): boolean {
    return this.budget !== undefined || Number.isFinite(contact.endMs) || Number.isFinite(contact.rateBytesPerSec);
  }

  /** What a send of so many bytes may cost. */
  costOf(unitBytes: number, nowMs: number): Cost {
    const bytes = this.mediumBytes(unitBytes);
    const contact = this.contacts.at(nowMs);
    const { atLeastMs, perByteMs } = this.#countsTime && contact !== undefined ? longestTime(contact) : { atLeastMs: 0, perByteMs: 0 };
    return { bytes, sessions: 1, ms: atLeastMs + perByteMs * bytes };
  }

  /** Books a send. */
  async pay(cost: Cost): Promise<Spending> {
    if (this.budget === undefined || this.link.supports.pays === true) return { kind: 'allowed', settle: () => Promise.resolve() };
    return this.budget.spend(cost);
  }

  /** How long a send may take before it is cut off: to the end of the contact, or of the time that was booked. Undefined where nothing cuts it off. */
  timeLimitMs({ ms: bookedMs }: Cost, nowMs: number): number | undefined {
    const contact = this.contacts.at(nowMs);
    if (contact === undefined) return 0;
    // What has left in time may still be on its way, and so may the word that it has come.
    const contactMs = this.link.supports.keepsContacts === true ? Number.POSITIVE_INFINITY : contact.endMs - nowMs + 2 * contact.lightTimeMs;
    const limitMs = Math.min(contactMs, this.#countsTime ? Math.max(0, bookedMs - CUTTING_OFF_MS) : Number.POSITIVE_INFINITY);
    return Number.isFinite(limitMs) ? limitMs : undefined;
  }

  /** A load was chosen: from here on its place in contact and budget is taken. */
  begin(unitBytes: number): Passage {
    const bytes = this.mediumBytes(unitBytes);
    this.#underWayBytes += bytes;
    this.#unpaidBytes += bytes;
    let unpaid = true;
    const paid = (): void => {
      if (unpaid) this.#unpaidBytes -= bytes;
      unpaid = false;
    };
    return {
      paid,
      end: () => {
        paid();
        this.#underWayBytes -= bytes;
      },
    };
  }

  get isBackingOff(): boolean {
    return this.#attempts > 0;
  }

  async failed(store: Store, nowMs: number, random: Random, why: string, retryAfterMs = 0): Promise<void> {
    this.#attempts += 1;
    this.#trouble = why;
    // A wait that a clock gone wrong has put far away must not outlive the cap.
    this.#notBeforeMs = Math.round(nowMs + Math.max(Math.min(retryAfterMs, this.#retry.capMs), backoffMs(this.#retry, this.#attempts, random)));
    await this.#save(store);
  }

  /** Success, or any sign of life of the neighbour. */
  async alive(store: Store): Promise<void> {
    if (this.#attempts === 0 && this.#notBeforeMs === 0) return;
    this.#attempts = 0;
    this.#notBeforeMs = 0;
    this.#trouble = undefined;
    await this.#save(store);
  }

  status(nowMs: number): LaneStatus {
    const { state, sentBytes, receivedBytes, lastContactMs, lastError = this.#trouble, limits = [] } = this.link.status();
    const contact = this.#contactStatus(nowMs);
    return {
      link: this.link.name,
      state,
      attempts: this.#attempts,
      notBeforeMs: this.#waitsUntilMs(nowMs),
      sending: this.sending,
      sentBytes,
      receivedBytes,
      ...(lastContactMs !== undefined && { lastContactMs }),
      ...(lastError !== undefined && { lastError }),
      ...(contact !== undefined && { contact }),
      ...(this.budget !== undefined && { budget: this.budget.status() }),
      ...(this.heldLarge > 0 && { heldLarge: this.heldLarge }),
      ...(this.heldBack !== undefined && { heldBack: this.heldBack }),
      limits: [{ name: 'sends under way', unit: 'count', used: this.sending, most: this.link.supports.parallel, refused: 0 }, ...limits],
    };
  }

  #contactStatus(nowMs: number): ContactStatus | undefined {
    const contact = this.contacts.at(nowMs);
    if (contact !== undefined && !Number.isFinite(contact.endMs)) return undefined;
    const nextMs = this.contacts.next(nowMs)?.startMs;
    return { open: contact !== undefined, ...(contact !== undefined && heldStatus(contact, nowMs)), ...(nextMs !== undefined && { nextMs }) };
  }

  /** The gateway pays for the time that its sends take. */
  get #countsTime(): boolean {
    return this.budget?.countsTime === true && this.link.supports.pays !== true;
  }

  /** No wait is longer than the cap: one that is was begun before time went back, and is over. */
  #waitsUntilMs(nowMs: number): number {
    return this.#notBeforeMs > Math.ceil(nowMs + this.#retry.capMs) ? 0 : this.#notBeforeMs;
  }

  /** What is left of a budget has to be enough for the least that a send may take. */
  #spentUntilMs(contact: Contact | undefined): number | undefined {
    return this.budget?.spentUntilMs(this.#countsTime && contact !== undefined ? longestTime(contact).atLeastMs : 0);
  }

  async #save(store: Store): Promise<void> {
    await store.putMeta(this.#metaKey(), utf8(`${this.#attempts} ${this.#notBeforeMs}`));
  }

  #metaKey(): string {
    return `lane/${this.link.name}`;
  }
}

function heldStatus(contact: Contact, nowMs: number): Pick<ContactStatus, 'endsMs' | 'leftBytes'> {
  const leftBytes = volumeLeft(contact, nowMs);
  return { endsMs: contact.endMs, ...(Number.isFinite(leftBytes) && { leftBytes }) };
}

function longestTime(contact: Contact): SendTime {
  return { atLeastMs: 2 * contact.lightTimeMs + MINUTES_SLACK_MS + CUTTING_OFF_MS, perByteMs: 2 * sendingMs(contact, 1) };
}
