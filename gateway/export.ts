/**
 * Export: what is due for every peer that is reached by sticks goes on the one that is here: receipts and other controls
 * first, then records in their order, as much as fits. Custody stays with us until the receipts come home on any link; a
 * stick that is not heard of for long enough counts as lost, and its records are due again.
 */
import { fromHex, toHex } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import type { QueueStatus, Schedule, StoredRecord } from '../store/store.js';
import type { LinkSupport } from '../links/link.js';
import { carryOut } from './carry.js';
import { ExportCandidates } from './export-candidates.js';
import { contentRoomBytes, framedBytes, outBatchOf, stickFreight } from './export-file.js';
import type { PlannedBatch } from './export-file.js';
import { stickFilling } from './export-filling.js';
import { roomShares } from './export-shares.js';
import type { UsbLinkConfig } from './usb-schema.js';
import type { Peer } from './peer-book.js';
import { putAside } from './put-aside.js';
import type { StickVisit } from './stick-parts.js';
import { peerTarget } from './target.js';
import { WantedRanges } from './wanted.js';

export interface Exported {
  readonly peers: readonly ExportedPeer[];
  /** Files between other gateways put on this stick. */
  readonly carried: number;
}

export interface ExportedPeer {
  readonly peer: string;
  readonly files: number;
  readonly records: number;
  readonly controls: number;
  readonly bytes: number;
  /** Records that wait on because this stick had no room for them. */
  readonly left: number;
}

/** What is due makes a batch's head; the heads of one file are held in memory together, at some kilobytes a record. */
const MOST_RECORDS_A_FILE = 3000;
/** Where not all fits, more is looked at than a file may hold, so that there is a choice. */
const LOOKED_AT_TO_CHOOSE = 10_000;
/** No file is begun for less room. */
const SMALLEST_FILE_BYTES = 16 * 1024;
/** Blobs that cannot be read are put aside, and the rest is tried again so often. */
const MOST_UNREADABLE = 20;
/** A controls-only file matters for as long as what it answers may be repeated. */
const CONTROLS_FOR_MS = 90 * 86_400_000;
/** What a record takes beside its blob, roughly: for sharing out the room. */
const RECORD_ROUGHLY_BYTES = 512;
const CONTROLS_ROUGHLY_BYTES = 1024 * 1024;

export async function exportToStick(visit: StickVisit, stickId: Uint8Array): Promise<Exported> {
  const { context, stick } = visit;
  const reserveBytes = context.config.stick.reserveBytes;
  const peers = context.book.all().flatMap((peer) => {
    const link = peer.config.links.find((candidate): candidate is UsbLinkConfig => candidate.kind === 'usb');
    return link === undefined ? [] : [{ peer, link }];
  });
  const queues = await context.store.queues();
  const needs = peers.map(({ peer }) => needOf(queues, peer));
  const roomBytes = await stick.roomBytes(reserveBytes);
  const meter = meterOf(visit, 2 * Math.min(roomBytes, needs.reduce((sum, need) => sum + need, 0)));
  const shares = roomShares(roomBytes, needs);
  const exported: ExportedPeer[] = [];
  for (const [index, { peer, link }] of peers.entries()) {
    const writer = new PeerExport(visit, stickId, peer, link, meter);
    exported.push(await writer.run(shares[index] ?? 0));
  }
  const { files } = await carryOut(visit, await stick.roomBytes(reserveBytes));
  await stick.settle();
  return { peers: exported, carried: files };
}

/** What all that waits for a peer takes, roughly. */
function needOf(queues: readonly QueueStatus[], peer: Peer): number {
  const queue = queues.find(({ target }) => target === peerTarget(peer.name));
  return (queue?.bytes ?? 0) + (queue?.records ?? 0) * RECORD_ROUGHLY_BYTES + CONTROLS_ROUGHLY_BYTES;
}

class PeerExport {
  readonly #visit: StickVisit;
  readonly #stickId: Uint8Array;
  readonly #peer: Peer;
  readonly #link: UsbLinkConfig;
  readonly #meter: (bytes: number) => void;
  readonly #wanted = new WantedRanges();
  readonly #inHand = new Set<string>();
  #unreadable = 0;

  constructor(visit: StickVisit, stickId: Uint8Array, peer: Peer, link: UsbLinkConfig, meter: (bytes: number) => void) {
    this.#visit = visit;
    this.#stickId = stickId;
    this.#peer = peer;
    this.#link = link;
    this.#meter = meter;
  }

  async run(roomBytes: number): Promise<ExportedPeer> {
    const sum = { files: 0, records: 0, controls: 0, bytes: 0 };
    const reserveBytes = Math.floor((roomBytes * this.#link.reservePercent) / 100);
    for (;;) {
      const batches = await this.#plan(roomBytes - sum.bytes, reserveBytes);
      const news = this.#visit.ledger.newsFor(this.#peer.name);
      // That files came whole goes along with something; that one came damaged is worth a file.
      if (batches.length === 0 && (news.damaged.length === 0 || sum.files > 0)) return { peer: this.#peer.name, ...sum, left: await this.#left() };
      const bytes = await this.#write(batches).catch((thrown: unknown) => this.#afterUnreadable(thrown));
      if (bytes === 'again') continue;
      if (bytes === 'full') return { peer: this.#peer.name, ...sum, left: await this.#left() };
      sum.files += 1;
      sum.bytes += bytes;
      sum.records += batches.reduce((count, { load }) => count + (load.large === undefined ? load.records.length : 0), 0) + this.#largeDone(batches).length;
      sum.controls += batches.reduce((count, { load }) => count + load.controls.length, 0);
    }
  }

  /** Chooses what one file holds, within the room. */
  async #plan(roomBytes: number, reserveBytes: number): Promise<PlannedBatch[]> {
    const { context, doors, ledger } = this.#visit;
    const batches: PlannedBatch[] = [];
    if (roomBytes < SMALLEST_FILE_BYTES) return batches;
    const news = ledger.newsFor(this.#peer.name);
    let leftBytes = contentRoomBytes(Math.min(roomBytes, this.#link.largestBytes), news.taken.length + news.damaged.length);
    const { here, elsewhere } = await this.#placesOfRecords();
    const mostLookedAt = (await this.#allFit(roomBytes - reserveBytes)) ? MOST_RECORDS_A_FILE : LOOKED_AT_TO_CHOOSE;
    const store = new ExportCandidates({ context, peer: this.#peer, here, elsewhere, inHand: this.#inHand, wanted: this.#wanted, roomBytes, mostLookedAt });
    let records = 0;
    this.#inHand.clear();
    for (;;) {
      const supports: LinkSupport = { carries: 'batch', answers: false, largestBytes: leftBytes - framedBytes(0), parallel: 1 };
      const load = await doors.packing.choose({
        store,
        peer: this.#peer,
        supports,
        // Known to be short from the first record on: what does not fit makes way for what does.
        roomBytes: supports.largestBytes,
        nowMs: context.trust.nowMs(),
        largeBlobBytes: context.config.store.largeBlobBytes,
        filling: stickFilling(context, supports.largestBytes, reserveBytes),
        inHand: this.#inHand,
        wanted: this.#wanted,
        // What was chosen goes onto the stick whole before the next: there may be no room for the rest of it.
        isDuesTurn: false,
        // The ledger knows which sticks have it.
        wasSentWhole: () => false,
        sendUnasked: async ({ record }) => {
          this.#wanted.offered(record.rid);
          this.#wanted.want(record.rid, [[0, record.blobBytes]], record.blobBytes);
        },
        unreadable: async (stored, thrown) => {
          this.#unreadable += 1;
          this.#wanted.forget(stored.record.rid);
          await putAside(context, this.#peer, stored, thrown);
        },
      });
      if (load === undefined) return batches;
      const freight = await doors.packing.freight(this.#peer, supports, load);
      batches.push({ load, freight });
      leftBytes -= framedBytes(freight.bytes);
      records += load.records.length;
      for (const entry of load.controls) this.#inHand.add(entry.key);
      if (load.large === undefined) for (const { record } of load.records) this.#inHand.add(toHex(record.rid));
      if (records >= MOST_RECORDS_A_FILE) return batches;
    }
  }

  /** Where all that waits fits, there is nothing to choose. */
  async #allFit(openBytes: number): Promise<boolean> {
    return needOf(await this.#visit.context.store.queues(), this.#peer) <= openBytes;
  }

  /** @returns the bytes of the file */
  async #write(batches: readonly PlannedBatch[]): Promise<number | 'full'> {
    const { context, stick, ledger } = this.#visit;
    const nowMs = Math.round(context.trust.nowMs());
    const news = ledger.newsFor(this.#peer.name);
    const untilMs = batches.flatMap(({ load }) => load.records).reduce((latest, { record }) => Math.max(latest, record.expirySec * 1000), nowMs + (batches.some(({ load }) => load.records.length > 0) ? 0 : CONTROLS_FOR_MS));
    const idsOf = (names: readonly string[]): Uint8Array[] => names.map((name) => fromHex(name) ?? new Uint8Array(0));
    const freight = stickFreight(context, this.#peer, batches, { createdSec: Math.floor(nowMs / 1000), untilSec: Math.ceil(untilMs / 1000), stick: this.#stickId, taken: idsOf(news.taken), damaged: idsOf(news.damaged) });
    const bytes = freight.headBytes + freight.bodyBytes;
    const controls = batches.flatMap(({ load }) => load.controls);
    const done = new Set(this.#largeDone(batches).map(({ record }) => toHex(record.rid)));
    const put = await stick.put(freight, this.#meter, (id) =>
      ledger.wentOut(id, { stick: toHex(this.#stickId), peer: this.#peer.name, createdMs: nowMs, untilMs, bytes, controls: controls.length }, batches.map((batch) => outBatchOf(batch, done))),
    );
    if (put.kind === 'full') return 'full';
    const left = controls.map(({ key }) => key);
    await context.store.outboxRemove(this.#peer.name, left);
    context.answers.gone(this.#peer.name, left);
    await this.#awaitReceipts(batches);
    if (news.taken.length + news.damaged.length > 0) await ledger.newsWentOut(this.#peer.name);
    const records = new Set(batches.flatMap(({ load }) => load.records.map(({ record }) => toHex(record.rid)))).size;
    context.counters.add('recordsOffered', records);
    await ledger.tell(toHex(this.#stickId), { atMs: nowMs, kind: 'out', peer: this.#peer.name, records, bytes, files: 1 });
    return bytes;
  }

  /** What went out is due again when the stick counts as lost. A large blob counts as out when all of it is. */
  async #awaitReceipts(batches: readonly PlannedBatch[]): Promise<void> {
    const { store, trust } = this.#visit.context;
    const small = batches.flatMap(({ load }) => (load.large === undefined ? load.records : []));
    const changes: { rid: Uint8Array; schedule: Schedule }[] = [];
    for (const { record, schedule } of [...small, ...this.#largeDone(batches)]) {
      if (schedule !== undefined) changes.push({ rid: record.rid, schedule: { ...schedule, attempts: schedule.attempts + 1, dueMs: trust.nowMs() + this.#link.lostAfterMs } });
    }
    await store.reschedule(changes);
  }

  /** Large blobs whose last piece is in these batches. */
  #largeDone(batches: readonly PlannedBatch[]): StoredRecord[] {
    const done = new Map<string, StoredRecord>();
    for (const { load } of batches) {
      const [stored] = load.records;
      if (load.large !== undefined && stored !== undefined && this.#wanted.isEmpty(stored.record.rid)) done.set(toHex(stored.record.rid), stored);
    }
    return [...done.values()];
  }

  /** A blob that could not be read has been put aside by now; the others are planned anew. */
  #afterUnreadable(thrown: unknown): 'again' {
    if (!isPosternError(thrown) || !thrown.code.startsWith('STORE_') || this.#unreadable === 0 || this.#unreadable > MOST_UNREADABLE) throw thrown;
    for (const rid of this.#wanted.rids()) this.#wanted.forget(rid);
    return 'again';
  }

  async #placesOfRecords(): Promise<{ here: Set<string>; elsewhere: Set<string> }> {
    const { ledger } = this.#visit;
    const [here, elsewhere] = [new Set<string>(), new Set<string>()];
    for (const file of ledger.outFiles()) {
      if (file.peer !== this.#peer.name) continue;
      const isHere = file.stick === toHex(this.#stickId);
      if (!isHere && !this.#link.repeatOnNext) continue;
      for (const { rids, part } of await ledger.batchesOf(file.id)) if (!part) for (const rid of rids) (isHere ? here : elsewhere).add(toHex(rid));
    }
    return { here, elsewhere };
  }

  /** What is due still. */
  async #left(): Promise<number> {
    const { store, trust } = this.#visit.context;
    return (await store.due(peerTarget(this.#peer.name), trust.nowMs(), MOST_LEFT_COUNTED)).length;
  }
}

/** More than this is told as this many. */
const MOST_LEFT_COUNTED = 10_000;

/** Every file is written and read back. */
function meterOf({ progress }: StickVisit, totalBytes: number): (bytes: number) => void {
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes;
    progress({ phase: 'export', doneBytes: Math.min(doneBytes, totalBytes), totalBytes });
  };
}
