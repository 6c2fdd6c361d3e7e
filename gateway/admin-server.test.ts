import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { utf8 } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { type AdminHandlers, listenAdmin } from './admin-server.js';
import type { HttpListener } from './http-server.js';

t.test('tells the status, what waits, and the metrics', async (t) => {
  const { ask, calls } = await admin(t);
  t.same(await ask('GET', '/status'), { status: 200, value: { gateway: 'pier' } });
  t.same(await ask('GET', '/queue'), { status: 200, value: [] });
  t.same(await ask('GET', '/queue?target=peer%3Ashore&limit=5'), { status: 200, value: [] });
  t.same(calls, [
    ['queue', { limit: 100 }],
    ['queue', { limit: 5, target: 'peer:shore' }],
  ]);
  t.same(await ask('GET', '/metrics'), { status: 200, value: 'postern_up 1\n' });
});

t.test('passes orders and link tests on', async (t) => {
  const { ask, calls } = await admin(t);
  for (const order of ['hold', 'release', 'drop', 'raise']) t.same(await ask('POST', `/queue/${order}`, '{"target":"peer:shore"}'), { status: 200, value: { changed: 3 } });
  await ask('POST', '/queue/drop', '{"destination":"sea.example","record":"00112233aabbccdd"}');
  t.same(await ask('GET', '/notices'), { status: 200, value: [] });
  t.same(await ask('POST', '/notices/fetch', '{"from":"shore","destination":"sea.example"}'), { status: 200, value: { asked: 1, noRoom: 0 } });
  await ask('POST', '/link-test', '{"link":"shore/https","bytes":1000000}');
  t.same(calls, [
    ...['hold', 'release', 'drop', 'raise'].map((order) => [order, { target: 'peer:shore' }]),
    ['drop', { destination: 'sea.example', record: '00112233aabbccdd' }],
    ['fetch', { from: 'shore', destination: 'sea.example' }],
    ['testLink', { link: 'shore/https', bytes: 1_000_000 }],
  ]);
});

t.test('an order that is not understood does nothing, and says what was found', async (t) => {
  const { ask, calls } = await admin(t);
  const bad = ['', '{', '[]', 'null', '"drop"', '{}', '{"target":5}', '{"destination":["x"]}', '{"record":"0011"}', '{"record":"zzzzzzzz"}', '{"targt":"peer:shore"}', '{"target":"a","__proto__":{},"x":1}', `"${'x'.repeat(70_000)}"`];
  for (const body of bad) {
    const { status, value } = await ask('POST', '/queue/drop', body);
    t.equal(status, 400, body.slice(0, 20));
    t.match(value, { code: 'GATEWAY_ADMIN_REQUEST', message: /cannot be used/, data: { found: /./ } });
  }
  for (const body of ['{}', '{"link":1,"bytes":1}', '{"link":"a","bytes":-1}', '{"link":"a","bytes":1e12}', '{"link":"a"}']) t.equal((await ask('POST', '/link-test', body)).status, 400, body);
  for (const body of ['{}', '{"from":1}', '{"target":"peer:shore"}']) t.equal((await ask('POST', '/notices/fetch', body)).status, 400, body);
  for (const limit of ['0', '-1', 'x', '1e9', '']) t.equal((await ask('GET', `/queue?limit=${limit}`)).status, 400, limit);
  t.same(calls, []);
});

t.test('hands coded errors to whoever asked, and faults to the log', async (t) => {
  const { ask, faults } = await admin(t, {
    status: async () => Promise.reject(new PosternError('GATEWAY_ADMIN_REQUEST', 'No such queue.', { found: 'x' })),
    metrics: async () => Promise.reject(new Error('disk on fire')),
  });
  t.same(await ask('GET', '/status'), { status: 400, value: { code: 'GATEWAY_ADMIN_REQUEST', message: 'No such queue.', data: { found: 'x' } } });
  t.equal((await ask('GET', '/metrics')).status, 500);
  t.match(faults, [/disk on fire/]);
});

t.test('there is nothing else', async (t) => {
  const { ask } = await admin(t);
  for (const [method, path] of [['GET', '/'], ['POST', '/status'], ['GET', '/queue/drop'], ['POST', '/queue/burn'], ['GET', '/fmp/1/blob/x']] as const) {
    t.equal((await ask(method, path, method === 'POST' ? '{}' : undefined)).status, 404, `${method} ${path}`);
  }
});

t.test('the socket is its owner’s alone', async (t) => {
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  const { socketPath } = await admin(t);
  t.equal((await stat(socketPath)).mode & 0o777, 0o600);
  t.equal(process.umask(0), 0, 'and what else the process makes is as before');
});

t.test('takes the place of a socket that nobody answers, and of no other', async (t) => {
  const socketPath = join(await folderOf(t), 'admin.sock');
  const killed = spawn(process.execPath, ['-e', 'require("net").createServer().listen(process.argv[1], () => console.log("up"))', socketPath]);
  await once(killed.stdout, 'data');
  await t.rejects(listen(socketPath), { code: 'GATEWAY_LISTEN', data: { address: socketPath, systemCode: 'EADDRINUSE' }, message: /another process answers/ });
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  t.ok((await stat(socketPath)).isSocket(), 'it has left its socket behind');
  const listener = await listen(socketPath);
  await t.rejects(listen(socketPath), { code: 'GATEWAY_LISTEN' });
  await listener.stop(0);
  await t.rejects(stat(socketPath), { code: 'ENOENT' });
});

t.test('leaves a file alone that is no socket', async (t) => {
  const socketPath = join(await folderOf(t), 'admin.sock');
  await writeFile(socketPath, 'precious');
  await t.rejects(listen(socketPath), { code: 'GATEWAY_LISTEN', data: { systemCode: 'EEXIST' }, message: /no socket/ });
  t.equal((await stat(socketPath)).size, 8);
});

t.test('says that a path is too long, or that its folder is missing', async (t) => {
  await t.rejects(listen(`/tmp/${'x'.repeat(100)}`), { code: 'GATEWAY_SOCKET_PATH', data: { limitBytes: 100 }, message: /Set adminSocket/ });
  await t.rejects(listen('/nowhere/at/all/admin.sock'), { code: 'GATEWAY_LISTEN' });
});

interface TestAdmin {
  readonly socketPath: string;
  readonly calls: unknown[];
  readonly faults: string[];
  ask(method: 'GET' | 'POST', path: string, body?: string): Promise<{ status: number; value: unknown }>;
}

async function admin(t: Test, changed: Partial<AdminHandlers> = {}): Promise<TestAdmin> {
  const calls: unknown[] = [];
  const faults: string[] = [];
  const handlers: AdminHandlers = {
    status: async () => ({ gateway: 'pier' }),
    queue: async (query) => (calls.push(['queue', query]), []),
    order: async (order, selection) => (calls.push([order, selection]), { changed: 3 }),
    testLink: async (test) => (calls.push(['testLink', test]), { works: true }),
    notices: async () => [],
    fetchNoticed: async (selection) => (calls.push(['fetch', selection]), { asked: 1, noRoom: 0 }),
    liftBudget: async (order) => (calls.push(['liftBudget', order]), { lifted: true }),
    startStick: async (order) => (calls.push(['startStick', order]), { state: 'running' }),
    stickJob: async () => ({ state: 'idle' }),
    confirmClock: async () => (calls.push(['confirmClock']), { trusted: true }),
    metrics: async () => 'postern_up 1\n',
    ...changed,
  };
  const socketPath = join(await folderOf(t), 'admin.sock');
  const listener = await listenAdmin({ socketPath, handlers, clock: systemClock, onFault: (thrown) => faults.push(String(thrown)) });
  const peer = new HttpPeer({ url: 'http://postern', socketPath, clock: systemClock });
  t.teardown(async () => {
    peer.close();
    await listener.stop(0);
  });
  return {
    socketPath,
    calls,
    faults,
    async ask(method, path, body) {
      const bytes = utf8(body ?? '');
      const open = async function* (): AsyncGenerator<Uint8Array> {
        yield bytes;
      };
      const answer = await peer.exchange({ method, path, answerLimitBytes: 1e6, ...(body === undefined ? {} : { body: { bytes: bytes.length, open } }) });
      const text = Buffer.from(await readWhole(answer)).toString();
      return { status: answer.status, value: answer.headers['content-type'] === 'application/json' ? JSON.parse(text) : text };
    },
  };
}

const NO_HANDLERS: AdminHandlers = {
  status: async () => undefined,
  queue: async () => undefined,
  order: async () => undefined,
  testLink: async () => undefined,
  notices: async () => undefined,
  fetchNoticed: async () => undefined,
  liftBudget: async () => undefined,
  startStick: async () => undefined,
  stickJob: async () => undefined,
  confirmClock: async () => undefined,
  metrics: async () => '',
};

function listen(socketPath: string): Promise<HttpListener> {
  return listenAdmin({ socketPath, handlers: NO_HANDLERS, clock: systemClock, onFault: () => undefined });
}

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

t.test('a stick is served by errand and folder, and asked about', async (t) => {
  const { ask, calls } = await admin(t);
  t.same(await ask('POST', '/stick', '{"errand":"export","dir":"/media/stick"}'), { status: 200, value: { state: 'running' } });
  t.same(calls, [['startStick', { errand: 'export', dir: '/media/stick' }]]);
  t.same(await ask('GET', '/stick'), { status: 200, value: { state: 'idle' } });
  for (const body of ['{"errand":"format","dir":"/media/stick"}', '{"errand":"export","dir":"stick"}', '{"errand":"export"}']) {
    t.match(await ask('POST', '/stick', body), { status: 400, value: { code: 'GATEWAY_ADMIN_REQUEST' } }, body);
  }
});
