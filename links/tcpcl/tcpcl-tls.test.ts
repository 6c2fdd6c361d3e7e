/** Who may talk to us, and in what manner: keys, TLS, plain TCP. */
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import { pinnedKeyOf } from '../../base/tls-identity.js';
import { collector, eventuallyConfirmed, freightOf, sendNow, takeNothing, until } from '../link.suite.js';
import { TcpclLink, type TcpclLinkOptions } from './tcpcl-link.js';
import { TcpclListener } from './tcpcl-listener.js';
import { clear, makeSecurePair, party, QUICK, RawPeer } from './tcpcl-test-helper.js';

const outside = Object.values(networkInterfaces()).flat().find((address) => address?.internal === false && address.family === 'IPv4')?.address;
const noOutside = outside === undefined ? 'this machine has no address but loopback' : false;

const [ours, near, other] = await Promise.all([party(10), party(11), party(12)]);

interface Told {
  readonly message: string;
  readonly data: Readonly<Record<string, string | number>>;
}

/** Our end with TLS, listening for the neighbours given. */
async function listening(t: Test, neighbours: Record<string, Partial<TcpclLinkOptions>>, host = '127.0.0.1') {
  const told: Told[] = [];
  const listener = new TcpclListener({ host, port: 0, identity: ours.identity, clock: systemClock, log: (_level, message, data) => told.push({ message, data }) });
  const taken = collector();
  const from: (string | undefined)[] = [];
  const links = Object.entries(neighbours).map(([neighbour, options]) => new TcpclLink({ neighbour, nodeId: 'dtn://ours/', listener, ...QUICK, ...options }));
  t.teardown(() => Promise.all(links.map((link) => link.stop())));
  for (const link of links) {
    await link.start((arrival) => {
      from.push(arrival.peer);
      return taken.deliver(arrival);
    });
  }
  return { listener, links, told, taken, from };
}

function dialling(t: Test, port: number, options: Partial<TcpclLinkOptions>, host = '127.0.0.1'): TcpclLink {
  const link = new TcpclLink({ neighbour: 'ours', nodeId: 'dtn://near/', connect: { host, port }, ...QUICK, ...options });
  t.teardown(() => link.stop());
  return link;
}

/** A connection whose TLS begins in the same packet as the contact header, before the other side's has come. */
function eager(port: number): Duplex {
  const socket = connect(port, '127.0.0.1');
  let greeting = Buffer.from('64746e210401', 'hex');
  let unreadGreetingBytes = greeting.length;
  return new Duplex({
    write(chunk: Buffer, _encoding, done) {
      socket.write(Buffer.concat([greeting, chunk]), done);
      greeting = Buffer.alloc(0);
    },
    read() {
      socket.once('readable', () => {
        const bytes = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
        this.push(bytes.subarray(unreadGreetingBytes));
        unreadGreetingBytes = Math.max(0, unreadGreetingBytes - bytes.length);
      });
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
}

t.test('one door serves many neighbours, told apart by the keys they prove', async (t) => {
  const { listener, from, links } = await listening(t, { near: { peerKey: near.key }, other: { peerKey: other.key }, named: { peerNodeId: 'dtn://near/' } });
  for (const identity of [near, other]) {
    const link = dialling(t, listener.port, { identity: identity.identity, peerKey: ours.key });
    await link.start(takeNothing);
    t.same(await sendNow(link, freightOf(100)), { kind: 'confirmed' });
  }
  const plain = dialling(t, listener.port, {});
  await plain.start(takeNothing);
  t.same(await sendNow(plain, freightOf(100)), { kind: 'confirmed' });
  t.same(from, ['near', 'other', 'named'], 'the name is the neighbour of the key, whatever node id it uses');
  await links[0]!.stop();
  t.not(listener.port, 0, 'the door stays open for the others');
});

t.test('a server with another key hears nothing, not even who is there', async (t) => {
  const { listener, told } = await listening(t, { near: { peerKey: near.key } });
  const link = dialling(t, listener.port, { identity: near.identity, peerKey: other.key, nodeId: 'dtn://secret/' });
  await link.start(takeNothing);
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /another key than the one pinned/ });
  t.match(link.status(), { state: 'down', lastError: /another key/ });
  await until(() => told.length > 0);
  t.notMatch(JSON.stringify(told), /secret/);
});

t.test('a client with a key nobody has pinned gets no session', async (t) => {
  const { listener, told, links } = await listening(t, { near: { peerKey: near.key, peerNodeId: 'dtn://near/' } });
  const link = dialling(t, listener.port, { identity: other.identity, peerKey: ours.key });
  await link.start(takeNothing);
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /contact-failure/ });
  await until(() => told.some(({ data }) => String(data['reason']).includes('not pinned')));
  t.equal(links[0]!.status().state, 'down');
});

t.test('a client without a certificate, or with one of another kind, gets no session', async (t) => {
  const { listener, told } = await listening(t, { near: { peerKey: near.key, peerNodeId: 'dtn://near/' } });
  const peer = await RawPeer.dial(listener.port);
  peer.say('64746e210401');
  await peer.hears('64746e210401');
  peer.socket.removeAllListeners('data');
  const tls = connectTls({ socket: peer.socket, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  tls.on('error', () => undefined);
  await new Promise((resolve) => tls.once('secureConnect', resolve));
  t.strictSame(pinnedKeyOf(tls), ours.key);
  t.equal(tls.getProtocol(), 'TLSv1.3');
  tls.write(Buffer.from('0700000000000000000400000000000000280000 0b 64746e3a2f2f6e6561722f 00000000'.replaceAll(' ', ''), 'hex'));
  let heard = '';
  tls.on('data', (bytes: Buffer) => (heard += bytes.toString('hex')));
  await until(() => tls.closed || heard.length >= 6);
  t.equal(heard, '050004');
  await until(() => told.some(({ data }) => String(data['reason']).includes('no Ed25519 key')));
});

t.test('TLS older than 1.3 is not spoken', async (t) => {
  const { listener } = await listening(t, { near: { peerKey: near.key } });
  const peer = await RawPeer.dial(listener.port);
  peer.say('64746e210401');
  await peer.hears('64746e210401');
  peer.socket.removeAllListeners('data');
  const tls = connectTls({ socket: peer.socket, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const failed = await new Promise((resolve) => tls.once('error', () => resolve(true)).once('secureConnect', () => resolve(false)));
  t.equal(failed, true);
});

t.test('words in the clear before TLS are not obeyed, and early TLS is understood', async (t) => {
  const { listener, links } = await listening(t, { near: { peerKey: near.key } });
  const peer = await RawPeer.dial(listener.port);
  peer.say('64746e210401 07000000000000000004000000000000002800 000b 64746e3a2f2f6e6561722f 00000000');
  await peer.closed();
  t.equal(peer.heard.slice(0, 12), '64746e210401');
  t.notMatch(peer.heard, /07001e/, 'no SESS_INIT in answer');
  t.equal(links[0]!.status().state, 'down');

  const tls = connectTls({ socket: eager(listener.port), rejectUnauthorized: false, minVersion: 'TLSv1.3', cert: near.identity.certPem, key: near.identity.keyPem });
  await new Promise((resolve, reject) => tls.once('secureConnect', resolve).once('error', reject));
  t.pass('TLS comes up');
  tls.destroy();
});

t.test('a man in the middle who strikes TLS out of the greetings gets nothing', { skip: noOutside }, async (t) => {
  const { listener, told } = await listening(t, { near: { peerKey: near.key, peerNodeId: 'dtn://near/', allowPlain: true } }, '0.0.0.0');
  const link = dialling(t, listener.port, { peerNodeId: 'dtn://ours/', allowPlain: true }, outside);
  await link.start(takeNothing);
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /contact-failure/ }, 'the door wants TLS from other machines');
  await until(() => told.some(({ data }) => /TLS/.test(String(data['reason']))));

  const plainDoor = new TcpclListener({ host: '0.0.0.0', port: 0, allowPlain: true, clock: systemClock });
  const far = new TcpclLink({ neighbour: 'near', nodeId: 'dtn://ours/', peerNodeId: 'dtn://near/', listener: plainDoor, allowPlain: true, ...QUICK });
  t.teardown(() => far.stop());
  await far.start(takeNothing);
  const strict = dialling(t, plainDoor.port, { identity: near.identity, peerKey: ours.key, nodeId: 'dtn://near/' }, outside);
  await strict.start(takeNothing);
  t.match(await sendNow(strict, freightOf(10)), { kind: 'unreachable', reason: /offers no TLS/ }, 'and so does the one who dials');
});

t.test('plain TCP to other machines works when both ends allow it', { skip: noOutside }, async (t) => {
  for (const linkAllows of [true, false]) {
    const door = new TcpclListener({ host: '0.0.0.0', port: 0, allowPlain: true, clock: systemClock });
    const taken = collector();
    const far = new TcpclLink({ neighbour: 'near', nodeId: 'dtn://ours/', peerNodeId: 'dtn://near/', listener: door, allowPlain: linkAllows, ...QUICK });
    t.teardown(() => far.stop());
    await far.start(taken.deliver);
    const link = dialling(t, door.port, { allowPlain: true }, outside);
    await link.start(takeNothing);
    t.equal((await sendNow(link, freightOf(10))).kind, linkAllows ? 'confirmed' : 'unreachable');
  }
});

t.test('a link that would talk to another machine without knowing whom does not start', async (t) => {
  for (const options of [{}, { identity: near.identity }, { peerKey: ours.key }]) {
    const link = dialling(t, 4556, options, '192.0.2.1');
    await t.rejects(link.start(takeNothing), { code: 'LINK_PLAIN', data: { address: '192.0.2.1:4556' } });
    t.equal(link.status().state, 'stopped');
    await link.stop();
  }
});

t.test('a port in use is a coded error, and the link can be started later', async (t) => {
  const { listener } = await listening(t, { near: { peerKey: near.key } });
  const second = new TcpclListener({ host: '127.0.0.1', port: listener.port, clock: systemClock });
  const link = new TcpclLink({ neighbour: 'other', nodeId: 'dtn://ours/', listener: second, ...QUICK });
  await t.rejects(link.start(takeNothing), { code: 'LINK_LISTEN', data: { host: '127.0.0.1', port: listener.port } });
  await link.stop();
});

t.test('a name is resolved, and sent along with TLS', async (t) => {
  const { listener } = await listening(t, { near: { peerKey: near.key } }, 'localhost');
  const link = dialling(t, listener.port, { identity: near.identity, peerKey: ours.key }, 'localhost');
  await link.start(takeNothing);
  t.same(await sendNow(link, freightOf(10)), { kind: 'confirmed' });
});

t.test('a session over TLS ends in order from either side, and comes back', async (t) => {
  const pair = clear(t, await makeSecurePair());
  const taken = collector();
  await pair.far.start(taken.deliver);
  await pair.near.start(takeNothing);
  t.same(await sendNow(pair.near, freightOf(10)), { kind: 'confirmed' });
  await pair.near.stop();
  t.equal(pair.far.status().lastError, undefined, 'the far end saw an end in order');
  await pair.near.start(takeNothing);
  await eventuallyConfirmed(t, pair.near, freightOf(20));
  await pair.far.stop();
  await until(() => pair.near.status().state === 'down');
});
