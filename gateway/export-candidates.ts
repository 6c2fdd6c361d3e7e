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
}

const PAGE = 1000;
/** As many as one batch may need. */
const KEPT_READY = 1000;
/** Record, piece heads and seal of a large blob, generously. */
const LARGE_EXTRA_BYTES = 64 * 1024;
const LARGE_EXTRA_FRACTION = 0.001;

export class ExportCandidates implements Pick<PackInput['store'], 'outbox' | 'due' | 'find' | 'blob'> {
  readonly #options: CandidateOptions;
  #ready: StoredRecord[] = [];
  #after: Uint8Array | undefined;
  #ended = false;
  /** Records that do not fit. */
  tooLarge = 0;

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

  async due(target: string, nowMs: number): Promise<StoredRecord[]> {
    const { inHand, wanted } = this.#options;
    this.#ready = this.#ready.filter(({ record }) => !inHand.has(toHex(record.rid)) && !wanted.has(record.rid));
    while (this.#ready.length < KEPT_READY && !this.#ended) await this.#readPage(target, nowMs);
    return this.#ready;
  }

  async #readPage(target: string, nowMs: number): Promise<void> {
    const { context, here, elsewhere } = this.#options;
    const page = await context.store.list(target, PAGE, this.#after);
    this.#after = page.at(-1)?.record.rid;
    this.#ended = page.length < PAGE;
    for (const stored of page) {
      const rid = toHex(stored.record.rid);
      const isDue = (stored.schedule?.dueMs ?? Infinity) <= nowMs;
      if (!isDue && elsewhere.size === 0) {
        this.#ended = true;
        return;
      }
      if (here.has(rid) || (!isDue && !elsewhere.has(rid))) continue;
      const candidate = this.#asCandidate(stored);
      if (candidate !== undefined) this.#ready.push(candidate);
    }
  }

  /** On a stick every large blob goes unasked: an answer to a bare offer would be weeks away. */
  #asCandidate(stored: StoredRecord): StoredRecord | undefined {
    const { context, roomBytes } = this.#options;
    if (stored.record.blobBytes < context.config.store.largeBlobBytes) return stored;
    if (stored.record.blobBytes * (1 + LARGE_EXTRA_FRACTION) + LARGE_EXTRA_BYTES > roomBytes) {
      this.tooLarge += 1;
      return undefined;
    }
    return stored.schedule === undefined ? undefined : { ...stored, schedule: { ...stored.schedule, attempts: 0 } };
  }
}

