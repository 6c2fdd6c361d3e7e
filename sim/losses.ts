/** How segments get lost: each by itself, or in bursts as E. N. Gilbert and E. O. Elliott described them, or by bit errors. */
import type { Stream } from './streams.js';

export type LossModel =
  | { readonly kind: 'none' }
  | { readonly kind: 'uniform'; readonly probability: number; readonly segmentBytes: number }
  /** Good and bad times: the chance to go from one to the other before each segment, and what is lost in each. */
  | { readonly kind: 'bursts'; readonly toBad: number; readonly toGood: number; readonly lostInGood: number; readonly lostInBad: number; readonly segmentBytes: number }
  | { readonly kind: 'bit-errors'; readonly rate: number; readonly segmentBytes: number }
  /** As it was measured, from time to time. */
  | { readonly kind: 'measured'; at(us: number): number; readonly segmentBytes: number };

const BITS_PER_BYTE = 8;

export class Losses {
  readonly #model: LossModel;
  readonly #chance: Stream;
  #isBad = false;

  constructor(model: LossModel, chance: Stream) {
    this.#model = model;
    this.#chance = chance;
  }

  /** How many segments a unit is cut into. */
  segments(bytes: number): number {
    return this.#model.kind === 'none' ? 1 : Math.max(1, Math.ceil(bytes / Math.max(1, this.#model.segmentBytes)));
  }

  /** How many of so many segments, one after the other from this time on, do not get there. */
  lostOf(segments: number, atUs: number): number {
    if (this.#model.kind === 'none') return 0;
    let lost = 0;
    for (let segment = 0; segment < segments; segment += 1) if (this.#isLost(atUs)) lost += 1;
    return lost;
  }

  #isLost(atUs: number): boolean {
    const model = this.#model;
    switch (model.kind) {
      case 'none':
        return false;
      case 'uniform':
        return this.#chance.chance(model.probability);
      case 'bursts':
        if (this.#chance.chance(this.#isBad ? model.toGood : model.toBad)) this.#isBad = !this.#isBad;
        return this.#chance.chance(this.#isBad ? model.lostInBad : model.lostInGood);
      case 'bit-errors':
        return this.#chance.chance(1 - (1 - model.rate) ** (BITS_PER_BYTE * model.segmentBytes));
      case 'measured':
        return this.#chance.chance(model.at(atUs));
    }
  }
}
