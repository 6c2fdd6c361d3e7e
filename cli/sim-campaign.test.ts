import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { SeedDone } from '../sim/campaign.js';
import { postern } from './cli-test-helper.js';
import { failureOf } from './sim-campaign.js';
import type { CampaignResult } from './sim-campaign.js';

const RESULT = { seed: 7, violations: [], messages: 10, delivered: 10, faults: 3, events: 900, hash: '' };
const BROKEN: SeedDone = { result: { ...RESULT, violations: [{ rule: 'lost', timeUs: 7200e6, node: 'ada', text: '0102 is gone' }] }, small: '{}\n' };

t.test('seeds that keep every rule are counted', async (t) => {
  const ran = await postern(['sim', 'campaign', '--seeds', '1..3', '--threads', '1']);
  t.match(ran, { code: 0, stdout: /^3 seeds: \d+ messages, \d+ of them delivered, \d+ faults, [\d,]+ events\nEvery rule was kept\.\n$/, stderr: '' });
  const result = JSON.parse((await postern(['--json', 'sim', 'campaign', '--seeds', '2', '--threads', '1'])).stdout) as CampaignResult;
  t.match(result, { format: 'postern-sim-campaign/1', seeds: 1, failed: [], isWhole: true });
});

t.test('a seed that breaks a rule has its small scenario written, and the commands that have it again', async (t) => {
  const folder = join(t.testdir(), 'new folder');
  t.equal(await failureOf({ result: RESULT }, folder), undefined);
  t.same(await failureOf(BROKEN, folder), { seed: 7, what: 'lost at ada, 2 h in: 0102 is gone', again: 'postern sim campaign --seeds 7', small: `postern sim run '${join(folder, 'seed-7.yaml')}' --seed 7` });
  t.equal(await readFile(join(folder, 'seed-7.yaml'), 'utf8'), '{}\n');
  await t.rejects(failureOf(BROKEN, join(folder, 'seed-7.yaml')), { code: 'CLI_FILE' });
});

t.test('Ctrl-C ends it with what is finished, and what cannot be meant is refused', async (t) => {
  t.match(await postern(['sim', 'campaign'], { signal: AbortSignal.abort() }), { code: 130, stdout: /^0 seeds.*Stopped before the end/s });
  t.match(await postern(['sim', 'campaign', '--seeds', '9..1']), { code: 2, stdout: '' });
});
