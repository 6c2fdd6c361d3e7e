import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../base/clock.js';
import { openStore } from '../store/open.js';
import type { Quotas } from '../store/store.js';
import { sha256Of } from '../wire/node-crypto.js';
import { makeRecord } from '../wire/record.js';
import { postern, type Ran } from './cli-test-helper.js';

const PLENTY: Quotas = { peer: () => ({ bytes: 1e9, byteSeconds: 1e18 }), destination: () => ({ bytes: 1e9, byteSeconds: 1e18 }) };

t.test('tells the status of the running gateway, and that there is none', async (t) => {
  const dir = await gateway(t);
  t.match(await run(dir, 'status'), { code: 3, stderr: /The gateway pier is not running: nobody answers on .*admin\.sock\. \[CLI_NOT_RUNNING\]/ });
  await hold(dir, 'north.example', 'south.example');
  await running(t, dir, async () => {
    const { code, stdout } = await run(dir, 'status');
    t.equal(code, 0);
    t.match(stdout, /^pier \(dtn:\/\/pier\/\), up for /);
    t.match(stdout, /^store {2}2 records, 200 B held/m);
    t.match(stdout, /^parked +2 +200 B +\d+ ms +-$|^parked +2 +200 B +[\d.]+ \w+ +-$/m);
    const status = await json<{ gateway: string; queues: unknown[] }>(dir, 'status');
    t.match(status, { gateway: 'pier', queues: [{ target: 'parked', records: 2 }] });
  });
});

t.test('watches until it is told to stop', async (t) => {
  const dir = await gateway(t);
  await running(t, dir, async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 2500);
    const { code, stdout } = await postern(['--json', '--config', join(dir, 'postern.yaml'), 'status', '--watch'], { signal: stop.signal });
    t.equal(code, 0);
    const lines = stdout.trim().split('\n');
    t.equal(lines.length, 2);
    for (const line of lines) t.match(JSON.parse(line), { gateway: 'pier' });
  });
});

t.test('carries out orders about what waits', async (t) => {
  const dir = await gateway(t);
  await hold(dir, 'north.example', 'south.example', 'south.example');
  await running(t, dir, async () => {
    t.match(await json(dir, 'queue', 'hold', '--to', 'south.example'), { order: 'hold', changed: 2 });
    t.match(await json(dir, 'queue', 'list'), [{ target: 'hold:parked', records: 2 }, { target: 'parked', records: 1 }]);
    const [first] = await json<{ record: string; destination: string }[]>(dir, 'queue', 'list', 'hold:parked');
    t.match(first, { destination: 'south.example', record: /^[0-9a-f]{16}$/ });
    t.match((await run(dir, 'queue', 'list', 'hold:parked')).stdout, new RegExp(`RECORD .*\n${first?.record} +south\\.example +domain`));
    t.match(await json(dir, 'queue', 'drop', '--record', first?.record.toUpperCase() ?? '', '--yes'), { changed: 1 });
    t.match(await json(dir, 'queue', 'release', '--queue', 'hold:parked'), { changed: 1 });
    t.match(await json(dir, 'queue', 'list'), [{ target: 'parked', records: 2 }]);
  });
});

t.test('asks before it drops, and wants to know what', async (t) => {
  const dir = await gateway(t);
  await hold(dir, 'north.example');
  await running(t, dir, async () => {
    t.match(await run(dir, 'queue', 'drop'), { code: 2, stderr: /--queue, --to or --record/ });
    t.match(await run(dir, 'queue', 'notices'), { code: 0, stdout: /No neighbour has told of anything/ });
    t.match(await json(dir, 'queue', 'fetch', '--to', 'south.example'), { asked: 0, noRoom: 0 });
    t.match(await run(dir, 'queue', 'fetch', '--from', 'nowhere'), { code: 2, stderr: /There is no neighbour nowhere\. There is/ });
    t.match(await run(dir, 'queue', 'list', 'peer:nowhere'), { code: 2, stderr: /There is no queue peer:nowhere\. There is parked/ });
    t.match(await run(dir, 'queue', 'hold', '--queue', 'hold:served:no.example'), { code: 2, stderr: /There is no queue hold:served:no\.example/ });
    t.match(await run(dir, 'queue', 'list', 'hold:parked'), { code: 0 });
    t.match(await run(dir, 'queue', 'fetch'), { code: 2, stderr: /--from, --to or --record/ });
    t.match(await run(dir, 'queue', 'drop', '--to', 'north.example'), { code: 2, stderr: /give --yes/ });
    const typed = await postern(['--config', join(dir, 'postern.yaml'), 'queue', 'drop', '--to', 'north.example'], { typed: 'n\n' });
    t.match(typed, { code: 4, stderr: /nobody is told. Go on\?/ });
    t.match(await run(dir, 'queue', 'drop', '--record', 'zz', '--yes'), { code: 2, stderr: /cannot be used/ });
    t.match(await run(dir, 'queue', 'list', 'shore'), { code: 2, stderr: /target is parked, peer:NAME, served:DOMAIN/ });
    t.match(await run(dir, 'queue', 'drop', '--queue', 'peer', '--yes'), { code: 2, stderr: /target is parked/ });
    t.match(await json(dir, 'queue', 'list'), [{ target: 'parked', records: 1 }]);
  });
});

t.test('tries a link, both ways', async (t) => {
  const [pier, shore] = [await gateway(t), await gateway(t, 'shore')];
  await pair(pier, shore, 'shore');
  await pair(shore, pier, 'pier');
  await running(t, pier, async () => {
    t.match(await run(pier, 'link', 'test', 'shore'), { code: 3, stdout: /^shore\/https does not work: unreachable, / });
    t.match(await run(pier, 'link', 'test', 'moon'), { code: 2, stderr: /There is no link moon\. There is shore\/https\./ });
    await running(t, shore, async () => {
      t.match(await run(pier, 'link', 'test', 'shore'), { code: 0, stdout: /^shore\/https works: round trip .*\/s\. The test sent 19\d KiB\.\n$/ });
      t.match(await json(pier, 'link', 'test', 'shore/https', '--bytes', '0'), { works: true, bytes: Number });
      const doctor = await json<Doctor>(pier, 'doctor', '--online');
      t.match(doctor.findings.find(({ what }) => what === 'shore/https'), { state: 'fine', found: /pinned key/ });
      t.match(doctor.findings.find(({ what }) => what === 'public address'), { state: 'fine' });
    });
  });
});

t.test('vouches for the clock', async (t) => {
  const dir = await gateway(t);
  await edit(dir, '# clock:\n#   source: system', 'clock:\n  source: peers');
  await running(t, dir, async () => {
    t.match((await run(dir, 'status')).stdout, /NOT TRUSTED: no neighbour has confirmed the time yet; nothing expires/);
    t.match((await json<Doctor>(dir, 'doctor')).findings.find(({ what }) => what === 'clock'), { state: 'bad', mend: /postern clock confirm/ });
    t.match(await json(dir, 'clock', 'confirm'), { trusted: true });
    t.match((await run(dir, 'status')).stdout, /clock {2}trusted, confirmed by the operator/);
  });
});

t.test('runs one gateway with one data folder', async (t) => {
  const dir = await gateway(t);
  await running(t, dir, async () => {
    t.match(await run(dir, 'run'), { code: 5, stderr: /STORE_LOCKED/ });
  });
});

t.test('says what is wrong, and what would mend it', async (t) => {
  const dir = await gateway(t);
  t.match(await json<Doctor>(dir, 'doctor'), { healthy: true });

  const busy = await listenSomewhere();
  t.teardown(() => busy.close());
  await edit(dir, /^ {4}port: \d+$/m, `    port: ${portOf(busy)}`);
  await chmod(join(dir, 'gateway.key'), 0o640);
  await chmod(join(dir, 'data'), 0o777);
  const doctor = await run(dir, 'doctor');
  t.equal(doctor.code, 1);
  t.match(doctor.stdout, /^BAD key: .* may be read by others \(mode 0640\)/m);
  t.match(doctor.stdout, /^BAD data folder: .* can be written by others\n {6}chmod 700 /m);
  t.match(doctor.stdout, /^BAD port for https: .*EADDRINUSE.*\n {6}Another program has it/m);
  t.match(doctor.stdout, /This gateway needs mending\.\n$/);

  await edit(dir, 'routes: []', 'rotues: []');
  t.match((await run(dir, 'doctor')).stdout, /^BAD configuration: .*\n {2}line \d+, rotues: there is no such setting/m);
});

t.test('finds a clock that is behind, and a store that another process has', async (t) => {
  const dir = await gateway(t);
  await hold(dir, 'north.example');
  await writeFile(join(dir, 'data/clock'), String(Date.now() + 86_400_000));
  const store = await openStore({ dir: join(dir, 'data/store'), clock: systemClock, quotas: PLENTY });
  const { findings } = await json<Doctor>(dir, 'doctor');
  await store.close();
  t.match(findings.find(({ what }) => what === 'clock'), { state: 'bad', found: /is 23 h 59 min behind a time that was known before|is 1 d behind/ });
  t.match(findings.find(({ what }) => what === 'store'), { state: 'bad', found: /in use by another process/ });
});

interface Doctor {
  readonly healthy: boolean;
  readonly findings: readonly { readonly what: string; readonly state: string }[];
}

/** A gateway of its own on a free port of this machine. The path of its socket must be short. */
async function gateway(t: Test, name = 'pier'): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const server = await listenSomewhere();
  const port = portOf(server);
  server.close();
  const made = await postern(['init', dir, '--name', name, '--url', `https://127.0.0.1:${port}`, '--port', String(port)]);
  if (made.code !== 0) throw new Error(made.stderr);
  await edit(dir, '# log:\n#   level: info', 'log:\n  level: silent');
  return dir;
}

async function listenSomewhere(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function edit(dir: string, from: string | RegExp, to: string): Promise<void> {
  const file = join(dir, 'postern.yaml');
  const text = await readFile(file, 'utf8');
  if (text.replace(from, to) === text) throw new Error(`there is no ${String(from)} to change`);
  await writeFile(file, text.replace(from, to));
}

/** Makes one gateway known to the other. */
async function pair(dir: string, other: string, name: string): Promise<void> {
  await run(other, 'peer', 'invite', '--out', join(dir, 'card'));
  const { code, stderr } = await run(dir, 'peer', 'add', join(dir, 'card'), '--yes', '--name', name);
  if (code !== 0) throw new Error(stderr);
}

/** Puts records into the store, as a peer named "domain" would. */
async function hold(dir: string, ...destinations: string[]): Promise<void> {
  const store = await openStore({ dir: join(dir, 'data/store'), clock: systemClock, quotas: PLENTY });
  const blob = new Uint8Array(100).fill(1);
  const heldAtMs = Date.now();
  await store.hold(
    destinations.map((destination, index) => ({
      record: makeRecord({
        destination,
        locator: new Uint8Array(24).fill(index),
        expirySec: 3600 * (Math.floor(heldAtMs / 3_600_000) + 24),
        blobBytes: blob.length,
        blobHash: sha256Of(blob),
        retractCommitment: new Uint8Array(16),
      }),
      from: 'domain',
      heldAtMs,
      schedule: { target: 'parked', dueMs: heldAtMs, attempts: 0 },
      blob,
    })),
  );
  await store.close();
}

/** Runs the gateway meanwhile, and stops it as Ctrl-C would. */
async function running(t: Test, dir: string, meanwhile: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const ended = postern(['--config', join(dir, 'postern.yaml'), 'run'], { signal: stop.signal });
  try {
    while ((await run(dir, 'status')).code === 3) await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
    await meanwhile();
  } finally {
    stop.abort();
  }
  t.match(await ended, { code: 0, stdout: /^The gateway \w+ listens on / });
}

function run(dir: string, ...args: string[]): Promise<Ran> {
  return postern(['--config', join(dir, 'postern.yaml'), ...args]);
}

async function json<T>(dir: string, ...args: string[]): Promise<T> {
  const { stdout, stderr } = await run(dir, '--json', ...args);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
