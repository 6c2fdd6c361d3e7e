/**
 * `npm run sim:library -- [--short] [--seeds 1..3] [NAME…]`: every scenario of sim/scenarios/, whole, over threads. Exits with 1 where
 * one does not end as its story says.
 */
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formatDuration, formatShare } from '../base/figure-text.js';
import { readYamlFile } from '../gateway/yaml-file.js';
import { changedScenario, shortChanges } from '../sim/change-scenario.js';
import { overThreads } from '../sim/run-threads.js';
import { parseSeeds } from '../sim/seed-list.js';
import type { SweepRun, Variant } from '../sim/sweep-run.js';
import { jobsOf } from '../sim/sweep.js';

const SCENARIOS = join(import.meta.dirname, '../../sim/scenarios');

/** In order of their names. @param isShort as each has it for a run that has to be quick */
export async function readLibrary(isShort: boolean): Promise<Variant[]> {
  const files = (await readdir(SCENARIOS)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (name) => {
      const yaml = await readYamlFile(join(SCENARIOS, name));
      const changes = isShort ? shortChanges(yaml) : [];
      changedScenario(yaml, changes);
      return { name: name.replace(/\.yaml$/, ''), file: yaml.file, text: yaml.text, changes };
    }),
  );
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { short: { type: 'boolean', default: false }, seeds: { type: 'string', default: '1' } }, allowPositionals: true });
  const library = (await readLibrary(values.short)).filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const seeds = parseSeeds(values.seeds) ?? [1];
  const startedMs = Date.now();
  const runs: SweepRun[] = [];
  const onRun = async (run: SweepRun): Promise<void> => {
    runs.push(run);
    const { variant, seed, passed, violations, missed, figures } = run;
    const why = [...(violations > 0 ? [`${violations} rules broken`] : []), ...missed.map((what) => `missed: ${what}`)].join(', ');
    console.log(`${passed ? 'passed' : 'FAILED'}  ${variant}, seed ${seed}: ${formatShare(figures.deliveredShare)} of ${figures.sent}, median ${formatDuration(figures.p50Sec * 1000)}${why === '' ? '' : `; ${why}`}`);
  };
  await overThreads({ jobs: jobsOf(library, seeds), threads: availableParallelism(), signal: new AbortController().signal, onDone: onRun });
  const failed = runs.filter(({ passed }) => !passed).length;
  console.log(`${runs.length} runs in ${formatDuration(Date.now() - startedMs)}, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
