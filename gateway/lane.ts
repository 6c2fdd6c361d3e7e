/**
 * One link of a neighbour as forwarding sees it: whether it may be tried now, and how many sends are under
 * way. The back-off is kept by the store's meta values, so that a restart does not hammer a link that was down.
 */
import { backoffMs } from '../base/backoff.js';
import type { Backoff } from '../base/backoff.js';
import type { Random } from '../base/random.js';
import { utf8 } from '../base/bytes.js';
import type { Link } from '../links/link.js';
import type { Store } from '../store/store.js';

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
}

export class Lane {
  readonly link: Link;
  /** How long a receipt may take on this link before the record is offered again. */
  readonly receiptWait: Backoff;
  sending = 0;
  readonly #retry: Backoff;
  #attempts = 0;
  #notBeforeMs = 0;

  constructor(link: Link, retry: Backoff, receiptWait: Backoff) {
    this.link = link;
    this.#retry = retry;
    this.receiptWait = receiptWait;
  }

  async restore(store: Store): Promise<void> {
    const saved = await store.getMeta(this.#metaKey());
    const [attempts, notBeforeMs] = saved === undefined ? [] : Buffer.from(saved).toString().split(' ').map(Number);
    if (!Number.isSafeInteger(attempts) || !Number.isSafeInteger(notBeforeMs)) return;
    this.#attempts = attempts as number;
    this.#notBeforeMs = notBeforeMs as number;
  }

  isOpen(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs && this.sending < this.link.supports.parallel;
  }

  /** When the lane may be tried again; undefined while it may be tried now. */
  opensAtMs(nowMs: number): number | undefined {
    return nowMs < this.#notBeforeMs ? this.#notBeforeMs : undefined;
  }

  get isBackingOff(): boolean {
    return this.#attempts > 0;
  }

  async failed(store: Store, nowMs: number, random: Random, retryAfterMs = 0): Promise<void> {
    this.#attempts += 1;
    // A wait that a clock gone wrong has put far away must not outlive the cap.
    this.#notBeforeMs = Math.round(nowMs + Math.max(Math.min(retryAfterMs, this.#retry.capMs), backoffMs(this.#retry, this.#attempts, random)));
    await this.#save(store);
  }

  /** Success, or any sign of life of the neighbour. */
  async alive(store: Store): Promise<void> {
    if (this.#attempts === 0 && this.#notBeforeMs === 0) return;
    this.#attempts = 0;
    this.#notBeforeMs = 0;
    await this.#save(store);
  }

  status(): LaneStatus {
    const { state, sentBytes, receivedBytes, lastContactMs, lastError } = this.link.status();
    return {
      link: this.link.name,
      state,
      attempts: this.#attempts,
      notBeforeMs: this.#notBeforeMs,
      sending: this.sending,
      sentBytes,
      receivedBytes,
      ...(lastContactMs !== undefined && { lastContactMs }),
      ...(lastError !== undefined && { lastError }),
    };
  }

  async #save(store: Store): Promise<void> {
    await store.putMeta(this.#metaKey(), utf8(`${this.#attempts} ${this.#notBeforeMs}`));
  }

  #metaKey(): string {
    return `lane/${this.link.name}`;
  }
}
