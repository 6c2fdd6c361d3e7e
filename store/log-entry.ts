/**
 * One entry of the segment log (spec/store-format.md): a header of 24 bytes and a payload, padded to 8.
 * The header has a CRC of its own, so that an entry whose payload was damaged can still be stepped over;
 * it carries the generation of its segment, so that what a recycled file held before is never taken for new, and where
 * its group began: groups follow one another, so an entry of a later group proves that this one was durable.
 * The CRC of a payload covers all of it, except that of a blob, which covers the hash in front: the hash vouches for the rest.
 *
 *   0 magic 4 | 4 kind 1 | 5 group start / 8, 3 | 8 generation 4 | 12 payload length 4 | 16 payload CRC 4 | 20 header CRC 4
 */
import { CRC_OF_NOTHING, crc32c } from '../wire/crc.js';
import { HASH_BYTES } from '../wire/digest.js';
import { isSha256Of } from '../wire/node-crypto.js';

/** What an entry says; store/log-content.ts has the payload of each. Numbers are for ever. */
export const ENTRY_KINDS = { blob: 1, 'blob-file': 2, record: 3, copy: 4, step: 5, outbox: 6, arrived: 7, horizon: 8 } as const;
export type EntryKind = keyof typeof ENTRY_KINDS;

export const ENTRY_HEADER_BYTES = 24;
export const ENTRY_ALIGN_BYTES = 8;
const MAGIC = 0x504c_4531;
const HEADER_SUMMED_BYTES = 20;
const KIND_OF_NUMBER = new Map<number, EntryKind>(Object.entries(ENTRY_KINDS).map(([kind, number]) => [number, kind as EntryKind]));

export interface EntryHead {
  readonly kind: EntryKind;
  /** Offset in the segment of the first entry of the write that this one was part of. */
  readonly groupStart: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

/** Bytes that an entry takes in the log. */
export function entryBytes(payloadBytes: number): number {
  const unpadded = ENTRY_HEADER_BYTES + payloadBytes;
  return unpadded + (-unpadded & (ENTRY_ALIGN_BYTES - 1));
}

/** Where an entry stands: which use of the segment file, and where the write it is part of begins. */
export interface EntryPlace {
  readonly generation: number;
  readonly groupStart: number;
}

/** What an entry says: its payload, in parts that follow one another. */
export interface LogItem {
  readonly kind: EntryKind;
  readonly parts: readonly Uint8Array[];
}

/** Writes an entry; returns the offset behind it. */
export function writeEntry(target: Buffer, offset: number, place: EntryPlace, item: LogItem): number {
  let end = offset + ENTRY_HEADER_BYTES;
  for (const part of item.parts) {
    target.set(part, end);
    end += part.length;
  }
  const payloadBytes = end - offset - ENTRY_HEADER_BYTES;
  target.writeUInt32BE(MAGIC, offset);
  target.writeUInt32BE(ENTRY_KINDS[item.kind] * 0x100_0000 + place.groupStart / ENTRY_ALIGN_BYTES, offset + 4);
  target.writeUInt32BE(place.generation, offset + 8);
  target.writeUInt32BE(payloadBytes, offset + 12);
  target.writeUInt32BE(crc32c(target, CRC_OF_NOTHING, offset + ENTRY_HEADER_BYTES, item.kind === 'blob' ? offset + ENTRY_HEADER_BYTES + HASH_BYTES : end), offset + 16);
  target.writeUInt32BE(crc32c(target, CRC_OF_NOTHING, offset, offset + HEADER_SUMMED_BYTES), offset + HEADER_SUMMED_BYTES);
  const padded = offset + entryBytes(payloadBytes);
  while (end < padded) target[end++] = 0;
  return padded;
}

/** The head of the entry at `offset`; undefined where there is none of this generation. */
export function readEntryHead(bytes: Buffer, offset: number, generation: number): EntryHead | undefined {
  if (offset + ENTRY_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.readUInt32BE(offset) !== MAGIC || bytes.readUInt32BE(offset + 8) !== generation) return undefined;
  if (bytes.readUInt32BE(offset + HEADER_SUMMED_BYTES) !== crc32c(bytes.subarray(offset, offset + HEADER_SUMMED_BYTES))) return undefined;
  const kind = KIND_OF_NUMBER.get(bytes[offset + 4]!);
  if (kind === undefined) return undefined;
  return {
    kind,
    groupStart: bytes.readUIntBE(offset + 5, 3) * ENTRY_ALIGN_BYTES,
    payloadBytes: bytes.readUInt32BE(offset + 12),
    payloadCrc: bytes.readUInt32BE(offset + 16),
  };
}

export function payloadIsWhole(head: EntryHead, payload: Uint8Array): boolean {
  if (payload.length !== head.payloadBytes) return false;
  if (head.kind !== 'blob') return crc32c(payload) === head.payloadCrc;
  const hash = payload.subarray(0, HASH_BYTES);
  return crc32c(hash) === head.payloadCrc && isSha256Of(hash, payload.subarray(HASH_BYTES));
}
