/**
 * The gateway: the stages in their order, on persisted state. This file is the table of contents; each stage
 * has a file of its own and none knows another. Everything moves on `tick`: the daemon calls it when something
 * is due or has arrived (schedule.ts), the simulator when its clock says so.
 */
import { toHex } from '../base/bytes.js';
import { isPosternError, messageOf } from '../base/errors.js';
import type { PosternError } from '../base/errors.js';
import type { Arrival, DeliverResult, Link, LinkSupport } from '../links/link.js';
import { encodeBatchHead } from '../wire/batch.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { decodeOpenings } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';
import { makeReceipt, MAX_RECEIPT_RECORDS, takenBitmap } from '../wire/receipt.js';
import type { Receipt } from '../wire/receipt.js';
import { encodeRanges } from '../wire/ranges.js';
import { encodeRefusal } from '../wire/refusal.js';
import { beginAccept } from './accept.js';
import { beginCheck } from './check.js';
import { expireDue } from './expire.js';
import { OpeningExpiry } from './expire-openings.js';
import { BundleRooms } from './bundle-rooms.js';
import type { GatewayContext } from './context.js';
import { NeighbourForwarder } from './forward.js';
import type { Taken } from './intake.js';
import type { Lane } from './lane.js';
import { makeDue } from './make-due.js';
import { Notifier } from './notify.js';
import type { KnockSender } from './notify.js';
import { chooseLoad, toFreight } from './pack.js';
import type { Load, PackedFreight, Packing } from './load.js';
import type { Peer } from './peer-book.js';
import { isRaised } from './priorities.js';
import { neighbourQueue, PullIn, servedQueue } from './pull-in.js';
import { receiveBatch } from './receive.js';
import type { Received } from './receive.js';
import { applyOpening, releaseByControls } from './release.js';
import { findForFetch, markFetched } from './serve.js';
import type { Served } from './serve.js';
import { unwrapBundle, unwrapCompact } from './unwrap.js';
import { parseTarget, peerTarget, servedTarget } from './target.js';

/** An answer carries at most this many waiting control items; the rest comes with the next call. */
const ANSWERED_CONTROLS = 512;
const REPLANNED_AT_ONCE = 1000;
/** Of the largest unit of the way back, for one receipt; what it takes beside its rids, and what a rid takes. */
const RECEIPT_PART = 1 / 4;
const RECEIPT_HEAD_BYTES = 200;
const RID_ITEM_BYTES = 34;
const FEWEST_RIDS = 8;

export type Answer =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array; readonly taken: Taken }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'bad'; readonly error: PosternError };

export class Gateway {
  readonly context: GatewayContext;
  readonly #forwarders = new Map<string, NeighbourForwarder>();
  readonly #notifiers = new Map<string, Notifier>();
  readonly #running = new Set<Promise<unknown>>();
  /** Called when something may have become due at once. */
  onWake: (() => void) | undefined;
  readonly #rooms = new BundleRooms();
  readonly #openings: OpeningExpiry;
  readonly #pullIn: PullIn;
  readonly packing: Packing = { choose: chooseLoad, freight: this.freight.bind(this) };
  #sequence: number;
  #stopping = false;

  constructor(context: GatewayContext, lanes: ReadonlyMap<string, readonly Lane[]>, knocks: KnockSender) {
    this.context = context;
    this.#openings = new OpeningExpiry(context);
    this.#pullIn = new PullIn(context, () => [...this.forwarders().map(neighbourQueue), ...[...this.#notifiers.keys()].map((domain) => servedQueue(domain, context))]);
    this.#sequence = Math.floor(context.random.fraction() * 2 ** 40);
    for (const peer of context.book.all()) {
      if (peer.role === 'neighbour') this.#forwarders.set(peer.name, new NeighbourForwarder(context, peer, lanes.get(peer.name) ?? [], this.packing, () => this.onWake?.()));
      if (peer.domain !== undefined) this.#notifiers.set(peer.domain.domain, new Notifier(context, peer.domain, knocks));
    }
  }

  forwarders(): NeighbourForwarder[] {
    return [...this.#forwarders.values()];
  }

  /** Pack: a load as freight for one attempt. */
  freight(peer: Peer, supports: LinkSupport, load: Load): Promise<PackedFreight> {
    this.#sequence += 1;
    return toFreight(this.context, peer, supports, load, this.#sequence, this.#rooms);
  }

  /** Opens every link. A link that cannot start at all (a port in use) is a coded error. */
  async startLinks(): Promise<void> {
    for (const forwarder of this.forwarders()) {
      await forwarder.restore();
      for (const { link } of forwarder.lanes) {
        link.onSignOfLife = () => this.#background(this.#heardFrom(forwarder.peer));
        await link.start((arrival) => this.deliver(forwarder.peer, link, arrival));
      }
    }
  }

  /** One round of everything that is due. Resolves with the time of the next due thing, Unix milliseconds; sends go on meanwhile. */
  async tick(): Promise<number | undefined> {
    const { trust, store, planner } = this.context;
    if (this.#stopping) return undefined;
    if (trust.takeFall()) await this.#timeFell();
    const more = await expireDue(this.context);
    if (!more) await this.#openings.sweep();
    const nowMs = trust.nowMs();
    if (planner.takeStale(nowMs)) await this.replan('free');
    const pulling = await this.#pullIn.slice();
    let nextMs: number | undefined = more || pulling ? nowMs : undefined;
    const sooner = (timeMs: number | undefined): void => {
      if (timeMs !== undefined) nextMs = Math.min(nextMs ?? timeMs, timeMs);
    };
    sooner(planner.nextChangeMs(nowMs));
    for (const forwarder of this.#forwarders.values()) {
      this.#background(forwarder.pump());
      const dueMs = await store.nextDueMs(peerTarget(forwarder.peer.name));
      // With every lane closed the queue waits for a lane; with a free lane the pump above deals with what is due now.
      if (dueMs !== undefined && dueMs > nowMs) sooner(dueMs);
      sooner(forwarder.nextOpeningMs(nowMs));
    }
    for (const notifier of this.#notifiers.values()) {
      if (await notifier.pump()) sooner(nowMs);
      sooner(await store.nextDueMs(servedTarget(notifier.domain.domain)));
    }
    return nextMs;
  }

  /** What a link brings: a bundle, a compact batch or an answer batch. Its own answer goes back on the link where the link can, else as freight. */
  async deliver(neighbour: Peer, link: Link, arrival: Arrival): Promise<DeliverResult> {
    if (link.supports.carries === 'batch') return this.#deliverBatch(neighbour, arrival.bytes);
    try {
      if (link.supports.carries === 'compact') return await this.#deliverBatch(neighbour, once(await unwrapCompact(this.context, neighbour, arrival.bytes)));
      const unwrapped = await unwrapBundle(this.context, arrival.bytes, this.#rooms);
      if (unwrapped === undefined) return { kind: 'taken' };
      return await this.#deliverBatch(neighbour, once(unwrapped.batch)).finally(() => unwrapped.release());
    } catch (thrown) {
      return this.#refused(neighbour, thrown);
    }
  }

  /**
   * Accept and release: one batch in, one batch back: directly, or later as freight of its own. A batch from a stick is
   * receipted by its root, and its peer is not taken for being there now.
   */
  async takeBatch(bytes: AsyncIterable<Uint8Array>, back: 'direct' | 'later' | 'by-stick'): Promise<Answer> {
    const { context } = this;
    const received = await receiveBatch(context, bytes, (peer, head) => beginAccept(context, peer, head));
    if (received.kind === 'stranger') {
      context.counters.add('strangers');
      return { kind: 'stranger' };
    }
    if (received.kind === 'bad') {
      context.counters.add('batchesBad');
      context.log.warn('a batch was refused', { code: received.error.code, reason: messageOf(received.error), ...(received.peer !== undefined && { peer: received.peer.name }) });
      // Who did not sign learns nothing, not even that the bytes were no batch.
      return received.peer === undefined ? { kind: 'stranger' } : { kind: 'bad', error: received.error };
    }
    const { peer, head, taken } = received;
    context.counters.add('batchesIn');
    if (peer.role === 'neighbour') context.trust.confirm(head.offer.sentSec * 1000, peer.name);
    const released = await releaseByControls(context, peer, head.controls);
    if (back === 'by-stick') await makeDue(context, peer.name, released.wants.map(({ rid }) => rid));
    else for (const want of released.wants) await this.#forwarders.get(peer.name)?.want(want);
    await this.#forwarders.get(peer.name)?.settle();
    if (back !== 'by-stick') await this.#heardFrom(peer);
    const controls = this.#answerControls({ ...taken, refusals: [...taken.refusals, ...released.refusals] }, head, back === 'by-stick' ? 'batch' : 'rids', back === 'later' ? ridsAtOnce(this.#forwarders.get(peer.name)) : MAX_RECEIPT_RECORDS);
    if (back !== 'direct' && controls.length > 0) await context.answers.put(peer.name, head.offer, controls);
    this.onWake?.();
    return { kind: 'answer', bytes: back === 'direct' ? await this.#answerBatch(peer, controls) : new Uint8Array(), taken };
  }

  /** Reads a batch as takeBatch does, its blobs too, and takes nothing of it. */
  checkBatch(bytes: AsyncIterable<Uint8Array>): Promise<Received> {
    return receiveBatch(this.context, bytes, beginCheck);
  }

  /** Serve: a fetch by message id. */
  fetch(messageId: Uint8Array, suits: (blobHash: Uint8Array) => boolean = () => true): Promise<Served | undefined> {
    return findForFetch(this.context, messageId, suits);
  }

  /** The whole blob of a fetch has left. */
  fetched(served: Served): void {
    this.#background(markFetched(this.context, served).then(() => this.#notifiers.get(served.stored.record.destination)?.alive()));
  }

  /** Openings from anybody who holds the secrets. What is no opening is ignored like one that opens nothing. */
  openings(bytes: Uint8Array, done = (): void => undefined): void {
    this.#background(this.#takeOpenings(bytes).finally(done));
  }

  /** After a change of routes, peers or contacts: records go to the queue that is theirs now. `free`: only those that no receipt is awaited for. */
  async replan(which: 'all' | 'free' = 'all'): Promise<void> {
    this.context.planner.beginAnew();
    for (const { target } of await this.context.store.queues()) {
      if (parseTarget(target).kind !== 'hold') await this.#replanQueue(target, which);
    }
  }

  /** Resolves when nothing is under way: for tests and the simulator. */
  async idle(): Promise<void> {
    await Promise.all(this.forwarders().map((forwarder) => forwarder.idle()));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Starts nothing new, finishes what is in hand within the grace time, closes the links. Safe to call twice. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.forwarders().map((forwarder) => forwarder.stop(graceMs)));
    await Promise.all([...this.#notifiers.values()].map((notifier) => notifier.stop()));
    await Promise.all(this.forwarders().flatMap((forwarder) => forwarder.lanes.map((lane) => lane.link.stop())));
    await Promise.allSettled(this.#running);
    await this.context.incoming.close();
  }

  /** What was written by a later time than it is now is looked at again. */
  async #timeFell(): Promise<void> {
    const { trust, planner, log } = this.context;
    log.warn('time has gone back');
    this.#pullIn.begin();
    planner.timeFell();
    for (const forwarder of this.#forwarders.values()) await forwarder.timeFell(trust.nowMs());
  }

  async #deliverBatch(neighbour: Peer, bytes: AsyncIterable<Uint8Array>): Promise<DeliverResult> {
    const answer = await this.takeBatch(bytes, 'later');
    if (answer.kind === 'bad') return this.#refused(neighbour, answer.error);
    return answer.kind === 'stranger' ? { kind: 'refused', code: 'not-known' } : { kind: 'taken', answer: answer.bytes };
  }

  async #heardFrom(peer: Peer): Promise<void> {
    await this.#forwarders.get(peer.name)?.alive();
    if (peer.domain !== undefined) await this.#notifiers.get(peer.domain.domain)?.alive();
    this.onWake?.();
  }

  /** @param ridsAtOnce as many as one receipt may list */
  #answerControls(taken: Taken, head: BatchHead, form: 'rids' | 'batch', ridsAtOnce: number): Uint8Array[] {
    const { key, trust } = this.context;
    const claims: Receipt['taken'][] = [];
    if (form === 'rids') for (let at = 0; at < taken.rids.length; at += ridsAtOnce) claims.push({ form, rids: taken.rids.slice(at, at + ridsAtOnce) });
    else if (taken.rids.length > 0) claims.push(claimOf(taken, head));
    const terms = { acceptedSec: Math.floor(trust.nowMs() / 1000), retainedUntilSec: taken.retainedUntilSec, offerNonce: head.offer.nonce };
    const receipts = claims.map((claim) => makeReceipt(key, { taken: claim, ...terms }).bytes);
    return [...receipts, ...taken.refusals.map(encodeRefusal), ...taken.wants.map(encodeRanges)];
  }

  async #answerBatch(peer: Peer, controls: readonly Uint8Array[]): Promise<Uint8Array> {
    const { key, store, trust, random } = this.context;
    const waiting = await store.outbox(peer.name, ANSWERED_CONTROLS);
    return encodeBatchHead({
      key,
      to: peer.kid,
      records: [],
      controls: [...controls, ...waiting.map((entry) => entry.bytes)],
      sentSec: Math.floor(trust.nowMs() / 1000),
      nonce: random.bytes(16),
    });
  }

  async #takeOpenings(bytes: Uint8Array): Promise<void> {
    for (const opening of this.#openingsIn(bytes)) {
      const found = await this.context.store.findByLocator(opening.locator);
      for (const stored of found) await this.#notifiers.get(stored.record.destination)?.alive();
      await applyOpening(this.context, opening, undefined, found);
    }
    this.onWake?.();
  }

  /** None in bytes that are not openings: whoever has sent them may fill no log with it. */
  #openingsIn(bytes: Uint8Array): Opening[] {
    try {
      return decodeOpenings(bytes);
    } catch (thrown) {
      if (!isPosternError(thrown)) throw thrown;
      this.context.counters.add('openingsIgnored');
      return [];
    }
  }

  async #replanQueue(target: string, which: 'all' | 'free'): Promise<void> {
    const { store, planner, trust, priorities } = this.context;
    let slice = await store.list(target, REPLANNED_AT_ONCE);
    while (slice.length > 0) {
      // The next slice is read before this one moves away: where it starts is still in the queue then.
      const next = slice.length < REPLANNED_AT_ONCE ? [] : await store.list(target, REPLANNED_AT_ONCE, slice.at(-1)?.record.rid);
      const nowMs = trust.nowMs();
      const changes = slice.flatMap(({ record, from, schedule }) => {
        // Asked for what stays where it is, too: it takes its part of the volume.
        const planned = planner.target(record, from, nowMs);
        const isAwaited = which === 'free' && schedule !== undefined && schedule.attempts > 0 && schedule.dueMs > nowMs;
        return planned === target || isAwaited ? [] : [{ rid: record.rid, schedule: { target: planned, dueMs: schedule !== undefined && isRaised({ schedule }) ? schedule.dueMs : priorities.dueMs(record.destination, from, nowMs), attempts: 0 } }];
      });
      if (changes.length > 0) await store.reschedule(changes);
      slice = next;
    }
  }

  #refused(peer: Peer, thrown: unknown): DeliverResult {
    const code = isPosternError(thrown) ? thrown.code : 'GATEWAY_FAULT';
    this.context.log.warn('an arrival was refused', { peer: peer.name, code, reason: messageOf(thrown) });
    return { kind: 'refused', code };
  }

  #background(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work.catch((thrown: unknown) => this.context.log.error('unexpected', { reason: messageOf(thrown) })).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** A receipt goes home by any link of the neighbour, beside other controls. */
function ridsAtOnce(forwarder: NeighbourForwarder | undefined): number {
  const smallestBytes = Math.min(...(forwarder?.lanes ?? []).map(({ link }) => link.supports.largestBytes));
  const rids = Math.floor((smallestBytes * RECEIPT_PART - RECEIPT_HEAD_BYTES) / RID_ITEM_BYTES);
  return Math.min(MAX_RECEIPT_RECORDS, Math.max(FEWEST_RIDS, rids));
}

/** Names the batch by its root, and the records taken by a bit each where it was not all of them. */
function claimOf(taken: Taken, head: BatchHead): Receipt['taken'] {
  const rids = new Set(taken.rids.map(toHex));
  const flags = head.records.map((record) => rids.has(toHex(record.rid)));
  return { form: 'batch', root: head.offer.root, count: flags.length, ...(flags.includes(false) && { bitmap: takenBitmap(flags) }) };
}
