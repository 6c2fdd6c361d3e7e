import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isPosternError } from '../base/errors.js';
import { checkDomainConfig, isGatewayUrl, readDomainConfig, writeDomainConfig } from './domain-config.js';

const good = {
  format: 1,
  name: 'north.example',
  knock: { listenHost: '0.0.0.0', listenPort: 4557 },
  gateways: [{ name: 'shore', url: 'https://gateway.example:7443', key: 'q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s' }],
};

t.test('reads what it wrote', async (t) => {
  const file = join(t.testdir({}), 'domain.json');
  const config = checkDomainConfig(good, file);
  await writeDomainConfig(file, config);
  t.strictSame(await readDomainConfig(file), config);
  t.equal(config.gateways[0]?.key.length, 32);
  t.match(JSON.parse(readFileSync(file, 'utf8')), good);
});

t.test('names the field, what was found and what would do', async (t) => {
  const cases: [string, unknown][] = [
    ['format', { ...good, format: 2 }],
    ['name', { ...good, name: 'North.Example' }],
    ['name', { ...good, name: '../north' }],
    ['knock', { ...good, knock: undefined }],
    ['knock.listenHost', { ...good, knock: { ...good.knock, listenHost: '' } }],
    ['knock.listenPort', { ...good, knock: { ...good.knock, listenPort: 70000 } }],
    ['knock.perSecond', { ...good, knock: { ...good.knock, perSecond: 0 } }],
    ['knock.burst', { ...good, knock: { ...good.knock, burst: 0 } }],
    ['knock.windowMinutes', { ...good, knock: { ...good.knock, windowMinutes: '2h' } }],
    ['knock.mostPending', { ...good, knock: { ...good.knock, mostPending: -1 } }],
    ['clockTrusted', { ...good, clockTrusted: 'yes' }],
    ['gateways', { ...good, gateways: {} }],
    ['gateways.0.url', { ...good, gateways: [{ ...good.gateways[0], url: 'http://gateway.example' }] }],
    ['gateways.0.key', { ...good, gateways: [{ ...good.gateways[0], key: 'abcd' }] }],
    ['gateways.0.name', { ...good, gateways: [{ ...good.gateways[0], name: 'a b' }] }],
    ['transitLifetimeHours', { ...good, transitLifetimeHours: 0 }],
    ['pollSeconds', { ...good, pollSeconds: 0 }],
    ['largestBlobBytes', { ...good, largestBlobBytes: 1.5 }],
    ['', { ...good, colour: 'red' }],
    ['', []],
    ['', null],
  ];
  for (const [field, value] of cases) {
    try {
      checkDomainConfig(value, 'domain.json');
      t.fail(`took a wrong ${field}`);
    } catch (thrown) {
      if (!isPosternError(thrown)) throw thrown;
      t.equal(thrown.code, 'DOMAIN_CONFIG');
      t.match(thrown.data, { file: 'domain.json', field, found: String, expected: String });
    }
  }
});

t.test('says so when the file is missing or is not JSON', async (t) => {
  const dir = t.testdir({ 'domain.json': '{ "format": 1,' });
  await t.rejects(readDomainConfig(join(dir, 'domain.json')), { code: 'DOMAIN_CONFIG' });
  await t.rejects(readDomainConfig(join(dir, 'absent.json')), { code: 'DOMAIN_CONFIG', data: { expected: 'a readable file' } });
});

t.test('takes plain HTTP to this machine only', async (t) => {
  for (const url of ['https://a.example', 'https://a.example:7443', 'http://127.0.0.1:80', 'http://[::1]:8080', 'http://localhost:1']) t.ok(isGatewayUrl(url), url);
  for (const url of ['http://a.example', 'https://a.example/x', 'https://u:p@a.example', 'https://a.example?x', 'https://a.example#x', 'ftp://a.example', 'a.example', '', 'http://127.0.0.1.a.example', 'https://']) t.notOk(isGatewayUrl(url), url);
});
