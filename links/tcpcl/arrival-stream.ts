/**
 * The bytes of one arrival between the connection, which pushes, and its one reader. It holds what the connection
 * gives it: the connection stops reading from the socket while too much is held.
 */
import { strict as assert } from 'node:assert';

export class ArrivalStream implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  readonly #released: (bytes: number) => void;
  #state: 'open' | 'ended' | 'cancelled' | Error = 'open';
  #taken = false;
  #wake: (() => void) | undefined;

  /** @param released told how many held bytes the reader has taken or dropped */
  constructor(released: (bytes: number) => void) {
    this.#released = released;
  }

  push(bytes: Uint8Array): void {
    if (this.#state !== 'open') return this.#released(bytes.length);
    this.#chunks.push(bytes);
    this.#wakeUp();
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wakeUp();
  }

  /** The reader gets the error instead of the rest. */
  fail(error: Error): void {
    if (this.#state !== 'open') return;
    this.#state = error;
    this.#drop();
    this.#wakeUp();
  }

  /** Nobody wants the rest. */
  cancel(): void {
    if (this.#state === 'cancelled') return;
    this.#state = 'cancelled';
    this.#drop();
    this.#wakeUp();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    assert(!this.#taken, 'an arrival is read once');
    this.#taken = true;
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#released(chunk.length);
          yield chunk;
        } else if (this.#state === 'open') {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        } else if (this.#state instanceof Error) {
          throw this.#state;
        } else {
          return;
        }
      }
    } finally {
      this.cancel();
    }
  }

  #drop(): void {
    const bytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#chunks.length = 0;
    if (bytes > 0) this.#released(bytes);
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
