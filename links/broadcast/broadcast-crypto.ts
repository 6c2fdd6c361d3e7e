/** What this link knows of keys, handed in: a link has no cryptography of its own. */

/** One end: who it is, and by which key. */
export interface Party {
  /** The short name of the key, as it stands in announcements. */
  readonly id: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface BroadcastCrypto {
  sha256(bytes: Uint8Array): Uint8Array;
  /** HMAC-SHA256 over the parts, one after the other. */
  mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** With our own Ed25519 key. */
  sign(message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}
