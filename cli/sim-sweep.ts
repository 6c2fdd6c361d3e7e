/** `postern sim sweep`: a scenario with many seeds, and with every combination of the settings given. */
import { readYamlFile } from '../gateway/yaml-file.js';
import { formatShare } from '../base/figure-text.js';
import { parseChanges } from '../sim/change-scenario.js';
import type { Bounds } from '../sim/statistics.js';
import { sweepCsv, sweepResult } from '../sim/sweep-table.js';
import type { SweepCell, SweepResult } from '../sim/sweep-table.js';
import { gridOf, variantName } from '../sim/sweep.js';
import { EXIT } from './exit-codes.js';
import { formatBytes, formatDuration, formatTable } from './output.js';
import { collect, type CliContext, type Command } from './program.js';
import { addManyOptions, runMany, variantOf } from './sim-many.js';
import type { ManyWishes } from './sim-many.js';
import { expectWritable, writeText } from './text-file.js';

interface SweepWishes extends ManyWishes {
  readonly set?: readonly string[];
  readonly csv?: string;
}

export function addSimSweep(sim: Command, context: CliContext): void {
  const command = sim
    .command('sweep')
    .summary('run a scenario with many seeds and settings')
    .description('Runs the scenario with every seed and every combination of the settings, and says how sure each figure is: bounds for 95 %, Wilson for shares, Student for means. Exits with 1 where a rule of custody was broken. Ctrl-C leaves what is finished.')
    .argument('<scenario>', 'a scenario file')
    .option('--set <path=a,b,c>', 'values for a setting, such as links[0].rate=2400 bit/s,1 Mbit/s; may be given again', collect)
    .option('--csv <file>', 'write a line for each run, for a spreadsheet');
  addManyOptions(command, '1..20').action((file: string, wishes: SweepWishes) => run(context, file, wishes));
}

async function run(context: CliContext, file: string, wishes: SweepWishes): Promise<void> {
  const yaml = await readYamlFile(file);
  const variants = gridOf((wishes.set ?? []).map(parseChanges)).map((changes) => variantOf(variantName(changes), yaml, changes));
  await expectWritable([wishes.csv]);
  const { runs, isWhole } = await runMany(context, variants, wishes);
  if (wishes.csv !== undefined) await writeText(wishes.csv, sweepCsv(runs));
  const result = sweepResult(file, variants.map(({ name }) => name), runs);
  context.output.result(result, () => sweepText(result, isWhole));
  if (!isWhole) context.exitWith(EXIT.interrupted);
  else if (runs.some(({ violations }) => violations > 0)) context.exitWith(EXIT.fault);
}

function sweepText({ scenario, cells }: SweepResult, isWhole: boolean): string {
  const columns = [
    { title: 'SETTINGS', text: ({ variant }: SweepCell) => variant },
    { title: 'RUNS', align: 'right', text: ({ runs }: SweepCell) => String(runs) },
    { title: 'PASSED', align: 'right', text: ({ passed }: SweepCell) => shareText(passed) },
    { title: 'DELIVERED', align: 'right', text: ({ delivered }: SweepCell) => shareText(delivered) },
    { title: 'MEDIAN DELAY', align: 'right', text: ({ means }: SweepCell) => boundsText(means.p50Sec, (sec) => formatDuration(sec * 1000)) },
    { title: '99 % DELAY', align: 'right', text: ({ means }: SweepCell) => boundsText(means.p99Sec, (sec) => formatDuration(sec * 1000)) },
    { title: 'PER BYTE', align: 'right', text: ({ means }: SweepCell) => boundsText(means.overhead, (ratio) => ratio.toFixed(2)) },
    { title: 'FULLEST STORE', align: 'right', text: ({ means }: SweepCell) => boundsText(means.mostBytes, formatBytes) },
    ...(cells.some(({ means }) => means.money.value > 0) ? [{ title: 'COST', align: 'right', text: ({ means }: SweepCell) => boundsText(means.money, (amount) => amount.toFixed(2)) } as const] : []),
  ] as const;
  const failed = cells.flatMap(({ variant, failed: runs }) => runs.map((run) => ({ variant, ...run })));
  const lines = [
    formatTable(columns, cells),
    `In brackets: bounds for 95 %.${isWhole ? '' : ' Stopped before the end: these are the runs that were finished.'}`,
    ...failed.slice(0, SHOWN_FAILED).map(({ variant, seed, violations, missed }) => `seed ${seed}, ${variant}: ${[...(violations > 0 ? [`${violations} rules broken`] : []), ...missed.map((what) => `missed: ${what}`)].join(', ')}`),
    ...(failed.length > SHOWN_FAILED ? [`and ${failed.length - SHOWN_FAILED} more`] : []),
    ...(failed.length > 0 ? [`again: postern sim run ${scenario} --seed SEED [--set …]`] : []),
  ];
  return lines.join('\n');
}

const SHOWN_FAILED = 10;

function shareText(bounds: Bounds): string {
  return boundsText(bounds, formatShare);
}

/** `1 h 4 min [58 min, 1 h 10 min]`, without bounds where nothing is known of them. */
export function boundsText({ value, low, high }: Bounds, text: (value: number) => string): string {
  return Number.isFinite(low) && Number.isFinite(high) ? `${text(value)} [${text(low)}, ${text(high)}]` : text(value);
}
