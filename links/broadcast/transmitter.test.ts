import t from 'tap';
import { ManualClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import { SETTLED } from '../link.js';
import { freightOf } from '../link.suite.js';
import { BroadcastLink } from './broadcast-link.js';
import { BroadcastListener } from './broadcast-listener.js';
import { Air, cryptoOf, keyOf, partyOf, passFor } from './broadcast-test-helper.js';
import { OutgoingObject } from './outgoing-object.js';
import { macKeyOf } from './packets.js';
import { Transmitter, UDP_HEAD_BYTES, type Rounds } from './transmitter.js';

const WEST = keyOf(1);
const RATE = 100_000;
const NEVER = new AbortController().signal;
const ONCE: Rounds = { count: 1, pauseMs: 0, spreadMs: 0 };

function carousel(): { clock: ManualClock; air: Air; transmitter: Transmitter } {
  const clock = new ManualClock();
  const air = new Air();
  return { clock, air, transmitter: new Transmitter({ sender: air.sender(), rateBytesPerSec: RATE, clock }) };
}

function object(bytes: number, seed = 1): OutgoingObject {
  const crypto = cryptoOf(WEST);
  return new OutgoingObject(seededRandom(seed).bytes(bytes), { crypto, macKey: macKeyOf(crypto, WEST.publicKey), from: partyOf(WEST).id, to: partyOf(keyOf(2)).id, datagramBytes: 1472, extraPercent: 30 });
}

t.test('keeps to its rate, heads of IP and UDP included', async (t) => {
  const { clock, air, transmitter } = carousel();
  await transmitter.open();
  const sent = transmitter.send(object(500_000), ONCE, NEVER, () => undefined);
  for (let second = 1; second <= 5; second++) {
    clock.advance(1000);
    const onLine = air.sentBytes + air.sentDatagrams * UDP_HEAD_BYTES;
    t.ok(onLine <= second * RATE + RATE / 10 && onLine > second * RATE * 0.97, `${onLine} bytes in ${second} s`);
  }
  clock.advance(10_000);
  t.same(await sent, { kind: 'sent' });
});

t.test('spreads a round over the time it is told', async (t) => {
  const { clock, air, transmitter } = carousel();
  await transmitter.open();
  const sent = transmitter.send(object(14_000), { count: 1, pauseMs: 0, spreadMs: 20_000 }, NEVER, () => undefined);
  clock.advance(10_000);
  const half = air.sentDatagrams;
  clock.advance(15_000);
  t.same(await sent, { kind: 'sent' });
  t.ok(Math.abs(half / air.sentDatagrams - 0.5) < 0.2, `${half} of ${air.sentDatagrams} datagrams in half the time`);
});

t.test('objects take turns, and a newcomer does not wait for the end of what is there', async (t) => {
  const { clock, transmitter } = carousel();
  await transmitter.open();
  const count = [0, 0, 0];
  const track = (index: number) => (bytes: number) => (count[index]! += bytes);
  const large = [0, 1].map((index) => transmitter.send(object(400_000, index), ONCE, NEVER, track(index)));
  clock.advance(3000);
  t.ok(Math.abs(count[0]! - count[1]!) < 10_000, `${count[0]} and ${count[1]} bytes`);
  const small = transmitter.send(object(10_000, 3), ONCE, NEVER, track(2));
  clock.advance(3000);
  t.same(await small, { kind: 'sent' });
  clock.advance(20_000);
  t.same(await Promise.all(large), [{ kind: 'sent' }, { kind: 'sent' }]);
});

t.test('goes round as often as it is told, with pauses, until it is given up', async (t) => {
  const { clock, air, transmitter } = carousel();
  await transmitter.open();
  const controller = new AbortController();
  const sent = transmitter.send(object(1000), { count: 3, pauseMs: 60_000, spreadMs: 0 }, controller.signal, () => undefined);
  clock.advance(1000);
  t.equal(air.sentDatagrams, 1);
  clock.advance(60_000);
  t.equal(air.sentDatagrams, 2);
  controller.abort();
  t.same(await sent, { kind: 'given-up', rounds: 2 });
  clock.advance(3_600_000);
  t.equal(air.sentDatagrams, 2);
});

t.test('a medium that fails ends what is under way, and the next can go', async (t) => {
  const clock = new ManualClock();
  let fail: (reason: string) => void = () => undefined;
  const sender = { open: async (failed: (reason: string) => void) => void (fail = failed), send: () => undefined, close: async () => undefined };
  const transmitter = new Transmitter({ sender, rateBytesPerSec: RATE, clock });
  await transmitter.open();
  const first = transmitter.send(object(100_000), ONCE, NEVER, () => undefined);
  clock.advance(100);
  fail('no route');
  t.same(await first, { kind: 'failed', reason: 'no route' });
  const second = transmitter.send(object(1000), ONCE, NEVER, () => undefined);
  clock.advance(1000);
  t.same(await second, { kind: 'sent' });
});

t.test('links to one address share one carousel: it closes with the last of them', async (t) => {
  const { clock, air, transmitter } = carousel();
  await transmitter.open();
  await transmitter.open();
  await transmitter.close();
  const sent = transmitter.send(object(1000), ONCE, NEVER, () => undefined);
  clock.advance(100);
  t.same(await sent, { kind: 'sent' });
  const cut = transmitter.send(object(100_000), ONCE, NEVER, () => undefined);
  await transmitter.close();
  t.match(await cut, { kind: 'failed' });
  t.ok(air.sentDatagrams > 0);
});

t.test('from link to link over air that loses a fifth, with a listener that comes back and one that was never there', async (t) => {
  const { clock, air, transmitter } = carousel();
  const random = seededRandom(9);
  air.passes = (datagram) => (random.fraction() < 0.2 ? [] : [datagram]);
  const crypto = cryptoOf(WEST);
  const west = new BroadcastLink({ neighbour: 'east', us: partyOf(WEST), peer: partyOf(keyOf(2)), outbound: { transmitter, rounds: { count: 2, pauseMs: 1000, spreadMs: 0 }, datagramBytes: 1472, extraPercent: 30 }, largestBytes: 4 << 20, parallel: 2, crypto, clock });
  const ears = [2, 3].map((seed) => {
    const us = keyOf(seed);
    const listener = new BroadcastListener({ source: air.source(), ourId: partyOf(us).id, memoryBytes: 8 << 20, crypto: cryptoOf(us), clock });
    const link = new BroadcastLink({ neighbour: 'west', us: partyOf(us), peer: partyOf(WEST), listener, largestBytes: 4 << 20, parallel: 1, crypto: cryptoOf(us), clock });
    const taken: number[] = [];
    return { listener, link, taken, deliver: async ({ bytes }: { bytes: AsyncIterable<Uint8Array> }) => {
      for await (const chunk of bytes) taken.push(chunk.length);
      return { kind: 'taken' as const };
    } };
  });
  for (const { link, deliver } of ears) await link.start(deliver);
  await west.start(async () => ({ kind: 'refused', code: 'not-acceptable' }));
  const [east, other] = ears as [(typeof ears)[0], (typeof ears)[0]];

  const controller = new AbortController();
  const sending = west.send(freightOf(300_000), controller.signal);
  await passFor(clock, 2000);
  // The listener stops in the middle of the first round and has forgotten everything when it comes back.
  await east.link.stop();
  t.equal(east.listener.heldBytes, 0);
  await passFor(clock, 500);
  await east.link.start(east.deliver);
  await passFor(clock, 8000);
  t.same(east.taken, [300_000], 'the second round brings it');
  t.same(other.taken, [], 'what is for one neighbour is not delivered to another');
  t.equal(other.listener.heldBytes, 0);
  controller.abort(SETTLED);
  t.same(await sending, { kind: 'written' }, 'answered for: no need to go on');
  clock.advance(31 * 86_400_000);
  t.equal(east.link.status().state, 'idle', 'a month of silence is no fault');
  const again = west.send(freightOf(100), NEVER);
  await passFor(clock, 5000);
  t.same(await again, { kind: 'written' });
  t.same(east.taken, [300_000, 100]);
  for (const link of [west, east.link, other.link]) await link.stop();
});
