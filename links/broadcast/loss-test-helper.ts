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
  readonly symbols: number;
  readonly packets: number;
  /** Of the datagrams, in bytes beyond the object, as a fraction of it. */
  readonly extra: number;
  /** The same with the heads of IP and UDP. */
  readonly extraOnLine: number;
  readonly lastsMs: number;
}

export function roundOf(objectBytes: number, { datagramBytes = 1472, extraPercent = 30, rateBytesPerSec = 250_000, spreadMs = 120_000 } = {}): Round {
  const { shape, symbolsPerRound: symbols } = planObject(objectBytes, datagramBytes, extraPercent);
  const announcements = symbols === 0 ? 1 : announcementsIn(symbols);
  const packets = symbols + announcements;
  const bytes = symbols * (shape.symbolBytes + SYMBOL_HEAD_BYTES) + announcements * ANNOUNCEMENT_BYTES + (symbols === 0 ? objectBytes : 0);
  const onLine = bytes + packets * UDP_HEAD_BYTES;
  return { shape, symbols, packets, extra: bytes / objectBytes - 1, extraOnLine: onLine / objectBytes - 1, lastsMs: Math.max(spreadMs, (onLine / rateBytesPerSec) * 1000) };
}

export interface Needed {
  /** More than `mostRounds` when that many do not do. */
  readonly rounds: number;
  /** What had been sent by then beyond the object, as a fraction of it. */
  readonly extra: number;
}

interface Received {
  readonly has: boolean[];
  readonly repairs: Set<number>;
}

/** What it takes until the object is there. */
export function needed({ shape, symbols, packets, lastsMs, extra }: Round, loss: Loss, mostRounds: number, pauseMs = 0): Needed {
  const extraAt = (rounds: number): number => rounds * (1 + extra) - 1;
  if (shape.symbolBytes === 0) {
    let rounds = 1;
    while (rounds <= mostRounds && loss(rounds * (lastsMs + pauseMs))) rounds += 1;
    return { rounds, extra: extraAt(rounds) };
  }
  const sources = sourceSymbols(shape);
  const all = sources + shape.repairSymbols * shape.blocks;
  /** Of all rounds so far, in the order of arrival: which symbol, and how many had been sent. */
  const arrived: { readonly at: number; readonly sent: number }[] = [];
  for (let round = 0; round < mostRounds; round++) {
    const before = arrived.length;
    for (let symbol = 0; symbol < symbols; symbol++) {
      const sent = round * symbols + symbol;
      if (!loss(round * (lastsMs + pauseMs) + (symbol / packets) * lastsMs)) arrived.push({ at: sent % all, sent: sent + 1 });
    }
    if (!suffices(arrived, shape, sources)) continue;
    let [tooFew, enough] = [before, arrived.length];
    while (enough - tooFew > 1) {
      const middle = (tooFew + enough) >> 1;
      if (suffices(arrived.slice(0, middle), shape, sources)) enough = middle;
      else tooFew = middle;
    }
    return { rounds: round + 1, extra: extraAt(arrived[enough - 1]!.sent / symbols) };
  }
  return { rounds: mostRounds + 1, extra: extraAt(mostRounds) };
}

function suffices(arrived: readonly { readonly at: number }[], shape: ObjectShape, sources: number): boolean {
  const larger = sources % shape.blocks;
  const blocks: Received[] = Array.from({ length: shape.blocks }, (_, index) => {
    const count = Math.floor(sources / shape.blocks) + (index < larger ? 1 : 0);
    return { has: new Array<boolean>(count).fill(false), repairs: new Set<number>() };
  });
  for (const { at } of arrived) {
    const { has, repairs } = blocks[at % shape.blocks]!;
    const number = Math.floor(at / shape.blocks);
    if (number < has.length) has[number] = true;
    else repairs.add(number - has.length);
  }
  return blocks.every(({ has, repairs }) => isSolvable(has, repairs, shape.repairSymbols));
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
