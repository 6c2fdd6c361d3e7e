/** A batch on its way to a gateway: its head, and pieces of blobs read from files while they are sent. */
import { open } from 'node:fs/promises';
import { BATCH_LIMITS, encodePieceHead } from '../wire/batch.js';

/** Bytes [startByte, endByte) of the blob of record number `index`, which are in `file` at the same place. */
export interface PieceSource {
  readonly index: number;
  readonly file: string;
  readonly startByte: number;
  readonly endByte: number;
}

/** A piece is read from the disk in smaller bites. */
const READ_BYTES = 256 * 1024;

export class BatchBody {
  readonly bytes: number;
  readonly #head: Uint8Array;
  readonly #pieces: readonly PieceSource[];

  /** @param pieces of any length: they are cut to what one piece may hold. */
  constructor(head: Uint8Array, pieces: readonly PieceSource[]) {
    this.#head = head;
    this.#pieces = pieces.flatMap(cut);
    this.bytes = this.#pieces.reduce((sum, piece) => sum + headOf(piece).length + lengthOf(piece), head.length);
  }

  /** Once more from the beginning at each call. `onProgress` is told how many bytes of pieces have been handed on. */
  async *stream(onProgress: (sentBytes: number) => void): AsyncGenerator<Uint8Array> {
    yield this.#head;
    let sentBytes = 0;
    for (const piece of this.#pieces) {
      yield headOf(piece);
      const file = await open(piece.file, 'r');
      try {
        for (let at = piece.startByte; at < piece.endByte; ) {
          // A buffer of its own for each bite: the socket may still hold the one before.
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(READ_BYTES, piece.endByte - at)), 0, undefined, at);
          if (bytesRead === 0) throw new Error(`${piece.file} ends at byte ${at}, before ${piece.endByte}`);
          yield buffer.subarray(0, bytesRead);
          at += bytesRead;
          sentBytes += bytesRead;
          onProgress(sentBytes);
        }
      } finally {
        await file.close();
      }
    }
  }
}

function cut(piece: PieceSource): PieceSource[] {
  const parts: PieceSource[] = [];
  for (let startByte = piece.startByte; startByte < piece.endByte; startByte += BATCH_LIMITS.pieceBytes) {
    parts.push({ ...piece, startByte, endByte: Math.min(piece.endByte, startByte + BATCH_LIMITS.pieceBytes) });
  }
  return parts;
}

function headOf(piece: PieceSource): Uint8Array {
  return encodePieceHead(piece.index, piece.startByte, lengthOf(piece));
}

function lengthOf(piece: PieceSource): number {
  return piece.endByte - piece.startByte;
}
