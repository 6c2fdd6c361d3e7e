import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseScenario } from '../sim/scenario-file.js';
import { postern } from './cli-test-helper.js';

const ION = 'a range +0 +3600 1 2 5\na contact +0 +60 1 2 125000\na contact +100 +160 2 1 125000\n';

t.test('a plan becomes a scenario that can be run, and a plan again', async (t) => {
  const dir = t.testdir({ 'plan.ionrc': ION });
  const printed = await postern(['sim', 'import', 'ion', join(dir, 'plan.ionrc')]);
  t.equal(printed.code, 0, printed.stderr);
  t.equal(parseScenario(printed.stdout, 'printed').links.length, 1);
  t.match(printed.stderr, /the plan says nothing of mail/);
  const file = join(dir, 'two.yaml');
  t.match(await postern(['sim', 'import', 'ion', join(dir, 'plan.ionrc'), '--out', file, '--start', '2027-01-01T00:00:00Z']), { code: 0, stdout: /two\.yaml is written/ });
  t.match(await readFile(file, 'utf8'), /starts: "?2027-01-01/);
  const back = await postern(['sim', 'export', 'ion', file]);
  t.match(back, { code: 0, stdout: /a contact 2027\/01\/01-00:00:00 2027\/01\/01-00:01:00 1 2 125000\n/ });
  t.match(JSON.parse((await postern(['--json', 'sim', 'export', 'hdtn', file, '--days', '1'])).stdout), { format: 'hdtn', text: /"rateBitsPerSec": 1000000/ });
});

t.test('netem takes its arguments as they are', async (t) => {
  const ran = await postern(['sim', 'import', 'netem', 'delay 100ms loss 1%']);
  t.match(parseScenario(ran.stdout, 'printed').links[0], { delay: 100_000, loss: { probability: 0.01 } });
});

t.test('what cannot be is told', async (t) => {
  const dir = t.testdir({ 'bad.ionrc': `${ION}a contact now\n`, 'one.txt': '1 CONN 1 2 up\n' });
  const cases: readonly (readonly [args: string[], code: number, says: RegExp])[] = [
    [['import', 'ns3', 'x'], 2, /There is no format ns3: use ion, hdtn/],
    [['import', 'ion', join(dir, 'bad.ionrc')], 2, /bad\.ionrc, line 4/],
    [['import', 'ion', join(dir, 'none.ionrc')], 1, /none\.ionrc cannot be read/],
    [['import', 'ion', join(dir, 'bad.ionrc'), join(dir, 'bad.ionrc')], 2, /ion takes 1 file, not 2/],
    [['import', 'ion', join(dir, 'bad.ionrc'), '--start', 'soon'], 2, /--start takes a time/],
    [['import', 'one', join(dir, 'one.txt'), '--rate', 'fast'], 2, /use a rate/],
    [['export', 'csv', 'x'], 2, /use ion or hdtn/],
    [['export', 'ion', 'x', '--days', '0'], 2, /--days takes a number above 0/],
  ];
  for (const [args, code, says] of cases) {
    const ran = await postern(['sim', ...args]);
    t.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`);
    t.match(ran.stderr, says);
  }
});

t.test('presets are listed with their numbers and where they come from', async (t) => {
  t.match((await postern(['sim', 'presets'])).stdout, /mars \(link\)\n[^]*delay: \{ from: earth, to: mars \}[^]*from: light time by ephemeris/);
  const listed = JSON.parse((await postern(['--json', 'sim', 'presets'])).stdout) as { name: string }[];
  t.same(listed.map(({ name }) => name), ['leo-pass', 'geo', 'starlink', 'moon', 'mars', 'deep-space-probe', 'hf', 'weekly-courier']);
});
