import t from 'tap';
import { seededRandom } from '../../base/random.js';
import { Reassembly } from './reassembly.js';
import { ManualClock } from '../../base/clock.js';
import { cryptoOf, keyOf, partyOf } from './broadcast-test-helper.js';
import { irregularBursts, needed, randomLoss, regularBursts, roundOf, type Loss } from './loss-test-helper.js';
import { OutgoingObject } from './outgoing-object.js';
import { macKeyOf } from './packets.js';

const LOSS = 0.2;
const BURST_MS = 2000;
const PAUSE_MS = 57_000;
const LINES = {
  random: (seed: number) => randomLoss(seededRandom(seed), LOSS),
  bursts: (seed: number) => regularBursts(seededRandom(seed), BURST_MS, BURST_MS / LOSS),
  irregular: (seed: number) => irregularBursts(seededRandom(seed), BURST_MS, BURST_MS / LOSS),
};

/** How many of so many seeds arrived after one round, and after how many rounds all have. */
function arrivals(bytes: number, lossOf: (seed: number) => Loss, seeds: number): { first: number; last: number } {
  const round = roundOf(bytes);
  const rounds = Array.from({ length: seeds }, (_, seed) => needed(round, lossOf((seed + 1) * 7919), 8, PAUSE_MS).rounds);
  return { first: rounds.filter((count) => count === 1).length, last: Math.max(...rounds) };
}

t.test('a round has at most 30 % extra bytes, every head of ours included', async (t) => {
  for (const bytes of [1024, 100 << 10, 1 << 20, 10 << 20, 100 << 20]) t.ok(roundOf(bytes).extra <= 0.3, `${bytes} bytes: ${(roundOf(bytes).extra * 100).toFixed(2)} %`);
});

t.test('at 20 % loss, at random and in bursts of 2 s, 10 MiB and 100 MiB arrive from one round', { timeout: 120_000 }, async (t) => {
  for (const lossOf of Object.values(LINES)) t.same(arrivals(10 << 20, lossOf, 6), { first: 6, last: 1 });
  for (const lossOf of [LINES.random, LINES.bursts]) t.same(arrivals(100 << 20, lossOf, 1), { first: 1, last: 1 });
});

t.test('1 MiB nearly always arrives from one round, and always from two', async (t) => {
  for (const [name, least] of [['random', 28], ['bursts', 30], ['irregular', 20]] as const) {
    const { first, last } = arrivals(1 << 20, LINES[name], 30);
    t.ok(first >= least && last <= 2, `${name}: ${first} of 30, all after ${last}`);
  }
});

t.test('of what is small more than half arrives from one round, and all of it from a few', async (t) => {
  for (const [bytes, least, most] of [[1024, 150, 5], [100 << 10, 110, 2]] as const) {
    for (const [name, lossOf] of Object.entries(LINES)) {
      const { first, last } = arrivals(bytes, lossOf, 200);
      t.ok(first >= least && last <= most, `${bytes} bytes, ${name}: ${first} of 200, all after ${last}`);
    }
  }
});

t.test('of what is small, nearly all is there before half as much again was sent: what a round did not bring, the next brings anew', async (t) => {
  for (const bytes of [50 << 10, 100 << 10, 200 << 10]) {
    for (const [name, lossOf] of Object.entries(LINES)) {
      const extras = Array.from({ length: 200 }, (_, seed) => needed(roundOf(bytes), lossOf((seed + 1) * 7919), 8, PAUSE_MS).extra).sort((a, b) => a - b);
      t.ok(extras[100]! <= 0.33 && extras[190]! <= 0.5, `${bytes} bytes, ${name}: half of them ${(extras[100]! * 100).toFixed(1)} %, 95 of 100 ${(extras[190]! * 100).toFixed(1)} %`);
    }
  }
});

t.test('a listener that has missed the first round needs no more of the second', async (t) => {
  const [west, east] = [keyOf(1), keyOf(2)];
  const crypto = cryptoOf(west);
  const bytes = seededRandom(4).bytes(100_000);
  const outgoing = new OutgoingObject(bytes, { crypto, macKey: macKeyOf(crypto, west.publicKey), from: partyOf(west).id, to: partyOf(east).id, datagramBytes: 1472, extraPercent: 30 });
  const [first, second] = [roundFrom(outgoing), roundFrom(outgoing)];
  const unlike = second.filter((packet) => !first.some((other) => Buffer.from(packet).equals(other)));
  t.ok(unlike.length >= 85, `${unlike.length} packets of ${second.length} are new`);
  for (const packets of [second, [...first.filter((_, index) => index % 2 === 0), ...second.filter((_, index) => index % 3 > 0)]]) {
    const taken: Uint8Array[] = [];
    const reassembly = new Reassembly({ ourId: partyOf(east).id, memoryBytes: 16 << 20, crypto, clock: new ManualClock() });
    reassembly.add({ ...partyOf(west), largestBytes: bytes.length, heard: () => undefined, deliver: async (object) => void taken.push(object) });
    for (const packet of packets) reassembly.take(packet);
    t.same(taken.map((object) => Buffer.from(object).equals(bytes)), [true]);
  }
});

function roundFrom(outgoing: OutgoingObject): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let packet = outgoing.next(); packet !== undefined; packet = outgoing.next()) packets.push(packet);
  return packets;
}

t.test('the same in earnest: 4 MiB, byte for byte, through packets that are lost at random', async (t) => {
  const [west, east] = [keyOf(1), keyOf(2)];
  const crypto = cryptoOf(west);
  const random = seededRandom(3);
  const bytes = random.bytes(4 << 20);
  const taken: Uint8Array[] = [];
  const reassembly = new Reassembly({ ourId: partyOf(east).id, memoryBytes: 16 << 20, crypto, clock: new ManualClock() });
  reassembly.add({ ...partyOf(west), largestBytes: bytes.length, heard: () => undefined, deliver: async (object) => void taken.push(object) });
  const outgoing = new OutgoingObject(bytes, { crypto, macKey: macKeyOf(crypto, west.publicKey), from: partyOf(west).id, to: partyOf(east).id, datagramBytes: 1472, extraPercent: 30 });
  let sentBytes = 0;
  for (let packet = outgoing.next(); packet !== undefined; packet = outgoing.next()) {
    sentBytes += packet.length;
    if (random.fraction() >= LOSS) reassembly.take(packet);
  }
  t.ok(sentBytes <= bytes.length * 1.3, `${sentBytes} bytes sent`);
  t.same(taken.map((object) => Buffer.from(object).equals(bytes)), [true]);
});
