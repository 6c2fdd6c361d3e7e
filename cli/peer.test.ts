import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../gateway/config.js';
import { readPeerBook } from '../gateway/peer-book.js';
import { readYamlFile } from '../gateway/yaml-file.js';
import { formatCard, makeDomainCard } from '../wire/card.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import { postern, type Ran } from './cli-test-helper.js';

t.test('pairs two gateways by their cards, and forgets without a trace', async (t) => {
  const dir = t.testdir();
  await gateway(dir, 'pier');
  await gateway(dir, 'shore', { listenTcpcl: true });
  const before = await config(dir, 'pier');
  const invited = await ok(run(dir, 'shore', 'peer', 'invite', '--out', join(dir, 'shore.card')));
  const added = await ok(run(dir, 'pier', 'peer', 'add', '--words', invited.words, '--link', 'tcpcl', '--link', 'https', '--route', '*.shore.example', '--route', '*', join(dir, 'shore.card')));
  t.match(added, { added: true, name: 'shore', role: 'neighbour', words: invited.words });

  t.match(await ok(run(dir, 'pier', 'peer', 'list')), [{ name: 'shore', role: 'neighbour', links: ['tcpcl', 'https'], routes: ['*.shore.example', '*'], words: invited.words }]);
  t.match(await config(dir, 'pier'), /kind: tcpcl\n\s+host: shore\.example\n\s+port: 4556/);
  t.match(await config(dir, 'pier'), /# Peers are added by/);

  await ok(run(dir, 'pier', 'peer', 'remove', 'shore'));
  t.equal(await config(dir, 'pier'), before);
});

t.test('takes a domain as a client, with its record', async (t) => {
  const dir = t.testdir();
  await gateway(dir, 'pier');
  await writeFile(join(dir, 'north.card'), domainCard('north.example'));
  t.match(await ok(run(dir, 'pier', 'peer', 'add', join(dir, 'north.card'), '--yes')), { name: 'north-example', role: 'client', from: 'north.example' });
  const { file, value } = await readYamlFile(join(dir, 'pier/postern.yaml'));
  const served = (await readPeerBook(parseConfig(value, file))).serving('north.example');
  t.match(served, { name: 'north-example', domain: { domain: 'north.example' } });
});

t.test('adds nobody whose words are not the ones that were read out', async (t) => {
  const dir = t.testdir();
  await gateway(dir, 'pier');
  await gateway(dir, 'shore');
  await ok(run(dir, 'shore', 'peer', 'invite', '--out', join(dir, 'card')));
  const before = await config(dir, 'pier');
  const refused = await run(dir, 'pier', 'peer', 'add', join(dir, 'card'), '--words', 'apple apple apple apple apple apple apple apple');
  t.equal(refused.code, 4);
  t.match(JSON.parse(refused.stdout), { added: false });
  t.equal((await run(dir, 'pier', 'peer', 'add', join(dir, 'card'))).code, 2, 'nor where nobody can be asked');
  t.equal(await config(dir, 'pier'), before);
});

t.test('asks whoever sits at the terminal', async (t) => {
  const dir = t.testdir();
  await gateway(dir, 'pier');
  await gateway(dir, 'shore');
  await ok(run(dir, 'shore', 'peer', 'invite', '--out', join(dir, 'card')));
  const around = { env: { POSTERN_CONFIG: join(dir, 'pier/postern.yaml') } };
  for (const [answer, code] of [['', 4], ['n', 4], ['perhaps', 4], ['y', 0]] as const) {
    const ran = await postern(['peer', 'add', join(dir, 'card')], { ...around, typed: `${answer}\n` });
    t.equal(ran.code, code, `the answer "${answer}"`);
    t.match(ran.stderr, /Its key: \w+ .*\n.*\nDoes the other side read the same words\?/);
  }
});

t.test('changes nothing that would leave a configuration that cannot be used', async (t) => {
  const dir = t.testdir();
  await gateway(dir, 'pier');
  await gateway(dir, 'shore');
  await ok(run(dir, 'shore', 'peer', 'invite', '--out', join(dir, 'card')));
  await ok(run(dir, 'pier', 'peer', 'invite', '--out', join(dir, 'own.card')));
  await writeFile(join(dir, 'north.card'), domainCard('north.example'));
  await ok(run(dir, 'pier', 'peer', 'add', join(dir, 'card'), '--yes'));
  const before = await config(dir, 'pier');
  const wrong: [RegExp, string[]][] = [
    [/taken by another peer/, ['add', join(dir, 'card'), '--yes']],
    [/this key is another peer's/, ['add', join(dir, 'card'), '--yes', '--name', 'other']],
    [/use 1 to 32 lower-case/, ['add', join(dir, 'north.card'), '--yes', '--name', '../north']],
    [/is a client: routes go via neighbours/, ['add', join(dir, 'north.card'), '--yes', '--route', '*']],
    [/names no port for tcpcl/, ['add', join(dir, 'card'), '--yes', '--link', 'tcpcl']],
    [/no link of the kind .*pigeon/, ['add', join(dir, 'card'), '--yes', '--link', 'pigeon']],
    [/the card of this gateway itself/, ['add', join(dir, 'own.card'), '--yes']],
    [/holds no card/, ['add', join(dir, 'pier/postern.yaml'), '--yes']],
    [/cannot be read/, ['add', join(dir, 'missing'), '--yes']],
    [/There is no peer named north/, ['remove', 'north']],
  ];
  for (const [message, args] of wrong) {
    const { code, stderr } = await run(dir, 'pier', 'peer', ...args);
    t.not(code, 0, String(message));
    t.match(stderr, message);
  }
  t.equal(await config(dir, 'pier'), before);
});

function run(dir: string, name: string, ...args: string[]): Promise<Ran> {
  return postern(['--json', '--config', join(dir, name, 'postern.yaml'), ...args]);
}

async function ok(running: Promise<Ran>): Promise<{ words: string }> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { words: string };
}

async function gateway(dir: string, name: string, options: { listenTcpcl?: boolean } = {}): Promise<void> {
  await ok(postern(['--json', 'init', join(dir, name), '--name', name, '--url', `https://${name}.example:8443`]));
  if (options.listenTcpcl !== true) return;
  const text = await config(dir, name);
  await writeFile(join(dir, name, 'postern.yaml'), text.replace(/^ {2}# (tcpcl:)\n {2}# ( {2}host: .*)\n {2}# ( {2}port: .*)$/m, '  $1\n  $2\n  $3'));
}

function config(dir: string, name: string): Promise<string> {
  return readFile(join(dir, name, 'postern.yaml'), 'utf8');
}

function domainCard(domain: string): string {
  const key = signingKeyFromSeed(new Uint8Array(32).fill(7));
  const kem = kemKeyFromSeed(new Uint8Array(32).fill(8));
  const record = makeDomainRecord(key, { domain, kemKey: kem.publicKey, createdSec: 1_800_000_000, notAfterSec: 1_900_000_000, escrow: false, endpoints: [{ host: '127.0.0.1', udpPort: 4557 }] });
  return formatCard(makeDomainCard(key, { domain: record, users: [], createdSec: 1_800_000_000 }));
}
