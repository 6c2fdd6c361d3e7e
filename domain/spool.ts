/** Reads and writes of large files in bites, whatever their size. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { sha256Stream } from '../wire/node-crypto.js';

export const BITE_BYTES = 256 * 1024;

/** Bytes [startByte, endByte) of an open file, or to its end. What is yielded is only lent: the next bite overwrites it. */
export async function* readBites(file: FileHandle, startByte = 0, endByte = Infinity): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(BITE_BYTES);
  for (let at = startByte; at < endByte; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, endByte - at), at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Writes all of the pieces, one behind the other, in as few calls as the system allows. @returns where they end. */
export async function writeAt(file: FileHandle, pieces: readonly Uint8Array[], at: number): Promise<number> {
  let left = pieces.filter((piece) => piece.length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left, at);
    at += bytesWritten;
    left = left.flatMap((piece) => {
      const taken = Math.min(bytesWritten, piece.length);
      bytesWritten -= taken;
      return taken < piece.length ? [piece.subarray(taken)] : [];
    });
  }
  return at;
}

/** SHA-256 of a whole file. */
export async function hashFile(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const hash = sha256Stream();
    for await (const bite of readBites(file)) hash.update(bite);
    return hash.digest();
  } finally {
    await file.close();
  }
}
