import { once } from 'node:events';
import { createServer as createPlainServer, type RequestListener, type Server as PlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { fromHex } from '../../base/bytes.js';
import { systemClock } from '../../base/clock.js';
import { makeTlsIdentity } from '../../base/tls-identity.js';
import { benchOfThisMachine, FaultLine, ONE_STREAM, UNITS_BEGIN_ANEW } from '../fault-line.test-helper.js';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../fault.suite.js';
import type { Deliver, Link } from '../link.js';
import { collector, freightOf, Line, type LinkPair, runLinkSuite, sendNow, takeNothing } from '../link.suite.js';
import { PushedClock } from '../pushed-clock.test-helper.js';
import { HttpsLink, type HttpsLinkOptions } from './https-link.js';

/** The Ed25519 key pair of RFC 8032 §7.1, test 1. */
const SEED = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')!;
const KEY = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')!;
const OTHER_KEY = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')!;

t.test('over TLS', async (t) => runLinkSuite(t, makePair));

t.test('https, under faults', async (t) =>
  runFaultSuite(t, makeBench, {
    'what came across before a cut is not sent again': UNITS_BEGIN_ANEW,
    'copies of everything bring nothing twice': ONE_STREAM,
    'what overtakes something on the way harms nothing': ONE_STREAM,
  }),
);

t.test('over plain HTTP on this machine', async (t) => {
  const link = await linkTo(t, createPlainServer(answerWith(204)));
  t.same(await sendNow(link, freightOf(1000)), { kind: 'confirmed' });
});

t.test('will not start over plain HTTP to another machine', async (t) => {
  const link = linkAt('http://192.0.2.1:8080');
  await t.rejects(link.start(takeNothing), { code: 'LINK_PLAIN_HTTP' });
});

t.test('sends nothing to a peer with another key, and is down', async (t) => {
  let requests = 0;
  const server = await tlsServer(() => requests++);
  const link = await linkTo(t, server, { key: OTHER_KEY });
  t.match(await sendNow(link, freightOf(1000)), { kind: 'unreachable', reason: /another key/ });
  t.match(link.status(), { state: 'down', lastError: /another key/ });
  t.equal(requests, 0);
});

t.test('asks for the one path, with the type and the length of the batch', async (t) => {
  let head: unknown[] = [];
  const listener: RequestListener = (request, response) => {
    head = [request.method, request.url, request.headers['content-type'], request.headers['content-length']];
    response.writeHead(204).end();
  };
  const link = await linkTo(t, createPlainServer(listener), { path: '/beneath/' });
  t.same(await sendNow(link, freightOf(1234)), { kind: 'confirmed' });
  t.same(head, ['POST', '/beneath/fmp/1/batch', 'application/fmp-batch', '1234']);
});

t.test('tells the refusals apart', async (t) => {
  const refusals: [number, object][] = [
    [404, { code: 'not-known', reason: /does not know us/ }],
    [400, { code: 'not-acceptable', reason: /of the batch \(x\)/ }],
    [429, { code: 'no-resources' }],
    [413, { code: 'http-413' }],
    [500, { code: 'http-500' }],
    [307, { code: 'http-307', reason: /redirect/ }],
  ];
  for (const [status, expected] of refusals) {
    const link = await linkTo(t, createPlainServer(answerWith(status, { location: '/fmp/1/batch' })));
    t.match(await sendNow(link, freightOf(1000)), { kind: 'refused', ...expected }, String(status));
    t.equal(link.status().state, 'up', 'a no is a sign of life');
  }
});

t.test('does not follow a redirect', async (t) => {
  let requests = 0;
  const listener: RequestListener = (request, response) => {
    requests++;
    answerWith(302, { location: '/elsewhere' })(request, response);
  };
  const link = await linkTo(t, createPlainServer(listener));
  await sendNow(link, freightOf(1000));
  t.equal(requests, 1);
});

t.test('believes a peer that is busy for a day at most, and no date', async (t) => {
  const retryAfter: [string, number | undefined][] = [
    ['0', 0],
    ['30', 30_000],
    ['999999999', 86_400_000],
    ['-1', undefined],
    ['Fri, 31 Dec 1999 23:59:59 GMT', undefined],
  ];
  for (const [text, retryAfterMs] of retryAfter) {
    const link = await linkTo(t, createPlainServer(answerWith(503, { 'retry-after': text })));
    const outcome = await sendNow(link, freightOf(10));
    t.equal(outcome.kind === 'refused' ? outcome.retryAfterMs : outcome, retryAfterMs, text);
  }
});

t.test('an answer that breaks off is no confirmation, whatever the gateway made of it', async (t) => {
  const server = createPlainServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.destroy());
    });
  });
  const careless: Deliver = async ({ bytes }) => {
    try {
      for await (const _ of bytes);
    } catch {}
    return { kind: 'taken' };
  };
  const link = await linkTo(t, server, { deliver: careless });
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /broke/ });
});

t.test('a length that lies is no confirmation', async (t) => {
  const link = await linkTo(t, rawServer('HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nshort'), { deliver: collector().deliver });
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable' });
});

t.test('an answer that is too large is a refusal', async (t) => {
  const link = await linkTo(t, createPlainServer(answerWith(200, { 'content-length': String((16 << 20) + 1) })));
  t.match(await sendNow(link, freightOf(10)), { kind: 'refused', code: 'bad-answer' });
  const endless = await linkTo(t, createPlainServer((_request, response) => pour(response)), { deliver: collector().deliver });
  t.match(await sendNow(endless, freightOf(10)), { kind: 'refused', code: 'bad-answer' });
});

t.test('an answer that the gateway cannot use is a refusal', async (t) => {
  const link = await linkTo(t, createPlainServer(answerWith(200)));
  t.match(await sendNow(link, freightOf(10)), { kind: 'refused', code: 'bad-answer', reason: /not-acceptable/ });
});

t.test('gives up on a server that trickles its answer', async (t) => {
  const server = createPlainServer((_request, response) => {
    const trickle = setInterval(() => response.write('.'), 300);
    response.on('close', () => clearInterval(trickle));
  });
  const link = await linkTo(t, server, { timeouts: { idleMs: 150 }, deliver: collector().deliver });
  t.match(await sendNow(link, freightOf(10)), { kind: 'unreachable', reason: /no progress/ });
});

t.test('gives up on a server that reads nothing', async (t) => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).pause());
  const link = await linkTo(t, server, { timeouts: { idleMs: 150 } });
  t.match(await sendNow(link, freightOf(30_000_000)), { kind: 'unreachable', reason: /no progress/ });
});

t.test('a server that dies in mid body is unreachable', async (t) => {
  const server = createPlainServer((request) => request.once('data', () => request.socket.resetAndDestroy()));
  const link = await linkTo(t, server);
  t.match(await sendNow(link, freightOf(30_000_000)), { kind: 'unreachable', reason: /broke/ });
});

t.test('a fault of the source breaks the send off, and a wrong length is a bug', async (t) => {
  const link = await linkTo(t, createPlainServer(answerWith(204)));
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(5);
    throw new Error('disk on fire');
  };
  t.match(await sendNow(link, { bytes: 10, open: broken }), { kind: 'unreachable', reason: /disk on fire/ });
  await t.rejects(sendNow(link, { ...freightOf(10), bytes: 11 }), { code: 'ERR_ASSERTION' });
});

t.test('refuses by itself what is too large for it', async (t) => {
  const link = linkAt('http://127.0.0.1:1');
  await link.start(takeNothing);
  t.match(await sendNow(link, { bytes: 2 ** 40, open: freightOf(0).open }), { kind: 'refused', code: 'too-large' });
});

/** A server that hands what it gets to `deliver`. */
function handsTo(deliver: Deliver): RequestListener {
  return (request, response) => {
    if (request.method !== 'POST' || request.url !== '/fmp/1/batch') return void response.writeHead(404).end();
    void deliver({ bytes: request }).then((result) => {
      if (result.kind === 'taken') return result.answer === undefined ? response.writeHead(204).end() : response.writeHead(200).end(result.answer);
      if (result.retryAfterMs !== undefined) response.setHeader('retry-after', result.retryAfterMs / 1000);
      return response.writeHead(503).end();
    });
  };
}

/** The link, over a line that does harm, to such a server. */
async function makeBench(t: Test, deliver: Deliver, medium: FaultMedium): Promise<FaultBench> {
  const clock = new PushedClock();
  const servers: Server[] = [];
  let port = 0;
  const startFar = async (): Promise<void> => {
    const server = await tlsServer(handsTo(deliver));
    port = await listen(server, 0);
    servers.push(server);
  };
  await startFar();
  let line = await FaultLine.open(t, medium, () => port);
  const startNear = (): Link => {
    const link = linkAt(`https://127.0.0.1:${line.port}`, { key: KEY, clock });
    void link.start(takeNothing);
    t.teardown(() => link.stop());
    return link;
  };
  let near = startNear();
  t.teardown(() => servers.forEach((server) => server.close()));
  return {
    ...benchOfThisMachine(clock),
    get near() {
      return near;
    },
    unitBytes: 1_000_000,
    cut: () => line.cut(),
    mend: () => line.mend(),
    async restart(end) {
      if (end === 'far') {
        line.reset();
        return startFar();
      }
      line.close();
      line = await FaultLine.open(t, medium, () => port);
      near = startNear();
    },
    overhead: 0,
    // Each attempt is one connection.
    triesAMonth: 60,
  };
}

/** The link, over a line, to a server that hands what it gets to what it is started with. */
async function makePair(): Promise<LinkPair> {
  let deliver: Deliver = takeNothing;
  const listener = handsTo((arrival) => deliver(arrival));
  let server = await tlsServer(listener);
  let port = 0;
  const far: LinkPair['far'] = {
    async start(given) {
      deliver = given;
      server = await tlsServer(listener);
      port = await listen(server, port);
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  const line = await Line.open(() => port);
  return { near: linkAt(`https://127.0.0.1:${line.port}`, { key: KEY }), far, line };
}

interface TestLinkOptions extends Partial<Pick<HttpsLinkOptions, 'timeouts' | 'clock'>> {
  readonly key?: Uint8Array;
  readonly path?: string;
  readonly deliver?: Deliver;
}

function linkAt(url: string, { key, timeouts, clock = systemClock }: TestLinkOptions = {}): Link {
  const address = { url, ...(key === undefined ? {} : { key }) };
  return new HttpsLink({ neighbour: 'shore', address, largestBytes: 64 << 20, parallel: 3, clock, ...(timeouts === undefined ? {} : { timeouts }) });
}

async function linkTo(t: Test, server: Server | PlainServer | TcpServer, options: TestLinkOptions = {}): Promise<Link> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => open.add(socket));
  const port = server.listening ? (server.address() as AddressInfo).port : await listen(server, 0);
  const link = linkAt(`${options.key === undefined ? 'http' : 'https'}://127.0.0.1:${port}${options.path ?? ''}`, options);
  await link.start(options.deliver ?? takeNothing);
  t.teardown(async () => {
    await link.stop();
    for (const socket of open) socket.destroy();
    server.close();
  });
  return link;
}

async function listen(server: Server | PlainServer | TcpServer, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function tlsServer(listener: RequestListener): Promise<Server> {
  const { certPem, keyPem } = await makeTlsIdentity(SEED, 'shore');
  return createServer({ cert: certPem, key: keyPem, minVersion: 'TLSv1.3' }, listener);
}

function answerWith(status: number, headers: Record<string, string> = {}): RequestListener {
  return (request, response) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(status === 204 ? undefined : 'x'));
  };
}

function pour(response: NodeJS.WritableStream): void {
  while (response.write(Buffer.alloc(65536)));
  response.once('drain', () => pour(response));
}

function rawServer(answer: string): TcpServer {
  return createTcpServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(answer)));
}
