/**
 * Chance from a seed, one stream for each name: a link that is added, or a courier that draws once more, shifts nobody
 * else's luck. xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), seeded from a hash.
 */
import type { Random } from '../base/random.js';
import { utf8 } from '../base/bytes.js';
import { sha256 } from '../wire/digest.js';

export interface Stream extends Random {
  /** True with this probability. Nothing is drawn where the answer is certain. */
  chance(probability: number): boolean;
  /** A whole number in [from, to]. */
  between(from: number, to: number): number;
  /** Exponentially distributed, with this mean. */
  exponential(mean: number): number;
}

export class Streams {
  readonly #seed: string;
  readonly #streams = new Map<string, Stream>();

  constructor(seed: number | string) {
    this.#seed = String(seed);
  }

  named(name: string): Stream {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream = makeStream(sha256(utf8(`sim/1\n${this.#seed}\n${name}`)));
    this.#streams.set(name, stream);
    return stream;
  }
}

function makeStream(hash: Uint8Array): Stream {
  const words = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
  let [a, b, c, d] = [0, 4, 8, 12].map((offset) => words.getInt32(offset)) as [number, number, number, number];
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
  const fraction = (): number => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
  return {
    fraction,
    bytes(count) {
      const bytes = new Uint8Array(count);
      let index = 0;
      for (; index + 4 <= count; index += 4) {
        const word = next();
        bytes[index] = word;
        bytes[index + 1] = word >>> 8;
        bytes[index + 2] = word >>> 16;
        bytes[index + 3] = word >>> 24;
      }
      for (let word = index < count ? next() : 0; index < count; index += 1, word >>>= 8) bytes[index] = word;
      return bytes;
    },
    chance: (probability) => (probability <= 0 ? false : probability >= 1 ? true : fraction() < probability),
    between: (from, to) => from + Math.floor(fraction() * (to - from + 1)),
    exponential: (mean) => -mean * Math.log(1 - fraction()),
  };
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
