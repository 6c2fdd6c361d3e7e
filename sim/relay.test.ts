import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import type { Test } from 'tap';
import { utf8 } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { Relay } from './relay.js';
import type { RelayOptions } from './relay.js';
import { openRelayControl } from './relay-control.js';
import { parseDoor } from './relay-door.js';
import type { Door } from './relay-door.js';
import { parseScenario } from './scenario-file.js';

const LOCAL = '127.0.0.1';

t.test('datagrams go both ways, and each node finds its neighbour at one address', async (t) => {
  const [mars, earth] = [await udpNode(t), await udpNode(t)];
  const relay = await start(t, 'delay: 50 s, rate: 8 Mbit/s', [door('udp', 'earth', earth.port), door('udp', 'mars', mars.port)], { scale: 1000 });
  const [toEarth, toMars] = portsOf(relay);
  const startedMs = systemClock.monotonicMs();
  mars.socket.send('question', toEarth, LOCAL);
  t.match(await earth.next(), { text: 'question', port: toMars });
  t.ok(systemClock.monotonicMs() - startedMs >= 49, 'light has had its time');
  earth.socket.send('answer', toMars, LOCAL);
  t.match(await mars.next(), { text: 'answer', port: toEarth });
  const { ways, late } = relay.report();
  t.match(ways, [{ towards: 'earth', arrivedDatagrams: 1, bytes: 8 }, { towards: 'mars', arrivedDatagrams: 1, bytes: 6 }]);
  t.equal(late.handedOn.count, 2);
  t.ok(late.handedOn.maxMs > 0);
});

t.test('datagrams of strangers are dropped, and so are those for a neighbour that is not there', async (t) => {
  const earth = await udpNode(t);
  const doors: Door[] = [{ ...door('udp', 'earth', earth.port), target: { host: LOCAL, port: earth.port } }, { ...door('udp', 'mars', 9), target: { host: '127.0.0.2', port: 9 } }];
  const relay = await start(t, 'delay: 0 s', doors);
  const stranger = await udpNode(t);
  stranger.socket.send('let me in', portsOf(relay)[0], LOCAL);
  await until(() => relay.report().doors[0]!.strangers === 1);
  earth.socket.send('anybody there?', portsOf(relay)[1], LOCAL);
  await until(() => relay.report().ways[1]!.arrivedDatagrams === 1);
  t.match(relay.report().ways[0], { datagrams: 0 });
});

t.test('a connection carries everything, both ways, and ends as it would without a relay', async (t) => {
  const server = await tcpNode(t, (socket) => void socket.pipe(socket));
  const relay = await start(t, 'delay: 20 s, rate: 1 Mbit/s', [door('tcp', 'earth', server.port)], { scale: 1000 });
  const socket = dial(portsOf(relay)[0]!);
  const sent = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, index) => index * 7));
  const startedMs = systemClock.monotonicMs();
  socket.end(sent);
  t.ok((await buffer(socket)).equals(sent));
  t.ok(systemClock.monotonicMs() - startedMs >= 40, 'there and back');
  await until(() => server.sockets.every((one) => one.destroyed));
  t.match(relay.report().ways, [{ bytes: 1_000_000, arrivedBytes: 1_000_000, heldBytes: 0, connections: 1, brokenConnections: 0 }, { bytes: 1_000_000, arrivedBytes: 1_000_000, heldBytes: 0 }]);
});

t.test('who connects where nobody listens is turned away, after the time that takes', async (t) => {
  const relay = await start(t, 'delay: 20 s', [door('tcp', 'earth', await closedPort())], { scale: 1000 });
  const startedMs = systemClock.monotonicMs();
  t.match(await ended(dial(portsOf(relay)[0]!)), /ECONNRESET/);
  t.ok(systemClock.monotonicMs() - startedMs >= 39);
});

t.test('a reset travels to the other end', async (t) => {
  let far: Socket | undefined;
  const server = await tcpNode(t, (socket) => (far = socket));
  const relay = await start(t, 'delay: 0 s', [door('tcp', 'earth', server.port)]);
  const near = dial(portsOf(relay)[0]!);
  near.write('hello');
  await until(() => far !== undefined);
  near.resetAndDestroy();
  t.match(await ended(far!), /ECONNRESET/);
  await until(() => relay.report().ways.every(({ heldBytes }) => heldBytes === 0));
});

t.test('between contacts a connection stands and nothing moves', async (t) => {
  const server = await tcpNode(t, (socket) => void socket.pipe(socket));
  const relay = await start(t, 'delay: 0 s, windows: { list: [[200 s, 100 y]] }', [door('tcp', 'earth', server.port)], { scale: 1000 });
  const socket = dial(portsOf(relay)[0]!);
  await once(socket, 'connect');
  socket.end('at last');
  t.match(relay.report().ways[0], { open: false, opensSec: 200 });
  t.equal((await buffer(socket)).toString(), 'at last');
  t.ok(relay.report().nowSec >= 200);
});

t.test('who connects before the scenario begins waits until it does', async (t) => {
  const server = await tcpNode(t, (socket) => void socket.pipe(socket));
  const relay = await start(t, 'delay: 0 s', [door('tcp', 'earth', server.port)], { beginsMs: Date.now() + 300 });
  const socket = dial(portsOf(relay)[0]!);
  socket.end('early');
  t.match(relay.report().ways, [{ open: false, cut: false }, { open: false, cut: false }]);
  t.equal((await buffer(socket)).toString(), 'early');
  t.ok(relay.report().nowSec >= 0);
});

t.test('a cut breaks connections and turns new ones away until the link is restored', async (t) => {
  const lines: string[] = [];
  const server = await tcpNode(t, (socket) => void socket.pipe(socket));
  const relay = await start(t, 'delay: 0 s', [door('tcp', 'earth', server.port)], { onLine: (line) => lines.push(line) });
  const [port] = portsOf(relay);
  const standing = dial(port!);
  standing.write('x');
  await once(standing, 'data');
  relay.cut({ link: 'mars-earth' });
  t.match(await ended(standing), /ECONNRESET/);
  t.match(await ended(dial(port!)), /ECONNRESET/);
  t.match(relay.report(), { cuts: 1, ways: [{ cut: true, open: false, brokenConnections: 1 }, { cut: true }] });
  relay.restore({ link: 'mars-earth' });
  const after = dial(port!);
  after.end('y');
  t.equal((await buffer(after)).toString(), 'y');
  t.same(lines, ['mars-earth is cut', 'mars-earth is as the scenario has it']);
});

t.test('one way may be closed alone: its bytes wait, the connection stands', async (t) => {
  const server = await tcpNode(t, (socket) => void socket.pipe(socket));
  const relay = await start(t, 'delay: 0 s', [door('tcp', 'earth', server.port)]);
  relay.cut({ link: 'mars-earth', towards: 'mars' });
  const socket = dial(portsOf(relay)[0]!);
  t.match(await ended(socket), /ECONNRESET/, 'one that is not there yet cannot be made');
  relay.restore({ link: 'mars-earth' });
  const standing = dial(portsOf(relay)[0]!);
  standing.write('a');
  await once(standing, 'data');
  relay.cut({ link: 'mars-earth', towards: 'mars' });
  standing.end('b');
  await until(() => relay.report().ways[1]!.heldBytes === 1);
  relay.restore({ link: 'mars-earth', towards: 'mars' });
  t.equal((await buffer(standing)).toString(), 'b');
});

t.test('the cuts of the scenario come at their times', async (t) => {
  const server = await tcpNode(t, () => undefined);
  const faults = 'faults: [{ kind: cut, link: mars-earth, at: 150 s, lasts: 50 s }, { kind: crash, node: mars, at: 1 s }]';
  const relay = await start(t, 'delay: 0 s', [door('tcp', 'earth', server.port)], { scale: 1000 }, faults);
  t.match(await ended(dial(portsOf(relay)[0]!)), /ECONNRESET/);
  t.ok(relay.report().nowSec >= 150);
  t.match(relay.report(), { cuts: 1, notImposed: ['crash'] });
  await until(() => relay.report().nowSec >= 200 && relay.report().ways[0]!.open);
});

t.test('a receiver that does not read makes the relay stop reading, not grow', async (t) => {
  const lineBytes = 256 * 1024;
  let far: Socket | undefined;
  const server = await tcpNode(t, (socket) => {
    far = socket.pause();
  });
  const relay = await start(t, 'delay: 0 s, rate: 100 Gbit/s', [door('tcp', 'earth', server.port)], { lineBytes });
  const near = dial(portsOf(relay)[0]!);
  // More than the buffers of all sockets on the way take in.
  near.write(Buffer.alloc(32 * 2 ** 20));
  await until(() => relay.report().ways[0]!.heldBytes >= lineBytes);
  t.ok(relay.report().ways[0]!.heldBytes <= lineBytes + 65_536, 'one read more than the line has');
  const received = buffer(far!);
  near.end();
  t.equal((await received).length, near.bytesWritten);
  await until(() => relay.report().ways[0]!.heldBytes === 0);
});

t.test('ports in use, links and nodes that are not there are told, and nothing stays open', async (t) => {
  const taken = await tcpNode(t, () => undefined);
  const listensThere = { ...door('tcp', 'earth', 1), listen: { host: LOCAL, port: taken.port } };
  await t.rejects(start(t, 'delay: 0 s', [door('tcp', 'earth', 1), listensThere]), { code: 'GATEWAY_LISTEN', data: { systemCode: 'EADDRINUSE' }, message: /another program listens/ });
  const udp = await udpNode(t);
  await t.rejects(start(t, 'delay: 0 s', [{ ...door('udp', 'earth', 1), listen: { host: LOCAL, port: udp.port } }]), { code: 'GATEWAY_LISTEN', data: { systemCode: 'EADDRINUSE' } });
  await t.rejects(start(t, 'delay: 0 s', [{ ...door('tcp', 'earth', 1), link: 'venus' }]), { code: 'GATEWAY_NO_LINK', message: /There is mars-earth/ });
  await t.rejects(start(t, 'delay: 0 s', [door('tcp', 'venus', 1)]), { code: 'GATEWAY_NO_LINK', message: /leads? to .*earth and mars/ });
});

t.test('links are changed through the control socket while the relay runs', async (t) => {
  const [mars, earth] = [await udpNode(t), await udpNode(t)];
  const relay = await start(t, 'delay: 0 s', [door('udp', 'earth', earth.port), door('udp', 'mars', mars.port)]);
  const ask = await control(t, relay);
  const [toEarth] = portsOf(relay);
  t.match(await ask('GET', '/status'), { status: 200, value: { relay: 'lab', ways: [{ link: 'mars-earth', towards: 'earth', open: true, delaySec: 0 }, {}] } });
  t.match(await ask('POST', '/change', '{"link":"mars-earth","towards":"earth","delay":"100 ms","rate":"2 Mbit/s","loss":{"probability":"2 %"}}'), {
    status: 200,
    value: { ways: [{ delaySec: 0.1, bitsPerSec: 2e6, changed: ['rate', 'delay', 'loss'] }, { delaySec: 0 }] },
  });
  await ask('POST', '/change', '{"link":"mars-earth","towards":"earth","loss":{"probability":0}}');
  const startedMs = systemClock.monotonicMs();
  mars.socket.send('slow', toEarth, LOCAL);
  await earth.next();
  t.ok(systemClock.monotonicMs() - startedMs >= 99);
  t.match(await ask('POST', '/cut', '{"link":"mars-earth"}'), { status: 200, value: { cuts: 1, ways: [{ cut: true }, { cut: true }] } });
  mars.socket.send('lost', toEarth, LOCAL);
  await until(() => relay.report().ways[0]!.closedDatagrams === 1);
  const restored = await ask('POST', '/restore', '{"link":"mars-earth"}');
  t.equal(restored.status, 200);
  t.same((restored.value as { ways: { cut: boolean; delaySec: number; changed: string[] }[] }).ways.map(({ cut, delaySec, changed }) => [cut, delaySec, changed]), [[false, 0, []], [false, 0, []]]);
  mars.socket.send('quick', toEarth, LOCAL);
  t.match(await earth.next(), { text: 'quick' });
});

t.test('what makes no sense on the control socket changes nothing, and says what was found', async (t) => {
  const relay = await start(t, 'delay: 0 s', [door('udp', 'earth', 9)]);
  const ask = await control(t, relay);
  const before = relay.report().ways.map(({ delaySec, bitsPerSec, cut, changed }) => ({ delaySec, bitsPerSec, cut, changed }));
  const bodies = ['', '{', '[]', 'null', '{}', '{"link":1}', '{"link":"mars-earth","delay":20}', '{"link":"mars-earth","delay":"-1 s"}', '{"link":"mars-earth","rate":"fast"}', '{"link":"mars-earth","loss":{"probability":2}}', '{"link":"mars-earth","__proto__":{"x":1},"speed":1}', `{"link":"${'x'.repeat(70_000)}"}`, `{"link":"mars-earth","delay":"${'9'.repeat(400)} s"}`, '{"link":"mars-earth","windows":{"every":"0 s","open":"1 s"}}', '{"link":"mars-earth","windows":{"list":[["5 s","1 s"]]}}', '{"link":"mars-earth","trace":{"file":"/etc/passwd"}}'];
  for (const body of bodies) {
    for (const path of ['/change', '/cut', '/restore']) {
      if (path !== '/change' && /delay|rate|loss|speed|windows|trace/.test(body) === false && body.includes('"mars-earth"')) continue;
      t.match(await ask('POST', path, body), { status: 400, value: { code: 'GATEWAY_ADMIN_REQUEST', message: /cannot be used/, data: { found: /./ } } }, `${path} ${body.slice(0, 40)}`);
    }
  }
  for (const path of ['/change', '/cut', '/restore']) {
    t.match(await ask('POST', path, '{"link":"venus"}'), { status: 400, value: { code: 'GATEWAY_NO_LINK' } });
    t.match(await ask('POST', path, '{"link":"mars-earth","towards":"venus"}'), { status: 400, value: { code: 'GATEWAY_NO_LINK' } });
  }
  t.match(await ask('POST', '/change', '{"link":"mars-earth","delay":"1 s","trace":{"text":"no trace"}}'), { status: 400, value: { code: 'PLAN_SYNTAX' } });
  t.equal((await ask('POST', '/stop', '{}')).status, 404);
  t.equal((await ask('GET', '/change')).status, 404);
  t.same(relay.report().ways.map(({ delaySec, bitsPerSec, cut, changed }) => ({ delaySec, bitsPerSec, cut, changed })), before);
});

t.test('what makes sense and is of no use does no harm', async (t) => {
  const server = await tcpNode(t, (socket) => void socket.pipe(socket));
  const earth = await udpNode(t);
  const relay = await start(t, 'delay: 0 s', [door('tcp', 'earth', server.port), door('udp', 'earth', earth.port)]);
  const ask = await control(t, relay);
  const [tcpPort, udpPort] = portsOf(relay);
  const changes = ['"rate":"0 bit/s"', '"delay":"285 y"', '"rate":{"is":"1 bit/s","at":"1 au"},"delay":"0 s"', '"loss":{"bitErrorRate":0.5,"segment":"0 B"}', '"loss":{"toBad":1,"toGood":0,"segment":"1 B"}', '"reorder":{"probability":1,"by":"285 y"},"duplicate":1,"corrupt":1,"loss":{"probability":0},"rate":"64 Gbit/s"', '"windows":{"every":"1 us","open":"0 s"}'];
  for (const change of changes) {
    t.equal((await ask('POST', '/change', `{"link":"mars-earth",${change}}`)).status, 200, change);
    const socket = dial(tcpPort!);
    socket.write('x'.repeat(5000));
    const before = relay.report().ways[0]!;
    earth.socket.send('', udpPort, LOCAL);
    earth.socket.send('y'.repeat(1000), udpPort, LOCAL);
    await until(() => relay.report().ways[0]!.datagrams === before.datagrams + 2 && relay.report().ways[0]!.connections === before.connections + 1);
    socket.destroy();
  }
  await ask('POST', '/cut', '{"link":"mars-earth"}');
  await ask('POST', '/restore', '{"link":"mars-earth"}');
  const after = dial(tcpPort!);
  after.end('as before');
  t.equal((await buffer(after)).toString(), 'as before');
});

t.test('doors are read from the command line', async (t) => {
  t.same(parseDoor('tcp', 'mars-earth:earth=4701,10.0.0.2:4556'), { kind: 'tcp', link: 'mars-earth', towards: 'earth', listen: { host: LOCAL, port: 4701 }, target: { host: '10.0.0.2', port: 4556 } });
  t.match(parseDoor('udp', 'a-b:b=[::1]:0,host.example:1113'), { listen: { host: '::1', port: 0 }, target: { host: 'host.example', port: 1113 } });
  for (const wrong of ['', 'a-b:b', 'a-b:b=1', 'a-b:b=1,0', 'a-b:b=1,99999', 'a-b=1,2', 'a-b:b=x:y,2', 'A:b=1,2', 'a-b:b=1,2,3', 'a-b:b=::1:5,2']) t.equal(parseDoor('tcp', wrong), undefined, wrong);
});

function door(kind: Door['kind'], towards: string, port: number): Door {
  return { kind, link: 'mars-earth', towards, listen: { host: LOCAL, port: 0 }, target: { host: LOCAL, port } };
}

async function start(t: Test, terms: string, doors: readonly Door[], options: Partial<RelayOptions> = {}, rest = ''): Promise<Relay> {
  const scenario = parseScenario(`name: lab\nlasts: 1 y\nnodes: { mars: {}, earth: {} }\nlinks: [{ between: [mars, earth], ${terms} }]\n${rest}`, 'lab.yaml');
  const relay = await Relay.start({ scenario, doors, clock: systemClock, ...options });
  t.teardown(() => relay.stop());
  return relay;
}

function portsOf(relay: Relay): number[] {
  return relay.report().doors.map(({ port }) => port);
}

async function control(t: Test, relay: Relay) {
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const socketPath = join(dir, 'relay.sock');
  const listener = await openRelayControl({ socketPath, relay, clock: systemClock, onFault: (thrown) => t.error(thrown) });
  const peer = new HttpPeer({ url: 'http://postern', socketPath, clock: systemClock });
  t.teardown(async () => {
    peer.close();
    await listener.stop(0);
  });
  return async (method: 'GET' | 'POST', path: string, body?: string): Promise<{ status: number; value: unknown }> => {
    const bytes = utf8(body ?? '');
    const answer = await peer.exchange({ method, path, answerLimitBytes: 1 << 20, ...(body !== undefined && { body: { bytes: bytes.length, open: () => oneChunk(bytes) } }) });
    const text = Buffer.from(await readWhole(answer)).toString();
    return { status: answer.status, value: text.startsWith('{') ? JSON.parse(text) : text };
  };
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function udpNode(t: Test): Promise<{ socket: UdpSocket; port: number; next: () => Promise<{ text: string; port: number }> }> {
  const socket = createSocket('udp4');
  socket.bind(0, LOCAL);
  await once(socket, 'listening');
  const waiting: { text: string; port: number }[] = [];
  socket.on('message', (bytes, from) => waiting.push({ text: bytes.toString(), port: from.port }));
  t.teardown(() => void socket.close());
  return {
    socket,
    port: socket.address().port,
    async next() {
      await until(() => waiting.length > 0);
      return waiting.shift()!;
    },
  };
}

async function tcpNode(t: Test, onSocket: (socket: Socket) => void): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  }).listen(0, LOCAL);
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, LOCAL);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A relay that stops breaks what stands. */
function dial(port: number): Socket {
  return connect(port, LOCAL).on('error', () => undefined);
}

/** How a connection ended: the fault's code, or `closed`. */
function ended(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed'));
    socket.resume();
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
