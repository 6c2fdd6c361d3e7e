/**
 * Accept: records a peer offers become ours, or a refusal says why not. Custody is taken by one call to
 * `store.hold`, which resolves when every byte is on stable storage; only then does a record stand among
 * those a receipt is given for.
 */
import { toHex } from '../base/bytes.js';
import { isPosternError, PosternError } from '../base/errors.js';
import type { HoldEntry, HoldRefusal, StoredRecord } from '../store/store.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { sha256Of } from '../wire/node-crypto.js';
import { MAX_RANGES } from '../wire/ranges.js';
import type { BlobRanges } from '../wire/ranges.js';
import type { TransitRecord } from '../wire/record.js';
import type { Refusal, RefusalCode } from '../wire/refusal.js';
import type { GatewayContext } from './context.js';
import type { IncomingBlob } from './incoming-blobs.js';
import type { Intake, Taken } from './intake.js';
import { ridText } from './log.js';
import type { Peer } from './peer-book.js';
import { parseTarget } from './target.js';

/** Small blobs of one batch wait in memory until the batch is whole. Senders stay below this; what is more is asked for again. */
const STAGED_BYTES = 8 * 1024 * 1024;

/** When to ask again after a refusal that time may mend, in seconds. */
const RETRY_AFTER_SEC = { full: 300, quota: 3600, 'no-route': 3600, clock: 3600 } as const;
const BUSY_RETRY_AFTER_SEC = 10;

type Way =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  | { readonly kind: 'small'; readonly target: string; staged?: Uint8Array | undefined; stagedBytes: number }
  | { readonly kind: 'large'; readonly target: string; incoming?: IncomingBlob | undefined };

export async function beginAccept(context: GatewayContext, peer: Peer, head: BatchHead): Promise<Intake> {
  const ways: Way[] = [];
  const told = toldOf(context, peer, head);
  for (const record of head.records) ways.push(await chooseWay(context, peer, record, told.has(toHex(record.rid))));
  return new AcceptIntake(context, peer, head.records, ways, told);
}

/** Records with a have of their whole blob: the neighbour has it and waits for a cheaper link, or for us to ask. What a rule asks for is taken for a bare offer. */
function toldOf({ notices }: GatewayContext, peer: Peer, { records, controls }: BatchHead): ReadonlySet<string> {
  if (peer.role !== 'neighbour') return new Set();
  const haves = new Map(controls.flatMap((control) => (control.kind === 'have' ? [[toHex(control.rid), control.ranges] as const] : [])));
  const told = records.filter((record) => {
    const [first, ...others] = haves.get(toHex(record.rid)) ?? [];
    return first !== undefined && others.length === 0 && first[0] === 0 && first[1] >= record.blobBytes && !notices.asksFor(record);
  });
  return new Set(told.map(({ rid }) => toHex(rid)));
}

async function chooseWay(context: GatewayContext, peer: Peer, record: TransitRecord, isTold: boolean): Promise<Way> {
  const { config, store, trust, planner } = context;
  const known = await findKnown(context, record);
  if (known === 'unreadable') return refuse(record, 'full', 'what this gateway has of this record is damaged');
  if (known !== undefined) return isLoop(known, peer) ? refuseLoop(record) : { kind: 'acknowledge' };
  const nowMs = trust.nowMs();
  const expiryMs = record.expirySec * 1000;
  if (trust.trusted && expiryMs <= nowMs) return refuse(record, 'expired');
  if (trust.trusted && expiryMs > nowMs + config.limits.lifetimeMs) return refuse(record, 'clock', 'the expiry is further away than this gateway keeps anything');
  if (record.blobBytes > config.limits.blobBytes) return refuse(record, 'too-large', `this gateway takes blobs up to ${config.limits.blobBytes} bytes`);
  // What stays where it is takes no room.
  const noRoom = isTold ? undefined : store.room({ record, from: peer.name, heldAtMs: nowMs });
  if (noRoom !== undefined && noRoom !== 'blob-missing') return refuse(record, ...refusalOf(noRoom));
  const target = planner.target(record, peer.name, nowMs);
  return record.blobBytes < config.store.largeBlobBytes ? { kind: 'small', target, stagedBytes: 0 } : { kind: 'large', target };
}

async function findKnown({ store }: GatewayContext, { rid }: TransitRecord): Promise<StoredRecord | 'unreadable' | undefined> {
  try {
    return await store.find(rid);
  } catch (thrown) {
    if (isPosternError(thrown) && thrown.code === 'STORE_DAMAGED') return 'unreadable';
    throw thrown;
  }
}

/**
 * A record may come again from the peer that gave it to us: our receipt was lost, and another one is due. From
 * anybody else it has gone in a circle, unless it ends here: a receipt now would let both holders let go.
 */
function isLoop(known: StoredRecord, peer: Peer): boolean {
  if (known.from === peer.name) return false;
  if (known.state === 'forwarded') return true;
  return known.state === 'held' && parseTarget(known.schedule?.target ?? '').kind !== 'served';
}

class AcceptIntake implements Intake {
  readonly #context: GatewayContext;
  readonly #peer: Peer;
  readonly #records: readonly TransitRecord[];
  readonly #ways: Way[];
  /** Hex rids. */
  readonly #told: ReadonlySet<string>;
  /** Those that a way was planned for, with what that takes of contacts. */
  readonly #planned: ReadonlySet<number>;
  /** Every transfer it takes part in, whatever becomes of the record: each is left at the end. */
  readonly #joined: IncomingBlob[] = [];
  #stagedBytes = 0;

  constructor(context: GatewayContext, peer: Peer, records: readonly TransitRecord[], ways: Way[], told: ReadonlySet<string>) {
    this.#context = context;
    this.#peer = peer;
    this.#records = records;
    this.#ways = ways;
    this.#told = told;
    this.#planned = new Set(ways.flatMap(({ kind }, index) => (kind === 'small' || kind === 'large' ? [index] : [])));
  }

  async piece(index: number, offset: number, bytes: Uint8Array): Promise<void> {
    const record = this.#record(index);
    const way = this.#ways[index];
    if (way?.kind === 'small') {
      way.staged ??= this.#stage(record.blobBytes);
      if (way.staged === undefined || offset !== way.stagedBytes) return;
      way.staged.set(bytes, offset);
      way.stagedBytes += bytes.length;
    } else if (way?.kind === 'large') {
      way.incoming ??= await this.#join(index, record);
      await way.incoming?.write(offset, bytes);
    }
  }

  async finish(): Promise<Taken> {
    try {
      this.#checkStaged();
      const wants: BlobRanges[] = [];
      const entries: { index: number; entry: HoldEntry }[] = [];
      const blobs = this.#stagedByHash();
      for (const [index, way] of this.#ways.entries()) {
        const record = this.#record(index);
        if (this.#isNotice(index)) {
          // The blob may be here with another record.
          if (way.kind === 'small' || way.kind === 'large') entries.push({ index, entry: this.#entry(record, way.target, undefined) });
        } else if (way.kind === 'small') {
          const blob = blobs.get(toHex(record.blobHash));
          entries.push({ index, entry: this.#entry(record, way.target, blob) });
        } else if (way.kind === 'large' && (await this.#largeIsComplete(index, record, way, wants))) {
          entries.push({ index, entry: this.#entry(record, way.target, undefined) });
        }
      }
      await this.#hold(entries, wants);
      return this.#taken(wants);
    } finally {
      await this.abandon();
    }
  }

  async abandon(): Promise<void> {
    // One that cannot be closed keeps no other open.
    const left = await Promise.allSettled(this.#joined.splice(0).map((incoming) => incoming.close()));
    this.#releaseVolume();
    for (const end of left) if (end.status === 'rejected') throw end.reason;
  }

  /** What did not come takes no volume of contacts: whoever only offers could have all of it. */
  #releaseVolume(): void {
    const { incoming, planner } = this.#context;
    for (const index of this.#planned) {
      const { rid } = this.#record(index);
      if (this.#ways[index]?.kind !== 'acknowledge' && !incoming.has(rid)) planner.release(rid);
    }
  }

  #record(index: number): TransitRecord {
    return this.#records[index] as TransitRecord;
  }

  /** Told of, and nothing of its blob came along. */
  #isNotice(index: number): boolean {
    const way = this.#ways[index];
    const came = way?.kind === 'small' ? way.stagedBytes > 0 : way?.kind === 'large' && way.incoming !== undefined;
    return this.#told.has(toHex(this.#record(index).rid)) && !came;
  }

  #stage(bytes: number): Uint8Array | undefined {
    if (this.#stagedBytes + bytes > STAGED_BYTES) return undefined;
    this.#stagedBytes += bytes;
    return new Uint8Array(bytes);
  }

  /** A whole blob that is not what its record says makes the batch a lie: nothing of it is taken. */
  #checkStaged(): void {
    for (const [index, way] of this.#ways.entries()) {
      const record = this.#record(index);
      if (way.kind !== 'small' || way.staged === undefined || way.stagedBytes < record.blobBytes) continue;
      if (toHex(sha256Of(way.staged)) !== toHex(record.blobHash)) {
        throw new PosternError('GATEWAY_BLOB_MISMATCH', `The blob of record ${ridText(record.rid)} is not the one its record names: the batch is refused whole.`, { peer: this.#peer.name, record: ridText(record.rid) });
      }
    }
  }

  #stagedByHash(): Map<string, Uint8Array> {
    const blobs = new Map<string, Uint8Array>();
    for (const [index, way] of this.#ways.entries()) {
      const record = this.#record(index);
      if (way.kind === 'small' && way.staged !== undefined && way.stagedBytes === record.blobBytes) blobs.set(toHex(record.blobHash), way.staged);
    }
    return blobs;
  }

  #entry(record: TransitRecord, target: string, blob: Uint8Array | undefined): HoldEntry {
    const nowMs = this.#context.trust.nowMs();
    const dueMs = this.#context.priorities.dueMs(record.destination, this.#peer.name, nowMs);
    return { record, from: this.#peer.name, heldAtMs: nowMs, schedule: { target, dueMs, attempts: 0 }, ...(blob !== undefined && { blob }) };
  }

  async #join(index: number, record: TransitRecord): Promise<IncomingBlob | undefined> {
    const joined = await this.#context.incoming.join({ record, from: this.#peer.name, heldAtMs: this.#context.trust.nowMs() });
    if (typeof joined !== 'string') {
      this.#joined.push(joined);
      return joined;
    }
    this.#ways[index] = joined === 'busy' ? refuseBusy(record) : refuse(record, ...refusalOf(joined));
    return undefined;
  }

  /** With pieces: is the blob whole now? A bare offer is the question what is missing, and is answered with a want. */
  async #largeIsComplete(index: number, record: TransitRecord, way: Way & { kind: 'large' }, wants: BlobRanges[]): Promise<boolean> {
    const bare = way.incoming === undefined;
    if (bare && this.#context.incoming.has(record.rid)) {
      // What is missing is on its way: asked for now, it would come twice.
      this.#ways[index] = refuseBusy(record);
      return false;
    }
    way.incoming ??= await this.#join(index, record);
    if (way.incoming === undefined) return false;
    const outcome = await way.incoming.finish();
    if (outcome === 'mismatch') this.#ways[index] = refuse(record, 'blob-mismatch', 'the blob came whole and is not the one the record names');
    if (outcome === 'incomplete' && bare) {
      const ranges = way.incoming.missing().slice(0, MAX_RANGES);
      wants.push({ kind: 'want', rid: record.rid, ranges: ranges.map((range) => [range.startByte, range.endByte]) });
    }
    return outcome === 'complete';
  }

  async #hold(entries: readonly { index: number; entry: HoldEntry }[], wants: BlobRanges[]): Promise<void> {
    const { store, notices, counters } = this.#context;
    const results = await store.hold(entries.map(({ entry }) => entry));
    const [kept, here]: [TransitRecord[], Uint8Array[]] = [[], []];
    for (const [position, result] of results.entries()) {
      const { index, entry } = entries[position] as { index: number; entry: HoldEntry };
      if (result.kind === 'held') {
        counters.add('recordsTaken');
        counters.add('bytesTaken', entry.record.blobBytes);
        this.#context.log.debug('custody taken', { record: ridText(entry.record.rid), peer: this.#peer.name, domain: entry.record.destination, bytes: entry.record.blobBytes });
      }
      if (result.kind === 'known' && (await this.#isCircle(entry.record))) this.#ways[index] = refuseLoop(entry.record);
      else if (result.kind !== 'refused') {
        this.#ways[index] = { kind: 'acknowledge' };
        here.push(entry.record.rid);
      } else if (this.#isNotice(index)) kept.push(entry.record);
      else if (result.why === 'blob-missing') wants.push({ kind: 'want', rid: entry.record.rid, ranges: [[0, entry.record.blobBytes]] });
      else this.#ways[index] = refuse(entry.record, ...refusalOf(result.why));
    }
    await notices.drop(here);
    counters.add('noticesKept', await notices.keep(this.#peer.name, kept));
  }

  /** Another batch has brought it since this one began. */
  async #isCircle(record: TransitRecord): Promise<boolean> {
    const known = await findKnown(this.#context, record);
    return known !== undefined && known !== 'unreadable' && isLoop(known, this.#peer);
  }

  #taken(wants: BlobRanges[]): Taken {
    const rids: Uint8Array[] = [];
    const refusals: Refusal[] = [];
    let retainedUntilSec = Number.MAX_SAFE_INTEGER;
    for (const [index, way] of this.#ways.entries()) {
      const record = this.#record(index);
      if (way.kind === 'refuse') {
        refusals.push(way.refusal);
        this.#context.refusals.given(this.#peer.name, way.refusal.code, record.destination, this.#context.trust.nowMs());
      }
      if (way.kind !== 'acknowledge') continue;
      rids.push(record.rid);
      retainedUntilSec = Math.min(retainedUntilSec, record.expirySec);
    }
    this.#context.counters.add('recordsRefused', refusals.length);
    return { rids, refusals, wants, retainedUntilSec };
  }
}

function refuse(record: TransitRecord, code: RefusalCode, note?: string, retryAfterSec?: number): Way & { kind: 'refuse' } {
  const retry = retryAfterSec ?? (RETRY_AFTER_SEC as Partial<Record<RefusalCode, number>>)[code];
  return { kind: 'refuse', refusal: { kind: 'refusal', rid: record.rid, code, ...(retry !== undefined && { retryAfterSec: retry }), ...(note !== undefined && { note }) } };
}

function refuseLoop(record: TransitRecord): Way & { kind: 'refuse' } {
  return refuse(record, 'loop', 'this record has been here and was passed on');
}

function refuseBusy(record: TransitRecord): Way & { kind: 'refuse' } {
  return refuse(record, 'full', 'a transfer of this blob is under way', BUSY_RETRY_AFTER_SEC);
}

function refusalOf(why: HoldRefusal): [RefusalCode, string] {
  switch (why) {
    case 'full':
      return ['full', 'the store is full'];
    case 'quota-peer':
      return ['quota', 'the quota of this peer is used up'];
    case 'quota-destination':
      return ['quota', 'the quota of this destination is used up'];
    case 'blob-mismatch':
    case 'blob-missing':
      return ['blob-mismatch', 'the blob is not the one the record names'];
  }
}
