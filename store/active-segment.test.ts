import t from 'tap';
import { ActiveSegment } from './active-segment.js';
import { MemoryDisk } from './memory-disk.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';

const KIB = 1024;
const UNIT = { items: [{ kind: 'outbox', parts: [new Uint8Array(4 * KIB - 24).fill(1)] }], bytes: 4 * KIB } as const;

class World {
  readonly disk = new MemoryDisk();
  /** By how much each write made the file longer. */
  readonly writes: { readonly growthBytes: number }[] = [];

  async begin(aheadBytes: number): Promise<ActiveSegment> {
    const file = await this.disk.mount().open('a', 'durable');
    this.disk.before = ({ kind, growthBytes }) => void (kind === 'write' && this.writes.push({ growthBytes }));
    const header = { storeId: new Uint8Array(16), sequence: 1, horizon: { expirySec: 0, position: 0 }, recycledSequence: 0 };
    return ActiveSegment.begin({ name: 'a', header, endOffset: SEGMENT_HEADER_BYTES, damage: [] }, file, { dir: 'memory', segmentBytes: 512 * KIB, aheadBytes });
  }
}

function bufferOf(bytes: number): Buffer {
  return Buffer.alloc(bytes);
}

t.test('few groups make the file longer, the fewer the longer it is, and never longer than a segment', async (t) => {
  const world = new World();
  const active = await world.begin(1024 * KIB);
  for (let i = 0; i < 127; i += 1) t.equal((await active.write([UNIT], bufferOf)).length, 1);
  t.notOk(active.fits(1));
  const longer = world.writes.filter(({ growthBytes }) => growthBytes > 0).map(({ growthBytes }) => growthBytes / KIB);
  t.same(longer, [72, 80, 160, 200]);
  t.equal(world.writes.length, 127 + longer.length);
});

t.test('without zeros ahead every group makes it longer, by itself', async (t) => {
  const world = new World();
  const active = await world.begin(0);
  for (let i = 0; i < 3; i += 1) await active.write([UNIT, UNIT], bufferOf);
  t.same(world.writes, [{ growthBytes: 12 * KIB }, { growthBytes: 8 * KIB }, { growthBytes: 8 * KIB }]);
});

t.test('where there is no room for zeros there is some for what fits, and then none', async (t) => {
  const world = new World();
  const active = await world.begin(1024 * KIB);
  world.disk.capacityBytes = 13 * KIB;
  t.same(await active.write([UNIT, UNIT], bufferOf), [[4 * KIB + 2 ** 27], [8 * KIB + 2 ** 27]]);
  await t.rejects(active.write([UNIT], bufferOf), { code: 'ENOSPC' });
  t.equal(active.segment.endOffset, 12 * KIB);
  world.disk.capacityBytes = 16 * KIB;
  t.same(await active.write([UNIT], bufferOf), [[12 * KIB + 2 ** 27]]);
});
