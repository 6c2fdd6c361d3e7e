/**
 * The code of small blocks: Reed-Solomon with a Cauchy matrix over GF(2^8), systematic. Any K of the K + R symbols
 * give the block back. spec/broadcast.md, "Small blocks".
 */
import { addMultiple, inverse, scale } from './gf256.js';
import type { ReceivedBlock } from './received-block.js';
import type { Symbols } from './symbols.js';

/** Source and repair symbols of a block together: the elements that name them are distinct bytes. */
export const CAUCHY_MOST_SYMBOLS = 255;

export function cauchyRepair(source: Symbols, row: number): Uint8Array {
  const repair = new Uint8Array(source.symbolBytes);
  for (let column = 0; column < source.count; column++) addMultiple(repair, coefficient(row, column), source.at(column));
  return repair;
}

/** Fills in what is missing. False while fewer than K symbols are there. */
export function cauchySolve({ source, has, repairs }: ReceivedBlock): boolean {
  const missing = has.flatMap((there, column) => (there ? [] : [column]));
  if (repairs.size < missing.length) return false;
  // As many equations as unknowns: each repair symbol less what is known of it.
  const equations = [...repairs].slice(0, missing.length).map(([row, symbol]) => {
    const right = symbol.slice();
    for (let column = 0; column < source.count; column++) if (has[column] === true) addMultiple(right, coefficient(row, column), source.at(column));
    return { left: Uint8Array.from(missing, (column) => coefficient(row, column)), right };
  });
  for (const [pivot, { left, right }] of equations.entries()) {
    // Never zero: every square part of a Cauchy matrix can be inverted, so that no rows need to be exchanged.
    const factor = inverse(left[pivot]!);
    scale(left, factor);
    scale(right, factor);
    for (const other of equations) {
      if (other.left === left) continue;
      const multiple = other.left[pivot]!;
      addMultiple(other.left, multiple, left);
      addMultiple(other.right, multiple, right);
    }
  }
  for (const [index, column] of missing.entries()) {
    source.set(column, equations[index]!.right);
    has[column] = true;
  }
  return true;
}

/** 1 / (x + y), where repair symbols take x from 255 downwards and source symbols y from 0 upwards. */
function coefficient(row: number, column: number): number {
  return inverse((255 - row) ^ column);
}
