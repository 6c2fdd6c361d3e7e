import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { fromHex, utf8 } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { makeTlsIdentity } from '../base/tls-identity.js';
import type { HttpRoute } from './http-route.js';
import { Bounds } from './bounds.js';
import { type HttpListener, type HttpServerOptions, listenHttp } from './http-server.js';

/** The Ed25519 key pairs of RFC 8032 §7.1, test 1, and the public key of test 2. */
const SEED = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')!;
const KEY = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')!;
const OTHER_KEY = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')!;

t.test('serves over TLS 1.3 with the key of the gateway, and over nothing older', async (t) => {
  const tls = await makeTlsIdentity(SEED, 'gateway');
  const { port } = await listen(t, { tls });
  const peer = new HttpPeer({ url: `https://127.0.0.1:${port}`, key: KEY, clock: systemClock });
  const wrong = new HttpPeer({ url: `https://127.0.0.1:${port}`, key: OTHER_KEY, clock: systemClock });
  t.teardown(() => (peer.close(), wrong.close()));
  const request = { method: 'GET', path: '/hello', answerLimitBytes: 100 } as const;
  t.equal(Buffer.from(await readWhole(await peer.exchange(request))).toString(), 'hello');
  await t.rejects(wrong.exchange(request), { code: 'LINK_PEER_KEY' });
  const old = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  await t.rejects(once(old, 'secureConnect'), /protocol version/);
  old.destroy();
});

t.test('curl gets what it asks for, if it is there', async (t) => {
  const curl = promisify(execFile);
  if ((await curl('curl', ['--version']).catch(() => undefined)) === undefined) return t.comment('curl is not installed');
  const { port } = await listen(t, { tls: await makeTlsIdentity(SEED, 'gateway') });
  const { stdout } = await curl('curl', ['-sk', '--max-time', '10', '-i', `https://127.0.0.1:${port}/hello`]);
  t.match(stdout, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(stdout, /hello$/);
  t.notMatch(stdout, /^(date|server|x-powered-by):/im);
});

t.test('plain HTTP stays on this machine unless it is allowed out', async (t) => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    await t.rejects(listen(t, { listen: { host, port: 0 } }), { code: 'GATEWAY_PLAIN_HTTP', data: { address: `${host}:0` } });
  }
  const { port } = await listen(t, { listen: { host: '0.0.0.0', port: 0 }, allowPlainHttp: true });
  t.match(await say(port, 'GET /hello HTTP/1.1\r\nconnection: close\r\n\r\n'), /hello$/);
});

t.test('says what is wrong with a place where it cannot listen', async (t) => {
  const { port } = await listen(t);
  await t.rejects(listen(t, { listen: { host: '127.0.0.1', port } }), { code: 'GATEWAY_LISTEN', data: { address: `127.0.0.1:${port}`, systemCode: 'EADDRINUSE' }, message: /another program/ });
  await t.rejects(listen(t, { listen: { host: '192.0.2.1', port: 0 }, allowPlainHttp: true }), { code: 'GATEWAY_LISTEN', data: { systemCode: 'EADDRNOTAVAIL' }, message: /no such address/ });
});

t.test('listens on a unix socket', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const socketPath = join(folder, 'socket');
  await listen(t, { listen: { socketPath } });
  const peer = new HttpPeer({ url: 'http://postern', socketPath, clock: systemClock });
  t.teardown(() => peer.close());
  t.equal((await readWhole(await peer.exchange({ method: 'GET', path: '/hello', answerLimitBytes: 100 }))).length, 5);
});

t.test('takes a whole URL as proxies send it, and HTTP/1.0', async (t) => {
  const { port } = await listen(t);
  t.match(await say(port, 'GET http://gateway.example/echo HTTP/1.1\r\nconnection: close\r\n\r\n'), /\r\n\r\n\/echo$/);
  t.match(await say(port, 'GET /echo HTTP/1.0\r\n\r\n'), /\r\n\r\n\/echo$/);
});

t.test('keeps a connection for the next request, after any answer', async (t) => {
  const { port } = await listen(t);
  const requests = ['GET /hello', 'GET /elsewhere', 'POST /elsewhere', 'HEAD /hello', 'POST /fault', 'GET /hello'];
  const socket = open(t, port);
  for (const [n, line] of requests.entries()) {
    socket.write(`${line} HTTP/1.1\r\n${line.startsWith('POST') ? 'content-length: 4\r\n\r\nbody' : '\r\n'}`);
    await until(() => heardBy(socket).split('HTTP/1.1 ').length === n + 2);
  }
  t.same(statuses(heardBy(socket)), [200, 404, 404, 200, 500, 200]);
});

t.test('a body nobody reads does not hold the connection for long, nor the answer', async (t) => {
  const { port } = await listen(t);
  const socket = open(t, port);
  socket.write('POST /elsewhere HTTP/1.1\r\ncontent-length: 1000000\r\n\r\nsome');
  await until(() => heardBy(socket) !== '');
  t.same(statuses(heardBy(socket)), [404]);
  const startMs = performance.now();
  await closed(socket);
  t.ok(performance.now() - startMs < 5000);
});

t.test('cuts off who dribbles headers', async (t) => {
  const { port } = await listen(t, { limits: { headersMs: 300 } });
  const socket = open(t, port);
  socket.write('GET /hello HTTP/1.1\r\n');
  const drip = setInterval(() => socket.write('x: y\r\n'), 50);
  t.teardown(() => clearInterval(drip));
  await closed(socket);
  t.equal(heardBy(socket), '');
});

t.test('cuts off who pipelines more than a few requests', async (t) => {
  const { port, held } = await listen(t, { limits: { requestsPerConnection: 4 } });
  const socket = open(t, port);
  socket.write('GET /held HTTP/1.1\r\n\r\n'.repeat(4));
  await until(() => held() === 4);
  t.equal(socket.closed, false);
  socket.write('GET /held HTTP/1.1\r\n\r\n'.repeat(1000));
  await closed(socket);
  t.equal(held(), 4);
  t.match(await say(port, 'GET /hello HTTP/1.1\r\nconnection: close\r\n\r\n'), /hello$/);
});

t.test('an answer that waits for an earlier one is not taken for slow', async (t) => {
  const { port, held, release } = await listen(t, { limits: { pace: { firstMs: 1000, mostMs: 1000, slowestBytesPerMs: 1 } } });
  const socket = open(t, port);
  socket.write('GET /held HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\n\r\n');
  await until(() => held() === 1);
  await pause(1500);
  release();
  await until(() => heardBy(socket).endsWith('hello'));
  t.match(heardBy(socket), /held.*hello$/s);
});

t.test('one address cannot take all connections, and all addresses no more than there are', async (t) => {
  for (const limits of [{ connectionsPerAddress: 3 }, { connections: 3 }]) {
    const bounds = new Bounds();
    const { port } = await listen(t, { limits, bounds });
    const sockets = Array.from({ length: 6 }, () => open(t, port));
    await until(() => sockets.filter((socket) => socket.closed).length === 3);
    await pause(50);
    const kept = sockets.filter((socket) => !socket.closed);
    t.equal(kept.length, 3);
    t.match(bounds.all(), [{ name: 'connections for HTTP', used: 3, refused: 3 }]);
    kept[0]!.destroy();
    await pause(50);
    t.match(await say(port, 'GET /hello HTTP/1.1\r\nconnection: close\r\n\r\n'), /hello$/, 'a place that is free again is given away');
  }
});

t.test('stopping lets work in hand finish, and takes no more', async (t) => {
  const { port, listener, held, release } = await listen(t);
  const working = open(t, port);
  working.write('GET /held HTTP/1.1\r\n\r\n');
  const idle = open(t, port);
  idle.write('GET /hello HTTP/1.1\r\n\r\n');
  await until(() => held() === 1 && heardBy(idle) !== '');
  const stopped = Promise.all([listener.stop(10_000), listener.stop(10_000)]);
  await closed(idle);
  await t.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  t.equal(working.closed, false);
  release();
  await stopped;
  await closed(working);
  t.match(heardBy(working), /^HTTP\/1\.1 200 .*\r\nConnection: close\r\n.*held$/s);
  await listener.stop(0);
});

t.test('stopping does not wait for ever', async (t) => {
  const { port, listener, held, aborted } = await listen(t, { tls: await makeTlsIdentity(SEED, 'gateway') });
  const silent = open(t, port);
  const working = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }).on('error', () => undefined);
  working.write('GET /held HTTP/1.1\r\n\r\n');
  await until(() => held() === 1);
  const startMs = performance.now();
  await listener.stop(200);
  t.ok(performance.now() - startMs < 3000);
  await closed(silent);
  t.equal(aborted(), 1, 'what is still under way is told');
});

interface TestListener {
  readonly listener: HttpListener;
  readonly port: number;
  /** Requests that wait, or waited, for `release`. */
  held(): number;
  release(): void;
  /** Requests whose signal has said that nobody waits for them. */
  aborted(): number;
}

async function listen(t: Test, options: Partial<HttpServerOptions> = {}): Promise<TestListener> {
  let held = 0;
  let aborted = 0;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const routes: HttpRoute[] = [
    { methods: ['GET', 'HEAD'], path: '/hello', handle: async () => ({ status: 200, body: utf8('hello') }) },
    { methods: ['GET'], path: '/echo', handle: async ({ url }) => ({ status: 200, body: utf8(url) }) },
    { methods: ['POST'], path: '/fault', handle: async () => Promise.reject(new Error('fault')) },
    {
      methods: ['GET'],
      path: '/held',
      async handle({ signal }) {
        held++;
        signal.addEventListener('abort', () => aborted++);
        await Promise.race([released, once(signal, 'abort')]);
        return { status: 200, body: utf8('held') };
      },
    },
  ];
  const listener = await listenHttp({ listen: { host: '127.0.0.1', port: 0 }, routes, clock: systemClock, onFault: () => undefined, ...options });
  t.teardown(() => listener.stop(0));
  return { listener, port: listener.port, held: () => held, release, aborted: () => aborted };
}

const HEARD = new WeakMap<Socket, string>();

function open(t: Test, port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => HEARD.set(socket, heardBy(socket) + chunk.toString('latin1')));
  t.teardown(() => socket.destroy());
  return socket;
}

function heardBy(socket: Socket): string {
  return HEARD.get(socket) ?? '';
}

function statuses(heard: string): number[] {
  return [...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

/** What the listener answers, up to the end of the connection. */
async function say(port: number, words: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  socket.write(words);
  await closed(socket);
  return heard;
}

/** Not `once`, which fails at an error before the close. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await pause(10);
}
