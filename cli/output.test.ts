import { PassThrough } from 'node:stream';
import t from 'tap';
import { formatBytes, formatDuration, formatTable, makeOutput } from './output.js';

t.test('gives people text and scripts one JSON document a line', async (t) => {
  for (const json of [false, true]) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const output = makeOutput(stdout, stderr, () => json);
    output.result({ held: 3 }, () => 'three are held');
    output.event({ event: 'holding' }, () => 'it holds');
    output.note('only a remark');
    t.equal(String(stdout.read()), json ? '{"held":3}\n{"event":"holding"}\n' : 'three are held\n');
    t.equal(stderr.read()?.toString(), json ? undefined : 'it holds\nonly a remark\n');
  }
});

t.test('sets a table in columns', async (t) => {
  const columns = [
    { title: 'NAME', text: (row: { name: string; count: number }) => row.name },
    { title: 'COUNT', align: 'right' as const, text: (row: { name: string; count: number }) => String(row.count) },
  ];
  t.equal(formatTable(columns, [{ name: 'shore', count: 7 }, { name: 'a-longer-name', count: 1234 }]), 'NAME           COUNT\nshore              7\na-longer-name   1234\n');
  t.equal(formatTable(columns, []), 'NAME  COUNT\n');
});

t.test('lets no name move the cursor', async (t) => {
  t.equal(formatTable([{ title: 'NAME', text: (name: string) => name }], ['a\u001b[2Jb', 'c\nd', 'e\u202ef']), 'NAME\na?[2Jb\nc?d\ne?f\n');
});

t.test('writes sizes in three figures', async (t) => {
  const expected: [number, string][] = [[0, '0 B'], [1023, '1023 B'], [1024, '1.0 KiB'], [1536, '1.5 KiB'], [150 * 1024, '150 KiB'], [2 ** 30, '1.0 GiB'], [2 ** 50, '1024 TiB']];
  for (const [bytes, text] of expected) t.equal(formatBytes(bytes), text);
});

t.test('writes durations in their two largest units', async (t) => {
  const expected: [number, string][] = [
    [-5, '0 ms'],
    [840, '840 ms'],
    [1500, '1.5 s'],
    [59_000, '59 s'],
    [60_000, '1 min'],
    [119_000, '1 min'],
    [3_600_000, '1 h'],
    [3_660_000, '1 h 1 min'],
    [86_400_000, '1 d'],
    [100_800_000, '1 d 4 h'],
    [864_000_000, '10 d'],
  ];
  for (const [ms, text] of expected) t.equal(formatDuration(ms), text);
});
