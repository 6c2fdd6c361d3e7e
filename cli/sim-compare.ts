/** `postern sim compare`: two scenarios, or one with a setting changed, on the same seeds: what differs, how sure that is, and a verdict in words. */
import { formatShare } from '../base/figure-text.js';
import { PosternError } from '../base/errors.js';
import { readYamlFile } from '../gateway/yaml-file.js';
import { parseChanges } from '../sim/change-scenario.js';
import { compareRuns } from '../sim/compare.js';
import type { ComparedMeasure, Comparison, Difference } from '../sim/compare.js';
import type { Variant } from '../sim/sweep-run.js';
import { variantName } from '../sim/sweep.js';
import { EXIT } from './exit-codes.js';
import { formatBytes, formatDuration, formatTable } from './output.js';
import { collect, type CliContext, type Command } from './program.js';
import { addManyOptions, runMany, variantOf } from './sim-many.js';
import type { ManyWishes } from './sim-many.js';

interface CompareWishes extends ManyWishes {
  readonly set?: readonly string[];
}

export function addSimCompare(sim: Command, context: CliContext): void {
  const command = sim
    .command('compare')
    .summary('two policies on the same seeds')
    .description('Runs A and B on the same seeds, with the same traffic and the same luck, and says what differs: the mean of the differences, with bounds for 95 % after Student, and a verdict in words. B is another scenario, or A with settings changed. Exits with 1 where a rule of custody was broken.')
    .argument('<A>', 'a scenario file')
    .argument('[B]', 'another one')
    .option('--set <path=value>', 'B is A with this changed; may be given again', collect);
  addManyOptions(command, '1..20').action((a: string, b: string | undefined, wishes: CompareWishes) => run(context, a, b, wishes));
}

async function run(context: CliContext, a: string, b: string | undefined, wishes: CompareWishes): Promise<void> {
  const variants = await pair(a, b, wishes.set ?? []);
  const { runs, isWhole } = await runMany(context, variants, wishes);
  const comparison = compareRuns(variants[0].name, variants[1].name, runs);
  context.output.result(comparison, () => comparisonText(comparison, isWhole));
  if (!isWhole) context.exitWith(EXIT.interrupted);
  else if (runs.some(({ violations }) => violations > 0)) context.exitWith(EXIT.fault);
}

async function pair(a: string, b: string | undefined, set: readonly string[]): Promise<readonly [Variant, Variant]> {
  const changes = set.flatMap(parseChanges);
  if ((b === undefined) === (changes.length === 0) || changes.length !== set.length) throw new PosternError('CLI_USAGE', 'Compare A with a second scenario, or with itself and --set path=value.', { found: set.join(' ') });
  const yaml = await readYamlFile(a);
  if (b === undefined) return [variantOf(variantName([]), yaml, []), variantOf(variantName(changes), yaml, changes)];
  const other = await readYamlFile(b);
  if (a === b) throw new PosternError('CLI_USAGE', `A and B are the same file, ${a}.`, { found: b });
  return [variantOf(a, yaml, []), variantOf(b, other, [])];
}

const NAMES: Readonly<Record<ComparedMeasure, string>> = { deliveredShare: 'delivered', p50Sec: 'median delay', p99Sec: '99 % of delays', overhead: 'sent per byte', mostBytes: 'fullest store', money: 'cost' };
const TEXTS: Readonly<Record<ComparedMeasure, (value: number) => string>> = {
  deliveredShare: formatShare,
  p50Sec: duration,
  p99Sec: duration,
  overhead: (ratio) => ratio.toFixed(3),
  mostBytes: (bytes) => `${bytes < 0 ? '-' : ''}${formatBytes(Math.abs(bytes))}`,
  money: (amount) => amount.toFixed(2),
};

function comparisonText({ a, b, seeds, passed, differences, verdict }: Comparison, isWhole: boolean): string {
  const told = differences.filter(({ measure, a: one, b: other }) => measure !== 'money' || one > 0 || other > 0);
  const columns = [
    { title: '', text: ({ measure }: Difference) => NAMES[measure] },
    { title: 'A', align: 'right', text: ({ measure, a: value }: Difference) => TEXTS[measure](value) },
    { title: 'B', align: 'right', text: ({ measure, b: value }: Difference) => TEXTS[measure](value) },
    { title: 'B - A', align: 'right', text: ({ measure, difference }: Difference) => signed(difference.value, TEXTS[measure]) },
    { title: '95 %', align: 'right', text: ({ measure, difference: { low, high } }: Difference) => (Number.isFinite(low) ? `${signed(low, TEXTS[measure])} … ${signed(high, TEXTS[measure])}` : '') },
    { title: 'SEEDS', align: 'right', text: ({ more, less }: Difference) => `${more} more, ${less} less` },
    { title: '', text: ({ judgement }: Difference) => judgement },
  ] as const;
  return [
    `A: ${a}`,
    `B: ${b}`,
    `${seeds} seeds; passed: both ${passed.both}, only A ${passed.onlyA}, only B ${passed.onlyB}, neither ${passed.neither}`,
    '',
    formatTable(columns, told),
    verdict,
    ...(isWhole ? [] : ['Stopped before the end: these are the runs that were finished.']),
  ].join('\n');
}

function signed(value: number, text: (value: number) => string): string {
  return `${value > 0 ? '+' : ''}${text(value)}`;
}

function duration(sec: number): string {
  return `${sec < 0 ? '-' : ''}${formatDuration(Math.abs(sec) * 1000)}`;
}
