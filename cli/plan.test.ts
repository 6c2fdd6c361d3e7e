import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { postern } from './cli-test-helper.js';

const START = '2026-06-01T00:00:00Z';
const ION = `m horizon +0
a range +0 +3600 1 2 5
a range +0 +3600 2 3 1
a contact +0 +60 1 2 125000
a contact +100 +160 2 3 125000
a contact +0 +60 1 1 1000
`;

async function json(...args: string[]): Promise<unknown> {
  const ran = await postern(['--json', ...args]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout);
}

t.test('checks a plan, and says what is in it and what was left out', async (t) => {
  const file = join(t.testdir({ 'plan.ionrc': ION }), 'plan.ionrc');
  t.match(await json('plan', 'check', file, '--start', START), { contacts: 2, nodes: [1, 2, 3], begins: START, ends: '2026-06-01T00:02:40Z', bytes: 15_000_000, notes: [/line 6: .*itself/] });
  t.match((await postern(['plan', 'check', file])).stdout, /2 contacts among 3 nodes \(1, 2, 3\)/);
});

t.test('names file and line of what is wrong', async (t) => {
  const dir = t.testdir({ 'bad.ionrc': `${ION}a contact +30 +90 1 2 1000\n`, 'bad.json': '{"contacts": [\n{"source": 1}]}', 'none.ionrc': 'what is this' });
  for (const [name, code, line] of [['bad.ionrc', 'PLAN_OVERLAP', 7], ['bad.json', 'PLAN_SYNTAX', 2], ['none.ionrc', 'PLAN_SYNTAX', 1]] as const) {
    const ran = await postern(['--json', 'plan', 'check', join(dir, name)]);
    t.equal(ran.code, 2, name);
    t.match(JSON.parse(ran.stderr), { error: { code, data: { file: join(dir, name), line } } });
  }
  t.match(JSON.parse((await postern(['--json', 'plan', 'check', join(dir, 'missing')])).stderr), { error: { code: 'CLI_FILE' } });
});

t.test('converts from one make to the other and back', async (t) => {
  const dir = t.testdir({ 'plan.ionrc': ION });
  const [hdtn, ion] = [join(dir, 'plan.json'), join(dir, 'again.ionrc')];
  await json('plan', 'convert', join(dir, 'plan.ionrc'), '--to', 'hdtn', '--start', START, '--out', hdtn);
  t.match(JSON.parse(await readFile(hdtn, 'utf8')), { contacts: [{ source: 1, dest: 2, startTime: 0, endTime: 60, rateBitsPerSec: 1_000_000, owlt: 5 }, { source: 2, dest: 3, startTime: 100 }] });
  await json('plan', 'convert', hdtn, '--to', 'ion', '--start', START, '--out', ion);
  t.match(await readFile(ion, 'utf8'), /a contact 2026\/06\/01-00:00:00 2026\/06\/01-00:01:00 1 2 125000\n/);
  t.match((await postern(['plan', 'convert', hdtn, '--to', 'ion', '--start', START])).stdout, /^# Contact plan/);
  t.equal((await postern(['plan', 'convert', hdtn, '--to', 'dtn'])).code, 2);
});

t.test('says which way is best', async (t) => {
  const file = join(t.testdir({ 'plan.ionrc': ION }), 'plan.ionrc');
  t.match(await json('plan', 'route', file, '1', '3', '--start', START), [{ nodes: [1, 2, 3], leaves: START, arrives: '2026-06-01T00:01:41Z', usableUntil: '2026-06-01T00:01:00Z' }]);
  t.same(await json('plan', 'route', file, '1', '3', '--start', START, '--bytes', '7500001'), [], 'too large for the first contact');
  t.same(await json('plan', 'route', file, '3', '1', '--start', START), []);
  t.match((await postern(['plan', 'route', file, '3', '1'])).stdout, /no route from 3 to 1/);
  t.equal((await postern(['plan', 'route', file, 'one', '3'])).code, 2);
});

t.test('shows when the links of a gateway work', async (t) => {
  const dir = t.testdir();
  const gateway = join(dir, 'pier');
  await json('init', gateway, '--name', 'pier');
  const file = join(gateway, 'postern.yaml');
  const peer = `  - name: shore
    role: neighbour
    key: "${Buffer.alloc(32, 7).toString('base64url')}"
    nodeId: "dtn://shore/"
    links:
      - kind: https
        url: "https://shore.example:8443"
        rateBytesPerSec: 1000
        contacts:
          - { cron: "0 2 * * *", durationMs: 600000 }
          - { from: "2026-06-01T00:00:00Z", everyMs: 86400000, driftMs: -240000, durationMs: 60000 }
`;
  await writeFile(file, (await readFile(file, 'utf8')).replace(/peers: \[\]\n/, `peers:\n${peer}`));
  const [shore] = (await json('--config', file, 'plan', 'show', '--days', '3')) as { link: string; contacts: { bytes: number; seconds: number }[] }[];
  t.equal(shore?.link, 'shore/https');
  t.equal(shore?.contacts.filter(({ seconds }) => seconds === 600).length, 3);
  t.ok((shore?.contacts.filter(({ seconds }) => seconds === 60).length ?? 0) >= 3);
  t.match((await postern(['--config', file, 'plan', 'show', 'shore'])).stdout, /shore\/https\nBEGINS/);
  t.match(await postern(['--config', file, 'plan', 'show', 'nobody']), { code: 2, stderr: /There is no link nobody\. There is shore\/https\. \[GATEWAY_NO_LINK/ });
});
