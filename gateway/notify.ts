/**
 * Notify: knocks at the door of a served domain for each record that waits for it, with the backoff of
 * protocol.md N5, until it is fetched, opened or expired. Nothing ever comes back from a knock.
 */
import { backoffMs } from '../base/backoff.js';
import type { Schedule, StoredRecord } from '../store/store.js';
import type { DomainRecord } from '../wire/domain-record.js';
import { MAX_SEALED_INNER_BYTES } from '../wire/notification.js';
import { sealNotifyDatagram } from '../wire/seal.js';
import type { GatewayContext } from './context.js';
import { ridText } from './log.js';
import { servedTarget } from './target.js';

/** Sends one datagram and forgets it. */
export interface KnockSender {
  knock(host: string, port: number, datagram: Uint8Array): void;
}

/** Sealing costs a key agreement each: a long queue is knocked in slices, so that the loop stays free. */
const KNOCKS_AT_ONCE = 50;
/** A domain that was heard from is knocked at again for all that waits, at most this often. */
const HURRY_EVERY_MS = 30_000;
const HURRY_AT_ONCE = 1000;

export class Notifier {
  readonly domain: DomainRecord;
  readonly #context: GatewayContext;
  readonly #sender: KnockSender;
  #hurriedMs = Number.NEGATIVE_INFINITY;
  #knocking: Promise<boolean> | undefined;

  constructor(context: GatewayContext, domain: DomainRecord, sender: KnockSender) {
    this.#context = context;
    this.domain = domain;
    this.#sender = sender;
  }

  /** Knocks for a slice of what is due. Gives true when more may be due. */
  pump(): Promise<boolean> {
    this.#knocking ??= this.#slice().finally(() => {
      this.#knocking = undefined;
    });
    return this.#knocking;
  }

  /** The domain was heard from: it fetched, opened, or its client called. */
  async alive(): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#hurriedMs < HURRY_EVERY_MS) return;
    this.#hurriedMs = nowMs;
    await this.#context.store.hurry(servedTarget(this.domain.domain), this.#context.trust.nowMs(), HURRY_AT_ONCE);
  }

  async stop(): Promise<void> {
    await this.#knocking;
  }

  async #slice(): Promise<boolean> {
    const { store, trust, config, random } = this.#context;
    const nowMs = trust.nowMs();
    const due = await store.due(servedTarget(this.domain.domain), nowMs, KNOCKS_AT_ONCE);
    if (due.length === 0) return false;
    const changes = due.map((stored) => {
      const schedule = stored.schedule as Schedule;
      const attempts = schedule.attempts + 1;
      // Its expiry may have passed without effect, while the clock is not believed.
      const dueMs = this.#knock(stored, schedule.attempts) ? nowMs + backoffMs(config.knock, attempts, random) : Math.max(stored.record.expirySec * 1000, nowMs + config.knock.capMs);
      return { rid: stored.record.rid, schedule: { ...schedule, attempts, dueMs } };
    });
    // Written before the next slice is chosen, and without a sync: a repeated knock is harmless.
    await store.reschedule(changes);
    return due.length === KNOCKS_AT_ONCE;
  }

  /** Gives false for a record nobody is to be told of: a payload that its envelopes refer to, or one whose notification fits no datagram. */
  #knock({ record }: StoredRecord, attempts: number): boolean {
    const { key, config, random, trust, counters, log } = this.#context;
    const { endpoints } = this.domain;
    const endpoint = endpoints[attempts % Math.max(endpoints.length, 1)];
    const inner = record.notification;
    if (inner === undefined || inner.length > MAX_SEALED_INNER_BYTES || endpoint === undefined) return false;
    const outer = { destination: this.domain.domain, holder: config.gateway.publicUrl, sentSec: Math.floor(trust.nowMs() / 1000), sealedInner: inner };
    this.#sender.knock(endpoint.host, endpoint.udpPort, sealNotifyDatagram(this.domain.kemKey, key, outer, random.bytes(32)));
    counters.add('knocks');
    log.debug('knocked', { record: ridText(record.rid), domain: this.domain.domain });
    return true;
  }
}
