import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FAULTS, MATRIX, SUITE, SUITES } from './fault-matrix.js';
import { outcomeOf, outcomesIn } from './test-results.js';

const ROOT = join(import.meta.dirname, '../..');

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

for (const [kind, faults] of Object.entries(MATRIX)) {
  for (const [fault, tried] of Object.entries(faults)) {
    t.test(`${kind}: ${fault}`, { skip: typeof tried === 'string' ? tried : false }, async (t) => {
      const [file, title] = tried as Exclude<typeof tried, string>;
      const text = read(file);
      t.ok(text.includes('runFaultSuite(') ? read(SUITE).includes(title) : text.includes(title), `${title} (${file})`);
    });
  }
}

t.test('what the matrix has another test for, or a reason, is what a kind passes over in the suite of faults', async (t) => {
  for (const [kind, { file, instead }] of Object.entries(SUITES)) {
    const text = read(file);
    const passedOver = Object.entries(FAULTS).filter(([, title]) => text.includes(`'${title}':`)).map(([fault]) => fault);
    t.same(passedOver, Object.keys(instead), kind);
  }
});

const TAP = `TAP version 14
# Subtest: a line breaks
    ok 1 - should be equal
    # Subtest: and is mended
        ok 1 - it is there
        1..1
    ok 2 - and is mended # time=1ms
    1..2
ok 1 - a line breaks # time=2ms
# Subtest: nothing is asked
    1..0
ok 2 - nothing is asked # time=1ms
ok 3 - as root # SKIP root reads everything
# Subtest: it fails
    not ok 1 - should be equal
    1..1
not ok 4 - it fails # time=1ms
1..4
`;

t.test('a test counts as tried when it has passed and has asserted something', async (t) => {
  t.same(outcomesIn(TAP, 'line breaks'), [{ kind: 'passed', count: 2 }]);
  t.same(outcomesIn(TAP, 'is mended'), [{ kind: 'passed', count: 1 }]);
  t.same(outcomesIn(TAP, 'nothing is asked'), [{ kind: 'bad', reason: 'asserts nothing' }]);
  t.same(outcomesIn(TAP, 'as root'), [{ kind: 'skipped', reason: 'root reads everything' }]);
  t.same(outcomesIn(TAP, 'it fails'), [{ kind: 'bad', reason: 'failed' }]);
  t.same(outcomesIn(TAP, 'it is there'), [], 'an assertion is no test');
  t.same(outcomesIn(TAP, 'not there'), []);
});

t.test('results of what was built before are none', async (t) => {
  const root = t.testdir({ dist: { links: { 'a.test.js': '' } } });
  const results = join(root, '.tap/test-results/dist/links');
  mkdirSync(results, { recursive: true });
  const unknown = { kind: 'bad', reason: 'was not run since it was built' };
  t.same(await outcomeOf(root, 'links/a.test.ts', 'line breaks'), unknown);
  writeFileSync(join(results, 'a.test.js.tap'), TAP);
  utimesSync(join(root, 'dist/links/a.test.js'), 1000, 1000);
  t.same(await outcomeOf(root, 'links/a.test.ts', 'line breaks'), { kind: 'passed', count: 2 });
  t.same(await outcomeOf(root, 'links/link.suite.ts', 'line breaks'), { kind: 'passed', count: 2 }, 'a suite is run by a test beside it');
  t.same(await outcomeOf(root, 'links/a.test.ts', 'no such test'), unknown);
  utimesSync(join(results, 'a.test.js.tap'), 500, 500);
  t.same(await outcomeOf(root, 'links/a.test.ts', 'line breaks'), unknown);
});
