/**
 * Whether an object arrives over a line that loses some of it, worked out on numbers alone: which symbols a round sends
 * when, which of them are lost, and whether what is left can be solved. The same order, times and solver as in earnest,
 * without the bytes.
 */
import type { Random } from '../../base/random.js';
import { announcementsIn, planObject, sourceSymbols } from './object-plan.js';
import { ANNOUNCEMENT_BYTES, SYMBOL_HEAD_BYTES, type ObjectShape } from './packets.js';
import { planSolution } from './sparse-solver.js';
import { CAUCHY_MOST_SYMBOLS } from './cauchy-code.js';
import { UDP_HEAD_BYTES } from './transmitter.js';

/** Says for each datagram, in the order of time, whether it is lost. */
export type Loss = (timeMs: number) => boolean;

export interface Round {
  readonly shape: ObjectShape;
  readonly packets: number;
  /** Of the datagrams, in bytes beyond the object, as a fraction of it. */
  readonly extra: number;
  /** The same with the heads of IP and UDP. */
  readonly extraOnLine: number;
  readonly lastsMs: number;
}

export function roundOf(objectBytes: number, { datagramBytes = 1472, extraPercent = 30, rateBytesPerSec = 250_000, spreadMs = 120_000 } = {}): Round {
  const shape = planObject(objectBytes, datagramBytes, extraPercent);
  const symbols = shape.symbolBytes === 0 ? 0 : sourceSymbols(shape) + shape.repairSymbols * shape.blocks;
  const announcements = symbols === 0 ? 1 : announcementsIn(symbols);
  const packets = symbols + announcements;
  const bytes = symbols * (shape.symbolBytes + SYMBOL_HEAD_BYTES) + announcements * ANNOUNCEMENT_BYTES + (symbols === 0 ? objectBytes : 0);
  const onLine = bytes + packets * UDP_HEAD_BYTES;
  return { shape, packets, extra: bytes / objectBytes - 1, extraOnLine: onLine / objectBytes - 1, lastsMs: Math.max(spreadMs, (onLine / rateBytesPerSec) * 1000) };
}

/** How many rounds it takes; more than `mostRounds` when that many do not do. */
export function roundsNeeded({ shape, packets, lastsMs }: Round, loss: Loss, mostRounds: number, pauseMs = 0): number {
  if (shape.symbolBytes === 0) {
    for (let round = 1; round <= mostRounds; round++) if (!loss(round * (lastsMs + pauseMs))) return round;
    return mostRounds + 1;
  }
  const sources = sourceSymbols(shape);
  const larger = sources % shape.blocks;
  const blocks = Array.from({ length: shape.blocks }, (_, index) => {
    const count = Math.floor(sources / shape.blocks) + (index < larger ? 1 : 0);
    return { has: new Array<boolean>(count).fill(false), repairs: new Set<number>() };
  });
  const symbols = sources + shape.repairSymbols * shape.blocks;
  for (let round = 0; round < mostRounds; round++) {
    for (let symbol = 0; symbol < symbols; symbol++) {
      if (loss(round * (lastsMs + pauseMs) + (symbol / packets) * lastsMs)) continue;
      const { has, repairs } = blocks[symbol % shape.blocks]!;
      const number = Math.floor(symbol / shape.blocks);
      if (number < has.length) has[number] = true;
      else repairs.add(number - has.length);
    }
    if (blocks.every(({ has, repairs }) => isSolvable(has, repairs, shape.repairSymbols))) return round + 1;
  }
  return mostRounds + 1;
}

function isSolvable(has: readonly boolean[], repairs: ReadonlySet<number>, repairCount: number): boolean {
  const missing = has.reduce((count, there) => (there ? count : count + 1), 0);
  if (repairs.size < missing) return false;
  return has.length + repairCount <= CAUCHY_MOST_SYMBOLS || missing === 0 || planSolution(has, repairs, repairCount) !== undefined;
}

export function randomLoss(random: Random, fraction: number): Loss {
  return () => random.fraction() < fraction;
}

/** Everything is lost for `burstMs` in every `periodMs`, beginning anywhere. */
export function regularBursts(random: Random, burstMs: number, periodMs: number): Loss {
  const phaseMs = random.fraction() * periodMs;
  return (timeMs) => (timeMs + phaseMs) % periodMs < burstMs;
}

/** The same, but each pause between two bursts is anything up to twice the mean. */
export function irregularBursts(random: Random, burstMs: number, periodMs: number): Loss {
  let endMs = -random.fraction() * periodMs;
  let beginsMs = endMs;
  return (timeMs) => {
    while (timeMs >= endMs) {
      beginsMs = endMs + random.fraction() * 2 * (periodMs - burstMs);
      endMs = beginsMs + burstMs;
    }
    return timeMs >= beginsMs;
  };
}
