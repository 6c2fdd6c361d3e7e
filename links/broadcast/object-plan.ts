/**
 * How an object is cut: symbols of one size, dealt out to blocks of nearly one size (RFC 5052 §9.1), each block with the
 * same number of repair symbols. The sender chooses, the announcement tells, the receiver derives the rest.
 */
import { arrivalOdds } from './arrival-odds.js';
import { canCode } from './block-code.js';
import { CAUCHY_MOST_SYMBOLS } from './cauchy-code.js';
import { ANNOUNCEMENT_BYTES, SYMBOL_HEAD_BYTES, type ObjectShape } from './packets.js';
import { SPARSE_LEAST_REPAIR, SPARSE_MOST_SOURCE } from './sparse-code.js';
import { Symbols, WORD_BYTES } from './symbols.js';

/** Symbol numbers have 16 bits, and both kinds of symbol are numbered together. */
const MOST_REPAIR = 32_767;
/** Far above any datagram that leaves a machine whole. */
const MOST_SYMBOL_BYTES = 65_000;
/** The announcement goes before symbols 0, 1, 2, 4, 8 and so on, then before every one of so many: late comers wait no longer. */
const ANNOUNCE_EVERY = 256;

/** The line that a round is made for: it loses so much of everything, at random (docs/links.md, "broadcast"). */
export const DESIGN_LOSS = 0.2;
/** So many more symbols than an object needs are tried: smaller ones pay more for their heads than they bring. */
const MORE_SYMBOLS = 0.5;

/** A small block may have so many times its symbols to repair with: what one round did not bring, another brings anew. */
const SPARE_TIMES = 2;

export interface ObjectPlan {
  readonly shape: ObjectShape;
  /** Of the symbols that there are, so many go out in one round. */
  readonly symbolsPerRound: number;
}

/**
 * @param datagramBytes the largest datagram to send
 * @param extraPercent what one round may take beyond the bytes of the object, every head included
 */
export function planObject(objectBytes: number, datagramBytes: number, extraPercent: number): ObjectPlan {
  const shape = shapeOfRound(objectBytes, datagramBytes, extraPercent);
  if (shape.symbolBytes === 0) return { shape, symbolsPerRound: 0 };
  const sources = sourceSymbols(shape);
  const symbolsPerRound = sources + shape.repairSymbols * shape.blocks;
  if (shape.blocks > 1 || symbolsPerRound > CAUCHY_MOST_SYMBOLS) return { shape, symbolsPerRound };
  // The code of small blocks costs the same however many repair symbols there are.
  const repairSymbols = Math.max(shape.repairSymbols, Math.min(CAUCHY_MOST_SYMBOLS - sources, SPARE_TIMES * sources));
  return { shape: { ...shape, repairSymbols }, symbolsPerRound };
}

/** As many repair symbols as one round sends. */
function shapeOfRound(objectBytes: number, datagramBytes: number, extraPercent: number): ObjectShape {
  if (objectBytes + ANNOUNCEMENT_BYTES <= datagramBytes) return { objectBytes, symbolBytes: 0, blocks: 0, repairSymbols: 0 };
  const mostSymbolBytes = wholeWords(datagramBytes - SYMBOL_HEAD_BYTES - WORD_BYTES + 1);
  const leastSymbols = Math.ceil(objectBytes / mostSymbolBytes);
  const shape = shapeOf(objectBytes, leastSymbols, extraPercent);
  if (shape.blocks > 1 || leastSymbols + shape.repairSymbols > CAUCHY_MOST_SYMBOLS) return shape;
  return likeliest(shape, Array.from({ length: Math.ceil(leastSymbols * MORE_SYMBOLS) }, (_, index) => shapeOf(objectBytes, leastSymbols + index + 1, extraPercent)));
}

/**
 * Where there are few symbols, the odds hang on how they divide the room: one more repair symbol may be had for slightly smaller ones.
 * Of shapes that cost the same, the one that most often arrives from one round; the first where it makes no difference.
 */
function likeliest(first: ObjectShape, others: readonly ObjectShape[]): ObjectShape {
  let best = { shape: first, odds: arrivalOdds(first, DESIGN_LOSS) };
  for (const shape of others) {
    const odds = sourceSymbols(shape) + shape.repairSymbols > CAUCHY_MOST_SYMBOLS ? 0 : arrivalOdds(shape, DESIGN_LOSS);
    if (odds > best.odds) best = { shape, odds };
  }
  return best.shape;
}

/** An object in so many symbols at least. */
function shapeOf(objectBytes: number, leastSymbols: number, extraPercent: number): ObjectShape {
  const symbolBytes = wholeWords(Math.ceil(objectBytes / leastSymbols));
  const sources = Math.ceil(objectBytes / symbolBytes);
  const blocks = Math.ceil(sources / SPARSE_MOST_SOURCE);
  const budgetBytes = Math.floor(objectBytes * (1 + extraPercent / 100));
  let repairSymbols = Math.max(Math.floor((budgetBytes / (symbolBytes + SYMBOL_HEAD_BYTES) - sources) / blocks), 1);
  const spent = (): number => {
    const packets = sources + repairSymbols * blocks;
    return packets * (symbolBytes + SYMBOL_HEAD_BYTES) + announcementsIn(packets) * ANNOUNCEMENT_BYTES;
  };
  while (repairSymbols > 1 && spent() > budgetBytes) repairSymbols--;
  const perBlock = Math.ceil(sources / blocks);
  if (perBlock + repairSymbols > CAUCHY_MOST_SYMBOLS) repairSymbols = Math.max(repairSymbols, SPARSE_LEAST_REPAIR);
  return { objectBytes, symbolBytes, blocks, repairSymbols: Math.min(repairSymbols, MOST_REPAIR) };
}

/** Whether what an announcement says can be. */
export function isSound(shape: ObjectShape): boolean {
  const { symbolBytes, blocks, repairSymbols, objectBytes } = shape;
  if (symbolBytes === 0) return blocks === 0 && repairSymbols === 0;
  if (objectBytes === 0 || symbolBytes % WORD_BYTES !== 0 || symbolBytes > MOST_SYMBOL_BYTES) return false;
  const sources = sourceSymbols(shape);
  return blocks >= 1 && blocks <= sources && repairSymbols <= MOST_REPAIR && canCode(Math.ceil(sources / blocks), repairSymbols) && canCode(Math.floor(sources / blocks), repairSymbols);
}

export function sourceSymbols({ objectBytes, symbolBytes }: ObjectShape): number {
  return Math.ceil(objectBytes / symbolBytes);
}

/** Memory that an object takes once all its symbols are there. */
export function memoryBytes(shape: ObjectShape): number {
  return shape.symbolBytes === 0 ? shape.objectBytes : (sourceSymbols(shape) + shape.repairSymbols * shape.blocks) * shape.symbolBytes;
}

/** The source symbols of each block, over one memory that holds the object and the zeros behind it. */
export function blocksOf(shape: ObjectShape): { readonly memory: Uint8Array; readonly blocks: Symbols[] } {
  const sources = sourceSymbols(shape);
  const memory = new ArrayBuffer(sources * shape.symbolBytes);
  const small = Math.floor(sources / shape.blocks);
  const larger = sources - small * shape.blocks;
  let first = 0;
  const blocks = Array.from({ length: shape.blocks }, (_, index) => {
    const count = index < larger ? small + 1 : small;
    const block = new Symbols(count, shape.symbolBytes, memory, first * shape.symbolBytes);
    first += count;
    return block;
  });
  return { memory: new Uint8Array(memory), blocks };
}

export function isAnnouncedBefore(packet: number): boolean {
  return packet % ANNOUNCE_EVERY === 0 || (packet & (packet - 1)) === 0;
}

/** How often a round of so many symbols is announced. */
export function announcementsIn(packets: number): number {
  const last = packets - 1;
  const doubling = last < 1 ? 0 : Math.floor(Math.log2(Math.min(last, ANNOUNCE_EVERY))) + 1;
  return 1 + doubling + Math.max(Math.floor(last / ANNOUNCE_EVERY) - 1, 0);
}

/** Rounds up to whole words. */
function wholeWords(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}
