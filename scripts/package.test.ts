import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import t from 'tap';
import { VERSION } from '../cli/version.js';
import { unpackAddon } from './embedded-addon.js';
import { startTwoSites } from './two-sites.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const ADDON = new Uint8Array([1, 2, 3]);

t.test('makes an executable that stands on its own, and sends', { timeout: 110_000 }, async (t) => {
  const dir = t.testdir({ bin: {}, home: {}, letter: 'Dear Bo,\n' });
  const postern = join(dir, 'bin/postern');
  await run(process.execPath, [join(ROOT, 'dist/scripts/package.js'), '--out', postern]);
  t.same(await readdir(join(dir, 'bin')), ['postern']);

  await t.test('needs nothing around it', async (t) => {
    const env = { HOME: join(dir, 'home'), PATH: '/nowhere' };
    const alone = (...args: string[]) => run(postern, args, { cwd: dir, env });
    t.equal((await alone('--version')).stdout, `${VERSION}\n`);
    t.match((await alone('--help')).stdout, /Usage: postern/);
    t.match(JSON.parse((await alone('--json', 'init', 'gateway')).stdout), { fingerprint: String });
    t.match(JSON.parse((await alone('--json', '--config', 'gateway/postern.yaml', 'doctor')).stdout), { healthy: true });
  });

  await t.test("runs the demo's sending side", async (t) => {
    process.env.POSTERN_CACHE = join(dir, 'home/cache');
    const sites = await startTwoSites({ dir: await mkdtemp(join(tmpdir(), 'postern-')), northExecutable: postern, outDirs: { south: join(dir, 'out') } }, ({ north, south }) => [north.gateway, south.gateway, south.receiver]);
    t.teardown(() => rm(dirname(sites.north.home), { recursive: true }));
    t.teardown(() => sites.stop());
    const sender = sites.sender(sites.north, sites.south, [join(dir, 'letter')], '--follow');
    await sender.start();
    t.match(await sender.exit, { code: 0 });
    t.equal(await readFile(join(dir, 'out/letter'), 'utf8'), 'Dear Bo,\n');
  });
});

t.test('unpacks native code once, where only its owner can write', async (t) => {
  const dir = t.testdir();
  const env = { POSTERN_CACHE: join(dir, 'cache') };
  const file = unpackAddon('engine', ADDON, env);
  t.same(new Uint8Array(await readFile(file)), ADDON);
  t.equal((await stat(file)).mode & 0o777, 0o500);
  t.equal((await stat(join(dir, 'cache'))).mode & 0o777, 0o700);
  const { ino } = await stat(file);
  t.equal(unpackAddon('engine', ADDON, env), file);
  t.equal((await stat(file)).ino, ino);
  t.same(await readdir(join(dir, 'cache')), [file.slice(dir.length + '/cache/'.length)]);
});

t.test('does not load what was changed in the cache', async (t) => {
  const env = { POSTERN_CACHE: join(t.testdir(), 'cache') };
  const file = unpackAddon('engine', ADDON, env);
  await chmod(file, 0o700);
  await writeFile(file, 'evil');
  t.equal(unpackAddon('engine', ADDON, env), file);
  t.same(new Uint8Array(await readFile(file)), ADDON);
});

t.test('goes on to the next folder when one cannot be used', async (t) => {
  const dir = t.testdir({ 'a-file': '', home: {} });
  t.match(unpackAddon('engine', ADDON, { POSTERN_CACHE: join(dir, 'a-file'), HOME: join(dir, 'home') }), join(dir, 'home/.cache/postern/'));
});

t.test('passes over a folder that others can write, and leaves it as it is', async (t) => {
  const dir = t.testdir({ shared: {}, home: {} });
  await chmod(join(dir, 'shared'), 0o777);
  t.match(unpackAddon('engine', ADDON, { POSTERN_CACHE: join(dir, 'shared'), HOME: join(dir, 'home') }), join(dir, 'home/.cache/postern/'));
  t.equal((await stat(join(dir, 'shared'))).mode & 0o777, 0o777);
  t.same(await readdir(join(dir, 'shared')), []);
});
