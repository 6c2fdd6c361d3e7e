import t from 'tap';
import { seededRandom } from '../../base/random.js';
import { equalBytes } from '../../base/bytes.js';
import { canCode, makeRepair, solveBlock, type Repairs } from './block-code.js';
import type { ReceivedBlock } from './received-block.js';
import { Symbols } from './symbols.js';

/** A block with random content, of which only the symbols named arrive. */
export function received(source: Symbols, repair: Repairs, arrives: (symbol: number) => boolean): ReceivedBlock {
  const copy = new Symbols(source.count, source.symbolBytes);
  const has = Array.from({ length: source.count }, (_, column) => arrives(column));
  for (const [column, there] of has.entries()) if (there) copy.set(column, source.at(column));
  const repairs = new Map<number, Uint8Array>();
  for (let row = 0; row < repair.count; row++) if (arrives(source.count + row)) repairs.set(row, repair.at(row).slice());
  return { source: copy, has, repairs, repairCount: repair.count };
}

function randomSource(count: number, symbolBytes: number, seed: number): Symbols {
  const source = new Symbols(count, symbolBytes);
  source.bytes.set(seededRandom(seed).bytes(source.bytes.length));
  return source;
}

t.test('small blocks come back from any K symbols', async (t) => {
  const random = seededRandom(1);
  for (const [sources, repairs] of [[1, 1], [2, 1], [3, 8], [71, 19], [196, 59], [1, 254], [254, 1], [128, 127]] as const) {
    const source = randomSource(sources, 12, sources);
    const repair = makeRepair(source, repairs);
    for (let round = 0; round < 5; round++) {
      const chosen = new Set(shuffled(sources + repairs, random.fraction).slice(0, sources));
      const block = received(source, repair, (symbol) => chosen.has(symbol));
      t.ok(solveBlock(block) && equalBytes(block.source.bytes, source.bytes), `${sources} + ${repairs}`);
    }
    const short = new Set(shuffled(sources + repairs, random.fraction).slice(0, sources - 1));
    t.notOk(solveBlock(received(source, repair, (symbol) => short.has(symbol))), 'one less does not do');
  }
});

t.test('large blocks come back from K symbols and a few', async (t) => {
  const random = seededRandom(2);
  for (const [sources, repairs, spare] of [[197, 59, 16], [600, 160, 16], [2000, 560, 16], [7200, 2000, 30]] as const) {
    const source = randomSource(sources, 8, sources);
    const repair = makeRepair(source, repairs);
    for (let round = 0; round < 4; round++) {
      const chosen = new Set(shuffled(sources + repairs, random.fraction).slice(0, sources + spare));
      const block = received(source, repair, (symbol) => chosen.has(symbol));
      t.ok(solveBlock(block) && equalBytes(block.source.bytes, source.bytes), `${sources} + ${repairs} from ${sources + spare}`);
    }
    t.notOk(solveBlock(received(source, repair, (symbol) => symbol > repairs)), 'fewer than K do not do');
  }
});

t.test('large blocks bear any pattern of loss: all sources gone in the middle, only repair, nothing gone', async (t) => {
  const source = randomSource(500, 16, 7);
  const repair = makeRepair(source, 600);
  for (const arrives of [(symbol: number) => symbol < 100 || symbol >= 560, (symbol: number) => symbol >= 500, (symbol: number) => symbol < 500]) {
    const block = received(source, repair, arrives);
    t.ok(solveBlock(block) && equalBytes(block.source.bytes, source.bytes));
    t.ok(block.has.every(Boolean));
  }
});

t.test('what has arrived is left alone while it does not suffice', async (t) => {
  const source = randomSource(400, 8, 3);
  const repair = makeRepair(source, 120);
  const block = received(source, repair, (symbol) => symbol % 4 !== 0 && symbol < 450);
  const before = block.source.bytes.slice();
  t.notOk(solveBlock(block));
  t.same(block.source.bytes, before);
});

t.test('sizes that no code serves are known beforehand', async (t) => {
  t.notOk(canCode(0, 10));
  t.ok(canCode(255, 0));
  t.notOk(canCode(256, 0), 'without repair there is nothing to solve a large block with');
  t.notOk(canCode(300, 10));
  t.ok(canCode(32_768, 9000));
  t.notOk(canCode(32_769, 9000));
  t.notOk(canCode(1000, 40_000));
});

function shuffled(count: number, fraction: () => number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(fraction() * (at + 1));
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}
