/**
 * Which missing source symbol of a large block each sparse repair symbol settles: an equation with one unknown settles
 * it, and where none is left an unknown is put aside as "inactive" and the rest goes on. Works on numbers alone.
 */
import { COLUMN_WEIGHT, sparseRowsOf } from './sparse-code.js';

/** Counts more than any number of longer rows when the unknown to put aside is chosen. */
const PAIR_WEIGHT = 100;
const NONE = -1;

export class SparsePeeling {
  /** Missing columns in the order they are settled: each by a row whose other columns are settled before it, or inactive. */
  readonly order: number[] = [];
  readonly inactive: number[] = [];
  /** The row that settles a column, or NONE. */
  readonly #rowOf: Int32Array;
  /** The number of an inactive column, or NONE. */
  readonly #inactiveOf: Int32Array;
  /** The missing columns of each received row. */
  readonly #columns: number[][];
  readonly #rowsOf = new Map<number, number[]>();
  readonly #used: Uint8Array;
  /** Per row: how many of its columns are neither settled nor inactive, and the XOR of their numbers. */
  readonly #open: Int32Array;
  readonly #openSum: Int32Array;
  readonly #ready: number[] = [];

  constructor(has: readonly boolean[], received: ReadonlySet<number>, sparseCount: number) {
    this.#rowOf = new Int32Array(has.length).fill(NONE);
    this.#inactiveOf = new Int32Array(has.length).fill(NONE);
    this.#columns = Array.from({ length: sparseCount }, () => []);
    this.#used = new Uint8Array(sparseCount);
    this.#open = new Int32Array(sparseCount);
    this.#openSum = new Int32Array(sparseCount);
    const rows = new Int32Array(COLUMN_WEIGHT);
    for (let column = 0; column < has.length; column++) {
      if (has[column] === true) continue;
      sparseRowsOf(column, sparseCount, rows);
      this.#rowsOf.set(column, [...rows].filter((row) => received.has(row)));
    }
    for (const [column, itsRows] of this.#rowsOf) for (const row of itsRows) this.#addTo(row, column);
    for (let row = 0; row < sparseCount; row++) if (this.#open[row] === 1) this.#ready.push(row);
    this.#run();
  }

  rowOf(column: number): number | undefined {
    const row = this.#rowOf[column]!;
    return row === NONE ? undefined : row;
  }

  inactiveOf(column: number): number | undefined {
    const number = this.#inactiveOf[column]!;
    return number === NONE ? undefined : number;
  }

  /** Every missing column of a received row. */
  columnsOf(row: number): readonly number[] {
    return this.#columns[row]!;
  }

  missing(): Iterable<number> {
    return this.#rowsOf.keys();
  }

  /** Rows that settle nothing by themselves: equations for the inactive columns. */
  spareRows(): number[] {
    return [...this.#columns.keys()].filter((row) => this.#used[row] === 0 && this.#columns[row]!.length > 0);
  }

  #addTo(row: number, column: number): void {
    this.#columns[row]!.push(column);
    this.#open[row]! += 1;
    this.#openSum[row]! ^= column;
  }

  #run(): void {
    const unsettled = this.#rowsOf.keys();
    for (let left = this.#rowsOf.size; left > 0; left--) {
      const row = this.#nextReady();
      if (row !== undefined) {
        const column = this.#openSum[row]!;
        this.#used[row] = 1;
        this.#rowOf[column] = row;
        this.order.push(column);
        this.#settle(column);
      } else {
        const column = this.#bestToPutAside(unsettled);
        this.#inactiveOf[column] = this.inactive.length;
        this.inactive.push(column);
        this.#settle(column);
      }
    }
  }

  #nextReady(): number | undefined {
    for (let row = this.#ready.pop(); row !== undefined; row = this.#ready.pop()) if (this.#open[row] === 1) return row;
    return undefined;
  }

  #settle(column: number): void {
    for (const row of this.#rowsOf.get(column)!) {
      this.#open[row]! -= 1;
      this.#openSum[row]! ^= column;
      if (this.#open[row] === 1) this.#ready.push(row);
    }
  }

  /** From the shortest row, the column that shortens the most short rows: it sets off the longest chain. */
  #bestToPutAside(unsettled: Iterator<number>): number {
    let shortest = NONE;
    for (let row = 0; row < this.#open.length; row++) {
      const open = this.#open[row]!;
      if (open < 2 || (shortest !== NONE && open >= this.#open[shortest]!)) continue;
      shortest = row;
      if (open === 2) break;
    }
    if (shortest === NONE) return this.#nextUnsettled(unsettled);
    let best = NONE;
    let bestWeight = NONE;
    for (const column of this.#columns[shortest]!) {
      if (!this.#isUnsettled(column)) continue;
      let weight = 0;
      for (const row of this.#rowsOf.get(column)!) weight += this.#open[row] === 2 ? PAIR_WEIGHT : 1;
      if (weight > bestWeight) [best, bestWeight] = [column, weight];
    }
    return best;
  }

  /** A column that no received sparse row contains. What the iterator has passed is settled for good. */
  #nextUnsettled(unsettled: Iterator<number>): number {
    for (;;) {
      const next = unsettled.next();
      if (next.done === true) throw new Error('a column that is not settled is still to come');
      if (this.#isUnsettled(next.value)) return next.value;
    }
  }

  #isUnsettled(column: number): boolean {
    return this.#rowOf[column] === NONE && this.#inactiveOf[column] === NONE;
  }
}
