import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { Domain, createDomain } from './domain.js';

const deps = { clock: systemClock, random: systemRandom };
const north = { name: 'north.example', listenHost: '127.0.0.1', listenPort: 0, endpoints: [{ host: '127.0.0.1', udpPort: 4557 }] };

t.test('makes a domain once', async (t) => {
  const dir = join(t.testdir({}), 'home');
  await createDomain(dir, north, deps);
  const before = readFileSync(join(dir, 'keys', 'domain.json'), 'utf8');
  await t.rejects(createDomain(dir, north, deps), { code: 'DOMAIN_HOME' });
  t.equal(readFileSync(join(dir, 'keys', 'domain.json'), 'utf8'), before);
  for (const file of ['domain.json', 'keys/domain.json']) t.equal(statSync(join(dir, file)).mode & 0o077, 0, `${file} is for its owner`);
  t.equal(statSync(join(dir, 'keys')).mode & 0o077, 0);
});

t.test('goes on with the keys of an init that was cut off', async (t) => {
  const dir = t.testdir({});
  await createDomain(dir, north, deps);
  const { domain } = (await Domain.open(dir, deps)).card();
  rmSync(join(dir, 'domain.json'));
  await t.rejects(Domain.open(dir, deps), { code: 'DOMAIN_HOME' });
  await createDomain(dir, north, deps);
  t.strictSame((await Domain.open(dir, deps)).card().domain, domain);
});

t.test('refuses a bad name before anything is made', async (t) => {
  for (const name of ['North.example', '../x', '', 'a..b', 'x'.repeat(300)]) {
    const dir = join(t.testdir({}), 'home');
    await t.rejects(createDomain(dir, { ...north, name }, deps), { code: 'DOMAIN_HOME' }, name);
    t.notOk(existsSync(dir));
  }
});

t.test('refuses a folder that cannot hold a domain', async (t) => {
  const dir = t.testdir({ file: '' });
  await t.rejects(createDomain(join(dir, 'file', 'home'), north, deps), { code: 'DOMAIN_HOME' });
  await t.rejects(Domain.open(join(dir, 'absent'), deps), { code: 'DOMAIN_HOME' });
});

t.test('makes a user once, and no user with a name that could be a path', async (t) => {
  const dir = t.testdir({});
  await createDomain(dir, north, deps);
  const domain = await Domain.open(dir, deps);
  t.equal(await domain.addUser('ann'), 'ann@north.example');
  t.equal(await domain.addUser('ann'), undefined);
  for (const user of ['', '..', '../ann', 'a/b', 'Ann', 'a b', '.a', 'a'.repeat(65)]) await t.rejects(domain.addUser(user), { code: 'DOMAIN_USER' }, user);
  t.strictSame(readdirSync(join(dir, 'keys')).sort(), ['domain.json', 'user-ann.json']);
  await domain.addUser('bo');
  const again = await Domain.open(dir, deps);
  t.strictSame(again.card().users.map(({ address }) => address), ['ann@north.example', 'bo@north.example']);
  t.strictSame(again.card(['bo']).users.map(({ address }) => address), ['bo@north.example']);
  t.throws(() => again.card(['cy']), { code: 'DOMAIN_USER' });
});

t.test('uses no key that others can read', async (t) => {
  const dir = t.testdir({});
  await createDomain(dir, north, deps);
  await (await Domain.open(dir, deps)).addUser('ann');
  for (const file of ['domain.json', 'user-ann.json']) {
    chmodSync(join(dir, 'keys', file), 0o640);
    await t.rejects(Domain.open(dir, deps), { code: 'DOMAIN_KEYS_EXPOSED', data: { mode: '0640' } });
    chmodSync(join(dir, 'keys', file), 0o600);
  }
  t.ok(await Domain.open(dir, deps));
});

t.test('says which file is damaged, and does not lose the others over it', async (t) => {
  const dir = t.testdir({});
  await createDomain(dir, north, deps);
  await (await Domain.open(dir, deps)).addUser('ann');
  const file = join(dir, 'keys', 'user-ann.json');
  const whole = readFileSync(file, 'utf8');
  for (const damaged of ['', '{', whole.slice(0, 100), whole.replace('"format": 1', '"format": 2'), whole.replace(/"kemSeed": "../, '"kemSeed": "')]) {
    writeFileSync(file, damaged);
    await t.rejects(Domain.open(dir, deps), { code: 'DOMAIN_STATE', data: { file } });
  }
  writeFileSync(file, whole);
  const outgoing = join(dir, 'outgoing', `${'ab'.repeat(16)}.1`);
  mkdirSync(outgoing);
  writeFileSync(join(outgoing, 'message.json'), '{}');
  const events: unknown[] = [];
  const domain = await Domain.open(dir, { ...deps, onEvent: (event) => events.push(event) });
  t.strictSame((await domain.status()).outgoing, []);
  t.match(events, [{ kind: 'trouble', thrown: { code: 'DOMAIN_STATE' } }]);
});

t.test('tells where it hears knocks, and tells it anew', async (t) => {
  const dir = t.testdir({});
  await createDomain(dir, north, deps);
  const domain = await Domain.open(dir, deps);
  t.strictSame(domain.card().domain.endpoints, [{ host: '127.0.0.1', udpPort: 4557 }]);
  await domain.announce([{ host: 'knock.example', udpPort: 99 }]);
  const again = (await Domain.open(dir, deps)).card().domain;
  t.strictSame(again.endpoints, [{ host: 'knock.example', udpPort: 99 }]);
  t.strictSame(again.signingKey, domain.card().domain.signingKey);
});

t.test('keeps to the name that its keys have', async (t) => {
  const dir = t.testdir({});
  await createDomain(dir, north, deps);
  const file = join(dir, 'domain.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('north.example', 'south.example'));
  await t.rejects(Domain.open(dir, deps), { code: 'DOMAIN_CONFIG', data: { field: 'name', found: 'south.example', expected: 'north.example' } });
});
