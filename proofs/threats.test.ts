/** docs/threats.md names, for every threat that concerns what is built, tests that exist. Whether they were run says scripts/tests-tried.ts. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readThreats } from '../scripts/threat-table.js';

const ROOT = path.join(import.meta.dirname, '../..');
const BUILT = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9', 'T10', 'T11', 'T13', 'T14', 'T15'];

t.test('every threat is tried by tests that exist', async (t) => {
  const rows = readThreats(readFileSync(path.join(ROOT, 'docs/threats.md'), 'utf8'));
  t.ok(rows.length > 30);
  for (const { file, title } of rows) t.ok(readFileSync(path.join(ROOT, file), 'utf8').includes(title), `${file}: ${title}`);
  const tried = new Set(rows.map(({ threat }) => threat));
  t.same(BUILT.filter((threat) => !tried.has(threat)), [], 'none is left out');
});
