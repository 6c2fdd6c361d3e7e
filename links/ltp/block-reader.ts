/**
 * Reads a block, which is one unit of freight or several one behind the other, at offsets that go up; where they go
 * back, the freight is opened again. It holds one chunk of the freight and what of it no segment has taken yet.
 */
import { messageOf } from '../../base/errors.js';
import type { Freight } from '../link.js';

export class BlockReader {
  readonly #freights: readonly Freight[];
  /** Told when bytes that were not there are, or cannot be had. */
  readonly #ready: () => void;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Where the held bytes begin. */
  #offset = 0;
  #filling = false;
  #closed = false;
  #failure: Error | undefined;

  constructor(freights: readonly Freight[], ready: () => void) {
    this.#freights = freights;
    this.#ready = ready;
  }

  /** What was thrown while reading. The block cannot be sent. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The bytes in pieces, or undefined while they have to be waited for. */
  read(offset: number, length: number): Uint8Array[] | undefined {
    if (this.#filling || this.#closed || this.#failure !== undefined) return undefined;
    if (offset < this.#offset) this.#rewind();
    this.#skipTo(offset);
    if (this.#offset === offset && this.#heldBytes >= length) return this.#take(length);
    void this.#fill(offset, length);
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#rewind();
  }

  async #fill(offset: number, length: number): Promise<void> {
    this.#filling = true;
    try {
      while (!this.#closed && (this.#offset < offset || this.#heldBytes < length)) {
        this.#chunks ??= chunksOf(this.#freights)[Symbol.asyncIterator]();
        const next = await this.#chunks.next();
        if (next.done === true) throw new RangeError(`freight ended before byte ${offset + length} of its block`);
        if (next.value.length === 0) continue;
        this.#held.push(next.value);
        this.#heldBytes += next.value.length;
        this.#skipTo(offset);
      }
    } catch (thrown) {
      this.#failure = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
    }
    this.#filling = false;
    if (!this.#closed) this.#ready();
  }

  #skipTo(offset: number): void {
    while (this.#offset < offset && this.#heldBytes > 0) this.#take(Math.min(this.#held[0]!.length, offset - this.#offset));
  }

  #take(length: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const first = this.#held[0]!;
      const part = first.subarray(0, missing);
      taken.push(part);
      missing -= part.length;
      if (part.length === first.length) this.#held.shift();
      else this.#held[0] = first.subarray(part.length);
    }
    this.#heldBytes -= length;
    this.#offset += length;
    return taken;
  }

  #rewind(): void {
    // A source that stands still for good would never answer.
    this.#chunks?.return?.().catch(() => undefined);
    this.#chunks = undefined;
    this.#held = [];
    this.#heldBytes = 0;
    this.#offset = 0;
  }
}

async function* chunksOf(freights: readonly Freight[]): AsyncGenerator<Uint8Array, void> {
  for (const freight of freights) {
    let bytes = 0;
    for await (const chunk of freight.open()) {
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes !== freight.bytes) throw new RangeError(`freight of ${freight.bytes} bytes gave ${bytes}`);
  }
}
