import { createSocket, type Socket } from 'node:dgram';
import t, { type Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import { collector, freightOf, runLinkSuite, sendNow, takeNothing, until, type LineFace, type LinkPair } from '../link.suite.js';
import { BroadcastLink } from './broadcast-link.js';
import { BroadcastListener } from './broadcast-listener.js';
import { cryptoOf, keyOf, partyOf } from './broadcast-test-helper.js';
import { Transmitter } from './transmitter.js';
import { isMulticast, UdpSender, UdpSource } from './udp.js';

const NEAR = keyOf(1);
const FAR = keyOf(2);
const ONE_WAY = 'nothing comes back on a one-way link';
const UNHEARD = 'nobody says that datagrams were not heard';

t.test('over UDP on this machine', async (t) =>
  runLinkSuite(t, makePair, {
    'confirms only after the far end has dealt with the bytes': ONE_WAY,
    'says what the far end refused, by code': ONE_WAY,
    'says what the far end refused before reading it': ONE_WAY,
    'says when to try again': ONE_WAY,
    'brings the answer home': ONE_WAY,
    'reads no further than the far end takes': 'a unit is read whole before it is coded',
    'says unreachable when nobody listens, and soon': UNHEARD,
    'tells the far end when bytes stop short': 'a unit is read whole before the first datagram leaves',
    'carries on when the line comes back': UNHEARD,
    'carries on when the far end comes back': UNHEARD,
  }),
);

t.test('over multicast on this machine: one carousel, heard by two at one port, each takes what is its own', async (t) => {
  const group = '239.195.17.2';
  const ears: { taken: ReturnType<typeof collector>; port: number }[] = [];
  for (const seed of [2, 3]) {
    const source = new UdpSource({ host: '0.0.0.0', port: ears[0]?.port ?? 0, groups: [group], interfaceAddress: '127.0.0.1', receiveBufferBytes: 1 << 22 });
    const link = listening(keyOf(seed), source);
    const taken = collector();
    await link.start(taken.deliver);
    t.teardown(() => link.stop());
    ears.push({ taken, port: source.port });
  }
  const carousel = transmitterTo(group, ears[0]!.port, '127.0.0.1');
  const freights = await Promise.all(
    ears.map(async (_, index) => {
      const link = sending(carousel, keyOf(index + 2));
      await link.start(takeNothing);
      t.teardown(() => link.stop());
      const freight = freightOf(50_000 + index);
      t.same(await sendNow(link, freight), { kind: 'written' });
      return freight;
    }),
  );
  for (const [index, { taken }] of ears.entries()) {
    await until(() => taken.digests.length > 0);
    t.same(taken.digests, [freights[index]!.digest]);
  }
  t.ok(isMulticast(group) && isMulticast('ff02::1') && !isMulticast('192.0.2.1') && !isMulticast('fe80::1'));
});

t.test('cannot listen where somebody else does, and says so', async (t) => {
  const other = createSocket('udp4');
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const link = listening(FAR, new UdpSource({ host: '127.0.0.1', port: other.address().port, groups: [], receiveBufferBytes: 1 << 20 }));
  await t.rejects(link.start(takeNothing), { code: 'LINK_LISTEN' });
  t.equal(link.status().state, 'stopped');
});

t.test('says unreachable when datagrams cannot leave', async (t) => {
  // No UDP datagram is so large.
  const link = sending(transmitterTo('127.0.0.1', 1), FAR, 70_000);
  await link.start(takeNothing);
  t.teardown(() => link.stop());
  t.match(await sendNow(link, freightOf(200_000)), { kind: 'unreachable', reason: /./ });
  t.match(link.status(), { state: 'down', lastError: /./ });
});

t.test('a link that only listens has nothing to send with, and one that is full says so', async (t) => {
  const link = listening(FAR, new UdpSource({ host: '127.0.0.1', port: 0, groups: [], receiveBufferBytes: 1 << 20 }));
  await link.start(takeNothing);
  t.teardown(() => link.stop());
  t.equal(link.supports.parallel, 0);
  t.match(await sendNow(link, freightOf(1)), { kind: 'unreachable', reason: /only listens/ });
  const small = sending(transmitterTo('127.0.0.1', 9), FAR);
  await small.start(takeNothing);
  t.teardown(() => small.stop());
  t.match(await sendNow(small, freightOf((4 << 20) + 1)), { kind: 'refused', code: 'too-large' });
});

async function makePair(_t: Test): Promise<LinkPair> {
  const source = new UdpSource({ host: '127.0.0.1', port: 0, groups: [], receiveBufferBytes: 1 << 22 });
  // The suite starts the far end first, and again at the same port: it has to be known before.
  await source.open(() => undefined);
  const { port } = source;
  await source.close();
  const far = listening(FAR, new UdpSource({ host: '127.0.0.1', port, groups: [], receiveBufferBytes: 1 << 22 }));
  return { near: sending(transmitterTo('127.0.0.1', port), FAR), far, line: new UdpLine(port), success: 'written' };
}

function listening(us: typeof FAR, source: UdpSource): BroadcastLink {
  const listener = new BroadcastListener({ source, ourId: partyOf(us).id, memoryBytes: 32 << 20, crypto: cryptoOf(us), clock: systemClock });
  return new BroadcastLink({ neighbour: 'near', us: partyOf(us), peer: partyOf(NEAR), listener, largestBytes: 4 << 20, parallel: 4, crypto: cryptoOf(us), clock: systemClock });
}

/** Nothing is lost on this machine but what overflows: the rate is one that a busy one keeps up with. */
function transmitterTo(host: string, port: number, interfaceAddress?: string): Transmitter {
  const sender = new UdpSender({ host, port, ttl: 0, ...(interfaceAddress !== undefined && { interfaceAddress }) });
  return new Transmitter({ sender, rateBytesPerSec: 4 << 20, clock: systemClock });
}

function sending(transmitter: Transmitter, peer: typeof FAR, datagramBytes = 1472): BroadcastLink {
  return new BroadcastLink({
    neighbour: 'far',
    us: partyOf(NEAR),
    peer: partyOf(peer),
    outbound: { transmitter, rounds: { count: 1, pauseMs: 0, spreadMs: 0 }, datagramBytes, extraPercent: 30 },
    largestBytes: 4 << 20,
    parallel: 4,
    crypto: cryptoOf(NEAR),
    clock: systemClock,
  });
}

class UdpLine implements LineFace {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async cut(): Promise<void> {}

  async mend(): Promise<void> {}

  async close(): Promise<void> {}

  async stranger(words: string | Uint8Array): Promise<{ resetAndDestroy(): void }> {
    const socket: Socket = createSocket('udp4');
    await new Promise((resolve) => socket.send(words, this.#port, '127.0.0.1', resolve));
    return { resetAndDestroy: () => socket.close() };
  }
}
