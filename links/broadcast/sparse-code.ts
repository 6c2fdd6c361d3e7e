/**
 * The code of large blocks: each source symbol goes into COLUMN_WEIGHT sparse repair symbols, and into about half of
 * DENSE_ROWS dense ones. All sums are XORs, so that it is fast; a few symbols more than K give the block back
 * (sparse-solver.ts). spec/broadcast.md, "Large blocks".
 */
import { Symbols } from './symbols.js';

/** Lighter columns leave blocks unsolved that are nearly complete, heavier ones make solving slower. Measured: 6 needs twice the spare symbols of 7. */
export const COLUMN_WEIGHT = 7;
/** They settle the few unknowns on which the sparse ones depend: with 24, eight spare symbols suffice for 7,000. */
export const DENSE_ROWS = 24;
/** Source symbols of one block: bounds the time that solving one takes, which grows with the square of it. */
export const SPARSE_MOST_SOURCE = 32_768;
/** Fewer sparse rows than this are crowded with seven entries a column. */
export const SPARSE_LEAST_REPAIR = DENSE_ROWS + 2 * COLUMN_WEIGHT;

export function sparseRepair(source: Symbols, repairCount: number): Symbols {
  const repair = new Symbols(repairCount, source.symbolBytes);
  const sparseCount = repairCount - DENSE_ROWS;
  const rows = new Int32Array(COLUMN_WEIGHT);
  for (let column = 0; column < source.count; column++) {
    sparseRowsOf(column, sparseCount, rows);
    for (const row of rows) repair.add(row, source, column);
    const dense = denseBitsOf(column);
    for (let row = 0; row < DENSE_ROWS; row++) if (((dense >>> row) & 1) === 1) repair.add(sparseCount + row, source, column);
  }
  return repair;
}

/** The sparse repair symbols that contain a source symbol: distinct. */
export function sparseRowsOf(column: number, sparseCount: number, rows: Int32Array): void {
  for (let index = 0; index < COLUMN_WEIGHT; index++) {
    let row = Math.floor((mix(column * 16 + index + 1) * sparseCount) / 2 ** 32);
    while (rows.subarray(0, index).includes(row)) row = (row + 1) % sparseCount;
    rows[index] = row;
  }
}

/** Bit n says whether the source symbol is part of dense repair symbol n. */
export function denseBitsOf(column: number): number {
  return mix(column * 16 + COLUMN_WEIGHT + 1);
}

/** Spreads 32 bits over 32 bits: the finalizer of MurmurHash3. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
