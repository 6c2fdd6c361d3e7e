/** `postern sim import` and `postern sim export`: scenarios from files of others, and contact plans for others. */
import { PosternError } from '../base/errors.js';
import { exportScenario } from '../sim/exporters/scenario-plan.js';
import { importScenario, IMPORTS } from '../sim/importers/import-scenario.js';
import type { ImportFormat } from '../sim/importers/import-scenario.js';
import { parseScenario, readScenario } from '../sim/scenario-file.js';
import type { CliContext, Command } from './program.js';
import { readText, writeText } from './text-file.js';

interface ImportWishes {
  readonly start: string;
  readonly rate?: string;
  readonly out?: string;
}

interface ExportWishes {
  readonly days?: string;
  readonly out?: string;
  readonly milliseconds?: true;
}

export function addSimExchange(sim: Command, context: CliContext): void {
  sim
    .command('import')
    .summary('make a scenario from a contact plan, a trace or orbits of another make')
    .description(`Prints a scenario to run and to edit. Formats:\n${Object.entries(IMPORTS).map(([name, { what }]) => `  ${name.padEnd(9)} ${what}`).join('\n')}`)
    .argument('<format>', Object.keys(IMPORTS).join(', '))
    .argument('<files...>', 'the file; for netem its arguments in quotes')
    .option('--start <time>', 'what relative times count from', '2026-06-01T00:00:00Z')
    .option('--rate <rate>', 'one: how fast connections are, such as "250 kB/s"')
    .option('--out <file>', 'write it there instead of to standard output')
    .action((format: string, files: string[], wishes: ImportWishes) => importFrom(context, format, files, wishes));
  sim
    .command('export')
    .summary('write the contact plan of a scenario for ION or HDTN')
    .argument('<format>', 'ion or hdtn')
    .argument('<scenario>', 'a scenario file')
    .option('--days <count>', 'only so many days from the start')
    .option('--milliseconds', 'ion: with decimals in its times, for versions that read them')
    .option('--out <file>', 'write it there instead of to standard output')
    .action((format: string, file: string, wishes: ExportWishes) => exportTo(context, format, file, wishes));
}

async function importFrom(context: CliContext, format: string, files: readonly string[], { start, rate, out }: ImportWishes): Promise<void> {
  if (!isImportFormat(format)) throw new PosternError('CLI_USAGE', `There is no format ${format}: use ${Object.keys(IMPORTS).join(', ')}.`, { found: format });
  const startMs = Date.parse(start);
  if (Number.isNaN(startMs)) throw new PosternError('CLI_USAGE', `--start takes a time such as 2026-12-24T18:00:00Z, not ${start}.`, { found: start });
  const [first, ...others] = format === 'netem' ? [{ file: 'netem', text: files.join(' ') }] : await Promise.all(files.map(async (file) => ({ file, text: await readText(file) })));
  const { mostFiles } = IMPORTS[format];
  if (first === undefined || others.length >= mostFiles) throw new PosternError('CLI_USAGE', `${format} takes ${mostFiles} ${mostFiles === 1 ? 'file' : 'files at most'}, not ${files.length}.`, { found: files.join(' ') });
  const { text, notes } = importScenario(format, [first, ...others], { startMs, rate });
  // What is printed can be run: a rate that is none is found here and not in the run.
  parseScenario(text, `the scenario from ${first.file}`);
  await give(context, text, out, { format, notes });
}

async function exportTo(context: CliContext, format: string, file: string, { days, milliseconds, out }: ExportWishes): Promise<void> {
  if (format !== 'ion' && format !== 'hdtn') throw new PosternError('CLI_USAGE', `There is no format ${format}: use ion or hdtn.`, { found: format });
  const count = days === undefined ? undefined : Number(days);
  if (count !== undefined && !(count > 0)) throw new PosternError('CLI_USAGE', `--days takes a number above 0, not ${days ?? ''}.`, { found: days ?? '' });
  const { text, notes } = exportScenario(await readScenario(file), format, { ...(count !== undefined && { days: count }), milliseconds: milliseconds === true });
  await give(context, text, out, { format, notes });
}

async function give(context: CliContext, text: string, out: string | undefined, { format, notes }: { readonly format: string; readonly notes: readonly string[] }): Promise<void> {
  for (const note of notes) context.output.note(note);
  if (out === undefined) return context.output.result({ format, notes, text }, () => text);
  await writeText(out, text);
  context.output.result({ format, notes, file: out }, () => `${out} is written.`);
}

function isImportFormat(format: string): format is ImportFormat {
  return Object.hasOwn(IMPORTS, format);
}
