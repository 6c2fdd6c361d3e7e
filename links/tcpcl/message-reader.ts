/**
 * Takes the bytes of a TCPCL connection as they come and gives back one event at a time. It holds at most one
 * unfinished message head (bounded by the limits of messages.ts) and what is left of the latest chunk; the data
 * of segments passes through without being kept.
 */
import { concatBytes } from '../../base/bytes.js';
import { CONTACT_BYTES, decodeContactHeader, decodeMessage } from './messages.js';
import type { ContactHeader, Message, UnknownMessage } from './messages.js';

export type ReaderEvent =
  | { readonly kind: 'contact'; readonly header: ContactHeader }
  | { readonly kind: 'message'; readonly message: Message | UnknownMessage }
  /** A piece of the data of the segment whose head came before. A view of the chunk. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'segment-end' };

export class MessageReader {
  #chunk: Uint8Array = NOTHING;
  /** Room for a head that is not complete, as far as it is known to reach, and how much of it is there. */
  #head: Uint8Array = NOTHING;
  #headBytes = 0;
  #contactSeen = false;
  /** Data of the open segment still to come; undefined between segments. */
  #dataLeft: bigint | undefined;

  /** Call `next` until it has nothing more before pushing again. */
  push(chunk: Uint8Array): void {
    this.#chunk = this.#chunk.length === 0 ? chunk : concatBytes(this.#chunk, chunk);
  }

  /** The next event, or undefined when it takes more bytes. @throws LINK_PROTOCOL, LINK_LIMIT; nothing can be read after that */
  next(): ReaderEvent | undefined {
    if (this.#dataLeft !== undefined) return this.#nextData(this.#dataLeft);
    while (this.#chunk.length > 0) {
      this.#fillHead();
      const event = this.#decode(this.#headBytes === 0 ? this.#chunk : this.#head.subarray(0, this.#headBytes));
      if (event !== undefined) return event;
    }
    return undefined;
  }

  /** The bytes nobody has looked at, given away: after the contact header they belong to TLS. */
  takeRest(): Uint8Array {
    const rest = concatBytes(this.#head.subarray(0, this.#headBytes), this.#chunk);
    this.#headBytes = 0;
    this.#chunk = NOTHING;
    return rest;
  }

  #nextData(left: bigint): ReaderEvent | undefined {
    if (left === 0n) {
      this.#dataLeft = undefined;
      return { kind: 'segment-end' };
    }
    if (this.#chunk.length === 0) return undefined;
    const bytes = left < BigInt(this.#chunk.length) ? this.#chunk.subarray(0, Number(left)) : this.#chunk;
    this.#chunk = this.#chunk.subarray(bytes.length);
    this.#dataLeft = left - BigInt(bytes.length);
    return { kind: 'data', bytes };
  }

  #fillHead(): void {
    if (this.#headBytes === 0) return;
    const missing = this.#chunk.subarray(0, this.#head.length - this.#headBytes);
    this.#head.set(missing, this.#headBytes);
    this.#headBytes += missing.length;
    this.#chunk = this.#chunk.subarray(missing.length);
  }

  #decode(bytes: Uint8Array): ReaderEvent | undefined {
    if (!this.#contactSeen) {
      const header = decodeContactHeader(bytes);
      if (header === undefined) return this.#hold(bytes, CONTACT_BYTES);
      this.#contactSeen = true;
      this.#consume(CONTACT_BYTES);
      return { kind: 'contact', header };
    }
    if (this.#headBytes > 0 && this.#headBytes < this.#head.length) return undefined;
    const decoded = decodeMessage(bytes);
    if ('needBytes' in decoded) return this.#hold(bytes, decoded.needBytes);
    this.#consume(decoded.bytes);
    const { message } = decoded;
    if (message.type === 'xfer-segment') this.#dataLeft = message.dataBytes;
    return { kind: 'message', message };
  }

  /** Sets an incomplete head apart from the chunk it came in, with room for what it is known to need. */
  #hold(bytes: Uint8Array, needBytes: number): undefined {
    if (this.#headBytes === 0) this.#chunk = NOTHING;
    if (needBytes > this.#head.length || this.#headBytes === 0) {
      const head = new Uint8Array(needBytes);
      head.set(bytes);
      this.#head = head;
      this.#headBytes = bytes.length;
    }
  }

  #consume(bytes: number): void {
    if (this.#headBytes > 0) this.#headBytes = 0;
    else this.#chunk = this.#chunk.subarray(bytes);
  }
}

const NOTHING = new Uint8Array(0);
