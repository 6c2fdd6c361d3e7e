import t from 'tap';
import { announcementsIn, blocksOf, isAnnouncedBefore, isSound, memoryBytes, planObject, sourceSymbols } from './object-plan.js';
import { ANNOUNCEMENT_BYTES, SYMBOL_HEAD_BYTES } from './packets.js';

t.test('a round keeps to its budget, from 50,000 bytes on', async (t) => {
  for (const bytes of [50_000, 102_400, 300_000, 1 << 20, 10 << 20, 100 << 20]) {
    for (const percent of [20, 30, 100]) {
      const { shape, symbolsPerRound: packets } = planObject(bytes, 1472, percent);
      const spent = packets * (shape.symbolBytes + SYMBOL_HEAD_BYTES) + announcementsIn(packets) * ANNOUNCEMENT_BYTES;
      t.ok(spent <= bytes * (1 + percent / 100), `${bytes} bytes at ${percent} %: ${spent}`);
      t.ok(spent > bytes * (1 + percent / 100) * 0.94, 'and uses it');
      t.ok(isSound(shape));
    }
  }
});

t.test('every size can be coded, whatever the settings', async (t) => {
  let tried = 0;
  for (const datagramBytes of [512, 1472, 65_000]) {
    for (const percent of [0, 5, 30, 400]) {
      for (let bytes = 0; bytes < 20_000_000; bytes = Math.ceil(bytes * 1.7) + 1) {
        const { shape, symbolsPerRound } = planObject(bytes, datagramBytes, percent);
        tried += 1;
        if (shape.symbolBytes > 0 && symbolsPerRound > sourceSymbols(shape) + shape.repairSymbols * shape.blocks) t.fail(`${bytes} bytes: a round of more than there is`);
        if (!isSound(shape)) t.fail(`${bytes} bytes, datagrams of ${datagramBytes}, ${percent} %: ${JSON.stringify(shape)}`);
        if (shape.symbolBytes > 0 && (shape.symbolBytes + SYMBOL_HEAD_BYTES > datagramBytes || memoryBytes(shape) < bytes)) t.fail(`${bytes} bytes do not fit`);
      }
    }
  }
  t.ok(tried > 300);
});

t.test('what fits one datagram stands in its announcement', async (t) => {
  t.same(planObject(1342, 1472, 30), { shape: { objectBytes: 1342, symbolBytes: 0, blocks: 0, repairSymbols: 0 }, symbolsPerRound: 0 });
  t.match(planObject(1343, 1472, 30), { shape: { symbolBytes: 1344, blocks: 1, repairSymbols: 2 }, symbolsPerRound: 2 });
});

t.test('small blocks have repair symbols to spare, as many as the code has names for', async (t) => {
  t.match(planObject(100 << 10, 1472, 30), { shape: { repairSymbols: 146 }, symbolsPerRound: 93 });
  for (const bytes of [2000, 20_000, 100_000, 200_000, 280_000]) {
    const { shape, symbolsPerRound } = planObject(bytes, 1472, 30);
    const sources = sourceSymbols(shape);
    t.equal(shape.repairSymbols, Math.min(255 - sources, 2 * sources), String(bytes));
    t.ok(symbolsPerRound <= sources + shape.repairSymbols && isSound(shape));
  }
  const { shape, symbolsPerRound } = planObject(400_000, 1472, 30);
  t.equal(symbolsPerRound, sourceSymbols(shape) + shape.repairSymbols, 'a large block has those of a round');
});

t.test('blocks differ by one symbol at most, the larger first, and cover the object', async (t) => {
  const shape = { objectBytes: 1000, symbolBytes: 8, blocks: 7, repairSymbols: 3 };
  const { memory, blocks } = blocksOf(shape);
  t.same(blocks.map((block) => block.count), [18, 18, 18, 18, 18, 18, 17]);
  t.equal(memory.length, 1000);
  blocks[6]!.at(16).fill(9);
  t.same(memory.subarray(992), new Uint8Array(8).fill(9));
});

t.test('announcements are counted as they are sent', async (t) => {
  for (const packets of [1, 2, 3, 4, 5, 127, 128, 129, 255, 256, 257, 258, 511, 512, 513, 1024, 1025, 9000]) {
    const counted = Array.from({ length: packets }, (_, index) => index).filter(isAnnouncedBefore).length;
    t.equal(announcementsIn(packets), counted, String(packets));
  }
});
