/** Openings wait for a peer until it shows that it has them; one that never does is not waited for longer than anybody can remember the record. */
import { decodeControl } from '../wire/control.js';
import type { GatewayContext } from './context.js';

/** Looked at in one go, from the oldest. */
const OPENINGS_AT_ONCE = 512;
/** Each opening is looked up, and what is over may wait a day longer. */
const DAY_MS = 86_400_000;

export class OpeningExpiry {
  readonly #context: GatewayContext;
  #seenDay: number;

  constructor(context: GatewayContext) {
    this.#context = context;
    this.#seenDay = this.#day();
  }

  /** Once in a day: takes the openings out of every outbox whose records have been forgotten here, so long after their expiry that they are over everywhere. */
  async sweep(): Promise<void> {
    const { trust, book } = this.#context;
    const day = this.#day();
    if (!trust.trusted || day === this.#seenDay) return;
    this.#seenDay = day;
    for (const peer of book.all()) await this.#sweepPeer(peer.name);
  }

  async #sweepPeer(peer: string): Promise<void> {
    const { store, log } = this.#context;
    for (;;) {
      const stale: string[] = [];
      for (const { key, bytes } of await store.outbox(peer, OPENINGS_AT_ONCE)) {
        const control = decodeControl(bytes);
        const isOpening = control.kind === 'accept' || control.kind === 'retract';
        if (isOpening && (await store.findByLocator(control.locator)).length === 0) stale.push(key);
      }
      if (stale.length === 0) return;
      await store.outboxRemove(peer, stale);
      log.info('openings given up', { peer, count: stale.length });
    }
  }

  #day(): number {
    return Math.floor(this.#context.trust.nowMs() / DAY_MS);
  }
}
