/**
 * Forward: keeps the links to one neighbour busy with what is due for it. What a link says of a send moves
 * timers only; records leave the store by receipts (release.ts).
 */
import { backoffMs } from '../base/backoff.js';
import { isPosternError, messageOf } from '../base/errors.js';
import type { LinkLimit, Outcome } from '../links/link.js';
import type { Schedule, StoredRecord } from '../store/store.js';
import { ContactPace } from './contact-pace.js';
import type { GatewayContext } from './context.js';
import type { Lane, LaneStatus, Passage } from './lane.js';
import { HeldLarge } from './held-large.js';
import { bytesOf, handKeys } from './load.js';
import type { Filling, LargeHeld, Load, PackedFreight, Packing } from './load.js';
import type { Peer } from './peer-book.js';
import { putAside } from './put-aside.js';
import { RepeatedLoads } from './repeating.js';
import { SentWhole } from './sent-whole.js';
import { peerTarget } from './target.js';
import { isCarried } from './unit-size.js';
import type { WantedBlob } from './wanted.js';
import { WantedRanges } from './wanted.js';

/** A sign of life makes waiting records due again at most this often, so that two chatty ends do not repeat themselves. */
const HURRY_EVERY_MS = 60_000;
const HURRY_AT_ONCE = 10_000;

export class NeighbourForwarder {
  readonly peer: Peer;
  readonly lanes: readonly Lane[];
  readonly #context: GatewayContext;
  readonly #packing: Packing;
  readonly #wanted = new WantedRanges();
  /** Hex rids and outbox keys that travel right now. */
  readonly #inHand = new Set<string>();
  readonly #held: HeldLarge;
  readonly #sentWhole: SentWhole;
  readonly #sends = new Set<Promise<void>>();
  readonly #repeated: RepeatedLoads;
  readonly #paces: ReadonlyMap<Lane, ContactPace>;
  readonly #abort = new AbortController();
  readonly #changed: () => void;
  #pumping: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #piecesWentLast = false;
  #hurriedMs = Number.NEGATIVE_INFINITY;

  /** @param changed called when a send has ended: what is due next may be another time now */
  constructor(context: GatewayContext, peer: Peer, lanes: readonly Lane[], packing: Packing, changed: () => void) {
    this.#context = context;
    this.peer = peer;
    this.lanes = lanes;
    this.#packing = packing;
    this.#changed = changed;
    this.#held = new HeldLarge(context.store, peer.name);
    this.#sentWhole = new SentWhole(context.store, peer.name);
    this.#repeated = new RepeatedLoads(context.store, peerTarget(peer.name));
    this.#paces = new Map(lanes.filter(({ link }) => link.supports.sendsAsItReads === true).map((lane) => [lane, new ContactPace(context.clock, () => lane.contacts.at(context.trust.nowMs())?.rateBytesPerSec ?? Number.POSITIVE_INFINITY)]));
  }

  /** Starts as many sends as there are free lanes and due loads. Several calls at once make one more round, not several. */
  pump(): Promise<void> {
    this.#again = true;
    this.#pumping ??= this.#rounds().finally(() => {
      this.#pumping = undefined;
    });
    return this.#pumping;
  }

  /** Takes up what was known when the gateway stopped. */
  async restore(): Promise<void> {
    await this.#held.restore();
    await this.#sentWhole.restore();
  }

  /** Ranges of a blob the neighbour says it lacks. What it was told of it asks for by any link. */
  async want({ rid, ranges, blobBytes }: WantedBlob): Promise<void> {
    if (!(await this.#held.ask(rid))) return this.#wanted.want(rid, ranges, blobBytes);
    // Not large in the store's sense: it goes with its record.
    if (blobBytes < this.#context.config.store.largeBlobBytes) return;
    await this.#awaitReceipt(this.lanes[0], rid);
    this.#wanted.want(rid, ranges, blobBytes);
  }

  /** The neighbour was heard from: lanes open, and what waited for a receipt while it was gone is offered again. */
  async alive(): Promise<void> {
    const { store, trust, clock, planner } = this.#context;
    const wasAway = this.lanes.some((lane) => lane.isBackingOff);
    for (const lane of this.lanes) await lane.alive(store);
    planner.alive(this.peer.name);
    if (!wasAway || clock.monotonicMs() - this.#hurriedMs < HURRY_EVERY_MS) return;
    this.#hurriedMs = clock.monotonicMs();
    await store.hurry(peerTarget(this.peer.name), trust.nowMs(), HURRY_AT_ONCE);
  }

  /** Nothing that was offered to this neighbour is due later. */
  latestReceiptMs(nowMs: number): number {
    return Math.max(nowMs, ...this.lanes.map((lane) => this.#receiptDueMs(lane, 1, nowMs, lane.receiptWait.capMs)));
  }

  /** An earlier time than that of before was confirmed. What waits in the queue is not looked at here. */
  async timeFell(nowMs: number): Promise<void> {
    for (const { budget } of this.lanes) await budget?.timeFell();
    await this.#held.timeFell(this.latestReceiptMs(nowMs));
  }

  /** The neighbour has answered for something: see RepeatedLoads. */
  settle(): Promise<void> {
    return this.#repeated.settle();
  }

  /** When a lane opens, or its next contact begins; undefined when nothing of the kind is ahead. */
  nextOpeningMs(nowMs: number): number | undefined {
    const times = this.lanes.map((lane) => lane.opensAtMs(nowMs)).filter((time): time is number => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async idle(): Promise<void> {
    while (this.#pumping !== undefined || this.#sends.size > 0) await Promise.allSettled([this.#pumping, ...this.#sends]);
  }

  status(nowMs: number): LaneStatus[] {
    return this.lanes.map((lane) => lane.status(nowMs));
  }

  /** What bounds the notices given to this neighbour. Empty where no link leaves anything to another. */
  limits(): LinkLimit[] {
    return this.lanes.some((lane) => lane.holdLargeBytes !== undefined) ? this.#held.limits() : [];
  }

  /** Starts nothing new, lets sends end within the grace time, then aborts them. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const timer = this.#context.clock.timer(graceMs, () => this.#abort.abort());
    // Who asked for the pump hears of what went wrong in it.
    await Promise.allSettled([this.#pumping]);
    await Promise.all(this.#sends);
    timer.cancel();
  }

  async #rounds(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      for (const lane of this.lanes) {
        while (!this.#stopped && lane.isOpen(this.#context.trust.nowMs()) && (await this.#startSend(lane)));
      }
    }
  }

  /** Gives false when there is nothing to send on this lane. */
  async #startSend(lane: Lane): Promise<boolean> {
    const { store, trust, config } = this.#context;
    if (lane.holdLargeBytes !== undefined) await this.#held.makeRoom();
    const load = await this.#packing.choose({
      store,
      peer: this.peer,
      supports: lane.link.supports,
      roomBytes: lane.roomBytes(trust.nowMs()),
      nowMs: trust.nowMs(),
      filling: this.#filling(lane),
      large: this.#large(lane),
      largeBlobBytes: config.store.largeBlobBytes,
      inHand: this.#inHand,
      wanted: this.#wanted,
      isDuesTurn: this.#piecesWentLast,
      wasSentWhole: ({ record }) => this.#sentWhole.has(record.rid),
      sendUnasked: (stored) => this.#sendUnasked(lane, stored),
      unreadable: (stored, thrown) => {
        this.#wanted.forget(stored.record.rid);
        return putAside(this.#context, this.peer, stored, thrown);
      },
    });
    if (load === undefined) return false;
    this.#piecesWentLast = load.large !== undefined;
    const keys = handKeys(load);
    for (const key of keys) this.#inHand.add(key);
    lane.sending += 1;
    const passage = lane.begin(bytesOf(load));
    const send = this.#send(lane, load, passage).catch((thrown: unknown) => this.#afterFault(lane, load, thrown));
    const done = send.finally(() => {
      lane.sending -= 1;
      passage.end();
      for (const key of keys) this.#inHand.delete(key);
      this.#sends.delete(done);
      void this.#pumpOn();
    });
    this.#sends.add(done);
    return true;
  }

  async #afterFault(lane: Lane, load: Load, thrown: unknown): Promise<void> {
    const { store, trust, random, log } = this.#context;
    this.#giveBack(load);
    // A receipt or an opening came for what was just being sent: nothing is wrong with the lane.
    if (isPosternError(thrown) && thrown.code === 'STORE_GONE') return;
    log.error('a send failed', { peer: this.peer.name, link: lane.link.name, reason: String(thrown) });
    // Where the store is what has failed, the lane waits all the same; only a restart will not know of it.
    await lane.failed(store, trust.nowMs(), random, 'a fault of this gateway: see its log').catch(() => undefined);
  }

  /** After a send: nobody waits for this one, and the next tick tries again what fails in it. */
  async #pumpOn(): Promise<void> {
    try {
      await this.pump();
    } catch (thrown) {
      this.#context.log.error('unexpected', { reason: messageOf(thrown) });
    }
    this.#changed();
  }

  #large(lane: Lane): LargeHeld | undefined {
    const { holdLargeBytes } = lane;
    if (holdLargeBytes === undefined) return undefined;
    const nowMs = this.#context.trust.nowMs();
    return {
      holds: (stored) => this.#held.holds(stored, holdLargeBytes),
      isToTell: (stored) => !this.#goesSoon(stored, nowMs) && this.#held.isToTell(stored, nowMs),
      before: lane.heldLarge,
      tell: (held) => {
        lane.heldLarge = held.length;
        this.#held.looked(held);
      },
    };
  }

  /** Is a link that takes it working now, so that a notice would only come before it? */
  #goesSoon({ record }: StoredRecord, nowMs: number): boolean {
    return this.lanes.some((lane) => lane.worksAt(nowMs) && (lane.holdLargeBytes === undefined || record.blobBytes < lane.holdLargeBytes) && isCarried(lane.link.supports, record));
  }

  #filling(lane: Lane): Filling | undefined {
    const { trust, priorities } = this.#context;
    const contact = lane.contacts.at(trust.nowMs());
    if (contact === undefined || !(lane.isPlanned(contact) || priorities.areGiven)) return undefined;
    return {
      contact,
      leftBytes: lane.roomBytes(trust.nowMs()),
      reservePercent: lane.reservePercent,
      ageingMs: priorities.ageingMs,
      trusted: trust.trusted,
      stayed: lane.heldBack === undefined ? 0 : lane.heldBack.late + lane.heldBack.noRoom + lane.heldBack.reserved,
      priorityOf: ({ record, from }) => priorities.of(record.destination, from),
      tell: (heldBack) => {
        lane.heldBack = heldBack.late + heldBack.noRoom + heldBack.reserved > 0 ? heldBack : undefined;
      },
    };
  }

  async #send(lane: Lane, load: Load, passage: Passage): Promise<void> {
    const { store, answers, trust, log, counters, random, planner } = this.#context;
    const { notices = [] } = load;
    await this.#held.telling(notices, () => this.#receiptDueMs(lane, 1, trust.nowMs()));
    const freight = await this.#packing.freight(this.peer, lane.link.supports, load);
    const outcome = await this.#sendPaid(lane, load, freight, passage);
    log.debug('sent', { peer: this.peer.name, link: lane.link.name, count: load.records.length, bytes: freight.bytes, code: outcome.kind });
    if (outcome.kind === 'confirmed' || outcome.kind === 'written') {
      freight.release();
      counters.add('batchesOut');
      counters.add('recordsOffered', load.records.length);
      counters.add('noticesGiven', notices.length);
      await this.#held.tellingEnded(notices, outcome.kind === 'confirmed' ? 'known' : 'unsure');
      await lane.alive(store);
      const left = load.controls.map((entry) => entry.key);
      await store.outboxRemove(this.peer.name, left);
      answers.gone(this.peer.name, left);
      await this.#awaitReceipts(lane, load);
      return;
    }
    this.#giveBack(load);
    await this.#held.tellingEnded(notices, 'lost');
    if (this.#abort.signal.aborted) return;
    counters.add(outcome.kind === 'refused' ? 'sendsRefused' : 'sendsUnreachable');
    log.info('the link failed', { peer: this.peer.name, link: lane.link.name, code: outcome.kind, reason: outcome.reason });
    await lane.failed(store, trust.nowMs(), random, outcome.reason, retryAfterOf(outcome));
    if (this.lanes.every((way) => way.isBackingOff || way.contacts.at(trust.nowMs()) === undefined)) planner.failed(this.peer.name, trust.nowMs());
  }

  /** One attempt, within what the budget and the contact leave for it. */
  async #sendPaid(lane: Lane, load: Load, freight: PackedFreight, passage: Passage): Promise<Outcome> {
    const { trust, clock } = this.#context;
    const cost = lane.costOf(freight.bytes, trust.nowMs());
    const spending = await lane.pay(cost);
    passage.paid();
    if (spending.kind === 'refused') return { kind: 'refused', code: 'budget', reason: spending.reason, retryAfterMs: spending.retryAfterMs };
    const limit = new AbortController();
    const limitMs = lane.timeLimitMs(cost, trust.nowMs());
    const timer = limitMs === undefined ? undefined : clock.timer(limitMs, () => limit.abort());
    const startMs = clock.monotonicMs();
    try {
      const signal = timer === undefined ? this.#abort.signal : AbortSignal.any([this.#abort.signal, limit.signal]);
      return await this.#repeated.send(lane.link, load, this.#paces.get(lane)?.paced(freight, signal) ?? freight, signal);
    } finally {
      timer?.cancel();
      // Whether the bytes of a send that failed have left nobody knows: they stay counted.
      await spending.settle({ ...cost, ms: clock.monotonicMs() - startMs });
    }
  }

  /** What was offered and is neither receipted nor refused yet is offered again when its receipt is overdue. */
  async #awaitReceipts(lane: Lane, load: Load): Promise<void> {
    const { store, trust } = this.#context;
    const nowMs = trust.nowMs();
    const changes: { rid: Uint8Array; schedule: Schedule }[] = [];
    for (const { record } of load.records) {
      if (this.#wanted.isEmpty(record.rid)) this.#wanted.forget(record.rid);
      const schedule = (await store.find(record.rid))?.schedule;
      if (schedule === undefined || schedule.dueMs > nowMs || this.#wanted.has(record.rid)) continue;
      const attempts = schedule.attempts + 1;
      changes.push({ rid: record.rid, schedule: { ...schedule, attempts, dueMs: this.#receiptDueMs(lane, attempts, nowMs) } });
    }
    await store.reschedule(changes);
    await this.#held.offered(load.records, () => this.#receiptDueMs(lane, 1, nowMs));
  }

  /** Overdue when its wait is over and the neighbour has had a contact, on any of its links, to send the receipt in. */
  #receiptDueMs(lane: Lane, attempts: number, nowMs: number, waitMs = backoffMs(lane.receiptWait, attempts, this.#context.random)): number {
    const waitedMs = nowMs + waitMs;
    const thereMs = nowMs + (lane.contacts.at(nowMs)?.lightTimeMs ?? 0);
    const homeMs = this.lanes.map((way) => way.receiptHomeMs(thereMs)).filter((time): time is number => time !== undefined);
    return homeMs.length === 0 ? waitedMs : Math.max(waitedMs, Math.min(...homeMs));
  }

  /** Counted and remembered before the first piece goes: from then on, after a restart too, the neighbour is asked what it has, not sent all again. */
  async #sendUnasked(lane: Lane, { record }: StoredRecord): Promise<void> {
    if (!(await this.#awaitReceipt(lane, record.rid))) return;
    await this.#sentWhole.add(record.rid);
    this.#wanted.offered(record.rid);
    this.#wanted.want(record.rid, [[0, record.blobBytes]], record.blobBytes);
  }

  async #awaitReceipt(lane: Lane | undefined, rid: Uint8Array): Promise<boolean> {
    const { store, trust } = this.#context;
    const schedule = (await store.find(rid))?.schedule;
    if (schedule === undefined || lane === undefined) return false;
    await store.reschedule([{ rid, schedule: { ...schedule, attempts: 1, dueMs: this.#receiptDueMs(lane, 1, trust.nowMs()) } }]);
    return true;
  }

  #giveBack(load: Load): void {
    if (load.large !== undefined) this.#wanted.giveBack(load.large.rid, load.large.ranges);
  }
}

function retryAfterOf(outcome: Outcome): number {
  return outcome.kind === 'refused' ? (outcome.retryAfterMs ?? 0) : 0;
}
