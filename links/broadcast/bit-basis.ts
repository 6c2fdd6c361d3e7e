/**
 * Linear equations over GF(2), taken one by one until they have one solution. It works on the coefficients alone and
 * keeps what it did, so that the symbols are touched only once it is known that they suffice.
 */

interface Step {
  /** The equation, by the name it was offered under. */
  readonly name: number;
  /** The unknown that it settles, once the others in it are known. */
  readonly pivot: number;
  /** The unknowns whose steps were added to it, in order. */
  readonly added: readonly number[];
}

export class BitBasis {
  readonly #unknowns: number;
  readonly #rows: (Uint32Array | undefined)[];
  readonly steps: Step[] = [];

  constructor(unknowns: number) {
    this.#unknowns = unknowns;
    this.#rows = new Array<Uint32Array | undefined>(unknowns).fill(undefined);
  }

  get complete(): boolean {
    return this.steps.length === this.#unknowns;
  }

  /** Takes the bits over. An equation that follows from those before it is passed over. */
  offer(name: number, bits: Uint32Array): void {
    const added: number[] = [];
    for (let word = 0; word < bits.length; word++) {
      while (bits[word] !== 0) {
        const pivot = word * 32 + lowestBit(bits[word]!);
        const row = this.#rows[pivot];
        if (row === undefined) {
          this.#rows[pivot] = bits;
          this.steps.push({ name, pivot, added });
          return;
        }
        addBits(bits, row, word);
        added.push(pivot);
      }
    }
  }

  /** The other unknowns in the equation that settles `pivot`: all of them come after it. */
  *others(pivot: number): Iterable<number> {
    const bits = this.#rows[pivot]!;
    for (let word = pivot >>> 5; word < bits.length; word++) {
      for (let rest = bits[word]!; rest !== 0; rest &= rest - 1) {
        const unknown = word * 32 + lowestBit(rest);
        if (unknown !== pivot) yield unknown;
      }
    }
  }
}

export function addBits(to: Uint32Array, from: Uint32Array, fromWord = 0): void {
  for (let word = fromWord; word < to.length; word++) to[word]! ^= from[word]!;
}

export function flipBit(bits: Uint32Array, index: number): void {
  bits[index >>> 5]! ^= 1 << (index & 31);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
