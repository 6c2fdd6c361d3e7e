import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestGateway } from '../domain/gateway.test-helper.js';
import { editConfig, makePair } from '../domain/pair.test-helper.js';
import { freeUdpPort } from '../scripts/free-ports.js';
import { formatCard } from '../wire/card.js';
import { postern } from './cli-test-helper.js';
import type { Ran } from './cli-test-helper.js';

/** The documents that a command printed with --json. */
async function json(...args: string[]): Promise<{ code: number; documents: Record<string, unknown>[]; stderr: string }> {
  const { code, stdout, stderr } = await postern(['--json', ...args]);
  return { code, stderr, documents: stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>) };
}

function errorOf({ stderr }: Pick<Ran, 'stderr'>): string {
  return (JSON.parse(stderr) as { error: { code: string } }).error.code;
}

t.test('makes a domain and says what to do next', async (t) => {
  const home = join(t.testdir({}), 'home');
  const made = await postern(['domain', 'init', '--home', home, '--listen', '[::1]:0', '--announce', '127.0.0.1:4557', '--user', 'ann', '--user', 'bo', 'north.example']);
  t.equal(made.code, 0);
  t.match(made.stdout, /Users: ann@north\.example, bo@north\.example/);
  t.match(made.stdout, /postern domain card/);
  const again = await json('domain', 'init', 'north.example', '--home', home);
  t.equal(again.code, 2);
  t.equal(errorOf(again), 'DOMAIN_HOME');
  const { stdout } = await postern(['--data', home, 'domain', 'card', 'bo']);
  t.match(stdout, /^-----BEGIN POSTERN DOMAIN CARD-----\n/);
  t.match((await json('domain', 'card', '--home', home, '--announce', '[2001:db8::1]:77')).documents, [{ domain: 'north.example', users: ['ann@north.example', 'bo@north.example'], words: /^\w+( \w+){7}$/ }]);
  t.match((await json('domain', 'user', 'add', 'cy', '--home', home)).documents, [{ address: 'cy@north.example' }]);
  t.equal(errorOf(await json('domain', 'user', 'add', 'cy', '--home', home)), 'DOMAIN_USER');
});

t.test('finds its folder by --home, --data or POSTERN_HOME', async (t) => {
  const home = join(t.testdir({}), 'home');
  await postern(['domain', 'init', 'north.example', '--home', home]);
  for (const ran of [await postern(['domain', 'status', '--home', home]), await postern(['--data', home, 'domain', 'status']), await postern(['domain', 'status'], { env: { POSTERN_HOME: home } })]) {
    t.equal(ran.code, 0);
    t.match(ran.stdout, /^north\.example: no users yet\nGateways: none yet\n/);
  }
  t.equal(errorOf(await json('domain', 'status', '--home', join(home, 'nowhere'))), 'DOMAIN_HOME');
});

t.test('says what is wrong with what it was told', async (t) => {
  const pair = await makePair(t, { content: { file: 'x', 'no.card': 'hello' } });
  const at = ['--home', pair.northDir];
  const to = ['--to', 'bo@south.example'];
  const file = join(pair.dir, 'file');
  const cases: [code: string, exit: number, args: string[]][] = [
    ['CLI_USAGE', 2, ['domain', 'init', 'west.example', '--listen', 'nowhere', '--home', join(pair.dir, 'west')]],
    ['CLI_USAGE', 2, ['domain', 'send', ...at, file]],
    ['CLI_USAGE', 2, ['domain', 'send', ...at, ...to, '--wait', 'long', file]],
    ['CLI_USAGE', 2, ['domain', 'send', ...at, ...to, '--expires', '-1', file]],
    ['CLI_USAGE', 2, ['domain', 'send', ...at, ...to, '--expires', '4321', file]],
    ['CLI_USAGE', 2, ['domain', 'send', ...at, '--to', 'bo', file]],
    ['CLI_USAGE', 2, ['domain', 'send', ...at, ...to, '--type', 'plain text', file]],
    ['CLI_USAGE', 2, ['domain', 'receive', ...at, '--count', '0']],
    ['DOMAIN_STRANGER', 2, ['domain', 'acknowledge', ...at, 'west.example']],
    ['CLI_USAGE', 2, ['domain', 'pull', ...at, 'bo@south.example', 'sometimes']],
    ['DOMAIN_STRANGER', 2, ['domain', 'pull', ...at, 'cy@south.example', 'ignore']],
    ['DOMAIN_STRANGER', 2, ['domain', 'send', ...at, '--to', 'cy@south.example', file]],
    ['DOMAIN_USER', 2, ['domain', 'send', ...at, ...to, '--from', 'bo', file]],
    ['DOMAIN_FILE', 2, ['domain', 'send', ...at, ...to, join(pair.dir, 'absent')]],
    ['DOMAIN_MESSAGE', 2, ['domain', 'retract', ...at, 'abcdef']],
    ['DOMAIN_MESSAGE', 2, ['domain', 'accept', ...at, 'abcdef']],
    ['DOMAIN_MESSAGE', 2, ['domain', 'send', ...at, ...to, '--reply-to', 'abcdef', file]],
    ['CLI_CARD', 2, ['domain', 'know', ...at, join(pair.dir, 'no.card')]],
    ['CLI_CARD', 2, ['domain', 'know', ...at, join(pair.dir, 'absent.card')]],
  ];
  for (const [error, exit, args] of cases) {
    const ran = await json(...args);
    t.equal(ran.code, exit, args.join(' '));
    t.equal(errorOf(ran), error, args.join(' '));
    t.strictSame(ran.documents, []);
  }
});

t.test('shows how messages stand, and takes them back', async (t) => {
  const pair = await makePair(t, { content: { 'a\u001b[31mb': 'x', second: 'y' } });
  const home = ['--home', pair.northDir];
  const sent = await json('domain', 'send', ...home, '--to', 'bo@south.example', join(pair.dir, 'a\u001b[31mb'));
  t.equal(sent.code, 0);
  t.match(sent.documents.at(-1), { to: 'bo@south.example', bytes: 1, state: 'in-custody' });
  const message = String(sent.documents.at(-1)?.['message']);
  const status = await postern(['domain', 'status', ...home]);
  t.match(status.stdout, new RegExp(`${message.slice(0, 12)} +bo@south\\.example`));
  t.notMatch(status.stdout, /\u001b/, 'nothing in a name moves the cursor');
  t.match((await json('domain', 'status', ...home)).documents, [{ domain: 'north.example', outgoing: [{ message, state: 'in-custody', retracting: false }], gateways: [{ name: 'shore' }] }]);
  t.match(await json('domain', 'retract', ...home, message.slice(0, 8)), { code: 0, documents: [{ message, outcome: 'retracted' }] });
  t.match(await json('domain', 'retract', ...home, message.slice(0, 8)), { code: 0, documents: [{ outcome: 'retracted' }] });
  const [ended] = (await json('domain', 'status', ...home)).documents;
  t.same(ended?.['outgoing'], []);
  t.match(ended, { sent: { retracted: 1 } });

  await pair.gateway.stop();
  const away = await json('domain', 'send', ...home, '--to', 'bo@south.example', '--wait', '0', join(pair.dir, 'second'));
  t.equal(away.code, 3, 'nobody there');
  t.match(away.documents.at(-1), { state: 'offered', trouble: { gateway: 'shore', code: 'LINK_UNREACHABLE' } });
  const later = await json('domain', 'retract', ...home, String(away.documents.at(-1)?.['message']));
  t.match(later, { code: 3, documents: [{ outcome: 'later' }] });
});

t.test('warns of a changed key, and stops until it is acknowledged', async (t) => {
  const pair = await makePair(t, { content: { file: 'x' } });
  const home = ['--home', pair.northDir];
  const other = join(pair.dir, 'other');
  await postern(['domain', 'init', 'south.example', '--home', other, '--user', 'bo']);
  const card = join(pair.dir, 'other.card');
  writeFileSync(card, (await postern(['domain', 'card', '--home', other])).stdout);
  const known = await postern(['domain', 'know', ...home, card]);
  t.equal(known.code, 4);
  t.match(known.stdout, /CHANGED KEY of south\.example: .{39} was pinned, .{39} is offered/);
  const refused = await json('domain', 'send', ...home, '--to', 'bo@south.example', join(pair.dir, 'file'));
  t.equal(refused.code, 4);
  t.equal(errorOf(refused), 'DOMAIN_KEY_CHANGED');
  t.match((await postern(['domain', 'status', ...home])).stdout, /The key of south\.example has changed/);
  t.match(await json('domain', 'acknowledge', ...home, 'south.example'), { code: 0, documents: [{ acknowledged: [{ whose: 'south.example' }, { whose: 'bo@south.example' }] }] });
  t.match(await json('domain', 'send', ...home, '--to', 'bo@south.example', join(pair.dir, 'file')), { code: 0 });
});

t.test('takes in the card of a gateway, and no other key under its name', async (t) => {
  const pair = await makePair(t);
  const home = ['--home', pair.northDir];
  const card = join(pair.dir, 'shore.card');
  writeFileSync(card, formatCard(pair.gateway.card()));
  t.match(await json('domain', 'gateway', 'add', ...home, card, '--name', 'second'), { code: 0, documents: [{ gateway: 'second', url: pair.gateway.url }] });
  t.match((JSON.parse(readFileSync(join(pair.northDir, 'domain.json'), 'utf8')) as { gateways: unknown }).gateways, [{ name: 'shore' }, { name: 'second' }]);
  t.equal(errorOf(await json('domain', 'gateway', 'add', ...home, card, '--name', 'The Second')), 'DOMAIN_GATEWAY');
  const impostor = await new TestGateway(9).start();
  t.teardown(() => impostor.close());
  writeFileSync(card, formatCard(impostor.card('shore')));
  const refused = await json('domain', 'know', ...home, card);
  t.equal(refused.code, 2);
  t.equal(errorOf(refused), 'DOMAIN_GATEWAY');
  writeFileSync(card, formatCard((await pair.south()).card()));
  t.equal(errorOf(await json('domain', 'gateway', 'add', ...home, card)), 'CLI_CARD');
});

t.test('receives, prints, accepts by hand and ends when it was told to', async (t) => {
  const pair = await makePair(t, { content: { 'letter.txt': 'Dear Bo' } });
  await json('domain', 'send', '--home', pair.northDir, '--to', 'bo@south.example', join(pair.dir, 'letter.txt'));
  const [held] = [...pair.gateway.held.values()];
  const port = await freeUdpPort();
  editConfig(pair.southDir, ({ knock }) => Object.assign(knock, { listenPort: port }));
  const knocking = setInterval(() => void pair.gateway.knock(held!, port), 50);
  t.teardown(() => clearInterval(knocking));
  const received = await json('domain', 'receive', '--home', pair.southDir, '--once', '--no-accept', '--out', join(pair.dir, 'out'));
  t.equal(received.code, 0);
  t.match(received.documents.find(({ event }) => event === 'delivered'), { from: 'ann@north.example', name: 'letter.txt', bytes: 7, path: join(pair.dir, 'out', 'letter.txt') });
  t.equal(readFileSync(join(pair.dir, 'out', 'letter.txt'), 'utf8'), 'Dear Bo');
  t.equal(held!.state, 'custody');
  t.match(await json('domain', 'accept', '--home', pair.southDir), { code: 0, documents: [{ accepted: [String] }] });
  t.equal(held!.state, 'accepted');
  const { code, documents } = await json('domain', 'accept', '--home', pair.southDir);
  t.same([code, documents.length, documents[0]?.['accepted']], [0, 1, []]);
});
