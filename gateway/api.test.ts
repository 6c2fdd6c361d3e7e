import { METHODS } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { concatBytes, equalBytes, toBase64url, toHex, utf8 } from '../base/bytes.js';
import { ManualClock, systemClock } from '../base/clock.js';
import { type HttpAnswer, HttpPeer, type HttpRequest, readWhole } from '../base/http-exchange.js';
import type { BlobSource } from '../store/store.js';
import { sha256 } from '../wire/digest.js';
import { type ApiHandlers, apiRoutes, type BatchResult, type BlobHit } from './api.js';
import { Bounds } from './bounds.js';
import type { HttpReply } from './http-route.js';
import { type HttpListener, type HttpServerOptions, listenHttp } from './http-server.js';

const NOW_SEC = 1_800_000_000;
const BLOB = Uint8Array.from({ length: 100_000 }, (_, n) => n % 251);
const ETAG = `"${toHex(sha256(BLOB))}"`;
const KNOWN = new Uint8Array(24).fill(1);
const BLOB_PATH = `/fmp/1/blob/${toBase64url(KNOWN)}`;
const UNKNOWN_PATH = `/fmp/1/blob/${toBase64url(new Uint8Array(24).fill(2))}`;

t.test('blobs', async (t) => {
  t.test('serves a blob to whoever has its id, with what a cache must know', async (t) => {
    const { peer, served } = await api(t);
    const answer = await peer.exchange(get());
    t.ok(equalBytes(await readWhole(answer), BLOB));
    t.equal(answer.status, 200);
    t.same(told(answer), {
      'accept-ranges': 'bytes',
      'cache-control': 'public, immutable, max-age=3600, no-transform',
      'content-length': '100000',
      'content-type': 'application/octet-stream',
      etag: ETAG,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    t.same(served, [true]);
  });

  t.test('HEAD tells what GET would, without a body and without being a delivery', async (t) => {
    const { peer, served, opened } = await api(t);
    const full = await peer.exchange(get());
    await readWhole(full);
    const head = await peer.exchange({ ...get(), method: 'HEAD' });
    t.equal((await readWhole(head)).length, 0);
    t.equal(head.status, 200);
    t.same(told(head), told(full));
    t.same(served, [true, false]);
    t.same(opened, [[0, 100_000]]);
  });

  t.test('serves a range, which is no delivery', async (t) => {
    const { peer, served, opened } = await api(t);
    const ranges: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=1000-1999', 1000, 2000],
      ['bytes=99000-', 99_000, 100_000],
      ['bytes=-10', 99_990, 100_000],
      ['bytes=0-', 0, 100_000],
    ];
    for (const [range, start, end] of ranges) {
      const answer = await peer.exchange(get({ range, 'if-range': ETAG }));
      t.equal(answer.status, 206, range);
      t.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/100000`);
      t.equal(answer.headers.etag, ETAG);
      t.ok(equalBytes(await readWhole(answer), BLOB.subarray(start, end)));
    }
    t.same(opened, ranges.map(([, start, end]) => [start, end]), 'no byte is read in vain');
    t.same(served, ranges.map(() => false));
  });

  t.test('answers preconditions and impossible ranges without a body', async (t) => {
    const { peer, served, opened } = await api(t);
    const unmet = await peer.exchange(get({ 'if-match': '"other"' }));
    t.equal(unmet.status, 412);
    const unchanged = await peer.exchange(get({ 'if-none-match': ETAG }));
    t.equal(unchanged.status, 304);
    t.match(told(unchanged), { etag: ETAG, 'cache-control': /immutable/ });
    const beyond = await peer.exchange(get({ range: 'bytes=100000-' }));
    t.equal(beyond.status, 416);
    t.equal(beyond.headers['content-range'], 'bytes */100000');
    for (const answer of [unmet, unchanged, beyond]) t.equal((await readWhole(answer)).length, 0);
    t.same(served, [false, false, false]);
    t.same(opened, []);
  });

  t.test('a blob of no bytes is served whole', async (t) => {
    const { peer, served } = await api(t, { blob: new Uint8Array() });
    const answer = await peer.exchange(get());
    t.equal(answer.headers['content-length'], '0');
    t.equal((await readWhole(answer)).length, 0);
    await until(() => served.length === 1);
    t.same(served, [true]);
  });

  t.test('a download that is broken off is no delivery, and lets go of the blob', async (t) => {
    let destroyed = false;
    const endless = (): Readable => {
      const stream = new Readable({ read: () => undefined });
      stream.push(BLOB.subarray(0, 1000));
      return stream.on('close', () => (destroyed = true));
    };
    const { peer, served } = await api(t, { stream: endless });
    const answer = await peer.exchange(get());
    for await (const _ of answer.body) break;
    await until(() => served.length === 1 && destroyed);
    t.same(served, [false]);
    t.ok(destroyed);
  });

  t.test('who reads too slowly is cut off, and has got nothing', async (t) => {
    const { listener, served } = await api(t, { blob: new Uint8Array(50_000_000), limits: { pace: { firstMs: 300, mostMs: 300, slowestBytesPerMs: 1 } } });
    const socket = connect(listener.port, '127.0.0.1').pause();
    socket.write(`GET ${BLOB_PATH} HTTP/1.1\r\n\r\n`);
    await until(() => served.length === 1);
    t.same(served, [false]);
    socket.destroy();
  });

  t.test('a fault in the middle of a blob breaks the answer off', async (t) => {
    const failing = (): Readable => Readable.from((function* () {
      yield BLOB.subarray(0, 1000);
      throw new Error('disk on fire');
    })());
    const { peer, served, faults } = await api(t, { stream: failing });
    await t.rejects(peer.exchange(get()).then(readWhole), { code: 'LINK_UNREACHABLE' });
    t.same(served, [false]);
    t.match(faults, [/disk on fire/]);
  });

  t.test('a source that gives less or more than it said is a fault, not a delivery', async (t) => {
    for (const bytes of [BLOB.subarray(1), concatBytes(BLOB, utf8('more'))]) {
      const { peer, served, faults } = await api(t, { stream: () => Readable.from([bytes]) });
      await peer.exchange(get()).then(readWhole).catch(() => undefined);
      await until(() => served.length === 1);
      t.same(served, [false]);
      t.equal(faults.length, 1);
    }
  });

  t.test('an expiry in the past, or very far off, still gives an age that caches take', async (t) => {
    const past = await api(t, { expirySec: NOW_SEC - 1 });
    t.match((await past.peer.exchange({ ...get(), method: 'HEAD' })).headers['cache-control'], /max-age=0,/);
    const far = await api(t, { expirySec: NOW_SEC + 1e9 });
    t.match((await far.peer.exchange({ ...get(), method: 'HEAD' })).headers['cache-control'], /max-age=31536000,/);
  });
});

t.test('the one answer', async (t) => {
  t.test('everything that is not there gets the same bytes', async (t) => {
    const { listener, asked } = await api(t);
    const ask = (head: string, body = ''): Promise<string> => exchangeRaw(listener, `${head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${body === '' ? '' : `content-length: ${body.length}\r\n`}\r\n${body}`);
    const expected = await ask(`GET ${UNKNOWN_PATH}`);
    t.equal(
      expected,
      'HTTP/1.1 404 Not Found\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\ncontent-length: 0\r\nConnection: close\r\n\r\n',
    );
    const id = toBase64url(KNOWN);
    const malformed = ['', id.slice(1), `${id}A`, `${id}/`, `${id}?`, `${id}?x=1`, `${id}=`, `${id.slice(0, -1)}%41`, '%zz', '%', '..', `../blob/${id}`, 'x'.repeat(5000), id.replace('A', '!'), `./${id}`, `/${id}`];
    for (const text of malformed) t.equal(await ask(`GET /fmp/1/blob/${text}`), expected, `id ${text.slice(0, 40)}`);
    for (const path of ['/', '/fmp', '/fmp/1', '/fmp/1/', '/fmp/1/blob', '/fmp/1/Blob/x', '/fmp/2/batch', '//', '/favicon.ico', '/%00', '*', '/fmp/1/batch/', '/status', '/metrics', '/__proto__', '/constructor']) {
      for (const method of ['GET', 'HEAD', 'POST']) t.equal(await ask(`${method} ${path}`), expected, `${method} ${path}`);
    }
    for (const method of METHODS.filter((name) => name !== 'CONNECT')) {
      for (const path of [BLOB_PATH, '/fmp/1/batch', '/fmp/1/opening', '/']) {
        if (['GET', 'HEAD'].includes(method) ? path === BLOB_PATH : method === 'POST' && path !== '/' && path !== BLOB_PATH) continue;
        t.equal(await ask(`${method} ${path}`), expected, `${method} ${path}`);
        t.equal(await ask(`${method} ${path}`, 'a body'), expected, `${method} ${path} with a body`);
      }
    }
    t.equal(await ask('POST /fmp/1/batch', 'stranger'), expected, 'a batch of a stranger');
    t.equal(await ask(`HEAD ${UNKNOWN_PATH}`), expected, 'HEAD of an unknown id');
    t.ok(asked.length > malformed.length / 2, 'malformed ids are looked up as well');
    t.notOk(asked.some((id) => equalBytes(id, KNOWN)));
  });

  t.test('headers of the request change nothing about it', async (t) => {
    const { listener } = await api(t);
    const expected = await exchangeRaw(listener, `GET ${UNKNOWN_PATH} HTTP/1.1\r\nconnection: close\r\n\r\n`);
    const headers = ['range: bytes=0-0', 'if-match: "x"', 'if-none-match: *', 'accept: application/json', 'content-type: nonsense', 'content-type: ;', 'content-type: application/json', 'expect: 200-nothing', 'accept-version: 9', 'upgrade: h2c', 'x-http-method-override: DELETE', 'origin: https://example.org', 'accept-encoding: gzip'];
    for (const header of headers) {
      t.equal(await exchangeRaw(listener, `GET ${UNKNOWN_PATH} HTTP/1.1\r\nconnection: close\r\n${header}\r\n\r\n`), expected, header);
      t.equal(await exchangeRaw(listener, `POST /elsewhere HTTP/1.1\r\nconnection: close\r\n${header}\r\ncontent-length: 2\r\n\r\n{}`), expected, `POST, ${header}`);
      t.equal(await exchangeRaw(listener, `POST /fmp/1/batch HTTP/1.1\r\nconnection: close\r\n${header}\r\ncontent-length: 8\r\n\r\nstranger`), expected, `batch, ${header}`);
    }
  });

  t.test('what is not HTTP gets no answer', async (t) => {
    const { listener } = await api(t);
    for (const words of ['GET x HTTP/1.1\r\n\r\n', '\0\0\0\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET / HTTP/1.1\r\n${'x: yyyyyyyyy\r\n'.repeat(1000)}\r\n`, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 'CONNECT example.org:80 HTTP/1.1\r\n\r\n', 'POST /fmp/1/batch HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n']) {
      t.equal(await exchangeRaw(listener, words), '', words.slice(0, 20));
    }
  });

  t.test('a fault of ours is an empty 500, and says nothing about itself', async (t) => {
    const { listener, faults } = await api(t, { fetch: async () => Promise.reject(new Error('secret reason')) });
    const answer = await exchangeRaw(listener, `GET ${BLOB_PATH} HTTP/1.1\r\nconnection: close\r\n\r\n`);
    t.match(answer, /^HTTP\/1\.1 500 /);
    t.match(answer, /\r\ncontent-length: 0\r\nConnection: close\r\n\r\n$/);
    t.notMatch(answer, /secret/);
    t.match(faults, [/secret reason/]);
  });
});

t.test('batches', async (t) => {
  t.test('hands the body on as it comes and answers with what the gateway says', async (t) => {
    const { peer } = await api(t);
    const answer = await peer.exchange(post('/fmp/1/batch', new Uint8Array(3_000_000)));
    t.equal(answer.status, 200);
    t.match(told(answer), { 'content-type': 'application/fmp-batch', 'cache-control': 'no-store' });
    t.equal(Buffer.from(await readWhole(answer)).toString(), '3000000 bytes');
  });

  t.test('a stranger is turned away before his body has been read', async (t) => {
    const { peer } = await api(t);
    const answer = await peer.exchange(post('/fmp/1/batch', concatBytes(utf8('stranger'), new Uint8Array(30_000_000))));
    t.equal(answer.status, 404);
  });

  t.test('who is busy says so, and for how long', async (t) => {
    const { peer } = await api(t, { batch: async () => ({ status: 'busy', retryAfterMs: 1500 }) });
    const answer = await peer.exchange(post('/fmp/1/batch', utf8('x')));
    t.equal(answer.status, 503);
    t.equal(answer.headers['retry-after'], '2');
  });

  t.test('a peer is told that its batch is none', async (t) => {
    const { peer } = await api(t, { batch: async () => ({ status: 'bad', code: 'WIRE_TYPE', reason: 'offer/body: found an array' }) });
    const answer = await peer.exchange(post('/fmp/1/batch', utf8('x')));
    t.equal(answer.status, 400);
    t.equal(Buffer.from(await readWhole(answer)).toString(), 'WIRE_TYPE: offer/body: found an array');
  });

  t.test('reads only so many batches at once', async (t) => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { peer } = await api(t, { batch: async () => (await released, { status: 'answer', bytes: utf8('ok') }) });
    const first = [peer.exchange(post('/fmp/1/batch', utf8('x'))), peer.exchange(post('/fmp/1/batch', utf8('x')))];
    await pause(50);
    const third = await peer.exchange(post('/fmp/1/batch', utf8('x')));
    t.equal(third.status, 503);
    t.equal(third.headers['retry-after'], '5');
    release();
    for (const answer of await Promise.all(first)) t.equal(answer.status, 200);
    t.equal((await peer.exchange(post('/fmp/1/batch', utf8('x')))).status, 200, 'the places are free again');
  });

  t.test('a body that stops short, or trickles, ends in a coded error for the reader', async (t) => {
    const broken: unknown[] = [];
    const batch: ApiHandlers['batch'] = async (body) => {
      try {
        for await (const _ of body);
      } catch (thrown) {
        broken.push(thrown);
      }
      return { status: 'stranger' };
    };
    const { listener } = await api(t, { batch, limits: { pace: { firstMs: 300, mostMs: 300, slowestBytesPerMs: 1 } } });
    const head = 'POST /fmp/1/batch HTTP/1.1\r\ncontent-length: 1000\r\n\r\nhalf';
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(head);
    await pause(100);
    socket.destroy();
    await until(() => broken.length === 1);
    t.equal(await exchangeRaw(listener, head), '', 'cut off without an answer');
    await until(() => broken.length === 2);
    const trickling = connect(listener.port, '127.0.0.1').on('error', () => undefined);
    trickling.write(head);
    const drip = setInterval(() => trickling.write('.'), 20);
    t.teardown(() => clearInterval(drip));
    await closed(trickling);
    await until(() => broken.length === 3);
    t.match(broken, Array.from({ length: 3 }, () => ({ code: 'GATEWAY_BODY_BROKEN' })));
  });
});

t.test('openings', async (t) => {
  t.test('no more than 128 are read or looked at at once; one more is lost, and counted', async (t) => {
    const bounds = new Bounds();
    const looked: (() => void)[] = [];
    const [, , route] = apiRoutes({ handlers: { batch: async () => ({ status: 'stranger' }), fetch: async () => undefined, openings: (_bytes, done) => looked.push(done) }, batchesAtOnce: 1, missesPerMinute: 0, clock: systemClock, bounds });
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    async function* body(): AsyncGenerator<Uint8Array> {
      await ended;
      yield utf8('opening');
    }
    const ask = async (): Promise<HttpReply | undefined> => route?.handle({ method: 'POST', headers: {}, address: '', url: '', body: body(), signal: new AbortController().signal });
    const limit = (): unknown => bounds.all().find(({ name }) => name === 'openings at once');
    const asked = Array.from({ length: 128 }, ask);
    t.match(limit(), { used: 128, most: 128, refused: 0 });
    t.same(await ask(), { status: 204 });
    t.match(limit(), { used: 128, refused: 1 });
    end();
    for (const reply of await Promise.all(asked)) reply?.over?.(true);
    t.match(limit(), { used: 128, refused: 1 }, 'until all that they brought has been looked at');
    for (const done of looked) done();
    t.match(limit(), { used: 0, refused: 1 });
  });

  t.test('are answered with 204 first and looked at afterwards', async (t) => {
    const order: string[] = [];
    const { peer } = await api(t, { openings: (bytes) => order.push(`looked at ${bytes.length} bytes`) });
    const answer = await peer.exchange(post('/fmp/1/opening', utf8('opening')));
    t.equal(answer.status, 204);
    await readWhole(answer);
    await until(() => order.length === 1);
    t.same(order, ['looked at 7 bytes']);
  });

  t.test('garbage, nothing and 64 KiB get the same answer; more is not looked at', async (t) => {
    const looked: number[] = [];
    const { listener } = await api(t, { openings: (bytes) => looked.push(bytes.length) });
    const answers = new Set<string>();
    for (const bytes of [0, 1, 65_536, 65_537, 300_000]) {
      answers.add(await exchangeRaw(listener, `POST /fmp/1/opening HTTP/1.1\r\nconnection: close\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`));
    }
    await until(() => looked.length === 3);
    t.equal(answers.size, 1);
    t.match([...answers][0], /^HTTP\/1\.1 204 /);
    t.same(looked, [0, 1, 65_536]);
  });

  t.test('a fault while looking at them is nobody’s but ours', async (t) => {
    const { peer, faults } = await api(t, {
      openings: () => {
        throw new Error('disk on fire');
      },
    });
    t.equal((await peer.exchange(post('/fmp/1/opening', utf8('x')))).status, 204);
    await until(() => faults.length === 1);
    t.match(faults, [/disk on fire/]);
  });
});

interface TestApi {
  readonly peer: HttpPeer;
  readonly listener: HttpListener;
  /** What `served` was told, in order. */
  readonly served: boolean[];
  /** The ranges of the blob that were opened. */
  readonly opened: [number, number][];
  /** The ids that were looked up. */
  readonly asked: Uint8Array[];
  readonly faults: string[];
}

type TestApiOptions = Partial<ApiHandlers> & { blob?: Uint8Array; expirySec?: number; stream?: BlobSource['stream']; limits?: NonNullable<HttpServerOptions['limits']> };

async function api(t: Test, options: TestApiOptions = {}): Promise<TestApi> {
  const { blob = BLOB, expirySec = NOW_SEC + 3600 } = options;
  const served: boolean[] = [];
  const opened: [number, number][] = [];
  const asked: Uint8Array[] = [];
  const faults: string[] = [];
  const source: BlobSource = {
    bytes: blob.length,
    stream(startByte = 0, endByte = blob.length) {
      opened.push([startByte, endByte]);
      return options.stream?.(startByte, endByte) ?? Readable.from([blob.subarray(startByte, endByte)]);
    },
    read: async (startByte, endByte) => blob.subarray(startByte, endByte),
  };
  const hit: BlobHit = { blob: source, etagHash: sha256(blob), expirySec, served: (full) => served.push(full) };
  const handlers: ApiHandlers = {
    batch: options.batch ?? takeBatch,
    fetch: options.fetch ?? (async (id) => (asked.push(id), equalBytes(id, KNOWN) ? hit : undefined)),
    openings: options.openings ?? (() => undefined),
  };
  const listener = await listenHttp({
    listen: { host: '127.0.0.1', port: 0 },
    routes: apiRoutes({ handlers, batchesAtOnce: 2, missesPerMinute: 600, clock: new ManualClock(NOW_SEC * 1000) }),
    clock: systemClock,
    onFault: (thrown) => faults.push(String(thrown)),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const peer = new HttpPeer({ url: `http://127.0.0.1:${listener.port}`, clock: systemClock });
  t.teardown(async () => {
    peer.close();
    await listener.stop(0);
  });
  return { peer, listener, served, opened, asked, faults };
}

async function takeBatch(body: AsyncIterable<Uint8Array>): Promise<BatchResult> {
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes === 0 && Buffer.from(chunk).subarray(0, 8).toString() === 'stranger') return { status: 'stranger' };
    bytes += chunk.length;
  }
  return bytes < 10 ? { status: 'stranger' } : { status: 'answer', bytes: utf8(`${bytes} bytes`) };
}

function get(headers: Record<string, string> = {}): HttpRequest {
  return { method: 'GET', path: BLOB_PATH, headers, answerLimitBytes: 1e9 };
}

function post(path: string, bytes: Uint8Array): HttpRequest {
  const open = async function* (): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
  };
  return { method: 'POST', path, body: { bytes: bytes.length, open }, answerLimitBytes: 1e6 };
}

/** The headers of an answer that are not about the connection. */
function told(answer: HttpAnswer): Record<string, unknown> {
  return Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== 'connection' && name !== 'keep-alive'));
}

/** Everything the listener says until it closes the connection. */
async function exchangeRaw(listener: HttpListener, words: string): Promise<string> {
  const socket = connect(listener.port, '127.0.0.1').on('error', () => undefined);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  socket.write(words);
  await closed(socket);
  return heard;
}

/** Not `once`, which fails at an error before the close. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300 && !condition(); tries++) await pause(10);
}
