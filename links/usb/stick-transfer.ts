/** Getting the bytes of one file onto a stick, and comparing what is on the medium with what was meant. */
import { equalBytes } from '../../base/bytes.js';
import { oneAhead } from '../../base/one-ahead.js';
import type { StickDisk, StickHash, StickReader } from './stick-disk.js';

/** A file: a head that is known only when the body has been read to its end, and the body. */
export interface StickFreight {
  readonly headBytes: number;
  readonly bodyBytes: number;
  /** Pieces of any size, lent until the next one is asked for. */
  body(): AsyncIterable<Uint8Array>;
  /** Once the body has been read to its end. */
  complete(): StickFileEnd;
}

export interface StickFileEnd {
  /** Hex: names the file. */
  readonly id: string;
  readonly head: Uint8Array;
  readonly bodyHash: Uint8Array;
}

/** Sticks are slow with anything smaller. */
const WRITE_BYTES = 1024 * 1024;

/** Writes head and body and syncs them. @param progress is told of bytes as they are written */
export async function writeWhole(disk: StickDisk, path: string, freight: StickFreight, progress: (bytes: number) => void): Promise<StickFileEnd> {
  const writer = await disk.create(path);
  let writing: Promise<void> = Promise.resolve();
  try {
    let [filling, resting] = [Buffer.allocUnsafeSlow(WRITE_BYTES), Buffer.allocUnsafeSlow(WRITE_BYTES)];
    // The head's room is written with what follows it, and once more when it is known.
    let held = freight.headBytes;
    filling.fill(0, 0, held);
    let offset = 0;
    /** One buffer fills while the other is written. */
    const flush = async (): Promise<void> => {
      await writing;
      writing = writer.write(offset, filling.subarray(0, held));
      // Heard of with the next flush, or at the end.
      writing.catch(() => undefined);
      [filling, resting] = [resting, filling];
      offset += held;
      held = 0;
    };
    for await (const piece of freight.body()) {
      for (let at = 0; at < piece.length; ) {
        const taken = piece.subarray(at, at + WRITE_BYTES - held);
        filling.set(taken, held);
        held += taken.length;
        at += taken.length;
        if (held === WRITE_BYTES) await flush();
      }
      progress(piece.length);
    }
    if (held > 0) await flush();
    await writing;
    if (offset !== freight.headBytes + freight.bodyBytes) throw new TypeError(`a file of ${offset} bytes was announced with ${freight.headBytes + freight.bodyBytes}`);
    const end = freight.complete();
    if (end.head.length !== freight.headBytes) throw new TypeError(`a head of ${end.head.length} bytes was announced with ${freight.headBytes}`);
    await writer.write(0, end.head);
    await writer.sync();
    return end;
  } finally {
    await writing.catch(() => undefined);
    await writer.close();
  }
}

/** Reads the whole file back. */
export async function isAsWritten(reader: StickReader, freight: StickFreight, end: StickFileEnd, hash: StickHash, progress: (bytes: number) => void): Promise<boolean> {
  if (reader.bytes !== freight.headBytes + freight.bodyBytes) return false;
  const buffers = [spareBuffers.pop() ?? alignedBuffer(), spareBuffers.pop() ?? alignedBuffer()] as const;
  try {
    let offset = 0;
    for await (const chunk of oneAhead(partsOf(reader, 0, reader.bytes, buffers))) {
      const inHead = Math.min(Math.max(freight.headBytes - offset, 0), chunk.length);
      if (!equalBytes(chunk.subarray(0, inHead), end.head.subarray(offset, offset + inHead))) return false;
      hash.update(chunk.subarray(inHead));
      offset += chunk.length;
      progress(chunk.length);
    }
    return offset === reader.bytes && equalBytes(hash.digest(), end.bodyHash);
  } finally {
    spareBuffers.push(...buffers);
  }
}

/**
 * Reads of a stretch of a file, one buffer after the other: what comes is lent until the next but one is begun. Less than
 * a buffer comes at the end only, or where the file is shorter than it was.
 */
export function* partsOf(reader: StickReader, startByte: number, endByte: number, buffers: readonly [Uint8Array, Uint8Array]): Iterable<() => Promise<Uint8Array>> {
  let [filling, resting] = buffers;
  for (let offset = startByte; offset < endByte; offset += filling.length) {
    const [at, into] = [offset, filling];
    yield () => readPart(reader, at, Math.min(endByte - at, into.length), into);
    [filling, resting] = [resting, filling];
  }
}

/** Asks for a whole buffer each time: past the system's cache nothing else is given. */
async function readPart(reader: StickReader, offset: number, bytes: number, into: Uint8Array): Promise<Uint8Array> {
  let done = 0;
  while (done < bytes) {
    const length = await reader.read(offset + done, into.subarray(done));
    if (length === 0) break;
    done += length;
  }
  return into.subarray(0, Math.min(done, bytes));
}

/** Whether the medium gives the beginning of a file, past the system's memory of it. */
export async function isReadable(disk: StickDisk, path: string): Promise<boolean> {
  const buffer = spareBuffers.pop() ?? alignedBuffer();
  try {
    const reader = await disk.open(path, 'medium');
    await reader.read(0, buffer).finally(() => reader.close());
    return true;
  } catch {
    return false;
  } finally {
    spareBuffers.push(buffer);
  }
}

/** Used again: each takes gigabytes of address space until the collector comes by. */
const spareBuffers: Uint8Array[] = [];
const PAGE_BYTES = 65_536;

/** The part of WebAssembly that is used; its types come with browsers only. */
declare const WebAssembly: { Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer } };

/** Reading past the system's cache needs memory that begins at a page, as that of WebAssembly does. */
function alignedBuffer(): Uint8Array {
  return new Uint8Array(new WebAssembly.Memory({ initial: WRITE_BYTES / PAGE_BYTES }).buffer);
}
