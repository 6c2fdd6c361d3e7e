/**
 * `npm run bench:broadcast`: what the codes of the broadcast link do. How fast they are, how many bytes one round sends
 * beyond the object, and how often an object arrives at 20 % loss, at random and in bursts of 2 s; worked out in
 * virtual time over many seeds, so that the figures of arrival are the same on every machine. Beside them stands what no code
 * can beat: the chance that of the symbols of one round as many come through as the object has.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { seededRandom } from '../base/random.js';
import { atLeast } from '../links/broadcast/arrival-odds.js';
import { makeRepair, solveBlock } from '../links/broadcast/block-code.js';
import { irregularBursts, needed, randomLoss, regularBursts, roundOf, type Loss, type Round } from '../links/broadcast/loss-test-helper.js';
import { blocksOf, sourceSymbols } from '../links/broadcast/object-plan.js';
import { Symbols } from '../links/broadcast/symbols.js';

const LOSS = 0.2;
const BURST_MS = 2000;
const PERIOD_MS = BURST_MS / LOSS;
const MOST_ROUNDS = 4;
const PAUSE_MS = 57_000;
/** Fewer seeds for what takes long. */
const SIZES = [
  { name: '1 KiB', bytes: 1024, share: 1 },
  { name: '10 KiB', bytes: 10 << 10, share: 1 },
  { name: '100 KiB', bytes: 100 << 10, share: 1 },
  { name: '1 MiB', bytes: 1 << 20, share: 1 },
  { name: '10 MiB', bytes: 10 << 20, share: 0.2 },
  { name: '100 MiB', bytes: 100 << 20, share: 0.02 },
] as const;
const irregular = (seed: number): Loss => irregularBursts(seededRandom(seed), BURST_MS, PERIOD_MS);
const LINES: Record<string, { readonly lossOf: (seed: number) => Loss; readonly spreadMs: number }> = {
  'at random': { lossOf: (seed) => randomLoss(seededRandom(seed), LOSS), spreadMs: 120_000 },
  'in bursts of 2 s, every 10 s': { lossOf: (seed) => regularBursts(seededRandom(seed), BURST_MS, PERIOD_MS), spreadMs: 120_000 },
  'in irregular bursts of 2 s': { lossOf: irregular, spreadMs: 120_000 },
  'in irregular bursts of 2 s, rounds spread over 20 minutes': { lossOf: irregular, spreadMs: 1_200_000 },
};

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '500' } } });
const seeds = Number(values.seeds);

console.log(`Node ${process.version}. 20 % loss, datagrams of 1472 bytes, 30 % extra a round, 250 kB/s, rounds spread over 120 s at least where nothing else is said.\n`);
console.log('object    extra sent  with IP/UDP  encode       decode       (MB a CPU second)');
for (const { name, bytes } of SIZES) {
  const { shape, extra, extraOnLine } = roundOf(bytes);
  const speed = shape.symbolBytes === 0 ? undefined : speedOf(bytes);
  console.log(`${name.padEnd(8)}  ${percent(extra)}     ${percent(extraOnLine)}      ${speed === undefined ? 'in its announcement' : `${speed.encode.toFixed(0).padStart(8)}     ${speed.decode.toFixed(0).padStart(8)}`}`);
}
for (const [line, { lossOf, spreadMs }] of Object.entries(LINES)) {
  console.log(`\n20 % lost ${line}:\nobject    seeds   bound      arrived after 1, 2, 3, 4 rounds             extra sent by then: half of them, 95 of 100`);
  for (const { name, bytes, share } of SIZES) {
    const round = roundOf(bytes, { spreadMs });
    const count = Math.max(5, Math.round(seeds * share));
    const found = Array.from({ length: count }, (_, index) => needed(round, lossOf((index + 1) * 7919), MOST_ROUNDS, PAUSE_MS));
    const shares = Array.from({ length: MOST_ROUNDS }, (_, index) => percent(found.filter(({ rounds }) => rounds <= index + 1).length / count));
    const extras = found.map(({ extra }) => extra).sort((a, b) => a - b);
    console.log(`${name.padEnd(8)}  ${String(count).padStart(5)}   ${percent(boundOf(round))}    ${shares.join('  ')}   ${percent(extras[Math.floor(count / 2)]!)}  ${percent(extras[Math.floor(count * 0.95)]!)}`);
  }
}

/** Where each datagram is lost by itself. */
function boundOf({ shape, symbols }: Round): number {
  return shape.symbolBytes === 0 ? 1 - LOSS : atLeast(sourceSymbols(shape), symbols, 1 - LOSS);
}

/** Of an object of which a fifth of the symbols is lost. */
function speedOf(bytes: number): { encode: number; decode: number } {
  const { shape } = roundOf(bytes);
  const { memory, blocks } = blocksOf(shape);
  const random = seededRandom(bytes);
  for (let at = 0; at < memory.length; at++) memory[at] = at * 31 + (at >> 8) * 7;
  const repeats = Math.max(1, Math.floor((4 << 20) / bytes));
  let encodeMs = 0;
  let decodeMs = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const block of blocks) {
      const startMs = cpuMs();
      const repair = makeRepair(block, shape.repairSymbols);
      // Those of the first round.
      const sent = Math.min(repair.count, Math.ceil(block.count * 0.3));
      for (let row = 0; row < sent; row++) repair.at(row);
      const encodedMs = cpuMs();
      encodeMs += encodedMs - startMs;
      const source = new Symbols(block.count, shape.symbolBytes);
      const has = Array.from({ length: block.count }, () => random.fraction() >= LOSS);
      for (const [index, there] of has.entries()) if (there) source.set(index, block.at(index));
      const repairs = new Map<number, Uint8Array>();
      for (let row = 0; row < sent; row++) if (random.fraction() >= LOSS) repairs.set(row, repair.at(row).slice());
      const beginMs = cpuMs();
      solveBlock({ source, has, repairs, repairCount: shape.repairSymbols });
      decodeMs += cpuMs() - beginMs;
    }
  }
  const megabytes = (bytes * repeats) / 1e6;
  return { encode: (megabytes * 1000) / encodeMs, decode: (megabytes * 1000) / decodeMs };
}

/** Of this process: neighbours on the machine do not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1).padStart(5)} %`;
}
