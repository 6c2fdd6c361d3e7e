/** What the tests of this link share: two parties with keys, and a line between them that loses what it is told to. */
import type { ManualClock } from '../../base/clock.js';
import { hmacSha256Of, sha256Of } from '../../wire/node-crypto.js';
import { keyId, signingKeyFromSeed, verifySignature, type SigningKey } from '../../wire/keys.js';
import type { BroadcastCrypto, Party } from './broadcast-crypto.js';
import type { DatagramSender, DatagramSource } from './datagrams.js';

export function keyOf(seed: number): SigningKey {
  return signingKeyFromSeed(new Uint8Array(32).fill(seed));
}

export function partyOf(key: SigningKey): Party {
  return { id: keyId(key.publicKey), publicKey: key.publicKey };
}

export function cryptoOf(key: SigningKey): BroadcastCrypto {
  return { sha256: sha256Of, mac: hmacSha256Of, sign: (message) => key.sign(message), verify: verifySignature };
}

/** Datagrams in memory: whoever listens hears what is sent and not lost. */
export class Air {
  /** Called for each datagram; gives what is heard of it: nothing, it, or it twice. */
  passes: (datagram: Uint8Array) => readonly Uint8Array[] = (datagram) => [datagram];
  sentBytes = 0;
  sentDatagrams = 0;
  readonly #ears = new Set<(datagram: Uint8Array) => void>();

  say(datagram: Uint8Array): void {
    this.sentBytes += datagram.length;
    this.sentDatagrams += 1;
    for (const heard of this.passes(datagram)) this.carry(heard);
  }

  /** To all who listen. */
  carry(datagram: Uint8Array): void {
    for (const ear of this.#ears) ear(datagram);
  }

  sender(): DatagramSender {
    return { open: async () => undefined, send: (datagram) => this.say(datagram), close: async () => undefined };
  }

  source(): DatagramSource {
    let ear: ((datagram: Uint8Array) => void) | undefined;
    return {
      open: async (take) => {
        ear = take;
        this.#ears.add(take);
      },
      close: async () => {
        if (ear !== undefined) this.#ears.delete(ear);
      },
    };
  }
}

/** Lets time pass until something holds, and promises run between the steps of the clock. */
export async function pass(clock: ManualClock, condition: () => boolean, stepMs = 100): Promise<void> {
  for (await settled(); !condition(); await settled()) clock.advance(stepMs);
}

export async function passFor(clock: ManualClock, ms: number, stepMs = 100): Promise<void> {
  const endMs = clock.monotonicMs() + ms;
  await pass(clock, () => clock.monotonicMs() >= endMs, stepMs);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
