/** A block as a receiver holds it, from its first symbol to its last. */
import type { Symbols } from './symbols.js';

export interface ReceivedBlock {
  /** The K source symbols; those that `has` does not mark are zero. */
  readonly source: Symbols;
  readonly has: boolean[];
  /** Repair symbols by their number, from 0. */
  readonly repairs: Map<number, Uint8Array>;
  /** How many repair symbols there are in all. */
  readonly repairCount: number;
}
