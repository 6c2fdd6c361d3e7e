/** A whole run from its seed: the same in every process, with the curves or without, and the same as when its hash was written down. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { runScenario } from './run-scenario.js';
import { parseScenario } from './scenario-file.js';
import { SMALL_SCENARIO } from './small-scenario-test-helper.js';
import { Trace } from './trace.js';

/**
 * What the ends of the run see, and when: each message sent, receipted, taken back, served, each contact and each fault, to the microsecond.
 * A change of the gateway that changes when things happen changes this, and is looked at: then the new hash takes the place of the old one.
 */
const GOLDEN: Readonly<Record<string, string>> = {
  '20': '3f477b3315cdfcb4086f371690f615019a78d863e63d957ac40224a09f1a56e8',
  '22': '3f477b3315cdfcb4086f371690f615019a78d863e63d957ac40224a09f1a56e8',
  '24': '3f477b3315cdfcb4086f371690f615019a78d863e63d957ac40224a09f1a56e8',
  '26': '3f477b3315cdfcb4086f371690f615019a78d863e63d957ac40224a09f1a56e8',
};

const SEED = 2026;
const POSTERN = join(import.meta.dirname, '../cli/postern.js');
const major = process.versions.node.split('.')[0] ?? '';
const scenario = parseScenario(SMALL_SCENARIO, 'small.yaml');

t.setTimeout(120_000);

async function seenHash(realCurves: boolean): Promise<string> {
  const seen = new Trace();
  await runScenario(scenario, {
    seed: SEED,
    realCurves,
    onLine: (line) => {
      const [timeUs, who, ...what] = line.split(' ');
      if (!/^(debug|info|warn|error|store)$/.test(what[0] ?? '')) seen.add(Number(timeUs), who ?? '', what.join(' '));
    },
  });
  return seen.digest();
}

t.test('what the ends of a run see is what they saw', { skip: GOLDEN[major] === undefined ? `no hash was written down for Node ${major}` : false }, async (t) => {
  t.equal(await seenHash(false), GOLDEN[major]);
});

t.test('and is the same with the curves themselves', async (t) => {
  t.equal(await seenHash(true), await seenHash(false));
});

t.test('another process has the same run, line by line', async (t) => {
  const { hash } = (await runScenario(scenario, { seed: SEED })).trace;
  const file = join(t.testdir(), 'small.yaml');
  await writeFile(file, SMALL_SCENARIO);
  const { stdout } = await promisify(execFile)(process.execPath, [POSTERN, 'sim', 'run', file, '--seed', String(SEED), '--json'], { maxBuffer: 2 ** 26 });
  t.equal((JSON.parse(stdout) as { trace: { hash: string } }).trace.hash, hash);
});
