/**
 * Which records may go on a stick, as a source for the packing stage: what is due for the peer, in order, and then, where
 * the stick has room, what is under way on other sticks. What lies on this one already is passed over.
 */
import { toHex } from '../base/bytes.js';
import type { BlobSource, OutboxEntry, StoredRecord } from '../store/store.js';
import type { GatewayContext } from './context.js';
import type { PackInput } from './load.js';
import type { Peer } from './peer-book.js';
import type { WantedRanges } from './wanted.js';

export interface CandidateOptions {
  readonly context: GatewayContext;
  readonly peer: Peer;
  /** Hex rids on this stick, and on others. */
  readonly here: ReadonlySet<string>;
  readonly elsewhere: ReadonlySet<string>;
  /** Hex rids and outbox keys chosen for the file at hand. */
  readonly inHand: ReadonlySet<string>;
  readonly wanted: WantedRanges;
  /** Large blobs go whole or not at all. */
  readonly roomBytes: number;
  /** Records looked at for one file: the more there are, the better the choice. */
  readonly mostLookedAt: number;
}

interface Candidate {
  readonly rid: string;
  readonly stored: StoredRecord;
}

/** Later than anything is due. */
const FAR_MS = 400 * 86_400_000;
/** Record, piece heads and seal of a large blob, generously. */
const LARGE_EXTRA_BYTES = 64 * 1024;
const LARGE_EXTRA_FRACTION = 0.001;

export class ExportCandidates implements Pick<PackInput['store'], 'outbox' | 'due' | 'find' | 'blob' | 'blobs'> {
  readonly #options: CandidateOptions;
  #ready: Candidate[] | undefined;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  outbox(peer: string, limit: number): Promise<OutboxEntry[]> {
    return this.#options.context.store.outbox(peer, limit);
  }

  find(rid: Uint8Array): Promise<StoredRecord | undefined> {
    return this.#options.context.store.find(rid);
  }

  blob(rid: Uint8Array): Promise<BlobSource | undefined> {
    return this.#options.context.store.blob(rid);
  }

  blobs(rids: readonly Uint8Array[]): Promise<(BlobSource | undefined)[]> {
    return this.#options.context.store.blobs(rids);
  }

  async due(target: string, nowMs: number): Promise<StoredRecord[]> {
    const { inHand, wanted } = this.#options;
    this.#ready ??= await this.#look(target, nowMs);
    const wantedOnes = new Set(wanted.rids().map(toHex));
    this.#ready = this.#ready.filter(({ rid }) => !inHand.has(rid) && !wantedOnes.has(rid));
    return this.#ready.map(({ stored }) => stored);
  }

  /** What is passed over stands in front of what is not at worst: then as many more are looked at. */
  async #look(target: string, nowMs: number): Promise<Candidate[]> {
    const { here, elsewhere, mostLookedAt } = this.#options;
    const found = await this.#lookAt(target, nowMs, mostLookedAt);
    const passedOver = here.size + elsewhere.size;
    return found.isAll || found.ready.length >= mostLookedAt || passedOver === 0 ? found.ready : (await this.#lookAt(target, nowMs, mostLookedAt + passedOver)).ready;
  }

  async #lookAt(target: string, nowMs: number, most: number): Promise<{ readonly ready: Candidate[]; readonly isAll: boolean }> {
    const { context, here, elsewhere } = this.#options;
    const untilMs = elsewhere.size === 0 ? nowMs : nowMs + FAR_MS;
    const found = await context.store.due(target, untilMs, most);
    const ready = found.flatMap((stored) => {
      const rid = toHex(stored.record.rid);
      const isDue = (stored.schedule?.dueMs ?? Infinity) <= nowMs;
      if (here.has(rid) || (!isDue && !elsewhere.has(rid))) return [];
      const candidate = this.#asCandidate(stored);
      return candidate === undefined ? [] : [{ rid, stored: candidate }];
    });
    return { ready, isAll: found.length < most };
  }

  /** On a stick every large blob goes unasked: an answer to a bare offer would be weeks away. */
  #asCandidate(stored: StoredRecord): StoredRecord | undefined {
    const { context, roomBytes } = this.#options;
    if (stored.record.blobBytes < context.config.store.largeBlobBytes) return stored;
    if (stored.record.blobBytes * (1 + LARGE_EXTRA_FRACTION) + LARGE_EXTRA_BYTES > roomBytes) return undefined;
    return stored.schedule === undefined ? undefined : { ...stored, schedule: { ...stored.schedule, attempts: 0 } };
  }
}

