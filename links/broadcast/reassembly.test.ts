import t from 'tap';
import { ManualClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import { OutgoingObject, type OutgoingOptions } from './outgoing-object.js';
import { ANNOUNCEMENT_BYTES, decodeAnnouncement, encodeAnnouncement, encodeSymbol, EVERYBODY, macKeyOf, SYMBOL_HEAD_BYTES, tagOf } from './packets.js';
import { cryptoOf, keyOf, partyOf } from './broadcast-test-helper.js';
import { Reassembly, type Sender } from './reassembly.js';

const WEST = keyOf(1);
const EAST = keyOf(2);
const MALLORY = keyOf(3);
const MEMORY_BYTES = 4 << 20;
const CRYPTO = cryptoOf(WEST);
const MAC_KEY = macKeyOf(CRYPTO, WEST.publicKey);
const OPTIONS: OutgoingOptions = { crypto: CRYPTO, macKey: MAC_KEY, from: partyOf(WEST).id, to: partyOf(EAST).id, datagramBytes: 1472, extraPercent: 30 };

class Ear {
  readonly clock = new ManualClock();
  readonly taken: Uint8Array[] = [];
  heardBytes = 0;
  /** Keeps what is delivered in memory until it is called. */
  release: () => void = () => undefined;
  held: Promise<void> = Promise.resolve();
  readonly reassembly: Reassembly;
  readonly sender: Sender;

  constructor(secret?: Uint8Array, largestBytes = 4 << 20) {
    this.reassembly = new Reassembly({ ourId: partyOf(EAST).id, memoryBytes: MEMORY_BYTES, crypto: cryptoOf(EAST), clock: this.clock });
    this.sender = {
      ...partyOf(WEST),
      ...(secret !== undefined && { secret }),
      largestBytes,
      heard: (bytes) => {
        this.heardBytes += bytes;
      },
      deliver: async (object) => {
        this.taken.push(object.slice());
        await this.held;
      },
    };
    this.reassembly.add(this.sender);
  }

  hear(packets: Iterable<Uint8Array>): void {
    for (const packet of packets) this.reassembly.take(packet);
  }
}

function objectOf(bytes: number, seed = 1): Uint8Array {
  return seededRandom(seed).bytes(bytes);
}

function roundOf(object: Uint8Array, options: Partial<OutgoingOptions> = {}): Uint8Array[] {
  const outgoing = new OutgoingObject(object, { ...OPTIONS, ...options });
  const packets: Uint8Array[] = [];
  for (let packet = outgoing.next(); packet !== undefined; packet = outgoing.next()) packets.push(packet);
  return packets;
}

t.test('objects of every size come whole, in order, backwards and shuffled, and each once', async (t) => {
  for (const bytes of [0, 1, 1342, 1343, 1500, 5000, 100_000, 700_000]) {
    const object = objectOf(bytes);
    const packets = roundOf(object);
    const random = seededRandom(bytes + 1);
    for (const order of [packets, [...packets].reverse(), [...packets].sort(() => random.fraction() - 0.5)]) {
      const ear = new Ear();
      ear.hear(order);
      ear.hear(packets);
      t.same(ear.taken.map((taken) => Buffer.from(taken).equals(object)), [true], `${bytes} bytes in ${packets.length} packets`);
    }
  }
});

t.test('who joins late needs no more than who was there', async (t) => {
  const object = objectOf(300_000);
  const packets = roundOf(object);
  const ear = new Ear();
  ear.hear(packets.slice(packets.length / 2));
  t.equal(ear.taken.length, 0);
  ear.hear(packets.slice(0, packets.length / 2));
  t.equal(ear.taken.length, 1);
});

t.test('symbols heard before any announcement are kept, within the limit', async (t) => {
  const object = objectOf(100_000);
  const packets = roundOf(object);
  const symbols = packets.filter((packet) => decodeAnnouncement(packet) === undefined);
  const ear = new Ear();
  ear.hear(symbols);
  t.equal(ear.taken.length, 0);
  ear.hear([packets[0]!]);
  t.equal(ear.taken.length, 1);
  const flooded = new Ear();
  for (let seed = 0; seed < 12; seed++) flooded.hear(roundOf(objectOf(100_000, seed + 10)).filter((packet) => decodeAnnouncement(packet) === undefined));
  t.ok(flooded.reassembly.heldBytes <= MEMORY_BYTES / 16);
});

t.test('what is not for us takes no memory', async (t) => {
  const ear = new Ear();
  ear.hear(roundOf(objectOf(200_000), { to: partyOf(MALLORY).id }));
  t.equal(ear.reassembly.heldBytes, 0);
  ear.hear(roundOf(objectOf(1000), { to: EVERYBODY }));
  t.equal(ear.taken.length, 1, 'what is for everybody is for us');
});

t.test("strangers' datagrams take no memory, whatever they look like", async (t) => {
  const ear = new Ear();
  const random = seededRandom(4);
  for (let round = 0; round < 2000; round++) {
    const packet = random.bytes(Math.floor(random.fraction() * 1500));
    if (packet.length > 0 && round % 3 > 0) packet[0] = round % 3 === 1 ? 0xf1 : 0xf2;
    ear.reassembly.take(packet);
  }
  const theirs = { crypto: cryptoOf(MALLORY), macKey: macKeyOf(CRYPTO, MALLORY.publicKey), from: partyOf(MALLORY).id };
  ear.hear(roundOf(objectOf(100_000), theirs));
  ear.hear(roundOf(objectOf(100_000), { ...theirs, from: partyOf(WEST).id }));
  t.equal(ear.reassembly.heldBytes, 0);
  t.equal(ear.heardBytes, 0);
  t.equal(ear.taken.length, 0);
  t.ok(ear.reassembly.dropped.strangers > 2000);
});

t.test('a spoofed announcement takes no memory, even of somebody who knows the mark, and no great time', async (t) => {
  const ear = new Ear();
  const spoof = { crypto: { ...cryptoOf(MALLORY), mac: CRYPTO.mac }, macKey: MAC_KEY };
  for (let seed = 0; seed < 500; seed++) {
    const announcement = roundOf(objectOf(1400, seed), spoof)[0]!;
    ear.reassembly.take(announcement);
  }
  t.equal(ear.reassembly.heldBytes, 0);
  t.equal(ear.reassembly.dropped.spoofed, 50, 'so many signatures are looked at in a second');
  t.equal(ear.reassembly.dropped.hurried, 450);
  ear.clock.advance(1000);
  ear.hear(roundOf(objectOf(3000)));
  t.equal(ear.taken.length, 1);
});

t.test('sizes that cannot be are refused, however well signed', async (t) => {
  const ear = new Ear();
  const hash = CRYPTO.sha256(new Uint8Array());
  const base = { from: OPTIONS.from, to: OPTIONS.to, hash, inline: new Uint8Array() };
  const shapes = [
    { objectBytes: 100_000, symbolBytes: 3, blocks: 1, repairSymbols: 10 },
    { objectBytes: 100_000, symbolBytes: 65_532, blocks: 0, repairSymbols: 1 },
    { objectBytes: 0, symbolBytes: 4, blocks: 1, repairSymbols: 1 },
    { objectBytes: 100_000, symbolBytes: 4, blocks: 1, repairSymbols: 20 },
    { objectBytes: 4_000_000, symbolBytes: 4, blocks: 3, repairSymbols: 1000 },
    { objectBytes: 100, symbolBytes: 96, blocks: 3, repairSymbols: 1 },
    { objectBytes: 3_000_000, symbolBytes: 1456, blocks: 1, repairSymbols: 40_000 },
    { objectBytes: 10_000, symbolBytes: 65_532, blocks: 1, repairSymbols: 3 },
  ];
  for (const shape of shapes) ear.reassembly.take(encodeAnnouncement(CRYPTO, MAC_KEY, { ...base, ...shape }));
  t.equal(ear.reassembly.dropped.spoofed, shapes.length);
  ear.reassembly.take(encodeAnnouncement(CRYPTO, MAC_KEY, { ...base, objectBytes: 2 ** 32 - 1, symbolBytes: 65_000, blocks: 3, repairSymbols: 9000 }));
  ear.reassembly.take(encodeAnnouncement(CRYPTO, MAC_KEY, { ...base, objectBytes: 100, symbolBytes: 0, blocks: 0, repairSymbols: 0 }));
  t.equal(ear.reassembly.heldBytes, 0);
  t.equal(ear.taken.length, 0);
});

t.test('symbols of a wrong size, number or block harm nothing', async (t) => {
  const object = objectOf(100_000);
  const packets = roundOf(object);
  const ear = new Ear();
  ear.hear(packets.slice(0, 20));
  const tag = tagOf(CRYPTO.sha256(object));
  for (const [block, number, bytes] of [[1, 0, 1456], [255, 0, 1456], [0, 65_535, 1456], [0, 60, 1000], [0, 61, 1], [0, 62, 9000]] as const) {
    ear.reassembly.take(encodeSymbol(CRYPTO, MAC_KEY, { tag, block, number, symbol: new Uint8Array(bytes) }));
  }
  ear.hear(packets);
  t.same(ear.taken.map((taken) => Buffer.from(taken).equals(object)), [true]);
});

t.test('a symbol that was changed on the way is dropped', async (t) => {
  const object = objectOf(100_000);
  const packets = roundOf(object);
  const ear = new Ear();
  ear.hear(packets.map((packet, index) => (index % 6 === 5 ? packet.with(SYMBOL_HEAD_BYTES + 3, packet[SYMBOL_HEAD_BYTES + 3]! ^ 1) : packet)));
  t.same(ear.taken.map((taken) => Buffer.from(taken).equals(object)), [true]);
  t.equal(ear.reassembly.dropped.strangers > 5, true);
});

t.test('poison of somebody who knows the mark spoils an object, not the memory; with a secret there is nobody', async (t) => {
  const object = objectOf(100_000);
  const packets = roundOf(object);
  const symbol = new Uint8Array(packets.at(-1)!.length - SYMBOL_HEAD_BYTES).fill(7);
  const poison = encodeSymbol(CRYPTO, MAC_KEY, { tag: tagOf(CRYPTO.sha256(object)), block: 0, number: 3, symbol });
  const ear = new Ear();
  ear.hear([packets[0]!, poison, ...packets.slice(1)]);
  t.equal(ear.taken.length, 0);
  t.equal(ear.reassembly.dropped.poisoned, 1);
  ear.hear(packets);
  t.equal(ear.taken.length, 1, 'the next round brings it');
  const secret = new TextEncoder().encode('of all who listen here');
  const ours = new Ear(secret);
  const secretPackets = roundOf(object, { macKey: macKeyOf(CRYPTO, WEST.publicKey, secret) });
  ours.hear([secretPackets[0]!, poison, ...secretPackets.slice(1)]);
  t.equal(ours.taken.length, 1);
  ours.hear(packets);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(ours.reassembly.heldBytes, 0);
});

t.test('memory is bounded: what grows stays, what is idle makes room, what is too large never begins', async (t) => {
  const ear = new Ear();
  const rounds = [1, 2, 3, 4].map((seed) => roundOf(objectOf(1_200_000, seed)));
  for (const packets of rounds) ear.hear(packets.slice(0, 100));
  t.ok(ear.reassembly.heldBytes <= MEMORY_BYTES);
  t.ok(ear.reassembly.dropped.noRoom > 0);
  ear.hear(rounds[0]!);
  t.equal(ear.taken.length, 1, 'what was begun can be finished');
  ear.clock.advance(31 * 86_400_000);
  ear.hear(rounds[3]!);
  t.equal(ear.taken.length, 2, 'a month later it makes room');
  const small = new Ear(undefined, 100_000);
  small.hear(roundOf(objectOf(100_001)));
  t.equal(small.reassembly.heldBytes, 0);
  t.equal(small.taken.length, 0);
});

t.test('an object counts as memory until it has been dealt with', async (t) => {
  const ear = new Ear();
  let release = (): void => undefined;
  ear.held = new Promise((resolve) => (release = resolve));
  ear.hear(roundOf(objectOf(1_000_000)));
  t.equal(ear.taken.length, 1);
  t.ok(ear.reassembly.heldBytes >= 1_000_000);
  release();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(ear.reassembly.heldBytes, 0);
});

t.test('a sender that is taken away leaves nothing', async (t) => {
  const ear = new Ear();
  ear.hear(roundOf(objectOf(500_000)).slice(0, 50));
  t.ok(ear.reassembly.heldBytes > 500_000);
  ear.reassembly.remove(ear.sender);
  t.equal(ear.reassembly.heldBytes, 0);
  t.equal(ANNOUNCEMENT_BYTES, 130);
});
