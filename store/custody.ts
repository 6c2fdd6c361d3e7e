/** Taking records into custody and stepping them on: each change goes to the log first, and counts when it is durable there. */
import { sha256Latin1 } from '../wire/node-crypto.js';
import type { TransitRecord } from '../wire/record.js';
import { isHashKeyOf, keysOf, recordKey } from './keys.js';
import type { RecordKeys } from './keys.js';
import { encodeContent, largeBlob, smallBlob } from './log-content.js';
import type { BlobEntry, RecordContent, StepContent } from './log-content.js';
import type { LogItem } from './log-entry.js';
import type { Position } from './position.js';
import { bytesOf, payloadBytesOf } from './segment-log.js';
import type { LogUnit } from './segment-log.js';
import { LEGAL_STEPS, isEnd } from './store.js';
import type { HoldEntry, HoldRefusal, HoldResult, Step } from './store.js';
import { faultOf } from './store-errors.js';
import type { StoreParts } from './store-parts.js';
import type { Charge } from './usage-book.js';

const HELD: HoldResult = { kind: 'held' };

export class Custody {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  room(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): HoldRefusal | undefined {
    const { incoming, book } = this.#parts;
    // What has been set aside for a blob on its way in is room enough for its record.
    if (incoming.get(recordKey(entry.record.rid)) !== undefined) return undefined;
    return book.refusal(book.charge(entry.record, entry.from, entry.heldAtMs));
  }

  hold(entries: readonly HoldEntry[]): Promise<HoldResult[]> {
    return new Promise((resolve, reject) => {
      const call = new HoldCall(entries.length, resolve, reject);
      if (entries.length === 0) resolve([]);
      for (let i = 0; i < entries.length; i += 1) this.#begin(entries[i]!, i, call);
    });
  }

  /** Steps the record with this key on. Whether the step was legal; if so, it is durable. */
  async step(key: string, step: Omit<Step, 'rid'>): Promise<boolean> {
    const { index, busy, log, ledger } = this.#parts;
    for (let wait = busy.records.wait(key); wait !== undefined; wait = busy.records.wait(key)) await wait;

    const row = index.row(key);
    if (row === undefined || !LEGAL_STEPS[row.state].includes(step.state)) return false;
    if (step.queues?.includes(row.schedule.target) === false) return false;
    const content: StepContent = {
      kind: 'step',
      record: key,
      was: row.state,
      state: step.state,
      ...(step.to !== undefined && { to: step.to }),
      outbox: step.outbox ?? [],
    };
    const ending = !isEnd(row.state) && isEnd(step.state);
    const { hash } = row;
    busy.records.begin(key);
    if (ending) busy.blobs.begin(hash);
    try {
      await log.appendOne([encodeContent(content)], ([position]) => {
        ledger.applyStep(content, position!);
        index.applied(position!);
      });
      return true;
    } finally {
      busy.records.end(key);
      if (ending) busy.blobs.end(hash);
    }
  }

  #begin(entry: HoldEntry, i: number, call: HoldCall): void {
    try {
      const { record, blob } = entry;
      if (blob === undefined) return this.#take(entry, keysOf(record), i, call);
      const hash = blob.length === record.blobBytes ? sha256Latin1(blob) : '';
      if (!isHashKeyOf(hash, record.blobHash)) return call.settle(i, refused('blob-mismatch'));
      this.#take(entry, { record: recordKey(record.rid), hash }, i, call);
    } catch (error) {
      call.fail(faultOf(this.#parts.dir, error));
    }
  }

  /** For a blob that is right, or not handed in. */
  #take(entry: HoldEntry, keys: RecordKeys, i: number, call: HoldCall): void {
    const { index, busy, book, incoming, limits, log } = this.#parts;
    const { record, blob } = entry;
    const { record: key, hash } = keys;
    const wait = busy.records.wait(key) ?? busy.blobs.wait(hash);
    if (wait !== undefined) {
      void wait.then(() => this.#take(entry, keys, i, call)).catch((error: unknown) => call.fail(faultOf(this.#parts.dir, error)));
      return;
    }
    // From here to the log nothing waits, so that nothing comes between.
    const known = index.row(key);
    if (known !== undefined) return call.settle(i, { kind: 'known', state: known.state });
    const stored = index.blob(hash);
    const shared = stored !== undefined && stored.entry !== 0;
    if (!shared && blob === undefined) return call.settle(i, refused('blob-missing'));
    // What has been set aside for a blob on its way in is room enough for its record.
    const charge = incoming.get(key) === undefined ? book.charge(record, entry.from, entry.heldAtMs) : undefined;
    const refusal = charge === undefined ? undefined : book.refusal(charge);
    if (refusal !== undefined) return call.settle(i, refused(refusal));
    const holding = new Holding(this.#parts, entry, keys, i, call, shared, charge);
    if (shared || blob === undefined) log.append(holding.withBlob(undefined));
    else if (blob.length < limits.largeBlobBytes) log.append(holding.withBlob(smallBlob(record.blobHash, blob)));
    else void this.#takeLarge(holding, key, blob);
  }

  /** A large blob goes to its file before the log speaks of it. */
  async #takeLarge(holding: Holding, key: string, blob: Uint8Array): Promise<void> {
    const { files, log } = this.#parts;
    const { blobHash } = holding.record;
    try {
      const suffix = await files.write(key, blobHash, blob);
      holding.onFailed = () => files.remove(blobHash, suffix);
      log.append(holding.withBlob(largeBlob(blobHash, blob.length, suffix)));
    } catch (error) {
      holding.failed(error);
    }
  }
}

/** A call of hold, until the last of its entries is settled. */
class HoldCall {
  readonly #results: HoldResult[];
  readonly #resolve: (results: HoldResult[]) => void;
  readonly #reject: (error: Error) => void;
  #left: number;

  constructor(count: number, resolve: (results: HoldResult[]) => void, reject: (error: Error) => void) {
    this.#results = new Array<HoldResult>(count);
    this.#left = count;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  settle(i: number, result: HoldResult): void {
    this.#results[i] = result;
    this.#left -= 1;
    if (this.#left === 0) this.#resolve(this.#results);
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}

/** One record on its way to the log, with everything that must be undone or completed when it has got there or not. */
class Holding implements LogUnit {
  items: readonly LogItem[] = [];
  bytes = 0;
  onFailed: (() => void) | undefined;
  readonly #parts: StoreParts;
  readonly #entry: HoldEntry;
  readonly #i: number;
  readonly #call: HoldCall;
  readonly #keys: RecordKeys;
  readonly #shared: boolean;
  readonly #charge: Charge | undefined;
  readonly #content: RecordContent;
  #blob: BlobEntry | undefined;

  /** @param charge to be reserved, unless it is already */
  constructor(parts: StoreParts, entry: HoldEntry, keys: RecordKeys, i: number, call: HoldCall, shared: boolean, charge: Charge | undefined) {
    const { busy, book } = parts;
    this.#parts = parts;
    this.#entry = entry;
    this.#i = i;
    this.#call = call;
    this.#keys = keys;
    this.#shared = shared;
    this.#charge = charge;
    this.#content = { kind: 'record', record: entry.record, state: 'held', from: entry.from, heldAtMs: entry.heldAtMs, target: entry.schedule.target };
    busy.records.begin(keys.record);
    (shared ? busy.shared : busy.blobs).begin(keys.hash);
    if (charge !== undefined) book.reserve(charge, 1);
  }

  get record(): TransitRecord {
    return this.#entry.record;
  }

  withBlob(blob: BlobEntry | undefined): this {
    const item = encodeContent(this.#content);
    this.#blob = blob;
    this.items = blob === undefined ? [item] : [blob.item, item];
    this.bytes = bytesOf(this.items);
    return this;
  }

  durable(positions: readonly Position[]): void {
    const { ledger, index, incoming, files } = this.#parts;
    const position = positions.at(-1)!;
    const logged = { position, payloadBytes: payloadBytesOf(this.items.at(-1)!) };
    ledger.applyHeld(this.#content, logged, this.#entry.schedule, this.#keys, this.#charge, this.#blob, positions[0]!);
    // The whole blob may have come while a part of it was being received.
    const way = incoming.size === 0 ? undefined : incoming.end(this.#keys.record);
    if (way !== undefined && way.arrived === undefined) files.removePart(this.#keys.record);
    index.applied(position);
    this.#end();
    this.#call.settle(this.#i, HELD);
  }

  failed(error: unknown): void {
    this.onFailed?.();
    this.#end();
    const fault = faultOf(this.#parts.dir, error);
    if (fault.code === 'STORE_FULL') this.#call.settle(this.#i, refused('full'));
    else this.#call.fail(fault);
  }

  #end(): void {
    const { busy, book } = this.#parts;
    busy.records.end(this.#keys.record);
    (this.#shared ? busy.shared : busy.blobs).end(this.#keys.hash);
    if (this.#charge !== undefined) book.reserve(this.#charge, -1);
  }
}

function refused(why: HoldRefusal): HoldResult {
  return { kind: 'refused', why };
}
