/** Taking records into custody and stepping them on: each change goes to the log first, and counts when it is durable there. */
import { equalBytes } from '../base/bytes.js';
import { sha256Of } from '../wire/node-crypto.js';
import { hashKey, recordKey } from './keys.js';
import { encodeContent, largeBlob, smallBlob } from './log-content.js';
import type { BlobEntry, RecordContent, StepContent } from './log-content.js';
import { payloadBytesOf } from './segment-log.js';
import { LEGAL_STEPS, isEnd } from './store.js';
import type { HoldEntry, HoldRefusal, HoldResult, Schedule, Step } from './store.js';
import { faultOf } from './store-errors.js';
import { blobBusy, recordBusy, shareBusy } from './store-parts.js';
import type { StoreParts } from './store-parts.js';
import { chargeOf } from './usage-book.js';

const HELD: HoldResult = { kind: 'held' };

export class Custody {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  room(entry: Pick<HoldEntry, 'record' | 'from' | 'heldAtMs'>): HoldRefusal | undefined {
    // What has been set aside for a blob on its way in is room enough for its record.
    if (this.#parts.incoming.get(recordKey(entry.record.rid)) !== undefined) return undefined;
    return this.#parts.book.refusal(chargeOf(entry.record, entry.from, entry.heldAtMs));
  }

  async hold(entry: HoldEntry): Promise<HoldResult> {
    const { index, busy, limits } = this.#parts;
    const { record, blob } = entry;
    if (blob !== undefined && !isBlobOf(entry, blob)) return refused('blob-mismatch');
    const key = recordKey(record.rid);
    const hash = hashKey(record.blobHash);
    for (let wait = this.#wait(key, hash); wait !== undefined; wait = this.#wait(key, hash)) await wait;

    // From here to the log nothing waits, so that nothing comes between.
    const known = index.row(key);
    if (known !== undefined) return { kind: 'known', state: known.state };
    const stored = index.blob(hash);
    const shared = stored !== undefined && stored.entry !== 0;
    if (!shared && blob === undefined) return refused('blob-missing');
    const refusal = this.room(entry);
    if (refusal !== undefined) return refused(refusal);
    const marks = [busy.begin(recordBusy(key)), busy.begin(shared ? shareBusy(hash) : blobBusy(hash))];
    const incoming = this.#parts.incoming.get(key);
    if (incoming === undefined) marks.push(this.#parts.book.reserve(chargeOf(record, entry.from, entry.heldAtMs)));
    const content: RecordContent = { kind: 'record', record, state: 'held', from: entry.from, heldAtMs: entry.heldAtMs, target: entry.schedule.target };
    try {
      if (shared || blob === undefined) await this.#append(undefined, content, entry.schedule);
      else if (blob.length < limits.largeBlobBytes) await this.#append(smallBlob(record.blobHash, blob), content, entry.schedule);
      else await this.#holdFile(key, blob, content, entry.schedule);
      return HELD;
    } catch (thrown) {
      const error = faultOf(this.#parts.dir, thrown);
      if (error.code === 'STORE_FULL') return refused('full');
      throw error;
    } finally {
      for (const unmark of marks) unmark();
    }
  }

  /** Steps the record with this key on. Whether the step was legal; if so, it is durable. */
  async step(key: string, step: Omit<Step, 'rid'>): Promise<boolean> {
    const { index, busy, log, ledger } = this.#parts;
    for (let wait = busy.wait(recordBusy(key)); wait !== undefined; wait = busy.wait(recordBusy(key))) await wait;

    const row = index.row(key);
    if (row === undefined || !LEGAL_STEPS[row.state].includes(step.state)) return false;
    const content: StepContent = {
      kind: 'step',
      record: key,
      was: row.state,
      state: step.state,
      ...(step.to !== undefined && { to: step.to }),
      outbox: step.outbox ?? [],
    };
    const marks = [busy.begin(recordBusy(key))];
    if (!isEnd(row.state) && isEnd(step.state)) marks.push(busy.begin(blobBusy(hashKey(row.blobHash))));
    const item = encodeContent(content);
    try {
      await log.appendOne([item], ([position]) => {
        ledger.applyStep(content, position!);
        index.applied(position!);
      });
      return true;
    } finally {
      for (const unmark of marks) unmark();
    }
  }

  #wait(record: string, hash: string): Promise<void> | undefined {
    const { busy } = this.#parts;
    return busy.wait(recordBusy(record)) ?? busy.wait(blobBusy(hash));
  }

  /** A large blob goes to its file before the log speaks of it. */
  async #holdFile(key: string, blob: Uint8Array, content: RecordContent, schedule: Schedule): Promise<void> {
    const { files } = this.#parts;
    const { blobHash } = content.record;
    const suffix = await files.write(key, blobHash, blob);
    try {
      await this.#append(largeBlob(blobHash, blob.length, suffix), content, schedule);
    } catch (error) {
      files.remove(blobHash, suffix);
      throw error;
    }
  }

  #append(blob: BlobEntry | undefined, content: RecordContent, schedule: Schedule): Promise<void> {
    const { log, ledger, index, incoming, files } = this.#parts;
    const key = recordKey(content.record.rid);
    const item = encodeContent(content);
    return log.appendOne(blob === undefined ? [item] : [blob.item, item], (positions) => {
      const position = positions.at(-1)!;
      if (blob !== undefined) ledger.applyBlob(blob.content, positions[0]!);
      ledger.applyRecord(content, { position, payloadBytes: payloadBytesOf(item) }, schedule);
      // The whole blob may have come while a part of it was being received.
      if (incoming.end(key)?.complete === false) files.removePart(key);
      index.applied(position);
    });
  }
}

function refused(why: HoldRefusal): HoldResult {
  return { kind: 'refused', why };
}

function isBlobOf({ record }: HoldEntry, blob: Uint8Array): boolean {
  return blob.length === record.blobBytes && equalBytes(sha256Of(blob), record.blobHash);
}
