import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { posternProcess as postern, ROOT } from './cli-test-helper.js';
import { VERSION } from './version.js';

t.test('knows the version of its package', async (t) => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  t.equal(VERSION, version);
  t.same(await postern(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

t.test('shows help that names the exit codes', async (t) => {
  const { code, stdout } = await postern(['--help']);
  t.equal(code, 0);
  t.match(stdout, /Usage: postern/);
  t.match(stdout, /Exit codes: 0 done, 1 fault, 2 wrong usage/);
});

t.test('answers wrong usage with a sentence, a code and a hint, and no stack', async (t) => {
  const { code, stdout, stderr } = await postern(['--frobnicate']);
  t.equal(code, 2);
  t.equal(stdout, '');
  t.equal(stderr, 'postern: unknown option \'--frobnicate\'. [CLI_USAGE]\nSee "postern --help", or "postern COMMAND --help".\n');
});

t.test('answers wrong usage as JSON where a script reads it', async (t) => {
  const { code, stderr } = await postern(['--json', '--config']);
  t.equal(code, 2);
  t.match(JSON.parse(stderr), { error: { code: 'CLI_USAGE', hint: String } });
});

t.test('says what a command does in its help, and to a script only that one is missing', async (t) => {
  t.match((await postern(['status', '--help'])).stdout, /\n\nShow what waits and how the links are\.\n\nOptions/);
  t.match(await postern(['peer']), { code: 2, stderr: /^Usage: postern peer [^]*Give a command\. \[CLI_USAGE/ });
  t.match(JSON.parse((await postern(['--json', 'peer'])).stderr), { error: { code: 'CLI_USAGE' } });
});

t.test('ends quietly when the reader of its output has left', async (t) => {
  const run = execFile(process.execPath, [join(ROOT, 'dist/cli/postern.js'), '--help']);
  run.stdout?.destroy();
  let stderr = '';
  run.stderr?.on('data', (text: string) => (stderr += text));
  await new Promise((resolve) => run.once('close', resolve));
  t.equal(stderr, '');
});

t.test('does not end as if all were well when its output cannot be written', { skip: process.platform !== 'linux' && 'no /dev/full' }, async (t) => {
  const full = await open('/dev/full', 'w');
  t.teardown(() => full.close());
  const run = spawn(process.execPath, [join(ROOT, 'dist/cli/postern.js'), '--help'], { stdio: ['ignore', full.fd, 'pipe'] });
  let stderr = '';
  run.stderr?.on('data', (text: string) => (stderr += text));
  const [code] = (await once(run, 'close')) as [number];
  t.equal(code, 1);
  t.match(stderr, /ENOSPC.*\[CLI_FILE\]/);
});

t.test('loads no more than the command needs', async (t) => {
  const folder = t.testdir();
  await promisify(execFile)(process.execPath, [join(ROOT, 'dist/cli/postern.js'), '--data', folder, 'domain', '--help'], { env: { ...process.env, NODE_V8_COVERAGE: join(folder, 'loaded') } });
  const loaded: string[] = [];
  // One for each thread: a loader of the test runner's may have one of its own.
  for (const report of await readdir(join(folder, 'loaded'))) {
    const { result } = JSON.parse(await readFile(join(folder, 'loaded', report), 'utf8')) as { result: { url: string }[] };
    loaded.push(...result.map(({ url }) => url));
  }
  t.ok(loaded.some((url) => url.endsWith('/dist/cli/domain-send.js')));
  t.same(loaded.filter((url) => /\/dist\/(sim|gateway|store|links)\/|\/node_modules\/(fastify|level|astronomy-engine)\//.test(url)), []);
});
