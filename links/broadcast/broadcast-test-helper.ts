/** What the tests of this link share: two parties with keys, and a line between them that loses what it is told to. */
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
  lost: (datagram: Uint8Array) => boolean = () => false;
  sentBytes = 0;
  sentDatagrams = 0;
  readonly #ears = new Set<(datagram: Uint8Array) => void>();

  say(datagram: Uint8Array): void {
    this.sentBytes += datagram.length;
    this.sentDatagrams += 1;
    if (!this.lost(datagram)) for (const ear of this.#ears) ear(datagram);
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
