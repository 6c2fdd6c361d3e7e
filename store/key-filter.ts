/**
 * Which keys are certainly not in the database: a Bloom filter. A new record is looked for twice before it is taken, by its key
 * and by the hash of its blob, and nearly always in vain; the filter says so without asking the database. Keys are hashes, so
 * their own bits serve.
 */
const BITS_PER_KEY = 12;
const PROBES = 4;
const WORD_BITS = 32;

export class KeyFilter {
  readonly #words: Uint32Array;
  readonly #mask: number;
  readonly #capacity: number;
  #count = 0;

  /** @param capacity keys for which one answer in a hundred or fewer is a false "maybe" */
  constructor(capacity: number) {
    const bits = 2 ** Math.ceil(Math.log2(capacity * BITS_PER_KEY));
    this.#words = new Uint32Array(bits / WORD_BITS);
    this.#mask = bits - 1;
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count > this.#capacity;
  }

  add(key: string): void {
    const step = bitsOf(key, 4) | 1;
    for (let probe = 0, at = bitsOf(key, 0); probe < PROBES; probe += 1, at += step) {
      this.#words[(at & this.#mask) >>> 5]! |= 1 << (at & 31);
    }
    this.#count += 1;
  }

  mayHave(key: string): boolean {
    const step = bitsOf(key, 4) | 1;
    for (let probe = 0, at = bitsOf(key, 0); probe < PROBES; probe += 1, at += step) {
      if ((this.#words[(at & this.#mask) >>> 5]! & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }
}

function bitsOf(key: string, from: number): number {
  return (key.charCodeAt(from) << 24) | (key.charCodeAt(from + 1) << 16) | (key.charCodeAt(from + 2) << 8) | key.charCodeAt(from + 3);
}
