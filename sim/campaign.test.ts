import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runSeed } from './campaign.js';
import { complaint } from './campaign.suite.js';

const SEEDS_FILE = join(import.meta.dirname, '../../sim/seeds.txt');

t.setTimeout(300_000);

t.test('a seed that nobody has tried before keeps every rule', async (t) => {
  const seed = randomInt(1_000_000, 2 ** 31);
  t.comment(`fresh seed ${seed}`);
  const result = await runSeed(seed);
  t.same(result.violations, [], result.violations.length === 0 ? `fresh seed ${seed}` : complaint(result));
});

t.test('what failed once keeps the rules now', async (t) => {
  const lines = (await readFile(SEEDS_FILE, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) {
    const [, seed] = /^(\d+) +\S.{20}/.exec(line) ?? [];
    if (seed === undefined) t.fail(`no seed with its finding: ${line}`);
    else t.same((await runSeed(Number(seed))).violations, [], line);
  }
});

t.test('the same seed gives the same run', async (t) => {
  t.same(await runSeed(5), await runSeed(5));
});
