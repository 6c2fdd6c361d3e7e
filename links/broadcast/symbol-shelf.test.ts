import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { ManualClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import { until } from '../link.suite.js';
import { BroadcastListener } from './broadcast-listener.js';
import { Air, cryptoOf, keyOf, partyOf } from './broadcast-test-helper.js';
import { OutgoingObject } from './outgoing-object.js';
import { decodeAnnouncement, macKeyOf } from './packets.js';
import { SymbolShelf } from './symbol-shelf.js';

const [WEST, EAST] = [keyOf(1), keyOf(2)];
const DAY_MS = 86_400_000;

function roundOf(object: Uint8Array): Uint8Array[] {
  const crypto = cryptoOf(WEST);
  const outgoing = new OutgoingObject(object, { crypto, macKey: macKeyOf(crypto, WEST.publicKey), from: partyOf(WEST).id, to: partyOf(EAST).id, datagramBytes: 1472, extraPercent: 30 });
  const packets: Uint8Array[] = [];
  for (let packet = outgoing.next(); packet !== undefined; packet = outgoing.next()) packets.push(packet);
  return packets;
}

const OBJECT = seededRandom(1).bytes(100_000);
const PACKETS = roundOf(OBJECT);
/** What suffices, and its halves. */
const FEWEST = PACKETS.slice(0, PACKETS.findIndex((_, index) => PACKETS.slice(0, index).filter((packet) => decodeAnnouncement(packet) === undefined).length === 84));
const [FIRST, SECOND] = [FEWEST.slice(0, 50), FEWEST.slice(50)];

interface Ear {
  readonly listener: BroadcastListener;
  readonly shelf: SymbolShelf;
  readonly taken: Uint8Array[];
  heardBytes: number;
  hear(packets: readonly Uint8Array[]): void;
  stop(): Promise<void>;
}

async function earAt(folder: string, { limitBytes = 1 << 20, clock = new ManualClock(Date.now()) } = {}): Promise<Ear & { readonly warnings: string[] }> {
  const air = new Air();
  const warnings: string[] = [];
  const shelf = new SymbolShelf({ folder, limitBytes, clock, log: (level, message) => void (level === 'warn' && warnings.push(message)) });
  const listener = new BroadcastListener({ source: air.source(), ourId: partyOf(EAST).id, memoryBytes: 4 << 20, crypto: cryptoOf(EAST), clock, shelf });
  const sender = { ...partyOf(WEST), largestBytes: 4 << 20, heard: (bytes: number) => void (ear.heardBytes += bytes), deliver: async (object: Uint8Array) => void ear.taken.push(object.slice()) };
  const ear = { listener, shelf, warnings, taken: [] as Uint8Array[], heardBytes: 0, hear: (packets: readonly Uint8Array[]) => packets.forEach((packet) => air.carry(packet)), stop: () => listener.detach(sender) };
  await listener.attach(sender);
  return ear;
}

function isTaken(t: Test, ear: Ear, what: string): void {
  t.same(ear.taken.map((taken) => Buffer.from(taken).equals(OBJECT)), [true], what);
}

t.test('what came before a restart need not come again, and is gone from the disk when the object is there', async (t) => {
  const folder = join(t.testdir(), 'shelf');
  const before = await earAt(folder);
  before.hear(FIRST);
  await before.stop();
  t.equal(before.listener.heldBytes, 0);
  t.equal(readdirSync(folder).length, 1);
  const after = await earAt(folder);
  t.equal(after.heardBytes, 0, 'what is read is not heard');
  t.same(after.taken, []);
  after.hear(SECOND);
  isTaken(t, after, 'with the other half it is whole');
  await after.stop();
  t.same(readdirSync(folder), []);
  const empty = await earAt(folder);
  empty.hear(SECOND);
  t.same(empty.taken, [], 'the halves are both needed');
});

t.test('a file that is torn or damaged anywhere loses symbols, and never spoils the object', async (t) => {
  const folder = join(t.testdir(), 'shelf');
  const before = await earAt(folder);
  before.hear(FIRST);
  await before.stop();
  const [name = ''] = readdirSync(folder);
  const path = join(folder, name);
  const whole = readFileSync(path);
  const random = seededRandom(3);
  for (let round = 0; round < 60; round++) {
    const at = Math.floor(random.fraction() * whole.length);
    const damaged = round % 2 === 0 ? whole.subarray(0, at) : Buffer.from(whole).fill(whole[at]! ^ (1 << round % 8), at, at + 1);
    writeFileSync(path, damaged);
    const torn = await earAt(folder);
    torn.hear(FIRST.slice(0, 20));
    await torn.stop();
    const after = await earAt(folder);
    after.hear(SECOND);
    if (after.taken.length === 0) after.hear(FIRST);
    isTaken(t, after, `byte ${at}`);
    t.equal(after.listener.dropped.poisoned + torn.listener.dropped.poisoned, 0);
    await after.stop();
    t.same(readdirSync(folder), []);
  }
});

t.test('so much on disk and no more; a disk that fails harms nothing; the limits say how much is taken', async (t) => {
  const folder = join(t.testdir(), 'shelf');
  const small = await earAt(folder, { limitBytes: 20_000 });
  small.hear(FIRST);
  await small.shelf.settle();
  t.ok(statSync(join(folder, readdirSync(folder)[0]!)).size <= 20_000);
  const [memory, disk, checks] = small.listener.limits();
  t.match(memory, { name: 'memory for objects', unit: 'bytes', used: small.listener.heldBytes, most: 4 << 20, refused: 0 });
  t.ok(small.listener.heldBytes > OBJECT.length);
  t.match(disk, { name: 'room on disk for objects', unit: 'bytes', most: 20_000 });
  t.ok(disk!.used <= 20_000 && disk!.used > 15_000 && disk!.refused > 25, JSON.stringify(disk));
  t.match(checks, { name: 'announcements checked this second', unit: 'count', used: 1, most: 50, refused: 0 });
  t.equal(small.listener.limits().length, 3);

  rmSync(folder, { recursive: true });
  const other = roundOf(seededRandom(2).bytes(5000));
  small.hear(other.slice(0, 2));
  small.hear(SECOND);
  isTaken(t, small, 'all the same');
  await small.shelf.settle();
  await small.stop();
  const blocked = await earAt(folder);
  rmSync(folder, { recursive: true });
  blocked.hear(FIRST.slice(0, 20));
  await blocked.shelf.settle();
  blocked.hear([...FIRST, ...SECOND]);
  isTaken(t, blocked, 'without a disk');
  await blocked.stop();
  t.equal(blocked.warnings.length, 1);
});

t.test('what nobody has sent for a week goes; what is not ours in the folder stays', async (t) => {
  const folder = join(t.testdir(), 'shelf');
  const clock = new ManualClock(Date.now());
  const before = await earAt(folder);
  before.hear(FIRST);
  await before.stop();
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.symbols'))!);
  const oldSec = clock.nowMs() / 1000 - (6 * DAY_MS) / 1000;
  utimesSync(path, oldSec, oldSec);
  const after = await earAt(folder, { clock });
  t.ok(after.listener.heldBytes > 0, 'six days are no age');
  await after.stop();
  utimesSync(path, oldSec, oldSec);
  clock.advance(DAY_MS + 1000);
  const late = await earAt(folder, { clock });
  t.equal(late.listener.heldBytes, 0);
  t.same(readdirSync(folder), ['notes.txt']);
  await late.stop();
});

t.test('killed in the middle, a listener goes on where it was', async (t) => {
  const folder = join(t.testdir(), 'shelf');
  const child = join(import.meta.dirname, 'shelf-child.test-helper.js');
  const socket = createSocket('udp4');
  t.teardown(() => void socket.close());
  const start = async (port: number): Promise<{ process: ChildProcess; port: number; digests: string[] }> => {
    const forked = fork(child, [folder, String(port)]);
    t.teardown(() => void forked.kill('SIGKILL'));
    const digests: string[] = [];
    forked.on('message', ({ digest }: { digest?: string }) => void (digest !== undefined && digests.push(digest)));
    const [word] = (await once(forked, 'message')) as [{ port: number }];
    return { process: forked, port: word.port, digests };
  };
  const say = async (packets: readonly Uint8Array[], port: number): Promise<void> => {
    for (const packet of packets) {
      await new Promise((resolve) => socket.send(packet, port, '127.0.0.1', resolve));
      await pause(1);
    }
  };
  const first = await start(0);
  await say(FIRST, first.port);
  const shelved = FIRST.filter((packet) => decodeAnnouncement(packet) === undefined).reduce((sum, { length }) => sum + length, 0);
  await until(() => readdirSync(folder).some((name) => statSync(join(folder, name)).size >= shelved));
  first.process.kill('SIGKILL');
  await once(first.process, 'exit');
  const second = await start(0);
  await say(SECOND, second.port);
  await until(() => second.digests.length > 0);
  t.same(second.digests, [createHash('sha256').update(OBJECT).digest('hex')]);
  await until(() => readdirSync(folder).length === 0);
});
