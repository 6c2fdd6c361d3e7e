import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { systemClock } from '../base/clock.js';
import type { GatewayStatus } from '../gateway/status.js';
import type { StickOutcome } from '../gateway/stick-status.js';
import { SmallDisk, whyNoSmallDisk } from '../proofs/small-disk.test-helper.js';
import { openStore } from '../store/open.js';
import { NO_QUOTAS } from '../store/open-memory.js';
import { postern, posternProcess } from './cli-test-helper.js';
import { configure, queuesOf, stickPair } from './stick-test-helper.js';
import type { StickPair } from './stick-test-helper.js';

const skip = whyNoSmallDisk();

async function bundleOn(stick: string): Promise<string> {
  return (await readdir(join(stick, 'POSTERN'))).find((name) => name.endsWith('.bnd')) ?? '';
}

t.test('each command says what it does and what it wants', async (t) => {
  for (const [command, text] of [['export', /put what is due on a stick|Removes what is confirmed/], ['import', /Nothing on the stick is changed/], ['stick', /the stick may be pulled\s+out/]] as const) {
    const { code, stdout } = await postern([command, '--help']);
    t.equal(code, 0);
    t.match(stdout, new RegExp(`Usage: postern ${command} \\[options\\] <dir>`));
    t.match(stdout.replaceAll(/\s+/g, ' '), text);
    t.match(await postern([command]), { code: 2, stderr: /dir/ }, `${command} without a folder`);
    t.match(await postern(['--config', 'nowhere.yaml', command, '.']), { code: 2, stderr: /CONFIG_UNREADABLE/ });
  }
});

t.test('messages go out and receipts come home by hand, in words and as JSON', async (t) => {
  const pair = await stickPair(t);
  const out = await pair.run('a', 'export', pair.stick);
  t.match(out, { code: 0, stdout: /^stick [0-9a-f]{8}\n {2}out: for b: 5 records and 0 receipts and other controls, [\d.]+ kB|KB|B/ });
  t.match(out.stdout, /\nSafe to remove\.\n$/);
  t.match(await pair.json<StickOutcome>('b', 'import', pair.stick), { errand: 'import', imported: { files: 1, records: 5, refusedRecords: 0 }, safeToRemove: true });
  t.same(await queuesOf(pair, 'b'), { parked: 5 });
  t.match((await pair.run('b', 'import', pair.stick)).stdout, /in: {2}nothing new\n {7}1 files were here before/);
  t.match(await pair.run('b', 'stick', pair.stick), { code: 0, stdout: /out: for a: 0 records and 1 receipts/ });
  t.match(await pair.run('a', 'stick', pair.stick), { code: 0, stdout: /1 of our files are confirmed: removed/ });
  t.same(await queuesOf(pair, 'a'), {}, 'custody is over');
  t.match(await pair.run('a', 'stick', pair.stick), { code: 0, stdout: /out: for b: nothing\nSafe to remove/ });
});

t.test('the running gateway serves the stick, and its status tells of it', async (t) => {
  const pair = await stickPair(t);
  for (const name of ['a', 'b'] as const) await configure(pair, name, { listen: { https: { host: '127.0.0.1', port: 0 } } });
  await running(pair, 'a', async () => {
    t.match(await pair.json('a', 'export', pair.stick), { exported: { peers: [{ peer: 'b', records: 5, left: 0 }] } });
    t.match((await pair.run('a', 'status')).stdout, /^[0-9a-f]{8} +.* ago +5 +went out \d+ \w{3} \(b, 5\)/m);
    t.match(await pair.run('a', 'import', join(pair.dir, 'nowhere')), { code: 4, stderr: /there is no such folder.*CLI_REFUSED/s });
  });
  await running(pair, 'b', async () => {
    t.match(await pair.run('b', 'stick', pair.stick), { code: 0, stdout: /in: {2}5 records in 1 file/ });
  });
  t.match(await pair.run('a', 'stick', pair.stick), { code: 0, stdout: /confirmed: removed/ }, 'and without a daemon the command does it itself');
});

t.test('a gateway that watches for sticks serves one that comes, and says when it may go', async (t) => {
  const pair = await stickPair(t);
  const media = join(pair.dir, 'media');
  await mkdir(media);
  await configure(pair, 'b', { listen: { https: { host: '127.0.0.1', port: 0 } }, stick: { watch: [media], lookEveryMs: 100 } });
  await pair.run('a', 'export', pair.stick);
  await running(pair, 'b', async () => {
    t.match((await pair.run('b', 'status')).stdout, `sticks are awaited in ${media}`);
    await rename(pair.stick, join(media, 'USB'));
    let status: GatewayStatus;
    do status = await pair.json<GatewayStatus>('b', 'status');
    while (status.sticks.watch?.sticks[0]?.state !== 'served');
    t.match(status, { queues: [{ target: 'parked', records: 5 }], sticks: { job: { outcome: { errand: 'visit' } } } });
    t.match((await pair.run('b', 'status')).stdout, /USB: safe to remove/);
  });
  t.match(await pair.run('a', 'stick', join(media, 'USB')), { code: 0, stdout: /confirmed: removed/ });
});

t.test('what is no stick, what is damaged and what is for others is told, each with its exit code', async (t) => {
  const pair = await stickPair(t);
  t.match(await pair.run('a', 'export', join(pair.dir, 'nowhere')), { code: 1, stderr: /there is no such folder.*LINK_STICK/s });
  t.match(await pair.run('a', 'import', join(pair.dir, 'a/postern.yaml')), { code: 1, stderr: /that is no folder.*LINK_STICK/s });
  const { code, stderr } = await pair.run('a', '--json', 'stick', join(pair.dir, 'nowhere'));
  t.equal(code, 1);
  t.match(JSON.parse(stderr), { error: { code: 'LINK_STICK', data: { reason: 'missing' } } });

  await writeFile(join(pair.stick, 'holiday.jpg'), 'theirs');
  await pair.run('a', 'export', pair.stick);
  const name = await bundleOn(pair.stick);
  const file = join(pair.stick, 'POSTERN', name);
  await copyFile(file, join(pair.dir, 'kept'));
  const bytes = await readFile(file);
  bytes[bytes.length - 100]! ^= 1;
  await writeFile(file, bytes);
  t.match(await pair.run('b', 'import', pair.stick), { code: 4, stdout: new RegExp(`NOT TAKEN ${name}: WIRE_SEAL`) });
  t.match(await pair.run('b', 'import', pair.stick), { code: 0, stdout: /\(as before\)/ }, 'told once by its code');
  t.same(await queuesOf(pair, 'b'), {});
  await copyFile(join(pair.dir, 'kept'), file);

  const other = await stickPair(t);
  t.match(await other.run('b', 'import', pair.stick), { code: 0, stdout: /in: {2}nothing new\n {7}1 files are for others/ }, 'a stranger to both');
  t.equal(await readFile(join(pair.stick, 'holiday.jpg'), 'utf8'), 'theirs');

  await configure(pair, 'b', { peers: [] });
  t.match(await pair.run('b', 'export', pair.stick), { code: 2, stderr: /No neighbour is reached by sticks/ });
  t.match(await pair.run('b', 'stick', pair.stick), { code: 2, stderr: /CLI_USAGE/ });
  t.match(await pair.run('b', 'import', pair.stick), { code: 4, stdout: /not known here/ }, 'a file from a gateway that is no neighbour (any more)');
});

t.test('a data folder in use is left alone', async (t) => {
  const pair = await stickPair(t);
  const store = await openStore({ dir: join(pair.dir, 'a/data/store'), clock: systemClock, quotas: NO_QUOTAS, limits: {} });
  t.match(await posternProcess(['--config', join(pair.dir, 'a/postern.yaml'), 'export', pair.stick]), { code: 5, stderr: /STORE_LOCKED/ });
  await store.close();
  t.same(await readdir(pair.stick), []);
});

t.test('a stick without room, and one that takes nothing', { skip }, async (t) => {
  const pair = await stickPair(t, { count: 40, blobBytes: 20_000 });
  const disk = SmallDisk.mount(t, 1);
  await configure(pair, 'a', { stick: { reserveBytes: 300_000 } });
  await configure(pair, 'b', { stick: { reserveBytes: 0 } });
  const first = await pair.json<StickOutcome>('a', 'export', disk.dir);
  const [went, left] = [first.exported?.peers[0]?.records ?? 0, first.exported?.peers[0]?.left ?? 0];
  t.ok(went > 10 && left > 2 && went + left === 40, `${went} went and ${left} wait`);
  t.match((await pair.run('a', 'export', disk.dir)).stdout, new RegExp(`out: for b: nothing; STICK FULL: ${left} records wait on`));
  disk.fill();
  t.match(await pair.run('a', 'export', disk.dir), { code: 0, stdout: /STICK FULL/ });
  disk.relieve();

  t.equal(spawnSync('mount', ['-o', 'remount,ro', disk.dir]).status, 0);
  t.match(await pair.run('b', 'stick', disk.dir), { code: 0, stdout: new RegExp(`in: {2}${went} records in 1 file[^]*it is read-only: nothing was written\nSafe to remove`) });
  t.match(await pair.run('b', 'export', disk.dir), { code: 1, stderr: /nothing can be written there \(EROFS\).*LINK_STICK/s });
  t.equal(spawnSync('mount', ['-o', 'remount,rw', disk.dir]).status, 0);
  await pair.run('b', 'stick', disk.dir);
  t.match(await pair.json('a', 'stick', disk.dir), { removed: 1, exported: { peers: [{ records: left, left: 0 }] } });
});

/** Runs the daemon meanwhile. */
async function running({ run, dir }: StickPair, name: 'a' | 'b', meanwhile: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const ended = postern(['--config', join(dir, name, 'postern.yaml'), 'run'], { signal: stop.signal });
  try {
    while ((await run(name, 'status')).code === 3) await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
    await meanwhile();
  } finally {
    stop.abort();
    await ended;
  }
}
