/**
 * The walker: the gate in front of every CBOR reader. It goes over the bytes of one item once, without
 * building anything, and lets pass only the deterministic profile of spec/cbor.md within stated limits.
 * It can stop where the bytes end and go on when more have come.
 */
import { headBytesOf, readHead } from './cbor-head.js';
import type { Place } from './cbor-head.js';
import { notDeterministic, overLimit, wrongType, wrongValue } from './faults.js';

export interface CborLimits {
  /** Encoded length of the item. */
  readonly bytes: number;
  /** Arrays and maps around a value. */
  readonly depth: number;
  /** Values in the item, keys and containers counted. */
  readonly items: number;
}

/** What one object of the protocol may need, and no more: a few pages of memory, a few hundred microseconds. */
export const CBOR_LIMITS: CborLimits = { bytes: 64 * 1024, depth: 16, items: 4096 };

/**
 * Offset of the end of the item that begins at `offset`; undefined when the bytes end inside it. Throws a coded
 * error as soon as the bytes there cannot become a legal item. A caller that gets more bytes later and asks again
 * pays for the whole walk again: keep a CborWalker for that.
 */
export function measureCborItem(bytes: Uint8Array, offset: number, path: string, limits?: Partial<CborLimits>): number | undefined {
  oneShot.begin(path, offset, limits);
  return oneShot.walk(bytes, offset, bytes.length) ? offset + oneShot.length : undefined;
}

/** An array or map whose end has not been seen. */
interface Frame {
  readonly isMap: boolean;
  /** Values that it holds: for a map, keys counted too. */
  readonly size: number;
  /** Values still to come. */
  left: number;
  /** The latest key of a map: where its encoding stands, and the key where it is an integer. */
  keyStart: number;
  keyEnd: number;
  key: number | undefined;
}

/** Simple values (RFC 8949 §3.3); true stands between them. */
const FALSE = 20;
const NULL = 22;

export class CborWalker implements Place {
  #path = '';
  #offset = 0;
  #limits = CBOR_LIMITS;
  #frames: Frame[] = [];
  /** Where the next head stands, counted from the first byte of the item. */
  #at = 0;
  /** Values walked over, and values that heads have announced. */
  #walked = 0;
  #announced = 1;
  #needs = 1;
  #beyondSafe = false;

  /** Starts on a new item. @param offset of its first byte in what `path` names: for error data. */
  begin(path: string, offset: number, limits?: Partial<CborLimits>): void {
    this.#path = path;
    this.#offset = offset;
    this.#limits = limits === undefined ? CBOR_LIMITS : { ...CBOR_LIMITS, ...limits };
    this.#frames = [];
    this.#at = 0;
    this.#walked = 0;
    this.#announced = 1;
    this.#needs = 1;
    this.#beyondSafe = false;
  }

  /** After `walk` gave true: the encoded length of the item. */
  get length(): number {
    return this.#at;
  }

  /** After `walk` gave false: the item has at least so many bytes more, so taking them never takes too many. */
  get needs(): number {
    return this.#needs;
  }

  /** True when the item holds an integer that a JavaScript number cannot hold exactly. */
  get beyondSafe(): boolean {
    return this.#beyondSafe;
  }

  /**
   * Goes on. `bytes` from `start` to `end` are the item's bytes so far, from its first one; they may stand in
   * another buffer than before. True: the item is complete. False: it needs more bytes.
   */
  walk(bytes: Uint8Array, start: number, end: number): boolean {
    for (;;) {
      const at = start + this.#at;
      const head = readHead(bytes, at, end, this);
      if (head === undefined) return this.#wait(at < end ? at + headBytesOf(bytes[at]!) - end : 1);
      const { major, argument } = head;
      const parent = this.#frames.at(-1);
      const isKey = parent !== undefined && parent.isMap && parent.left % 2 === 0;
      if (isKey) this.#refuseAsKey(major, argument);
      let next = at + head.bytes;
      let children = 0;
      switch (major) {
        case 0:
        case 1:
          // -1 - argument is the value of major type 1, so its last exact argument is one less.
          if (argument > Number.MAX_SAFE_INTEGER - major) this.#beyondSafe = true;
          break;
        case 2:
        case 3:
          next += argument;
          this.#refuseTooLong(next - start);
          if (next > end) return this.#wait(next - end);
          if (major === 3) this.#refuseBadText(bytes, next - argument, next);
          break;
        case 4:
          children = argument;
          break;
        case 5:
          children = 2 * argument;
          break;
        case 6:
          throw this.#wrongType('a tag', 'an untagged value');
        default:
          if (argument < FALSE || argument > NULL) throw this.#wrongType(`simple value ${argument}`, 'false, true or null');
      }
      this.#refuseTooMany(children, next - start);
      if (isKey) this.#takeKey(parent, bytes, start, next - start, major, argument);
      this.#at = next - start;
      this.#walked += 1;
      if (children > 0) this.#frames.push({ isMap: major === 5, size: children, left: children, keyStart: -1, keyEnd: -1, key: undefined });
      else if (this.#closes()) return true;
    }
  }

  /** The path of the value at hand: array indices, integer keys, and for text keys the number of the entry. */
  where(): { path: string; offset: number } {
    let path = this.#path;
    for (const frame of this.#frames) {
      const index = frame.size - frame.left;
      if (!frame.isMap) path += `/${index}`;
      else if (index % 2 === 1) path += frame.key === undefined ? `/#${(index - 1) / 2}` : `/${frame.key}`;
    }
    return { path, offset: this.#offset + this.#at };
  }

  /** A value is complete: so are all containers of which it was the last. True when that is the whole item. */
  #closes(): boolean {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      frame.left -= 1;
      if (frame.left > 0) return false;
      this.#frames.pop();
    }
    return true;
  }

  /** @param missing bytes of the value at hand. Every further value that was announced takes one byte at least. */
  #wait(missing: number): false {
    this.#needs = missing + (this.#announced - this.#walked - 1);
    return false;
  }

  #refuseAsKey(major: number, argument: number): void {
    if (major !== 0 && major !== 1 && major !== 3) throw this.#wrongType(`a key of major type ${major}`, 'an integer or text');
    if (major !== 3 && argument >= Number.MAX_SAFE_INTEGER) throw this.#wrongValue('a key beyond 2^53', 'a small integer');
  }

  /** Keys stand in strictly rising order of their encodings, which also keeps them unique. */
  #takeKey(frame: Frame, bytes: Uint8Array, start: number, keyEnd: number, major: number, argument: number): void {
    const keyStart = this.#at;
    if (frame.keyStart >= 0 && compareSlices(bytes, start + frame.keyStart, start + frame.keyEnd, start + keyStart, start + keyEnd) >= 0) {
      const { path, offset } = this.where();
      throw notDeterministic(path, offset, 'a map key that repeats or is out of order');
    }
    frame.keyStart = keyStart;
    frame.keyEnd = keyEnd;
    frame.key = major === 0 ? argument : major === 1 ? -1 - argument : undefined;
  }

  #refuseBadText(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && bytes[at]! < 0x80) at += 1;
    if (at === end) return;
    if (!isUtf8(bytes.subarray(at, end))) throw this.#wrongValue('text that is not UTF-8', 'UTF-8');
    // Many decoders drop it without a word, so two readers would see two texts.
    if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) {
      throw this.#wrongValue('text that begins with a byte order mark', 'text without one');
    }
  }

  /** Before anything is expected of a container: it must fit in what is left of values, bytes and depth. */
  #refuseTooMany(children: number, length: number): void {
    this.#announced += children;
    if (this.#announced > this.#limits.items) throw this.#overLimit(this.#announced, this.#limits.items, 'values');
    if (children > 0 && this.#frames.length >= this.#limits.depth) throw this.#overLimit(this.#frames.length + 1, this.#limits.depth, 'levels');
    this.#refuseTooLong(length + this.#announced - this.#walked - 1);
  }

  #refuseTooLong(length: number): void {
    if (length > this.#limits.bytes) throw this.#overLimit(length, this.#limits.bytes, 'bytes');
  }

  #wrongType(found: string, expected: string): Error {
    const { path, offset } = this.where();
    return wrongType(path, offset, found, expected);
  }

  #wrongValue(found: string, expected: string): Error {
    const { path, offset } = this.where();
    return wrongValue(path, offset, found, expected);
  }

  #overLimit(found: number, limit: number, what: string): Error {
    const { path, offset } = this.where();
    return overLimit(path, offset, found, limit, what);
  }
}

const oneShot = new CborWalker();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function compareSlices(bytes: Uint8Array, aStart: number, aEnd: number, bStart: number, bEnd: number): number {
  const shorter = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < shorter; i++) {
    const difference = bytes[aStart + i]! - bytes[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
