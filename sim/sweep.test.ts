import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseChanges } from './change-scenario.js';
import { compareRuns } from './compare.js';
import { overThreads } from './run-threads.js';
import { openSweepFile } from './sweep-file.js';
import { sweepRun } from './sweep-run.js';
import type { RunFigures, SweepRun, Variant } from './sweep-run.js';
import { sweepCsv, sweepResult } from './sweep-table.js';
import { gridOf, jobsOf, variantName } from './sweep.js';

const TEXT = `
name: few
lasts: 2 h
settles: 6 h
nodes: { a: { serves: [a.example], routes: [{ to: b.example, via: b }] }, b: { serves: [b.example] } }
links:
  - { between: [a, b], rate: 9600 bit/s, delay: 20 s, loss: { probability: 0.05 } }
traffic:
  - { from: a.example, to: b.example, perDay: 60, size: 1 KiB }
expect: { deliveredAtLeast: 1 }
`;
const never = new AbortController().signal;
const variants = gridOf([parseChanges('links[0].delay=20 s,10 min')]).map((changes): Variant => ({ name: variantName(changes), file: 'few.yaml', text: TEXT, changes }));
const [near, far] = variants.map(({ name }) => name) as [string, string];

t.test('runs on threads are the runs that this process would have made', async (t) => {
  const runs: SweepRun[] = [];
  await overThreads({ jobs: jobsOf(variants, [1, 2, 3]), threads: 2, signal: never, onDone: async (run) => void runs.push(run) });
  t.equal(runs.length, 6);
  const [variant] = variants as [Variant];
  t.same(runs.find((run) => run.variant === near && run.seed === 2), await sweepRun({ variant, seed: 2 }));
  const { cells } = sweepResult('few', [near, far], runs);
  t.same(cells.map(({ runs: count }) => count), [3, 3]);
  t.ok(cells[0]!.means.p50Sec.high < cells[1]!.means.p50Sec.low, 'ten minutes are longer than twenty seconds');
  const comparison = compareRuns(near, far, runs);
  t.match(comparison, { seeds: 3, passed: { both: 3 }, verdict: /B is worse: it is slower in the median/ });
  t.equal(sweepCsv(runs).split('\r\n').length, 8);
});

t.test('who is told to stop keeps what is finished, and goes on from there', async (t) => {
  const file = join(t.testdir(), 'runs.jsonl');
  const stop = new AbortController();
  const first = await openSweepFile(file, variants);
  await overThreads({
    jobs: jobsOf(variants, [1, 2]),
    threads: 1,
    signal: stop.signal,
    onDone: async (run) => {
      await first.add(run);
      stop.abort();
    },
  });
  await appendFile(file, '{"variant":"links[0].del');
  const again = await openSweepFile(file, variants);
  t.match(again.runs, [{ variant: near, seed: 1, passed: true }]);
  t.match(again.runs, { length: 1 });
  t.equal((await readFile(file, 'utf8')).split('\n').length, 3, 'the line that was cut short is gone');
});

t.test('a file of other runs is not mixed with these', async (t) => {
  const file = join(t.testdir(), 'runs.jsonl');
  await openSweepFile(file, variants);
  const changed = variants.map((variant) => ({ ...variant, text: variant.text.replace('60', '61') }));
  await t.rejects(openSweepFile(file, changed), { code: 'SIM_RESULTS' });
  await writeFile(file, 'my diary\n');
  await t.rejects(openSweepFile(file, variants), { code: 'SIM_RESULTS' });
});

t.test('a run that cannot be made is told with its seed', async (t) => {
  const wrong = { name: 'wrong', file: 'wrong.yaml', text: 'name: wrong', changes: [] };
  await t.rejects(overThreads({ jobs: [{ variant: wrong, seed: 5 }], threads: 1, signal: never, onDone: async () => undefined }), { message: /seed 5 of wrong: .*wrong\.yaml cannot be used/s });
});

t.test('differences are judged seed by seed', async (t) => {
  const run = (variant: string, seed: number, p50Sec: number, money: number): SweepRun => {
    const figures: RunFigures = { sent: 10, delivered: 10, deliveredShare: 1, p50Sec, p99Sec: 100 * seed, overhead: 1, linkBytes: 1, mostBytes: 1, money };
    return { variant, seed, passed: true, violations: 0, missed: [], figures, trace: '' };
  };
  const luck = [50, 10, 90, 30, 70];
  const runs = luck.flatMap((sec, index) => [run('a', index, sec, index), run('b', index, sec - 2 - (index % 2) * 0.1, 4 - index)]);
  const { differences, verdict } = compareRuns('a', 'b', runs);
  t.match(differences.find(({ measure }) => measure === 'p50Sec'), { judgement: 'better', less: 5, more: 0 }, 'two seconds show among differences of eighty, because the seeds are the same');
  t.match(differences.find(({ measure }) => measure === 'money'), { judgement: 'no difference shown' });
  t.match(differences.find(({ measure }) => measure === 'p99Sec'), { judgement: 'the same' });
  t.equal(verdict, 'B is better: it is faster in the median. No difference is shown in cost.');
  t.match(compareRuns('a', 'b', runs.slice(0, 2)).verdict, /One seed says nothing/);
  t.match(compareRuns('a', 'a', runs).verdict, /nothing tells B from A/);
});
