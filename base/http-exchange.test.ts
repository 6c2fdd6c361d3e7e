import { createPrivateKey, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import t, { type Test } from 'tap';
import { equalBytes, fromBase64url, utf8 } from './bytes.js';
import { systemClock } from './clock.js';
import { isPosternError, type PosternError } from './errors.js';
import { HttpPeer, type HttpPeerOptions, type HttpRequest, readWhole } from './http-exchange.js';
import { makeTlsIdentity, type TlsIdentity } from './tls-identity.js';

const KEPT_ALIVE = { 'content-length': '2' };

t.test('sends a streamed body and streams the answer, over one kept connection', async (t) => {
  let connections = 0;
  const server = createServer(echo).on('connection', () => connections++);
  const peer = await peerOf(t, server);
  for (let n = 0; n < 5; n++) {
    const answer = await peer.exchange(post(Buffer.alloc(100_000, n)));
    t.equal(answer.status, 200);
    t.ok(equalBytes(await readWhole(answer), Buffer.alloc(100_000, n)));
  }
  t.equal(connections, 1);
});

t.test('speaks TLS 1.3 with the peer whose key is pinned', async (t) => {
  const identity = await makeTlsIdentity(seed(1), 'peer');
  let protocol: string | null = '';
  const server = createSecureServer({ cert: identity.certPem, key: identity.keyPem }, echo);
  server.on('secureConnection', (socket) => (protocol = socket.getProtocol()));
  const peer = await peerOf(t, server, { key: publicKeyOf(identity) });
  const big = Buffer.alloc(3_000_000, 7);
  t.ok(equalBytes(await readWhole(await peer.exchange(post(big))), big));
  t.equal(protocol, 'TLSv1.3');
});

t.test('sends not one byte to a peer with another key', async (t) => {
  const identity = await makeTlsIdentity(seed(1), 'impostor');
  const received: Buffer[] = [];
  const server = createTlsServer({ cert: identity.certPem, key: identity.keyPem }, (socket) => {
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => received.push(chunk));
  });
  const closed = new Promise<void>((resolve) => server.on('connection', (socket: Socket) => socket.on('close', () => resolve())));
  const peer = await peerOf(t, server, { key: publicKeyOf(await makeTlsIdentity(seed(2), 'peer')) }, 'https');
  const error = await failureOf(t, peer.exchange(post(utf8('hello'), '/secret-id')));
  t.equal(error.code, 'LINK_PEER_KEY');
  t.notMatch(JSON.stringify([error.message, error.data]), /secret-id/);
  await closed;
  t.same(received, []);
});

t.test('refuses a peer that offers TLS 1.2 at most, and one that speaks no TLS', async (t) => {
  const identity = await makeTlsIdentity(seed(1), 'old');
  const key = publicKeyOf(identity);
  const old = createSecureServer({ cert: identity.certPem, key: identity.keyPem, maxVersion: 'TLSv1.2' }, echo);
  const oldPeer = await peerOf(t, old, { key });
  t.match(await failureOf(t, oldPeer.exchange(get())), { code: 'LINK_UNREACHABLE', message: /TLS 1\.3/ });
  const plainPeer = await peerOf(t, createServer(echo), { key }, 'https');
  t.match(await failureOf(t, plainPeer.exchange(get())), { code: 'LINK_UNREACHABLE', message: /does not speak TLS/ });
});

t.test('refuses addresses that must not be used before anything is sent', async (t) => {
  const code = (options: Partial<HttpPeerOptions>): string => {
    try {
      new HttpPeer({ url: '', clock: systemClock, ...options }).close();
      return 'fine';
    } catch (thrown) {
      return isPosternError(thrown) ? thrown.code : String(thrown);
    }
  };
  t.equal(code({ url: 'http://192.0.2.1:80' }), 'LINK_PLAIN_HTTP');
  t.equal(code({ url: 'http://127.0.0.1.example.org' }), 'LINK_PLAIN_HTTP');
  t.equal(code({ url: 'http://192.0.2.1:80', allowPlainHttp: true }), 'fine');
  t.equal(code({ url: 'http://[::1]:80' }), 'fine');
  t.equal(code({ url: 'http://localhost' }), 'fine');
  t.equal(code({ url: 'https://192.0.2.1' }), 'LINK_ADDRESS');
  for (const url of ['', 'ftp://127.0.0.1', 'http://a:b@127.0.0.1', 'http://127.0.0.1/?q', 'http://127.0.0.1/#f']) t.equal(code({ url }), 'LINK_ADDRESS', url);
});

t.test('says that nothing listens', async (t) => {
  const server = createServer();
  const peer = await peerOf(t, server);
  server.close();
  t.match(await failureOf(t, peer.exchange(get('/secret-id'))), { code: 'LINK_UNREACHABLE', data: { systemCode: 'ECONNREFUSED' }, message: /nothing listens/ });
});

t.test('gives up on a peer that takes the connection and does not complete it', async (t) => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined));
  const peer = await peerOf(t, server, { key: seed(1), timeouts: { connectMs: 100 } }, 'https');
  t.match(await failureOf(t, peer.exchange(get())), { code: 'LINK_TIMEOUT', data: { waitedFor: 'connection', limitMs: 100 } });
});

t.test('gives up on a peer that makes no progress, before the answer and within it', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/within') response.writeHead(200, { 'content-length': 10 }).write('half');
  });
  const peer = await peerOf(t, server, { timeouts: { idleMs: 100 } });
  const stalled = { code: 'LINK_TIMEOUT', data: { waitedFor: 'progress' } };
  t.match(await failureOf(t, peer.exchange(get('/before'))), stalled);
  t.match(await failureOf(t, peer.exchange(get('/within')).then(readWhole)), stalled);
});

t.test('gives up on a peer that reads nothing of a large body', async (t) => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).pause());
  const peer = await peerOf(t, server, { timeouts: { idleMs: 200 } });
  t.match(await failureOf(t, peer.exchange(post(Buffer.alloc(30_000_000)))), { code: 'LINK_TIMEOUT', data: { waitedFor: 'progress' } });
});

t.test('gives up on a peer that trickles its answer without end', async (t) => {
  const server = createServer((_request, response) => {
    const trickle = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(trickle));
  });
  const peer = await peerOf(t, server, { timeouts: { idleMs: 10_000, wholeMs: 400 } });
  t.match(await failureOf(t, peer.exchange(get()).then(readWhole)), { code: 'LINK_TIMEOUT', data: { waitedFor: 'end' } });
});

t.test('does not blame the peer for a slow source or a slow reader on our side', async (t) => {
  const peer = await peerOf(t, createServer(echo), { timeouts: { idleMs: 1000 } });
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    yield utf8('slow');
    await pause(1500);
    yield utf8('source');
  };
  const answer = await peer.exchange({ ...get(), method: 'POST', body: { bytes: 10, open: slow } });
  await pause(1500);
  t.equal(Buffer.from(await readWhole(answer)).toString(), 'slowsource');
});

t.test('bounds the answer, whether its length is told or not', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/told') response.setHeader('content-length', 1001);
    response.write(Buffer.alloc(1001));
    response.end();
  });
  const peer = await peerOf(t, server);
  const limited = { answerLimitBytes: 1000 };
  t.match(await failureOf(t, peer.exchange({ ...get('/told'), ...limited })), { code: 'LINK_ANSWER_TOO_LARGE', data: { limitBytes: 1000 } });
  t.match(await failureOf(t, peer.exchange({ ...get('/untold'), ...limited }).then(readWhole)), { code: 'LINK_ANSWER_TOO_LARGE' });
  t.equal((await readWhole(await peer.exchange({ ...get('/told'), answerLimitBytes: 1001 }))).length, 1001);
});

t.test('the head of an answer to HEAD may tell any length', async (t) => {
  const peer = await peerOf(t, createServer((_request, response) => response.writeHead(200, { 'content-length': 1e9 }).end()));
  const answer = await peer.exchange({ ...get(), method: 'HEAD', answerLimitBytes: 0 });
  t.equal(answer.headers['content-length'], '1000000000');
  t.equal((await readWhole(answer)).length, 0);
});

t.test('an answer that breaks off is a fault, not a short answer', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('half', () => response.destroy());
  });
  const peer = await peerOf(t, server);
  t.match(await failureOf(t, peer.exchange(get()).then(readWhole)), { code: 'LINK_UNREACHABLE' });
});

t.test('an answer longer than it tells is cut where it said', async (t) => {
  const peer = await peerOf(t, rawServer('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nextra'));
  t.equal(Buffer.from(await readWhole(await peer.exchange(get()))).toString(), 'four');
});

t.test('garbage and endless headers in place of an answer are refused', async (t) => {
  const garbage = await peerOf(t, rawServer('\0\x01garbage\r\n\r\n'));
  t.match(await failureOf(t, garbage.exchange(get())), { code: 'LINK_UNREACHABLE', message: /does not speak HTTP/ });
  const endless = await peerOf(t, rawServer(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(5000)}\r\n`));
  t.match(await failureOf(t, endless.exchange(get())), { code: 'LINK_UNREACHABLE', data: { systemCode: 'HPE_HEADER_OVERFLOW' } });
});

t.test('takes an answer that comes before the body was sent, and closes the source', async (t) => {
  const peer = await peerOf(t, createServer((_request, response) => response.writeHead(404).end('no')));
  let closed = false;
  const open = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let n = 0; n < 1000; n++) yield Buffer.alloc(100_000);
    } finally {
      closed = true;
    }
  };
  const answer = await peer.exchange({ ...get(), method: 'POST', body: { bytes: 1e8, open } });
  t.equal(answer.status, 404);
  t.equal(Buffer.from(await readWhole(answer)).toString(), 'no');
  await until(() => closed);
  t.ok(closed);
});

t.test('can be broken off at every stage', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/within') response.writeHead(200, { 'content-length': 10 }).write('half');
  });
  const peer = await peerOf(t, server);
  const aborted = { code: 'LINK_ABORTED' };
  t.match(await failureOf(t, peer.exchange({ ...get(), signal: AbortSignal.abort() })), aborted);
  const before = new AbortController();
  setTimeout(() => before.abort(), 50);
  t.match(await failureOf(t, peer.exchange({ ...get('/before'), signal: before.signal })), aborted);
  const within = new AbortController();
  const answer = await peer.exchange({ ...get('/within'), signal: within.signal });
  setTimeout(() => within.abort(), 50);
  t.match(await failureOf(t, readWhole(answer)), aborted);
});

t.test('breaking off the answer closes its connection', async (t) => {
  let closed = false;
  const server = createServer((_request, response) => {
    response.on('close', () => (closed = true)).writeHead(200, { 'content-length': 10 }).write('half');
  });
  const peer = await peerOf(t, server);
  const answer = await peer.exchange(get());
  await answer.body[Symbol.asyncIterator]().return?.();
  await until(() => closed);
  t.ok(closed);
});

t.test('tries again when a kept connection turns out to be dead', async (t) => {
  let requests = 0;
  const server = createTcpServer((socket) => {
    let first = true;
    socket.on('error', () => undefined).on('data', () => {
      requests++;
      if (first) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else socket.resetAndDestroy();
      first = false;
    });
  });
  const peer = await peerOf(t, server);
  for (let n = 0; n < 3; n++) t.equal((await readWhole(await peer.exchange(get()))).length, 2);
  t.equal(requests, 5);
});

t.test('sends a large body once, where the connection breaks in the middle of it', async (t) => {
  let bodies = 0;
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void response.writeHead(200, KEPT_ALIVE).end('ok');
    bodies += 1;
    let received = 0;
    request.on('error', () => undefined).on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > 4_000_000) request.socket.resetAndDestroy();
    });
  });
  const peer = await peerOf(t, server, { sockets: 1 });
  await readWhole(await peer.exchange(get()));
  t.match(await failureOf(t, peer.exchange(post(Buffer.alloc(20_000_000)))), { code: 'LINK_UNREACHABLE', message: /broke/ });
  t.equal(bodies, 1);
});

t.test('does not follow a redirect', async (t) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(302, { ...KEPT_ALIVE, location: '/elsewhere' }).end('no');
  });
  const peer = await peerOf(t, server);
  const answer = await peer.exchange(get());
  await readWhole(answer);
  t.equal(answer.status, 302);
  t.equal(requests, 1);
});

t.test('opens no more connections than it may', async (t) => {
  const identity = await makeTlsIdentity(seed(1), 'peer');
  let connections = 0;
  const server = createSecureServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => void setTimeout(() => echo(request, response), 10));
  server.on('secureConnection', () => connections++);
  const peer = await peerOf(t, server, { key: publicKeyOf(identity), sockets: 2 });
  await Promise.all(Array.from({ length: 12 }, () => peer.exchange(post(utf8('x'))).then(readWhole)));
  t.equal(connections, 2);
});

t.test('speaks over a unix socket, and says what a missing one means', async (t) => {
  // Paths of sockets are short (108 bytes on Linux): a test directory may lie too deep.
  const folder = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const socketPath = join(folder, 'socket');
  const server = createServer(echo).listen(socketPath);
  await once(server, 'listening');
  const peer = new HttpPeer({ url: 'http://postern', socketPath, clock: systemClock });
  t.teardown(() => peer.close());
  t.equal((await readWhole(await peer.exchange(post(utf8('hello'))))).length, 5);
  server.close();
  server.closeAllConnections();
  const missing = new HttpPeer({ url: 'http://postern', socketPath: `${socketPath}2`, clock: systemClock });
  t.match(await failureOf(t, missing.exchange(get())), { code: 'LINK_UNREACHABLE', message: /does not run/ });
});

t.test('hands on what the source of the body threw, and calls a wrong length a bug', async (t) => {
  const peer = await peerOf(t, createServer(echo));
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield utf8('one');
    throw new Error('disk on fire');
  };
  await t.rejects(peer.exchange({ ...get(), method: 'POST', body: { bytes: 6, open: broken } }), /disk on fire/);
  for (const bytes of [4, 6]) await t.rejects(peer.exchange({ ...post(utf8('hello')), body: { ...post(utf8('hello')).body!, bytes } }), { code: 'ERR_ASSERTION' });
});

function echo(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': request.headers['content-length'] ?? 0 });
  request.pipe(response);
}

function rawServer(answer: string): TcpServer {
  return createTcpServer((socket) => socket.on('error', () => undefined).once('data', () => socket.write(answer)));
}

function get(path = '/'): HttpRequest {
  return { method: 'GET', path, answerLimitBytes: 1e8 };
}

function post(bytes: Uint8Array, path = '/'): HttpRequest {
  const open = async function* (): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += 65536) yield bytes.subarray(start, start + 65536);
  };
  return { method: 'POST', path, body: { bytes: bytes.length, open }, answerLimitBytes: 1e8 };
}

async function peerOf(t: Test, server: Server | TcpServer, options: Partial<HttpPeerOptions> = {}, scheme?: string): Promise<HttpPeer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const peer = new HttpPeer({ url: `${scheme ?? (options.key === undefined ? 'http' : 'https')}://127.0.0.1:${port}`, clock: systemClock, ...options });
  t.teardown(() => {
    peer.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return peer;
}

async function failureOf(t: Test, promise: Promise<unknown>): Promise<PosternError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isPosternError(thrown)) t.fail('fails with a coded error', { thrown });
  return thrown as PosternError;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries++) await pause(10);
}

function seed(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

function publicKeyOf(identity: TlsIdentity): Uint8Array {
  return fromBase64url(createPublicKey(createPrivateKey(identity.keyPem)).export({ format: 'jwk' }).x!)!;
}
