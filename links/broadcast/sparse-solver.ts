/**
 * Gives a large block back from any symbols that suffice: peeling settles most of the missing symbols, and the few that
 * it puts aside are solved for as linear equations, with dense repair symbols where the sparse ones do not do.
 * First on numbers alone; the symbols are touched only when it is known that there are enough of them.
 */
import { BitBasis, addBits, flipBit } from './bit-basis.js';
import type { ReceivedBlock } from './received-block.js';
import { COLUMN_WEIGHT, DENSE_ROWS, denseBitsOf, sparseRowsOf } from './sparse-code.js';
import { SparsePeeling } from './sparse-peeling.js';
import { Symbols } from './symbols.js';

/** Fills in what is missing. False while the symbols do not suffice: a few more may. */
export function sparseSolve(block: ReceivedBlock): boolean {
  const plan = planSolution(block.has, new Set(block.repairs.keys()), block.repairCount);
  if (plan === undefined) return false;
  carryOut(plan, block);
  return true;
}

export interface SolutionPlan {
  readonly peeling: SparsePeeling;
  readonly basis: BitBasis;
}

/** Undefined while the symbols do not suffice. */
export function planSolution(has: readonly boolean[], received: ReadonlySet<number>, repairCount: number): SolutionPlan | undefined {
  if (received.size < has.reduce((count, there) => (there ? count : count + 1), 0)) return undefined;
  const sparseCount = repairCount - DENSE_ROWS;
  const peeling = new SparsePeeling(has, received, sparseCount);
  const basis = new BitBasis(peeling.inactive.length);
  const words = Math.ceil(peeling.inactive.length / 32);
  // A settled column as a sum of inactive ones.
  const sums = new Map<number, Uint32Array>();
  const addColumn = (bits: Uint32Array, column: number): void => {
    const inactive = peeling.inactiveOf(column);
    if (inactive !== undefined) flipBit(bits, inactive);
    else addBits(bits, sums.get(column)!);
  };
  for (const column of peeling.order) {
    const bits = new Uint32Array(words);
    for (const other of peeling.columnsOf(peeling.rowOf(column)!)) if (other !== column) addColumn(bits, other);
    sums.set(column, bits);
  }
  for (const row of peeling.spareRows()) {
    if (basis.complete) break;
    const bits = new Uint32Array(words);
    for (const column of peeling.columnsOf(row)) addColumn(bits, column);
    basis.offer(row, bits);
  }
  for (let dense = 0; dense < DENSE_ROWS && !basis.complete; dense++) {
    if (!received.has(sparseCount + dense)) continue;
    const bits = new Uint32Array(words);
    for (const column of peeling.missing()) if (isIn(column, dense)) addColumn(bits, column);
    basis.offer(sparseCount + dense, bits);
  }
  return basis.complete ? { peeling, basis } : undefined;
}

function carryOut({ peeling, basis }: SolutionPlan, { source, has, repairs, repairCount }: ReceivedBlock): void {
  const sparseCount = repairCount - DENSE_ROWS;
  // What each repair symbol says once all that is known, or settled up to the inactive columns, is taken off it.
  const right = new Symbols(repairCount, source.symbolBytes);
  const rightOf = (column: number): number => peeling.rowOf(column)!;
  for (const [row, symbol] of repairs) right.set(row, symbol);
  takeOffKnown(right, source, has, sparseCount);
  for (const column of peeling.order) {
    const row = rightOf(column);
    for (const other of peeling.columnsOf(row)) if (other !== column && peeling.inactiveOf(other) === undefined) right.add(row, right, rightOf(other));
  }
  const inactive = new Symbols(peeling.inactive.length, source.symbolBytes);
  for (const { name, pivot, added } of basis.steps) {
    if (name < sparseCount) {
      for (const column of peeling.columnsOf(name)) if (peeling.inactiveOf(column) === undefined) right.add(name, right, rightOf(column));
    } else {
      for (let column = 0; column < has.length; column++) {
        if (!isIn(column, name - sparseCount)) continue;
        if (has[column] === true) right.add(name, source, column);
        else if (peeling.inactiveOf(column) === undefined) right.add(name, right, rightOf(column));
      }
    }
    inactive.set(pivot, right.at(name));
    for (const earlier of added) inactive.add(pivot, inactive, earlier);
  }
  for (let pivot = inactive.count - 1; pivot >= 0; pivot--) for (const other of basis.others(pivot)) inactive.add(pivot, inactive, other);
  // Now that the inactive columns are known, each settled one gets what was left open of it.
  for (const [number, column] of peeling.inactive.entries()) source.set(column, inactive.at(number));
  for (const column of peeling.order) {
    const row = rightOf(column);
    source.set(column, right.at(row));
    for (const other of peeling.columnsOf(row)) {
      if (other === column) continue;
      source.add(column, source, other);
      if (peeling.inactiveOf(other) === undefined) source.add(column, right, rightOf(other));
    }
  }
  for (const column of peeling.missing()) has[column] = true;
}

function takeOffKnown(right: Symbols, source: Symbols, has: readonly boolean[], sparseCount: number): void {
  const rows = new Int32Array(COLUMN_WEIGHT);
  for (let column = 0; column < has.length; column++) {
    if (has[column] !== true) continue;
    sparseRowsOf(column, sparseCount, rows);
    for (const row of rows) right.add(row, source, column);
  }
}

function isIn(column: number, dense: number): boolean {
  return ((denseBitsOf(column) >>> dense) & 1) === 1;
}
