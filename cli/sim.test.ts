import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import type { Comparison } from '../sim/compare.js';
import type { Report } from '../sim/report.js';
import type { SweepResult } from '../sim/sweep-table.js';
import { postern } from './cli-test-helper.js';
import { startCountdown, startRunCount } from './sim-progress.js';

const TEXT = `
name: small
about: Small enough to run again and again.
lasts: 2 h
settles: 6 h
nodes: { a: { serves: [a.example], routes: [{ to: b.example, via: b }] }, b: { serves: [b.example] } }
links:
  - { between: [a, b], rate: 9600 bit/s, delay: 20 s, loss: { probability: 0.05 } }
traffic:
  - { from: a.example, to: b.example, perDay: 60, size: 1 KiB }
expect: { deliveredAtLeast: 1, p99Within: 1 h }
`;

t.test('a run is told to people, scripts, browsers and CI servers', async (t) => {
  const dir = t.testdir({ 'small.yaml': TEXT });
  const [scenario, report, page, junit] = ['small.yaml', 'out.json', 'out.html', 'out.xml'].map((name) => join(dir, name)) as [string, string, string, string];
  const ran = await postern(['sim', 'run', scenario, '--seed', '3', '--report', report, '--html', page, '--junit', junit]);
  t.equal(ran.code, 0);
  t.match(ran.stdout, /small, seed 3: 8 h .*delivered .*met {2}delivered, at least 100 %: 100 %/s);
  t.equal(ran.stderr, '', 'nobody watches: no bar');
  t.match(JSON.parse(await readFile(report, 'utf8')) as Report, { format: 'postern-sim-report/1', seed: 3, passed: true });
  t.match(await readFile(page, 'utf8'), /postern sim run .*small\.yaml --seed 3/);
  t.match(await readFile(junit, 'utf8'), /<testsuite name="small" tests="\d+" failures="0"/);
});

t.test('a run that misses what was expected exits with 1, and says how to have it again', async (t) => {
  const dir = t.testdir({ 'small.yaml': TEXT });
  const junit = join(dir, 'out.xml');
  const ran = await postern(['sim', 'run', join(dir, 'small.yaml'), '--set', 'links[0].delay=2 h', '--junit', junit]);
  t.equal(ran.code, 1);
  t.match(ran.stdout, /MISSED {2}99 % of delays, within 1 h: \d h/);
  t.match(ran.stdout, /again: postern sim run .*small\.yaml --set 'links\[0\]\.delay=2 h' --seed 1/);
  t.match(await readFile(junit, 'utf8'), /<testcase classname="small" name="99 % of delays, within 1 h" time="0"><failure message="found \d h/);
});

t.test('a sweep says how sure its figures are, keeps its runs, and goes on from them', async (t) => {
  const dir = t.testdir({ 'small.yaml': TEXT });
  const sweep = ['sim', 'sweep', join(dir, 'small.yaml'), '--set', 'links.a-b.delay=20 s,5 min', '--out', join(dir, 'runs.jsonl'), '--csv', join(dir, 'runs.csv'), '--threads', '2'];
  const first = await postern([...sweep, '--seeds', '1..2', '--json']);
  t.match(JSON.parse(first.stdout) as SweepResult, { cells: [{ variant: 'links.a-b.delay=20 s', runs: 2 }, { variant: 'links.a-b.delay=5 min', runs: 2 }] });
  const second = await postern([...sweep, '--seeds', '1..3']);
  t.equal(second.code, 0);
  t.match(second.stderr, /4 of 6 runs are in .*runs\.jsonl already/);
  t.match(second.stdout, /links\.a-b\.delay=5 min +3 +100 % \[43\.85 %, 100 %\]/);
  t.equal((await readFile(join(dir, 'runs.jsonl'), 'utf8')).trimEnd().split('\n').length, 7);
  t.equal((await readFile(join(dir, 'runs.csv'), 'utf8')).trimEnd().split('\r\n').length, 7);
  await writeFile(join(dir, 'small.yaml'), TEXT.replace('1 KiB', '2 KiB'));
  t.match(await postern([...sweep, '--seeds', '1..3']), { code: 2, stderr: /SIM_RESULTS/ });
});

t.test('Ctrl-C ends a sweep with what is finished', async (t) => {
  const dir = t.testdir({ 'small.yaml': TEXT });
  const ran = await postern(['sim', 'sweep', join(dir, 'small.yaml'), '--seeds', '1..50'], { signal: AbortSignal.abort() });
  t.match(ran, { code: 130, stdout: /Stopped before the end/ });
});

t.test('two policies are compared on the same seeds, with a verdict', async (t) => {
  const dir = t.testdir({ 'small.yaml': TEXT });
  const ran = await postern(['sim', 'compare', join(dir, 'small.yaml'), '--set', 'links[0].delay=10 min', '--seeds', '1..3', '--json']);
  const comparison = JSON.parse(ran.stdout) as Comparison;
  t.equal(comparison.seeds, 3);
  t.match(comparison.differences.find(({ measure }) => measure === 'p50Sec'), { judgement: 'worse', more: 3 });
  t.match(comparison.verdict, /slower in the median/);
});

t.test('what cannot be meant is refused before anything runs', async (t) => {
  const dir = t.testdir({ 'small.yaml': TEXT });
  const scenario = join(dir, 'small.yaml');
  const cases: readonly (readonly string[])[] = [
    ['run', scenario, '--seed', 'x'],
    ['run', scenario, '--set', 'lasts=1 h,2 h'],
    ['run', scenario, '--set', 'links[9].rate=1 kbit/s'],
    ['sweep', scenario, '--seeds', '9..1'],
    ['sweep', scenario, '--threads', '0'],
    ['sweep', scenario, '--set', 'lasts=1 h,long'],
    ['compare', scenario],
    ['compare', scenario, scenario],
    ['compare', scenario, scenario, '--set', 'lasts=1 h'],
  ];
  for (const args of cases) t.match(await postern(['sim', ...args]), { code: 2, stdout: '' }, args.slice(2).join(' '));
  t.match(await postern(['sim', 'run', join(dir, 'none.yaml')]), { code: 2, stderr: /There is no \S+none\.yaml\. \[CONFIG_UNREADABLE/ });
  for (const option of ['--report', '--html', '--junit', '--trace']) t.match(await postern(['sim', 'run', scenario, option, join(dir, 'no/file')]), { code: 1, stdout: '', stderr: /no\/file cannot be written: .*\[CLI_FILE/ }, option);
  t.match(await postern(['sim', 'sweep', scenario, '--csv', dir]), { code: 1, stdout: '', stderr: /CLI_FILE/ });
});

t.test('the bar shows simulated time and speed on a terminal, and nothing where nobody looks', async (t) => {
  const clock = new ManualClock();
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
  const bar = startCountdown({ clock, stderr, json: false }, 'mars', false);
  clock.advance(2000);
  bar.update({ nowUs: 86_400e6, endUs: 2 * 86_400e6, events: 5000 });
  bar.stop();
  t.match(String(stderr.read()), /mars .*50 %.*1 d of 2 d.*43,200 times real time, 2,500 events\/s/);
  for (const [json, isQuiet] of [[true, false], [false, true]] as const) {
    startCountdown({ clock, stderr, json }, 'mars', isQuiet).update({ nowUs: 1, endUs: 2, events: 1 });
    startRunCount({ clock, stderr, json }, 10, 0, isQuiet).update(3);
  }
  t.equal(stderr.read(), null);
});
