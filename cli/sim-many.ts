/** What `sim sweep` and `sim compare` share: seeds and threads as people give them, runs kept in a file, and a bar while they go on. */
import { availableParallelism } from 'node:os';
import { PosternError } from '../base/errors.js';
import type { YamlText } from '../gateway/yaml-file.js';
import { changedScenario } from '../sim/change-scenario.js';
import type { Change } from '../sim/change-scenario.js';
import { overThreads } from '../sim/run-threads.js';
import { parseSeeds } from '../sim/seed-list.js';
import { openSweepFile } from '../sim/sweep-file.js';
import type { SweepRun, Variant } from '../sim/sweep-run.js';
import { jobsOf } from '../sim/sweep.js';
import type { CliContext, Command } from './program.js';
import { startRunCount } from './sim-progress.js';

export interface SeedWishes {
  readonly seeds: readonly number[];
  readonly threads: number;
  readonly quiet?: true;
}

export interface ManyWishes extends SeedWishes {
  readonly out?: string;
}

/** Beyond this somebody has mistyped. */
const MOST_RUNS = 100_000;
const MOST_THREADS = 256;

export function addManyOptions(command: Command, seeds: string): Command {
  return addSeedOptions(command, seeds).option('--out <file>', 'keep each run as it ends, and go on from there next time');
}

export function addSeedOptions(command: Command, seeds: string): Command {
  return command
    .option('--seeds <list>', `seeds, such as 1..100 or 1..10,42 (default: ${seeds})`, seedsOf, seedsOf(seeds))
    .option('--threads <number>', 'how many runs at a time: one for each processor, unless told otherwise', threadsOf, availableParallelism())
    .option('--quiet', 'no progress bar');
}

/** Checked before the first run is made: a grid of which one corner is wrong is no grid. */
export function variantOf(name: string, yaml: YamlText, changes: readonly Change[]): Variant {
  changedScenario(yaml, changes);
  return { name, file: yaml.file, text: yaml.text, changes };
}

/** Those of an earlier sweep from the file, then the rest; after Ctrl-C what is finished. */
export async function runMany(context: CliContext, variants: readonly Variant[], { seeds, threads, out, quiet }: ManyWishes): Promise<{ runs: readonly SweepRun[]; isWhole: boolean }> {
  if (seeds.length * variants.length > MOST_RUNS) throw new PosternError('CLI_USAGE', `${variants.length} variants with ${seeds.length} seeds are ${variants.length * seeds.length} runs; ${MOST_RUNS} are the most.`, { found: String(seeds.length) });
  const file = out === undefined ? undefined : await openSweepFile(out, variants);
  const wanted = jobsOf(variants, seeds);
  const names = new Set(wanted.map(({ variant, seed }) => keyOf(variant.name, seed)));
  const runs = new Map((file?.runs ?? []).map((run) => [keyOf(run.variant, run.seed), run] as const).filter(([key]) => names.has(key)));
  const jobs = wanted.filter(({ variant, seed }) => !runs.has(keyOf(variant.name, seed)));
  if (runs.size > 0) context.output.note(`${runs.size} of ${wanted.length} runs are in ${String(out)} already.`);
  const progress = startRunCount(context, wanted.length, runs.size, quiet === true);
  try {
    await overThreads({
      jobs,
      threads,
      signal: context.signal,
      onDone: async (run) => {
        await file?.add(run);
        runs.set(keyOf(run.variant, run.seed), run);
        progress.update(runs.size);
      },
    });
  } finally {
    progress.stop();
  }
  return { runs: wanted.flatMap(({ variant, seed }) => runs.get(keyOf(variant.name, seed)) ?? []), isWhole: runs.size === wanted.length };
}

function keyOf(variant: string, seed: number): string {
  return `${seed} ${variant}`;
}

function seedsOf(text: string): number[] {
  const seeds = parseSeeds(text);
  if (seeds === undefined) throw new PosternError('CLI_USAGE', `"${text}" are no seeds: use 1..100, or 1..10,42.`, { found: text });
  return seeds;
}

function threadsOf(text: string): number {
  const threads = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (threads < 1 || threads > MOST_THREADS) throw new PosternError('CLI_USAGE', `"${text}" is no number of threads from 1 to ${MOST_THREADS}.`, { found: text });
  return threads;
}
