/** docs/threats.md names, for every threat that concerns what is built, tests that exist. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';

const ROOT = path.join(import.meta.dirname, '../..');
const BUILT = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9', 'T10', 'T11', 'T13', 'T14', 'T15'];
const ROW = /^\| (?:(T\d+) [^|]+|) ?\| `([^`]+)` (.+) \|$/;

t.test('every threat is tried by tests that exist', async (t) => {
  const rows = readFileSync(path.join(ROOT, 'docs/threats.md'), 'utf8').split('\n').filter((line) => line.startsWith('| ') && line.includes('`') && !line.startsWith('| threat'));
  t.ok(rows.length > 30);
  const tried = new Set<string>();
  for (const row of rows) {
    const [, threat, file, name] = ROW.exec(row) ?? [];
    if (file === undefined || name === undefined) {
      t.fail(`not a line of the table: ${row}`);
      continue;
    }
    if (threat !== undefined) tried.add(threat);
    t.ok(readFileSync(path.join(ROOT, file), 'utf8').includes(name), `${file}: ${name}`);
  }
  t.same(BUILT.filter((threat) => !tried.has(threat)), [], 'none is left out');
});
