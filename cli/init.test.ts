import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../gateway/config.js';
import { readKeyFile } from '../gateway/key-file.js';
import { parseYaml } from '../gateway/yaml-file.js';
import { fingerprintWords } from '../wire/keys.js';
import { postern, posternProcess } from './cli-test-helper.js';
import { configTemplate } from './config-template.js';

t.test('makes a gateway that can be used as it is', async (t) => {
  const dir = join(t.testdir(), 'deep', 'pier');
  const { code, stdout } = await postern(['--json', 'init', dir, '--name', 'pier', '--url', 'https://pier.example.org:8443']);
  t.equal(code, 0);
  const made = JSON.parse(stdout) as Record<string, string>;
  const config = parseConfig(parseYaml(await readFile(made.config!, 'utf8'), made.config!).value, made.config!);
  t.match(config.gateway, { name: 'pier', nodeId: 'dtn://pier/', publicUrl: 'https://pier.example.org:8443', keyFile: join(dir, 'gateway.key') });
  const key = await readKeyFile(config.gateway.keyFile);
  t.equal(made.words, fingerprintWords(key.publicKey).join(' '));
  t.equal((await stat(config.data)).mode & 0o777, 0o700);
});

t.test('makes another key each time', async (t) => {
  const dir = t.testdir();
  for (const name of ['a', 'b']) t.equal((await postern(['init', join(dir, name)])).code, 0);
  t.notSame(await readFile(join(dir, 'a/gateway.key')), await readFile(join(dir, 'b/gateway.key')));
});

t.test('replaces nothing', async (t) => {
  const dir = t.testdir({ 'postern.yaml': 'precious' });
  const { code, stderr } = await posternProcess(['init'], { cwd: dir });
  t.equal(code, 2);
  t.match(stderr, /There is a gateway already: .*postern\.yaml\. \[CLI_EXISTS\]/);
  t.equal(await readFile(join(dir, 'postern.yaml'), 'utf8'), 'precious');
  await t.rejects(stat(join(dir, 'gateway.key')));
});

t.test('goes on with the key of an init that was cut short', async (t) => {
  const dir = t.testdir();
  await postern(['init', dir]);
  const key = await readFile(join(dir, 'gateway.key'));
  await rm(join(dir, 'postern.yaml'));
  t.equal((await postern(['init', dir])).code, 0);
  t.same(await readFile(join(dir, 'gateway.key')), key);
});

t.test('makes nothing from a name that cannot be used', async (t) => {
  const dir = join(t.testdir(), 'new');
  for (const wrong of [['--name', 'The Pier'], ['--name', 'a"\ndata: /tmp\n#'], ['--url', 'pier'], ['--port', '70000'], ['--port', 'x'], ['--port', ''], ['--node-id', 'pier']]) {
    const { code, stderr } = await postern(['init', dir, ...wrong]);
    t.equal(code, 2, wrong.join(' '));
    t.match(stderr, /CONFIG_INVALID|CONFIG_SYNTAX|CLI_USAGE/);
    await t.rejects(stat(dir));
  }
});

t.test('says why a folder cannot be written', async (t) => {
  const dir = t.testdir({ file: '' });
  const { code, stderr } = await postern(['init', join(dir, 'file', 'x')]);
  t.equal(code, 1);
  t.match(stderr, /cannot hold a gateway: ENOTDIR.* \[CLI_FILE\]/);
});

t.test('gives up where no folder can be made at all', { skip: process.platform !== 'linux' && 'no /proc' }, async (t) => {
  const { code, stderr } = await postern(['init', '/proc/postern/x']);
  t.equal(code, 1);
  t.match(stderr, /cannot hold a gateway: ENOENT.* \[CLI_FILE\]/);
});

t.test('shows defaults in its comments that are the defaults', async (t) => {
  const text = configTemplate({ name: 'pier', nodeId: 'dtn://pier/', publicUrl: 'https://pier.example.org', httpsPort: 8443 });
  const uncommented = text.replace(/^# ((?: *)(?:store|limits|quota|clock|stick|knock|log|peer|destination|\w+(?:Bytes|Ms|Percent|AtOnce|PerMinute|Seconds)|bytes|source|level):.*)$/gm, '$1');
  t.not(uncommented, text);
  t.match(uncommented, /^ {2}capMs: 21600000$/m);
  t.same(parseConfig(parseYaml(uncommented, 'a').value, 'a'), parseConfig(parseYaml(text, 'a').value, 'a'));
});
