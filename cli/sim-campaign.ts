/** `postern sim campaign`: small worlds drawn from seeds, with all their faults. A seed that breaks a rule is told at once, with the command that has it again, and made into a small scenario. */
import { join } from 'node:path';
import { PosternError, messageOf } from '../base/errors.js';
import { makeFolder } from '../base/make-folder.js';
import type { SeedDone, SeedJob } from '../sim/campaign.js';
import { overThreads } from '../sim/run-threads.js';
import { EXIT } from './exit-codes.js';
import { formatDuration, printable, shellQuoted } from './output.js';
import type { CliContext, Command } from './program.js';
import { addSeedOptions } from './sim-many.js';
import type { SeedWishes } from './sim-many.js';
import { startRunCount } from './sim-progress.js';
import { writeText } from './text-file.js';

interface CampaignWishes extends SeedWishes {
  readonly out: string;
  readonly shrink: boolean;
}

export interface FailedSeed {
  readonly seed: number;
  readonly what: string;
  /** The commands that have it again: the whole world, and the small one. */
  readonly again: string;
  readonly small?: string;
}

export interface CampaignResult {
  readonly format: 'postern-sim-campaign/1';
  readonly seeds: number;
  readonly messages: number;
  readonly delivered: number;
  readonly faults: number;
  readonly events: number;
  readonly failed: readonly FailedSeed[];
  /** Stopped before the end. */
  readonly isWhole: boolean;
}

/** What a small scenario is worth: it is found long before. */
const SHRINK_RUNS = 300;
const US_PER_MS = 1000;

export function addSimCampaign(sim: Command, context: CliContext): void {
  const command = sim
    .command('campaign')
    .summary('try the rules of custody in many small worlds full of faults')
    .description('Draws a small world with its faults and traffic from each seed, runs it, and checks every rule of custody in every event. A seed that breaks one is told with the command that has it again, and made into a small scenario. Exits with 1 where a rule was broken. Ctrl-C leaves what is finished.')
    .option('--out <folder>', 'where small scenarios go', 'campaign')
    .option('--no-shrink', 'leave what fails as it is');
  addSeedOptions(command, '1..1000').action((wishes: CampaignWishes) => run(context, wishes));
}

async function run(context: CliContext, { seeds, threads, quiet, out, shrink }: CampaignWishes): Promise<void> {
  const sums = { seeds: 0, messages: 0, delivered: 0, faults: 0, events: 0 };
  const failed: FailedSeed[] = [];
  const fail = (found: FailedSeed): void => {
    failed.push(found);
    context.output.event(found, () => failureText(found));
  };
  const progress = startRunCount(context, seeds.length, 0, quiet === true);
  try {
    await overThreads<SeedJob>({
      jobs: seeds.map((seed) => ({ seed, shrinkRuns: shrink ? SHRINK_RUNS : 0 })),
      threads,
      signal: context.signal,
      onDone: async (done) => {
        for (const key of ['messages', 'delivered', 'faults', 'events'] as const) sums[key] += done.result[key];
        progress.update(++sums.seeds);
        const found = await failureOf(done, out);
        if (found !== undefined) fail(found);
      },
      onFault: async ({ seed }, what) => {
        progress.update(++sums.seeds);
        fail({ seed, what, again: againText(seed) });
      },
    });
  } finally {
    progress.stop();
  }
  const result: CampaignResult = { format: 'postern-sim-campaign/1', ...sums, failed, isWhole: sums.seeds === seeds.length };
  context.output.result(result, () => campaignText(result));
  if (failed.length > 0) context.exitWith(EXIT.fault);
  else if (!result.isWhole) context.exitWith(EXIT.interrupted);
}

/** Undefined where every rule was kept. The small scenario is written to the folder. */
export async function failureOf({ result: { seed, violations }, small }: SeedDone, folder: string): Promise<FailedSeed | undefined> {
  const [first] = violations;
  if (first === undefined) return undefined;
  const found = { seed, what: `${first.rule} at ${first.node}, ${formatDuration(first.timeUs / US_PER_MS)} in: ${first.text}`, again: againText(seed) };
  if (small === undefined) return found;
  const file = join(folder, `seed-${seed}.yaml`);
  await makeFolder(folder).catch((thrown: unknown) => {
    throw new PosternError('CLI_FILE', `${folder} cannot be written: ${messageOf(thrown)}.`, { path: folder, reason: messageOf(thrown) }, { cause: thrown });
  });
  await writeText(file, small);
  return { ...found, small: `postern sim run ${shellQuoted(file)} --seed ${seed}` };
}

function againText(seed: number): string {
  return `postern sim campaign --seeds ${seed}`;
}

function failureText({ seed, what, again, small }: FailedSeed): string {
  return [`seed ${seed}: ${printable(what)}`, `  again: ${again}`, ...(small === undefined ? [] : [`  small: ${small}`])].join('\n');
}

function campaignText({ seeds, messages, delivered, faults, events, failed, isWhole }: CampaignResult): string {
  const count = (value: number): string => value.toLocaleString('en');
  return [
    `${count(seeds)} seeds: ${count(messages)} messages, ${count(delivered)} of them delivered, ${count(faults)} faults, ${count(events)} events`,
    failed.length === 0 ? 'Every rule was kept.' : `Rules were broken in ${failed.length}: ${failed.map(({ seed }) => seed).join(', ')}`,
    ...(isWhole ? [] : ['Stopped before the end: these are the seeds that were finished.']),
  ].join('\n');
}
