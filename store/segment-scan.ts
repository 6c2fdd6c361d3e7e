/**
 * Reads one segment from an offset to its end, entry by entry, and says how it ends. Groups are written one after
 * another, so a fault inside the very last group of the log is a torn write, and any other one is damage.
 */
import { asBuffer, copyBytes } from '../base/bytes.js';
import type { DiskFile } from './disk.js';
import { ENTRY_ALIGN_BYTES, ENTRY_HEADER_BYTES, entryBytes, payloadIsWhole, readEntryHead } from './log-entry.js';
import type { EntryKind } from './log-entry.js';

export interface ScannedEntry {
  readonly kind: EntryKind;
  readonly offset: number;
  /** A view that lasts until the visit is over. */
  readonly payload: Uint8Array;
}

export interface Stretch {
  readonly startOffset: number;
  readonly endOffset: number;
}

export interface ScanResult {
  /** Behind the last entry that counts. */
  readonly endOffset: number;
  /** Where the group of the last entry that counts begins. */
  readonly lastGroupOffset: number;
  /** Something of a last write that did not come through lies behind the end, and must be wiped before new entries follow. */
  readonly torn: boolean;
  /** Stretches that were durable once and do not read back. */
  readonly damage: readonly Stretch[];
}

const WINDOW_BYTES = 1 << 20;

/** @param isLast whether no later segment holds anything, so that a torn write may be at the end of this one. */
export async function scanSegment(
  file: DiskFile,
  generation: number,
  startOffset: number,
  isLast: boolean,
  visit: (entry: ScannedEntry) => Promise<void> | void,
): Promise<ScanResult> {
  const window = new Window(file);
  const damage: Stretch[] = [];
  let fault: Stretch | undefined;
  /** Good entries behind a fault in the same group: they count if the group did. */
  let behindFault: ScannedEntry[] = [];
  let offset = startOffset;
  let endOffset = startOffset;
  let lastGroupOffset = startOffset;

  const confirm = async (): Promise<void> => {
    if (fault !== undefined) damage.push(fault);
    for (const entry of behindFault) await visit(entry);
    fault = undefined;
    behindFault = [];
    endOffset = offset;
  };

  for (;;) {
    const head = readEntryHead(await window.at(offset, ENTRY_HEADER_BYTES), 0, generation);
    if (head === undefined) break;
    if (fault !== undefined && head.groupStart > fault.startOffset) await confirm();
    const size = entryBytes(head.payloadBytes);
    const payload = (await window.at(offset, size)).subarray(ENTRY_HEADER_BYTES, ENTRY_HEADER_BYTES + head.payloadBytes);
    if (!payloadIsWhole(head, payload)) {
      if (fault !== undefined) damage.push(fault);
      fault = { startOffset: offset, endOffset: offset + size };
    } else if (fault !== undefined) {
      behindFault.push({ kind: head.kind, offset, payload: copyBytes(payload) });
    } else {
      await visit({ kind: head.kind, offset, payload });
      endOffset = offset + size;
      lastGroupOffset = head.groupStart;
    }
    offset += size;
  }

  const fileBytes = await file.size();
  const behind = await latestGroupBehind(window, offset, fileBytes, generation);
  if (behind !== undefined && behind > offset) {
    await confirm();
    damage.push({ startOffset: offset, endOffset: fileBytes });
  } else if (!isLast) {
    await confirm();
  }
  return { endOffset, lastGroupOffset, torn: behind !== undefined || offset > endOffset, damage };
}

/**
 * The latest group start named by anything behind `offset` that looks like an entry. Nothing is taken from there: it
 * may be a part of a blob that somebody made to look like an entry.
 */
async function latestGroupBehind(window: Window, offset: number, fileBytes: number, generation: number): Promise<number | undefined> {
  const step = WINDOW_BYTES / 2;
  let latest: number | undefined;
  for (let at = offset + ENTRY_ALIGN_BYTES; at + ENTRY_HEADER_BYTES <= fileBytes; at += step) {
    const bytes = await window.at(at, step + ENTRY_HEADER_BYTES);
    for (let i = 0; i < step; i += ENTRY_ALIGN_BYTES) {
      const head = readEntryHead(bytes, i, generation);
      if (head !== undefined) latest = Math.max(latest ?? 0, head.groupStart);
    }
  }
  return latest;
}

/** A stretch of the file in memory, moved along as the scan goes. */
class Window {
  readonly #file: DiskFile;
  #bytes: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The bytes at `offset`, `length` of them unless the file ends. */
  async at(offset: number, length: number): Promise<Buffer> {
    const known = offset >= this.#offset && offset + length <= this.#offset + this.#bytes.length;
    if (!known) {
      this.#bytes = asBuffer(await this.#file.read(offset, Math.max(length, WINDOW_BYTES)));
      this.#offset = offset;
    }
    return this.#bytes.subarray(offset - this.#offset, offset - this.#offset + length);
  }
}
