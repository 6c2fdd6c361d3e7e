/**
 * Small helpers on byte strings. Everything in postern that is "bytes" is a plain Uint8Array;
 * a Buffer is one too, and never leaks a wider promise.
 */

const HEX = /^(?:[0-9a-fA-F]{2})*$/;

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex');
}

/** Bytes of an even-length hex string; undefined for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  return HEX.test(text) ? plainBytes(Buffer.from(text, 'hex')) : undefined;
}

export function toBase64url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

/** Bytes of an unpadded base64url string; undefined where the text is not the one encoding of its bytes. */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? plainBytes(bytes) : undefined;
}

export function utf8(text: string): Uint8Array {
  return plainBytes(Buffer.from(text, 'utf8'));
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return plainBytes(Buffer.concat(parts));
}

/** Equality for public values. Secrets are compared by hash or in constant time, not with this. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** A copy that does not keep a larger buffer alive. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}

/** A Buffer over the same memory, for the Node calls that want one. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same memory without Buffer's methods, some of which (slice) mean something else there. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
