/** Repair symbols of a block, and the block back from what arrived of it: the code follows from the size alone. */
import { strict as assert } from 'node:assert';
import { CAUCHY_MOST_SYMBOLS, cauchyRepair, cauchySolve } from './cauchy-code.js';
import type { ReceivedBlock } from './received-block.js';
import { SPARSE_LEAST_REPAIR, SPARSE_MOST_SOURCE, sparseRepair } from './sparse-code.js';
import { sparseSolve } from './sparse-solver.js';
import type { Symbols } from './symbols.js';

/** Whether a block of this size can be coded. */
export function canCode(sourceCount: number, repairCount: number): boolean {
  if (sourceCount < 1) return false;
  return isSmall(sourceCount, repairCount) || (sourceCount <= SPARSE_MOST_SOURCE && repairCount >= SPARSE_LEAST_REPAIR && repairCount <= SPARSE_MOST_SOURCE);
}

/** The repair symbols of a block. */
export interface Repairs {
  readonly count: number;
  at(number: number): Uint8Array;
}

/** Those of a small block are made when they are asked for: of the many that it may have few are sent. */
export function makeRepair(source: Symbols, repairCount: number): Repairs {
  assert(canCode(source.count, repairCount), 'the plan has chosen sizes that a code serves');
  if (!isSmall(source.count, repairCount)) return sparseRepair(source, repairCount);
  const made = new Map<number, Uint8Array>();
  return { count: repairCount, at: (number) => made.get(number) ?? made.set(number, cauchyRepair(source, number)).get(number)! };
}

/** Fills in what is missing; false while the symbols do not suffice. */
export function solveBlock(block: ReceivedBlock): boolean {
  return isSmall(block.source.count, block.repairCount) ? cauchySolve(block) : sparseSolve(block);
}

function isSmall(sourceCount: number, repairCount: number): boolean {
  return sourceCount + repairCount <= CAUCHY_MOST_SYMBOLS;
}
