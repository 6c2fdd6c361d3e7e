/** Peers that are not ours: other stacks, and people who mean harm. */
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import { toHex } from '../../base/bytes.js';
import { isPosternError } from '../../base/errors.js';
import { readSpecVectors } from '../../scripts/spec-vectors.js';
import type { Deliver } from '../link.js';
import { collector, eventuallyConfirmed, freightOf, sendNow, takeNothing, until } from '../link.suite.js';
import { TcpclLink, type TcpclLinkOptions } from './tcpcl-link.js';
import { TcpclListener, type TcpclListenerOptions } from './tcpcl-listener.js';
import { QUICK, RawPeer } from './tcpcl-test-helper.js';

const CONTACT = '64746e210400';
const PEER_INIT = '07 0000 0000000000000400 0000000000002800 0007 69706e3a312e30 00000000';
const OUR_INIT = '07 001e 00000000000186a0 0000000000400000 0007 69706e3a322e30 00000000';

/** Peers moved by hand rarely answer SESS_TERM. */
const IMPATIENT = { drainMs: 100 };

/** Our end as ipn:2.0, listening for ipn:1.0. */
async function listening(t: Test, deliver: Deliver, options: { link?: Partial<TcpclLinkOptions>; listener?: Partial<TcpclListenerOptions> } = {}): Promise<{ link: TcpclLink; port: number }> {
  const listener = new TcpclListener({ host: '127.0.0.1', port: 0, clock: systemClock, ...options.listener });
  const link = new TcpclLink({ neighbour: 'peer', nodeId: 'ipn:2.0', peerNodeId: 'ipn:1.0', listener, ...IMPATIENT, ...QUICK, ...options.link });
  t.teardown(() => link.stop());
  await link.start(deliver);
  return { link, port: listener.port };
}

interface Dialling {
  readonly link: TcpclLink;
  readonly peer: RawPeer;
  /** The same peer again, when the link dials once more. */
  readonly next: () => Promise<RawPeer>;
}

/** Our end as ipn:2.0, dialling a peer by hand. */
async function dialling(t: Test, deliver: Deliver, options: Partial<TcpclLinkOptions> = {}): Promise<Dialling> {
  const door = await RawPeer.listen(t);
  const link = new TcpclLink({ neighbour: 'peer', nodeId: 'ipn:2.0', connect: { host: '127.0.0.1', port: door.port }, ...IMPATIENT, ...QUICK, ...options });
  t.teardown(() => link.stop());
  await link.start(deliver);
  return { link, peer: await door.next(), next: door.next };
}

async function greeted(t: Test, deliver: Deliver, options: Partial<TcpclLinkOptions> = {}, init = PEER_INIT): Promise<Dialling> {
  const both = await dialling(t, deliver, options);
  both.peer.say(CONTACT + init);
  await until(() => both.link.status().state === 'up');
  return both;
}

t.test('HDTN, as recorded: the passive side of a whole session', async (t) => {
  const [active, passive] = ['tcpcl-hdtn-active', 'tcpcl-hdtn-passive'].map((name) => toHex(readSpecVectors('tcpcl').find((vector) => vector.name === name)!.bytes));
  const taken = collector();
  const { port, link } = await listening(t, taken.deliver, { link: { keepaliveSec: 15, segmentMruBytes: 200_000, largestBytes: 1_000_040 } });
  const peer = await RawPeer.dial(port);
  const term = '050000';
  peer.say(active!.slice(0, -term.length));
  await until(() => peer.heard.length === passive!.length - term.length);
  peer.say(term);
  t.equal(await peer.hears(passive!), 'as expected', 'byte for byte what HDTN answers');
  await peer.closed();
  t.equal(taken.digests.length, 1);
  t.equal(link.status().lastError, undefined);
});

t.test('a peer with small segments and numbers of its own', async (t) => {
  const { link, peer } = await greeted(t, takeNothing);
  const sending = sendNow(link, freightOf(2500));
  const heads = CONTACT.length + OUR_INIT.replaceAll(' ', '').length;
  await until(() => peer.heard.length >= heads + 2 * (22 + 13 + 1024 + 18 + 1024 + 18 + 452));
  const said = peer.heard.slice(heads);
  t.match(said.slice(0, 70), '0102000000000000000000' + '00000d' + '0100010008' + '00000000000009c4' + '0000000000000400');
  peer.say('02 02 0000000000000000 0000000000000400' + '02 00 0000000000000000 0000000000000800' + '02 01 0000000000000000 00000000000009c4');
  t.same(await sending, { kind: 'confirmed' });
  t.match(await sendNow(link, freightOf(10_241)), { kind: 'refused', code: 'too-large', reason: /10240/ }, 'the transfer MRU of the peer is the law');
});

t.test('a peer that refuses says why', async (t) => {
  const { link, peer } = await greeted(t, takeNothing);
  const answers: [string, object][] = [
    ['00', { kind: 'refused', code: 'unknown' }],
    ['01', { kind: 'confirmed' }],
    ['02', { kind: 'refused', code: 'no-resources' }],
    ['03', { kind: 'refused', code: 'retransmit' }],
    ['04', { kind: 'refused', code: 'not-acceptable' }],
    ['05', { kind: 'refused', code: 'extension-failure' }],
    ['77', { kind: 'refused', code: 'unknown' }],
  ];
  for (const [id, [reason, outcome]] of answers.entries()) {
    const before = peer.heard.length;
    const sending = sendNow(link, freightOf(10));
    await until(() => peer.heard.length > before);
    peer.say(`03 ${reason} ${id.toString(16).padStart(16, '0')}`);
    t.match(await sending, outcome);
  }
});

t.test('a refusal of ours carries a reason the peer can use', async (t) => {
  const codes = ['completed', 'STORE_FULL', 'STORE_BUSY', 'retransmit', 'WIRE_VALUE', 'not-known'];
  const { port } = await listening(t, async () => ({ kind: 'refused', code: codes.shift()! }));
  const peer = await RawPeer.dial(port);
  peer.say(CONTACT + PEER_INIT);
  for (let id = 0; id < 6; id++) peer.say(`01 03 ${id.toString(16).padStart(16, '0')} 00000000 0000000000000001 aa`);
  const reasons = ['01', '02', '02', '03', '04', '04'].map((reason, id) => `03${reason}${id.toString(16).padStart(16, '0')}`);
  t.equal(await peer.hears(CONTACT + OUR_INIT + reasons.join('')), 'as expected');
  peer.socket.destroy();
});

t.test('a peer whose arrival throws gets it all again', async (t) => {
  const { port } = await listening(t, async () => {
    throw new Error('no');
  });
  const peer = await RawPeer.dial(port);
  peer.say(`${CONTACT}${PEER_INIT}01 03 0000000000000000 00000000 0000000000000001 aa`);
  t.equal(await peer.hears(`${CONTACT}${OUR_INIT}03 03 0000000000000000`), 'as expected');
  peer.socket.destroy();
});

t.test('a peer that is named otherwise, or not at all, is not let in', async (t) => {
  const { port, link } = await listening(t, takeNothing);
  for (const name of ['0007 69706e3a332e30', '0000']) {
    const peer = await RawPeer.dial(port);
    peer.say(`${CONTACT}07 0000 0000000000000400 0000000000002800 ${name} 00000000`);
    t.equal(await peer.hears(`${CONTACT}050004`), 'as expected');
    await peer.closed();
  }
  t.equal(link.status().state, 'down');
});

t.test('a peer of another version hears so', async (t) => {
  const { port } = await listening(t, takeNothing);
  const peer = await RawPeer.dial(port);
  // TCPCL version 3: flags, keepalive, then a node id of SDNV length.
  peer.say('64746e2103 00 000f 07 69706e3a312e30');
  t.equal(await peer.hears(`${CONTACT}050002`), 'as expected');
  await peer.closed();
});

t.test('a peer that leaves in the middle of what we send', async (t) => {
  const { link, peer } = await greeted(t, takeNothing, {}, PEER_INIT.replace('0000000000000400 0000000000002800', '0000000000010000 0000000000400000'));
  const sending = sendNow(link, freightOf(4 * 1024 * 1024));
  await until(() => peer.heard.length > 200_000);
  peer.socket.destroy();
  t.match(await sending, { kind: 'unreachable' });
});

t.test('a peer that ends the session lets us finish and is answered', async (t) => {
  const { link, peer } = await greeted(t, takeNothing);
  const sending = sendNow(link, freightOf(10));
  await until(() => peer.heard.includes('0103'));
  peer.say('050003');
  await until(() => peer.heard.endsWith('050103'));
  t.not(link.status().state, 'up', 'nothing new begins');
  peer.say('02 03 0000000000000000 000000000000000a');
  t.same(await sending, { kind: 'confirmed' });
  await peer.closed();
});

t.test('a unit turned away by a session on its way out goes over the next one', async (t) => {
  const { link, peer, next } = await greeted(t, takeNothing);
  // As long as the back-off of the first attempt.
  await pause(100);
  const sending = sendNow(link, freightOf(10));
  await until(() => peer.heard.includes('0103'));
  peer.say('050000 03 06 0000000000000000');
  await peer.closed();
  const again = await next();
  again.say(CONTACT + PEER_INIT);
  await until(() => again.heard.includes('0103'));
  again.say('02 03 0000000000000000 000000000000000a');
  t.match(await sending, { kind: 'confirmed' });
});

t.test('a peer that never answers is given up in time, at every stage', async (t) => {
  const impatient = { handshakeMs: 150, progressMs: 200, drainMs: 150 };
  const silent = await dialling(t, takeNothing, impatient);
  await silent.peer.closed();
  await until(() => silent.link.status().lastError !== undefined);
  t.match(silent.link.status(), { state: 'down', lastError: /greetings/ });

  const deaf = await greeted(t, takeNothing, impatient);
  t.match(await sendNow(deaf.link, freightOf(10)), { kind: 'unreachable' }, 'it never acknowledges');

  const stuck = await greeted(t, takeNothing, impatient);
  const startedMs = Date.now();
  await stuck.link.stop();
  t.ok(Date.now() - startedMs < 3000, 'stopping does not wait for SESS_TERM for ever');
});

t.test('a stranger that says nothing, or little by little, is shown out', async (t) => {
  const { port, link } = await listening(t, takeNothing, { listener: { handshakeMs: 200 } });
  const peers = await Promise.all([RawPeer.dial(port), RawPeer.dial(port), RawPeer.dial(port)]);
  peers[1].say('64');
  peers[2].say(CONTACT);
  const startedMs = Date.now();
  const drip = setInterval(() => peers[2].say('07'), 20);
  await Promise.all(peers.map((peer) => peer.closed()));
  clearInterval(drip);
  t.ok(Date.now() - startedMs < 2500);
  t.equal(link.status().state, 'down');
});

t.test('strangers are counted, and neighbours still get in', async (t) => {
  const taken = collector();
  const { port } = await listening(t, taken.deliver);
  const crowd = await Promise.all(Array.from({ length: 30 }, () => RawPeer.dial(port)));
  await pause(100);
  t.equal(crowd.filter((peer) => !peer.socket.closed).length, 8, 'one address holds no more than its share');
  for (const peer of crowd) peer.socket.destroy();
  await pause(50);
  const peer = await RawPeer.dial(port);
  peer.say(`${CONTACT}${PEER_INIT}01 03 0000000000000000 00000000 0000000000000001 aa`);
  t.equal(await peer.hears(`${CONTACT}${OUR_INIT}02 03 0000000000000000 0000000000000001`), 'as expected');
  peer.socket.destroy();
});

t.test('a peer that floods us with tiny transfers is held back, and loses none', async (t) => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let atOnce = 0;
  let seen = 0;
  const { port } = await listening(t, async (arrival) => {
    seen++;
    atOnce++;
    await released;
    for await (const chunk of arrival.bytes) void chunk;
    atOnce--;
    return { kind: 'taken' };
  });
  const peer = await RawPeer.dial(port);
  peer.say(CONTACT + PEER_INIT);
  for (let id = 0; id < 500; id++) peer.say(`01 03 ${id.toString(16).padStart(16, '0')} 00000000 0000000000000001 aa`);
  await pause(200);
  t.equal(atOnce, 4, 'no more at once than the link supports');
  release();
  const acks = Array.from({ length: 500 }, (_, id) => `0203${id.toString(16).padStart(16, '0')}0000000000000001`).join('');
  t.equal(await peer.hears(CONTACT + OUR_INIT + acks), 'as expected');
  t.equal(seen, 500);
  peer.socket.destroy();
});

t.test('a peer that announces more than it may is refused at once, and one that lies is, too', async (t) => {
  const outcomes: string[] = [];
  const { port } = await listening(t, async (arrival) => {
    try {
      for await (const chunk of arrival.bytes) void chunk;
      outcomes.push('whole');
    } catch (thrown) {
      outcomes.push(isPosternError(thrown) ? thrown.code : 'no coded fault');
    }
    return { kind: 'taken' };
  });
  const peer = await RawPeer.dial(port);
  peer.say(CONTACT + PEER_INIT);
  peer.say('01 02 0000000000000000 0000000d 01 0001 0008 ffffffffffffffff 0000000000000001 aa');
  peer.say('01 02 0000000000000001 0000000d 01 0001 0008 0000000000000003 0000000000000001 aa' + '01 01 0000000000000001 0000000000000001 bb');
  t.equal(await peer.hears(`${CONTACT}${OUR_INIT}03 04 0000000000000000 02 02 0000000000000001 0000000000000001 03 04 0000000000000001`), 'as expected');
  t.same(outcomes, ['LINK_PROTOCOL'], 'the first never reached the gateway');
  peer.say('01 02 0000000000000002 00000000 0000000000000003 aa');
  await pause(50);
  peer.socket.destroy();
  await until(() => outcomes.length === 2);
  t.equal(outcomes[1], 'LINK_UNREACHABLE', 'a contact that breaks is told from a lie');
});

t.test('a peer that breaks the rules loses its session, not the listener', async (t) => {
  const taken = collector();
  const { port, link } = await listening(t, taken.deliver);
  const rude = ['01 00 0000000000000007 0000000000000001 aa', 'aa', '01 03 0000000000000000 00000000 ffffffffffffffff', '01 02 0000000000000000 ffffffff 0000000000000000', '060301'];
  for (const words of rude) {
    const peer = await RawPeer.dial(port);
    peer.say(CONTACT + PEER_INIT + words);
    await peer.closed();
  }
  await until(() => link.status().state === 'down');
  t.match(link.status().lastError, /./);
  const peer = await RawPeer.dial(port);
  peer.say(`${CONTACT}${PEER_INIT}01 03 0000000000000000 00000000 0000000000000001 aa`);
  t.equal(await peer.hears(`${CONTACT}${OUR_INIT}02 03 0000000000000000 0000000000000001`), 'as expected');
  peer.socket.destroy();
});

t.test('a peer with many sessions keeps the youngest few', async (t) => {
  const { port } = await listening(t, takeNothing);
  const peers: RawPeer[] = [];
  for (let n = 0; n < 5; n++) {
    const peer = await RawPeer.dial(port);
    peer.say(CONTACT + PEER_INIT);
    await peer.hears(CONTACT + OUR_INIT);
    peers.push(peer);
  }
  await until(() => peers[0]!.heard.endsWith('050003'));
  await peers[0]!.closed();
  t.same(peers.map((peer) => peer.socket.closed), [true, false, false, false, false]);
  for (const peer of peers) peer.socket.destroy();
});

t.test('more connections than a neighbour may have are turned away, and the status says how many', async (t) => {
  // Those that make way take their time, so that they count.
  const { port, link } = await listening(t, takeNothing, { link: { drainMs: 60_000 } });
  const peers: RawPeer[] = [];
  const limit = (): unknown => link.status().limits?.[0];
  for (let count = 1; count <= 8; count++) {
    const peer = await RawPeer.dial(port);
    peer.say(CONTACT + PEER_INIT);
    await peer.hears(CONTACT + OUR_INIT);
    peers.push(peer);
    t.match(limit(), { name: 'connections', used: count, most: 8, refused: 0 });
  }
  const ninth = await RawPeer.dial(port);
  ninth.say(CONTACT + PEER_INIT);
  await until(() => (limit() as { refused: number }).refused === 1);
  t.match(limit(), { used: 8, most: 8, refused: 1 });
  peers[7]!.socket.destroy();
  await until(() => (limit() as { used: number }).used < 8);
  const tenth = await RawPeer.dial(port);
  tenth.say(CONTACT + PEER_INIT);
  await tenth.hears(CONTACT + OUR_INIT);
  t.match(limit(), { used: 8, refused: 1 }, 'a place that is free again is given away');
  for (const peer of [...peers, ninth, tenth]) peer.socket.destroy();
});

t.test('sends that run together survive one that is given up before it begins', async (t) => {
  const { link, peer } = await greeted(t, takeNothing);
  const stop = new AbortController();
  const first = sendNow(link, freightOf(10));
  const second = link.send(freightOf(10, { stallAfter: 5 }), stop.signal);
  const third = sendNow(link, freightOf(10));
  await until(() => peer.heard.includes('0103'));
  stop.abort();
  t.match(await second, { kind: 'unreachable' });
  await until(() => peer.heard.includes('01030000000000000001'));
  peer.say('02 03 0000000000000000 000000000000000a 02 03 0000000000000001 000000000000000a');
  t.same(await first, { kind: 'confirmed' });
  t.same(await third, { kind: 'confirmed' });
});

t.test('freight that cannot be read, or is not as long as it says, is not half sent for good', async (t) => {
  for (const spoil of ['short', 'long', 'fault'] as const) {
    const { link, peer } = await greeted(t, takeNothing, {}, PEER_INIT.replace('0000000000002800', '0000000000400000'));
    const outcome = await sendNow(link, {
      bytes: 3000,
      async *open() {
        yield new Uint8Array(spoil === 'long' ? 2999 : 2000);
        if (spoil === 'fault') throw new Error('disk');
        if (spoil === 'long') yield new Uint8Array(10);
      },
    });
    t.match(outcome, { kind: 'unreachable', reason: spoil === 'fault' ? /disk/ : /bytes/ }, spoil);
    if (spoil === 'long') continue;
    await until(() => peer.heard.endsWith('050000'));
    t.pass('the session ends, so that the peer does not take the half for the whole');
  }
});

t.test('without a word for a while the link hangs up, and dials again when there is something to say', async (t) => {
  const door = new TcpclListener({ host: '127.0.0.1', port: 0, clock: systemClock });
  const taken = collector();
  const far = new TcpclLink({ neighbour: 'near', nodeId: 'ipn:2.0', peerNodeId: 'ipn:1.0', listener: door, ...QUICK });
  t.teardown(() => far.stop());
  await far.start(taken.deliver);
  const near = new TcpclLink({ neighbour: 'far', nodeId: 'ipn:1.0', connect: { host: '127.0.0.1', port: door.port }, idleMs: 100, ...QUICK });
  t.teardown(() => near.stop());
  await near.start(takeNothing);
  t.equal(near.status().state, 'idle', 'it does not dial for nothing');
  for (let n = 1; n <= 3; n++) {
    await eventuallyConfirmed(t, near, freightOf(n));
    await until(() => near.status().state === 'idle');
    t.equal(taken.digests.length, n);
  }
  t.equal(near.status().lastError, undefined);
});

t.test('ends that dial each other at once keep one session, and lose nothing', async (t) => {
  const doors = [0, 1].map(() => new TcpclListener({ host: '127.0.0.1', port: 0, clock: systemClock }));
  const closeEarly = doors.map((listener) => ({ listener, claim: { allowPlain: true, accept: () => ({ reason: 'busy' as const }) } }));
  for (const { listener, claim } of closeEarly) await listener.attach(claim);
  const taken = [collector(), collector()];
  const events: string[] = [];
  const ends = [0, 1].map((n) => {
    const other = 1 - n;
    return new TcpclLink({
      neighbour: `end-${other}`,
      nodeId: `ipn:${n + 1}.0`,
      peerNodeId: `ipn:${other + 1}.0`,
      listener: doors[n]!,
      connect: { host: '127.0.0.1', port: doors[other]!.port },
      log: (_level, message) => events.push(message),
      ...QUICK,
    });
  });
  t.teardown(async () => {
    await Promise.all(ends.map((end) => end.stop()));
    for (const { listener, claim } of closeEarly) await listener.detach(claim);
  });
  await Promise.all(ends.map((end, n) => end.start(taken[n]!.deliver)));
  for (let round = 0; round < 20; round++) {
    await Promise.all(ends.map((end) => eventuallyConfirmed(t, end, freightOf(1000 + round))));
  }
  t.equal(taken[0]!.digests.length, 20);
  t.equal(taken[1]!.digests.length, 20);
  const count = (message: string): number => events.filter((event) => event === message).length;
  await until(() => count('session established') - count('session ended') === 2);
  await pause(300);
  t.equal(count('session established') - count('session ended'), 2, 'one session, seen by two ends, and it stays');
  t.ok(count('session established') <= 4);
});

t.test('the gateway hears of a neighbour that comes back by itself', async (t) => {
  const door = await RawPeer.listen(t);
  const link = new TcpclLink({ neighbour: 'peer', nodeId: 'ipn:2.0', connect: { host: '127.0.0.1', port: door.port }, ...IMPATIENT, ...QUICK });
  t.teardown(() => link.stop());
  let signs = 0;
  link.onSignOfLife = () => signs++;
  await link.start(takeNothing);
  (await door.next()).say(CONTACT + PEER_INIT);
  await until(() => signs === 1);
  t.equal(link.status().state, 'up');
});
