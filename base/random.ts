/** Chance, handed in: nonces, salts, ephemeral keys and jitter all come from here. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** `count` bytes fit for keys (system), or repeatable ones (seeded). */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1), for jitter. */
  fraction(): number;
}

export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};

/** A repeatable stream from a 32-bit seed (xorshift32): for tests and simulations, never for keys that protect anything. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 0x9e37_79b9;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => next() >>> 24),
    fraction: () => next() / 2 ** 32,
  };
}
