/** An object on its way in: takes symbols in any order, and gives the object once each block can be solved. */
import { solveBlock } from './block-code.js';
import { blocksOf, memoryBytes } from './object-plan.js';
import type { ObjectShape } from './packets.js';
import type { ReceivedBlock } from './received-block.js';

/** Solving takes time. Of a block of so many symbols another try is made for each that comes; of larger ones after a few. */
const TRY_EACH_UP_TO = 2000;

interface Progress extends ReceivedBlock {
  missing: number;
  /** How many repair symbols beyond what is missing the next try waits for. */
  spare: number;
}

export class IncomingObject {
  readonly shape: ObjectShape;
  readonly heldBytes: number;
  readonly #memory: Uint8Array;
  readonly #blocks: Progress[];
  #unsolved: number;

  constructor(shape: ObjectShape) {
    this.shape = shape;
    this.heldBytes = memoryBytes(shape);
    const { memory, blocks } = blocksOf(shape);
    this.#memory = memory;
    this.#blocks = blocks.map((source) => ({
      source,
      has: new Array<boolean>(source.count).fill(false),
      repairs: new Map(),
      repairCount: shape.repairSymbols,
      missing: source.count,
      spare: 0,
    }));
    this.#unsolved = blocks.length;
  }

  /** Gives the object with the symbol that completes it. What does not belong to it, or brings nothing new, is passed over. */
  take(index: number, number: number, symbol: Uint8Array): Uint8Array | 'kept' | 'passed-over' {
    const block = this.#blocks[index];
    if (block === undefined || block.missing === 0 || symbol.length !== this.shape.symbolBytes) return 'passed-over';
    if (!keep(block, number, symbol)) return 'passed-over';
    if (!trySolve(block)) return 'kept';
    this.#unsolved -= 1;
    return this.#unsolved === 0 ? this.#memory.subarray(0, this.shape.objectBytes) : 'kept';
  }
}

function keep(block: Progress, number: number, symbol: Uint8Array): boolean {
  const { source, has, repairs, repairCount } = block;
  if (number < source.count) {
    if (has[number] === true) return false;
    source.set(number, symbol);
    has[number] = true;
    block.missing -= 1;
    return true;
  }
  const row = number - source.count;
  if (row >= repairCount || repairs.has(row)) return false;
  repairs.set(row, symbol.slice());
  return true;
}

function trySolve(block: Progress): boolean {
  const spare = block.repairs.size - block.missing;
  if (block.missing > 0 && (spare < block.spare || !solveBlock(block))) {
    if (spare >= block.spare) block.spare = spare + Math.max(1, Math.floor(block.source.count / TRY_EACH_UP_TO));
    return false;
  }
  block.missing = 0;
  block.repairs.clear();
  return true;
}
