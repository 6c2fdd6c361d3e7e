/** An object on its way out: gives the packets of one round after the other. Knows no time and no socket. */
import { strict as assert } from 'node:assert';
import { makeRepair, type Repairs } from './block-code.js';
import type { BroadcastCrypto } from './broadcast-crypto.js';
import { announcementsIn, blocksOf, isAnnouncedBefore, planObject } from './object-plan.js';
import { encodeAnnouncement, encodeSymbol, tagOf, type ObjectShape } from './packets.js';
import type { Symbols } from './symbols.js';

export interface OutgoingOptions {
  readonly crypto: BroadcastCrypto;
  readonly macKey: Uint8Array;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly datagramBytes: number;
  readonly extraPercent: number;
}

interface Place {
  readonly block: number;
  readonly number: number;
}

export class OutgoingObject {
  readonly shape: ObjectShape;
  readonly #options: OutgoingOptions;
  readonly #tag: Uint8Array;
  readonly #announcement: Uint8Array;
  readonly #blocks: readonly Symbols[];
  readonly #repairs: (Repairs | undefined)[];
  /** Symbols and announcements. */
  readonly packetsPerRound: number;
  readonly #symbolsPerRound: number;
  /** All that there are. */
  readonly #symbols: number;
  /** Where the round has begun among them: what no round has sent yet comes first. */
  #start = 0;
  #at = 0;
  #announced = false;

  constructor(bytes: Uint8Array, options: OutgoingOptions) {
    this.#options = options;
    const { crypto, macKey, from, to, datagramBytes, extraPercent } = options;
    const { shape, symbolsPerRound } = planObject(bytes.length, datagramBytes, extraPercent);
    this.shape = shape;
    const inline = shape.symbolBytes === 0;
    const hash = crypto.sha256(bytes);
    this.#tag = tagOf(hash);
    this.#announcement = encodeAnnouncement(crypto, macKey, { ...this.shape, from, to, hash, inline: inline ? bytes : new Uint8Array() });
    if (inline) {
      this.#blocks = [];
    } else {
      const { memory, blocks } = blocksOf(this.shape);
      memory.set(bytes);
      this.#blocks = blocks;
    }
    this.#repairs = this.#blocks.map(() => undefined);
    this.#symbolsPerRound = symbolsPerRound;
    this.#symbols = this.#blocks.reduce((sum, block) => sum + block.count + shape.repairSymbols, 0);
    this.packetsPerRound = inline ? 1 : this.#symbolsPerRound + announcementsIn(this.#symbolsPerRound);
  }

  /** The next packet of the round; undefined at its end, and the next call begins another round. */
  next(): Uint8Array | undefined {
    if (this.#at === this.#symbolsPerRound && (this.#announced || this.#at > 0)) {
      this.#start = this.#symbols === 0 ? 0 : (this.#start + this.#at) % this.#symbols;
      this.#at = 0;
      this.#announced = false;
      return undefined;
    }
    if (!this.#announced && isAnnouncedBefore(this.#at)) {
      this.#announced = true;
      return this.#announcement;
    }
    this.#announced = false;
    const { block, number } = this.#place((this.#start + this.#at) % this.#symbols);
    this.#at += 1;
    const { crypto, macKey } = this.#options;
    return encodeSymbol(crypto, macKey, { tag: this.#tag, block, number, symbol: this.#symbol(block, number) });
  }

  /** One symbol of each block in turn, so that a gap on the line takes as much from each. The first blocks may have one more. */
  #place(packet: number): Place {
    const blocks = this.#blocks.length;
    const place = { block: packet % blocks, number: Math.floor(packet / blocks) };
    const least = this.#blocks[blocks - 1]!.count + this.shape.repairSymbols;
    assert(place.number <= least, 'blocks differ by one symbol at most');
    return place;
  }

  #symbol(index: number, number: number): Uint8Array {
    const block = this.#blocks[index]!;
    if (number < block.count) return block.at(number);
    this.#repairs[index] ??= makeRepair(block, this.shape.repairSymbols);
    return this.#repairs[index].at(number - block.count);
  }
}
