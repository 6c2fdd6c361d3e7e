import t from 'tap';
import { needsShared, readSharedText } from '../scripts/shared-vectors.js';
import { readLinkTrace } from './link-trace.js';
import { Losses } from './losses.js';
import { runScenario } from './run-scenario.js';
import { readScenario } from './scenario-file.js';
import { Streams } from './streams.js';

const PACKETS = 'sim-vectors/mahimahi-att-lte-2016-up-60s.trace';
const table = (text: string, repeats = true): ReturnType<typeof readLinkTrace> => readLinkTrace({ text, format: 'table', repeats });
const packets = (text: string): ReturnType<typeof readLinkTrace> => readLinkTrace({ text, format: 'mahimahi', repeats: true });

t.test('60 s of a car on the road: 9,768 packets, 1.9536 Mbit/s', needsShared(PACKETS), async (t) => {
  const text = readSharedText(PACKETS);
  t.equal(text.split('\n').filter((line) => /^\d/.test(line)).length, 9768);
  const { pace, lengthUs } = packets(text);
  const seconds = lengthUs / 1e6;
  t.ok(Math.abs(seconds - 60) < 0.1, `${seconds} s`);
  t.equal((((pace?.meanBits(0, lengthUs) ?? 0) * seconds) / 60).toFixed(0), '1953600');
});

t.test('a packet leaves in its millisecond, and the trace begins again where it ends', async (t) => {
  const { pace, lengthUs } = packets('1\n1\n4\n10\n');
  t.equal(lengthUs, 10_000);
  t.equal(pace?.transferUs(0, 2 * 12_000), 1500, 'the last line stands for the beginning of the next round, and of this one');
  t.equal(pace?.transferUs(1000, 2 * 12_000), 1000);
  t.equal(pace?.transferUs(2000, 12_000), 3000, 'two milliseconds of waiting');
  t.equal(pace?.transferUs(5000, 12_000), 6000);
});

t.test('a table tells of what its head names', async (t) => {
  const trace = table('# measured by nobody\nseconds,loss,delayMs\n0,0,20\n1,0.5,30\n3,1,40\n');
  t.equal(trace.pace, undefined);
  t.equal(trace.lengthUs, 5e6, 'the last step is as long as the one before it');
  t.same([0, 1e6, 2e6, 4e6, 5e6, 6e6].map((us) => trace.loss?.(us)), [0, 0.5, 0.5, 1, 0, 0.5]);
  t.same([0.5e6, 4e6].map((us) => trace.delayUs?.(us)), [20_000, 40_000]);
  t.equal(table('seconds,loss\n0,0\n1,1\n', false).loss?.(99e6), 1, 'without rounds the last step holds');
});

t.test('loss is that of its time', async (t) => {
  const trace = table('seconds,loss\n0,0.1\n10,0.9\n');
  const losses = new Losses({ kind: 'measured', at: (us) => trace.loss?.(us) ?? 0, segmentBytes: 1000 }, new Streams(1).named('loss'));
  const [few, many] = [losses.lostOf(10_000, 0), losses.lostOf(10_000, 10e6)];
  t.ok(Math.abs(few - 1000) < 90 && Math.abs(many - 9000) < 90, `${few}, ${many}`);
});

const FAULTS: readonly (readonly [what: string, read: () => unknown, says: RegExp])[] = [
  ['a head without a time', () => table('rate\n1\n2\n'), /line 1: found "rate", where a head such as/],
  ['a column that is none', () => table('seconds,jitter\n0,1\n'), /line 1/],
  ['a table of one step', () => table('seconds,loss\n0,0\n'), /two steps or more/],
  ['a time that goes back', () => table('seconds,loss\n0,0\n2,0\n\n1,0\n'), /line 5: found "1", where a time after 2/],
  ['a beginning that is none', () => table('seconds,loss\n1,0\n2,0\n'), /line 2: found "1", where 0/],
  ['a loss above all', () => table('seconds,loss\n0,0\n1,1.5\n'), /line 3: found "1.5", where loss, a number from 0 to 1/],
  ['a cell too few', () => table('seconds,loss\n0,0\n1\n'), /line 3: found "1", where 2 numbers/],
  ['an empty cell', () => table('seconds,loss\n0,0\n1,\n'), /line 3/],
  ['a packet before the one before it', () => packets('5\n4\n'), /line 2: found "4", where a whole number of milliseconds, 5 or more/],
  ['a packet of half a millisecond', () => packets('0.5\n'), /line 1/],
  ['packets that never end', () => packets('0\n0\n'), /a time after 0/],
];

for (const [what, read, says] of FAULTS) {
  t.test(`${what} is told with its line`, async (t) => {
    t.throws(read, { code: 'PLAN_SYNTAX', message: says });
  });
}

const SCENARIO = `name: traced
lasts: 2 h
nodes:
  a: { serves: [a.example], routes: [{ to: b.example, via: b }] }
  b: { serves: [b.example], routes: [{ to: a.example, via: a }] }
links:
  - { between: [a, b], trace: { file: road.csv }, back: { trace: { format: mahimahi, text: "3\\n8\\n" } } }
events:
  - { file: mail.txt, lifetime: 1 d }
expect: { deliveredAtLeast: 1 }
`;

t.test('a scenario runs by the trace and the mail of files beside it', async (t) => {
  const folder = t.testdir({ 'scenario.yaml': SCENARIO, 'road.csv': 'seconds,bitsPerSec,loss,delayMs\n0,20000,0,30\n10,0,0,30\n20,5000,0.2,80\n', 'mail.txt': '# three of them\n5 a.example b.example 3000\n1.5 b.example a.example 900\n900 a.example b.example 20000\n' });
  const report = await runScenario(await readScenario(`${folder}/scenario.yaml`), { seed: 3 });
  t.equal(report.delivery.sent, 3);
  t.ok(report.passed, JSON.stringify(report.violations));
});

t.test('files that are not there, or say what cannot be, are told of before anything runs', async (t) => {
  const road = 'seconds,loss\n0,0\n1,1\n';
  const read = (files: Record<string, string>): Promise<unknown> => readScenario(`${t.testdir({ 'scenario.yaml': SCENARIO, ...files })}/scenario.yaml`);
  await t.rejects(read({}), { code: 'CONFIG_UNREADABLE', message: /road\.csv, which the scenario names, cannot be read/ });
  await t.rejects(read({ 'road.csv': `${road}2,x\n`, 'mail.txt': '' }), { code: 'PLAN_SYNTAX', message: /road\.csv, line 4: found "x"/ });
  await t.rejects(read({ 'road.csv': road, 'mail.txt': '1 a.example c.example 5\n' }), { code: 'PLAN_SYNTAX', message: /mail\.txt, line 1: found "c\.example", where a domain that a node serves/ });
  await t.rejects(read({ 'road.csv': road, 'mail.txt': '\n1 a.example b.example\n' }), { code: 'PLAN_SYNTAX', message: /mail\.txt, line 2/ });
});
