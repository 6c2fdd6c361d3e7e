/**
 * What a stick has to stand, on the file system named as the argument: run inside a guest by stick-trials.test-helper.ts. Two
 * gateways from the first trial to the last, with the real files of the stick between them.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rmdir, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import t, { type Test } from 'tap';
import { ManualClock } from '../base/clock.js';
import { testKey, testMessage } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import { bundlesOn, openSite } from '../gateway/stick.test-helper.js';
import { nodeStickDisk } from '../links/usb/node-stick-disk.js';
import { watchedStick } from '../links/usb/stick-disk.test-helper.js';
import type { StickDisk } from '../links/usb/stick-disk.js';
import { LARGEST_FILE_BYTES } from '../links/usb/stick-names.js';
import { findSticks } from '../links/usb/stick-places.js';
import { FILE_SYSTEMS, run, Volume } from './stick-volume.test-helper.js';

const kind = FILE_SYSTEMS.find((name) => name === process.argv[2]) ?? 'ext4';
/** Every so many steps of writing the stick is pulled out once. */
const every = Number(process.argv[3] ?? 1);
const [SHIP, SHORE] = [testKey(40), testKey(41)];
const LARGE_BYTES = 1_200_000;
const SMALL = { largeBlobBytes: 2 ** 18, stick: { reserveBytes: 0 } };

const volume = new Volume(kind);
const stick = volume.dir;
const folder = path.join(stick, 'POSTERN');
/** What the trials do to the ship's and the shore's sight of the stick. */
let [onStep, onRead, extraRoomBytes] = [nothing, nothing, 0];
const disk: StickDisk = {
  ...watchedStick(nodeStickDisk, (_, where) => (where.startsWith(stick) ? onStep() : undefined)),
  freeBytes: async (dir) => (await nodeStickDisk.freeBytes(dir)) + extraRoomBytes,
  async open(file, from) {
    const reader = await nodeStickDisk.open(file, from);
    return { bytes: reader.bytes, close: () => reader.close(), read: (offset, into) => (onRead(), reader.read(offset, into)) };
  },
};
function nothing(): void {}

t.testdir();
volume.format();
const clock = new ManualClock();
const ship = await openSite(t, clock, { name: 'ship', key: SHIP, neighbours: [{ name: 'shore', role: 'neighbour', key: SHORE, usb: {} }], routes: [{ to: '*', via: 'shore' }], disk, ...SMALL });
const shore = await openSite(t, clock, { name: 'shore', key: SHORE, neighbours: [{ name: 'ship', role: 'neighbour', key: SHIP, usb: {} }], serves: 'shore.example', disk, ...SMALL });
let made = 0;

/** Three messages for the shore, one of them large, wait at the ship. */
async function waiting(): Promise<TestMessage[]> {
  const messages = [3000, 70_000, LARGE_BYTES].map((bytes) => testMessage((made += 1), 'shore.example', clock, bytes));
  await ship.submit(messages.slice(0, 2));
  await ship.submit(messages.slice(2));
  return messages;
}

/** Ship, shore and ship again: everything has to have arrived, with its receipts home, and nothing half written is left. */
async function finish(t: Test, messages: readonly TestMessage[]): Promise<void> {
  clock.advance(3000);
  await ship.sticks.run('visit', stick);
  t.match(await shore.sticks.run('visit', stick), { imported: { refusedRecords: 0, quarantined: { length: 0 } } });
  await ship.sticks.run('visit', stick);
  t.same(new Set(await ship.states(messages)), new Set(['forwarded']), 'the ship has every receipt');
  t.same(new Set(await shore.states(messages)), new Set(['held']), 'the shore has every message');
  t.same((await readdir(folder)).filter((name) => name.endsWith('.part')), [], 'nothing half written is left');
}

function caught(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}

/** The file with the messages at hand. */
async function shipsFile(before: readonly string[]): Promise<string> {
  return (await bundlesOn(stick)).find((name) => !before.includes(name)) ?? '';
}

t.test('messages cross, whatever else is on the stick stays, and the file system is sound', async (t) => {
  const messages = await waiting();
  await mkdir(path.join(stick, 'System Volume Information'));
  await writeFile(path.join(stick, 'holiday.txt'), 'theirs');
  t.match(await ship.sticks.run('visit', stick), { exported: { peers: [{ records: 3, left: 0 }] } });
  volume.plugIn();
  t.match(await shore.sticks.run('visit', stick), { imported: { files: 1, records: 3, quarantined: { length: 0 } } });
  t.match(await ship.sticks.run('visit', stick), { removed: 1 });
  t.same(await ship.states(messages), ['forwarded', 'forwarded', 'forwarded']);
  t.equal(volume.complaint(), undefined);
  t.equal(await readFile(path.join(stick, 'holiday.txt'), 'utf8'), 'theirs');
  t.ok(existsSync(path.join(stick, 'System Volume Information')));
  t.same((await readdir(folder)).filter((name) => !/^([0-9a-f]{32}\.bnd|README\.TXT|STICK\.ID)$/.test(name)), [], 'the names are as they were given');
});

t.test('a mounted stick is found where it is mounted, and is gone when it is not', async (t) => {
  const found = async (): Promise<string[]> => (await findSticks(['/mnt', '/nowhere'])).sticks.map(({ dir }) => dir);
  t.same(await found(), [stick]);
  volume.unmount();
  t.same(await found(), []);
  volume.mount();
  t.same(await found(), [stick]);
});

t.test('a stick without enough room takes what fits, and one that fills up under the writer keeps nothing of the file', async (t) => {
  const messages = await waiting();
  const filler = await open(path.join(stick, 'films'), 'w');
  const freeBytes = await nodeStickDisk.freeBytes(stick);
  for (let left = freeBytes - 600_000; left > 0; left -= 2 ** 20) await filler.write(new Uint8Array(Math.min(left, 2 ** 20)));
  await filler.sync();
  await filler.close();
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 2, left: 1 }] } });
  extraRoomBytes = 10_000_000;
  const before = await readdir(folder);
  t.match(await ship.sticks.run('export', stick), { exported: { peers: [{ records: 0, left: 1 }] } }, 'there was less room than the stick said');
  t.same(await readdir(folder), before);
  extraRoomBytes = 0;
  t.match(await shore.sticks.run('visit', stick), { imported: { records: 2, quarantined: { length: 0 } } });
  await truncate(path.join(stick, 'films'), 0);
  await finish(t, messages);
});

t.test('bit rot on the medium: the file is refused whole, and its writer is asked again', async (t) => {
  const messages = await waiting();
  const before = await bundlesOn(stick);
  await ship.sticks.run('export', stick);
  const name = await shipsFile(before);
  const content = await readFile(path.join(folder, name));
  volume.damage((medium) => {
    const at = medium.indexOf(content.subarray(content.length - 100_000, content.length - 99_900));
    return at < 0 ? [] : [[at, Uint8Array.of((medium[at] ?? 0) ^ 1)]];
  });
  t.match(await shore.sticks.run('visit', stick), { imported: { records: 0, quarantined: [{ name, reason: /^WIRE_SEAL/ }] } });
  t.same(await shore.states(messages), [undefined, undefined, undefined]);
  clock.advance(1000);
  t.match(await ship.sticks.run('visit', stick), { removed: 1, exported: { peers: [{ records: 3 }] } });
  await finish(t, messages);
});

t.test('a stick that is mounted read-only is imported from', async (t) => {
  const messages = await waiting();
  await ship.sticks.run('export', stick);
  const late = await waiting();
  volume.unmount();
  volume.mount('ro');
  t.match(await shore.sticks.run('visit', stick), { imported: { records: 3 }, readOnly: true });
  t.match(await caught(ship.sticks.run('export', stick)), { code: 'LINK_STICK', data: { reason: 'read-only' } });
  volume.plugIn();
  await finish(t, [...messages, ...late]);
});

t.test('pulled out at any step of writing: a file is whole or not there, and the next visit does it all', { timeout: 300_000 }, async (t) => {
  let [at, steps] = [-1, 0];
  onStep = () => {
    if (steps++ === at) volume.pull();
  };
  await waiting();
  await ship.sticks.run('export', stick);
  const all = steps;
  t.ok(all >= 7, `${all} steps`);
  for (at = 0; at < all; at += every) {
    await t.test(`before step ${at}`, async (t) => {
      const messages = await waiting();
      steps = 0;
      const error = await caught(ship.sticks.run('export', stick));
      if (error !== undefined) t.match(error, { code: 'LINK_STICK' });
      steps = all;
      t.same(await ship.states(messages), ['held', 'held', 'held']);
      volume.plugIn();
      const { imported } = await shore.sticks.run('import', stick);
      // FAT names a file before it says where its bytes are: in that instant it is there, and empty.
      t.same(imported?.quarantined.filter(({ reason }) => kind !== 'fat32' || reason !== 'empty'), [], 'a name stands for a whole file');
      const taken = (await shore.states(messages)).map((state) => state === 'held');
      // The last steps make sure of what a file system may have done by then; what is called done is done.
      t.same(new Set(taken).size === 1 && (error !== undefined || taken[0]), true, 'all of it or nothing');
      await finish(t, messages);
    });
  }
  onStep = nothing;
});

t.test('pulled out while it is read: nothing is taken and nothing is held against the file; the next visit takes it all', async (t) => {
  const messages = await waiting();
  await ship.sticks.run('export', stick);
  volume.plugIn();
  let reads = 0;
  onRead = () => {
    if (++reads === 3) volume.pull();
  };
  const seen = await shore.sticks.run('import', stick).then(
    ({ imported }) => imported?.quarantined[0]?.reason,
    (thrown: unknown) => thrown,
  );
  // In user space, exFAT still reads the rest of the stick from memory: then it is the file that cannot be read.
  t.match(seen, kind === 'exfat' ? /^LINK_STICK/ : { code: 'LINK_STICK', data: { reason: 'gone' } });
  onRead = nothing;
  t.same(await shore.states(messages), [undefined, undefined, undefined]);
  volume.plugIn();
  t.match(await shore.sticks.run('import', stick), { imported: { records: 3, quarantined: { length: 0 } } });
  await finish(t, messages);
});

t.test('hostile names and things that are no files are not opened, and what is good beside them is taken', async (t) => {
  const messages = await waiting();
  await ship.sticks.run('export', stick);
  const named = (digit: string, end = '.bnd'): string => path.join(folder, digit.repeat(32) + end);
  const files = [named('1'), named('2', '.BND'), path.join(folder, '..bnd'), named('3'), named('4')];
  await mkdir(named('0'));
  for (const file of files) await writeFile(file, file === named('1') ? '' : file === named('4') ? new Uint8Array(200_000).fill(0x9f) : 'no manifest');
  const expected = ['folder', 'empty', 'name'];
  if (kind === 'ext4') {
    await symlink('/etc/passwd', named('5'));
    await symlink(named('6'), named('6'));
    run('mkfifo', named('7'));
    run('mknod', named('8'), 'b', '98', '0');
    for (const [digit, bytes] of [['a', LARGEST_FILE_BYTES], ['b', LARGEST_FILE_BYTES + 1]] as const) {
      await writeFile(named(digit), 'a bomb');
      await truncate(named(digit), bytes);
    }
    files.push(...['5', '6', '7', '8', 'a', 'b'].map((digit) => named(digit)));
    expected.push('link', 'no-file', 'too-large');
  }
  const { imported } = await shore.sticks.run('import', stick);
  t.match(imported, { files: 1, records: 3 });
  const reasons = (imported?.quarantined ?? []).map(({ reason }) => reason);
  for (const reason of expected) t.ok(reasons.includes(reason), reason);
  t.equal(reasons.filter((reason) => reason.startsWith('WIRE_')).length, kind === 'ext4' ? 3 : 2, reasons.join(', '));
  t.match(await ship.sticks.run('visit', stick), { safeToRemove: true }, 'they are not in the way of writing either');
  for (const file of files) await unlink(file);
  await rmdir(named('0'));
  await finish(t, messages);
});

t.test('our folder as a trap: a link in its place is not followed', { skip: kind === 'ext4' ? false : 'this file system knows no links' }, async (t) => {
  await mkdir('elsewhere');
  await rename(folder, `${folder}.kept`);
  await symlink(path.resolve('elsewhere'), folder);
  t.match(await caught(ship.sticks.run('visit', stick)), { code: 'LINK_STICK', data: { reason: 'not-ours' } });
  t.same(await readdir('elsewhere'), [], 'nothing was written through the link');
});

t.test('FAT32: no file of 4 GiB, sizes that lie, a chain that bites its tail, and a name with a slash', { skip: kind === 'fat32' ? false : 'only FAT32 is like this' }, async (t) => {
  const messages = await waiting();
  const file = await open(path.join(stick, 'films'), 'w');
  t.match(await caught(file.write(new Uint8Array(1), 0, 1, LARGEST_FILE_BYTES)), { code: 'EFBIG' }, 'one byte more than we ever write');
  await file.close();
  const before = await bundlesOn(stick);
  await ship.sticks.run('export', stick);
  const name = await shipsFile(before);
  const isRefused = async (why: string): Promise<void> => {
    t.match(await shore.sticks.run('import', stick), { imported: { records: 0, quarantined: [{ name, before: false }] } }, why);
  };
  const kept = { size: 0, link: 0 };
  const sized = (medium: Buffer, bytes: number): [number, Uint8Array] => {
    kept.size ||= medium.readUInt32LE(entryOf(medium, name) + 28);
    return [entryOf(medium, name) + 28, number32(bytes)];
  };
  for (const bytes of [LARGEST_FILE_BYTES, 2000, 0]) {
    volume.damage((medium) => [sized(medium, bytes)]);
    await isRefused(`a size of ${bytes}`);
  }
  volume.damage((medium) => {
    const [first, later] = [linkOf(medium, name), linkOf(medium, name) + 4 * 100];
    kept.link = medium.readUInt32LE(later);
    return [sized(medium, kept.size), [later, number32(medium.readUInt32LE(first))]];
  });
  await isRefused('a chain of clusters that goes in a circle');

  await writeFile(path.join(folder, 'xxxxxxx-etc-evil.bnd'), 'up and away');
  volume.damage((medium) => {
    const at = medium.indexOf(Buffer.from('xx-etc', 'utf16le'));
    return [[at, Buffer.from('/./etc', 'utf16le')], [linkOf(medium, name) + 4 * 100, number32(kept.link)]];
  });
  t.match(await caught(shore.sticks.run('import', stick)), { code: 'LINK_STICK' }, 'the kernel shows no folder with such a name in it');
  t.notOk(existsSync('/etc/evil.bnd'));
  volume.damage((medium) => [[medium.indexOf(Buffer.from('/./etc', 'utf16le')), Buffer.from('xx-etc', 'utf16le')]]);
  await unlink(path.join(folder, 'xxxxxxx-etc-evil.bnd'));
  // What was found damaged is asked for anew, though it is whole by now.
  await shore.sticks.run('visit', stick);
  await finish(t, messages);
});

function number32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Where the short entry of a long name stands: right after the part of the long one with its first characters. */
function entryOf(medium: Buffer, name: string): number {
  const [first, next] = [Buffer.from(name.slice(0, 5), 'utf16le'), Buffer.from(name.slice(5, 11), 'utf16le')];
  for (let at = medium.indexOf(first); at > 0; at = medium.indexOf(first, at + 1)) {
    const entry = at - 1;
    if (entry % 32 === 0 && medium[entry] === 1 && medium[entry + 11] === 0x0f && medium.subarray(entry + 14, entry + 26).equals(next)) return entry + 32;
  }
  throw new Error(`${name} has no entry`);
}

/** Where the link from a file's first cluster to its second stands in the table. */
function linkOf(medium: Buffer, name: string): number {
  const entry = entryOf(medium, name);
  const cluster = medium.readUInt16LE(entry + 20) * 65_536 + medium.readUInt16LE(entry + 26);
  return medium.readUInt16LE(14) * 512 + 4 * cluster;
}
