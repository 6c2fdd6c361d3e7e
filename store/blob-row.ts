/** What the index knows of a blob: where it is, and how many records live on it. */
import { ByteReader } from './binary.js';
import type { ByteWriter } from './binary.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';

export interface BlobRow {
  /** The last log entry that shaped this row. */
  readonly position: Position;
  /** Live records with this blob. */
  readonly references: number;
  /** The log entry that has the blob, or that says that the file is complete. 0: none has been seen yet. */
  readonly entry: Position;
  readonly blobBytes: number;
  /** Set when the blob is a file of its own; see blob-files.ts. */
  readonly suffix: string | undefined;
}

const SIZE_BYTES = 6;

export function writeBlobRow(writer: ByteWriter, row: BlobRow): ByteWriter {
  return writer
    .uint(row.position, POSITION_BYTES)
    .uint(row.references, 4)
    .uint(row.entry, POSITION_BYTES)
    .uint(row.blobBytes, SIZE_BYTES)
    .text(row.suffix ?? '');
}

export function decodeBlobRow(bytes: Uint8Array): BlobRow {
  const reader = new ByteReader(bytes, 'a blob row of the index');
  const row = { position: reader.uint(POSITION_BYTES), references: reader.uint(4), entry: reader.uint(POSITION_BYTES), blobBytes: reader.uint(SIZE_BYTES) };
  const suffix = reader.text();
  reader.end();
  return { ...row, suffix: suffix === '' ? undefined : suffix };
}
