/**
 * After the tests, by `npm test`: were the tests really run, and did they pass and assert something, that fault-matrix.ts and
 * docs/threats.md name? Exits with 1 where one was not.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { MATRIX } from './fault-matrix.js';
import { outcomeOf } from './test-results.js';
import { readThreats } from './threat-table.js';

interface Claim {
  readonly what: string;
  readonly file: string;
  readonly title: string;
}

const ROOT = join(import.meta.dirname, '../..');

async function main(): Promise<void> {
  const faults = Object.entries(MATRIX).flatMap(([kind, tried]) => Object.entries(tried).flatMap(([fault, test]): Claim[] => (typeof test === 'string' ? [] : [{ what: `${kind}, ${fault}`, file: test[0], title: test[1] }])));
  const threats = readThreats(await readFile(join(ROOT, 'docs/threats.md'), 'utf8')).map(({ threat, file, title }): Claim => ({ what: threat, file, title }));
  let tried = 0;
  for (const { what, file, title } of [...faults, ...threats]) {
    const outcome = await outcomeOf(ROOT, file, title);
    if (outcome.kind === 'passed') tried += 1;
    else process.stdout.write(`${what}: "${title}" (${file}) ${outcome.kind === 'skipped' ? `was skipped here: ${outcome.reason}` : outcome.reason}\n`);
    if (outcome.kind === 'bad') process.exitCode = 1;
  }
  process.stdout.write(`${tried} of ${faults.length + threats.length} tests that faults and threats rest on were run and passed.\n`);
}

await main();
