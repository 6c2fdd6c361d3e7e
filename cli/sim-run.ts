/** `postern sim run`: one run of a scenario, and what came of it for people, scripts, browsers and CI servers. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { formatShare } from '../base/figure-text.js';
import { PosternError } from '../base/errors.js';
import { readYamlFile } from '../gateway/yaml-file.js';
import { changedScenario, changeText, parseChanges, shortChanges } from '../sim/change-scenario.js';
import type { Change } from '../sim/change-scenario.js';
import { measureText } from '../sim/expectations.js';
import { reportPage } from '../sim/report-html.js';
import { junitOf } from '../sim/report-junit.js';
import type { Report } from '../sim/report.js';
import { runScenario } from '../sim/run-scenario.js';
import { EXIT } from './exit-codes.js';
import { formatBytes, formatDuration, printable, shellQuoted } from './output.js';
import { collect, type CliContext, type Command } from './program.js';
import { startCountdown } from './sim-progress.js';
import { expectWritable, writeText } from './text-file.js';

interface RunWishes {
  readonly seed: number;
  readonly set?: readonly string[];
  readonly short?: true;
  readonly report?: string;
  readonly html?: string;
  readonly junit?: string;
  readonly trace?: string;
  readonly quiet?: true;
}

export function addSimRun(sim: Command, context: CliContext): void {
  sim
    .command('run')
    .summary('run a scenario once')
    .description('Runs the scenario with the production gateway and store on simulated machines. The same scenario and seed give the same run, event by event. Exits with 1 where a check or an expectation fails.')
    .argument('<scenario>', 'a scenario file, such as sim/scenarios/village-courier.yaml')
    .option('--seed <number>', 'which run of the many possible', seedOf, 1)
    .option('--set <path=value>', 'change a setting of the scenario; may be given again', collect)
    .option('--short', 'as the scenario has it for a run that has to be quick')
    .option('--report <file>', 'write the whole report as JSON')
    .option('--html <file>', 'write the report as a page that needs nothing else')
    .option('--junit <file>', 'write checks and expectations as JUnit XML')
    .option('--trace <file>', 'write everything that happens, a line each')
    .option('--quiet', 'no progress bar')
    .action((file: string, wishes: RunWishes) => run(context, file, wishes));
}

async function run(context: CliContext, file: string, wishes: RunWishes): Promise<void> {
  const changes = (wishes.set ?? []).map(oneChange);
  const yaml = await readYamlFile(file);
  const scenario = changedScenario(yaml, [...(wishes.short === true ? shortChanges(yaml) : []), ...changes]);
  const again = ['postern sim run', shellQuoted(file), ...(wishes.short === true ? ['--short'] : []), ...changes.map((change) => `--set ${shellQuoted(changeText(change))}`), `--seed ${wishes.seed}`].join(' ');
  await expectWritable([wishes.report, wishes.html, wishes.junit, wishes.trace]);
  const progress = startCountdown(context, scenario.name, wishes.quiet === true);
  const trace = wishes.trace === undefined ? undefined : traceFile(wishes.trace);
  try {
    const report = await runScenario(scenario, {
      seed: wishes.seed,
      clock: context.clock,
      onPosition: (position) => {
        context.signal.throwIfAborted();
        progress.update(position);
      },
      ...(trace !== undefined && { onLine: (line: string) => trace.add(line) }),
    });
    progress.stop();
    if (wishes.report !== undefined) await writeText(wishes.report, `${JSON.stringify(report, undefined, 2)}\n`);
    if (wishes.html !== undefined) await writeText(wishes.html, reportPage(report, { again }));
    if (wishes.junit !== undefined) await writeText(wishes.junit, junitOf(report, again));
    context.output.result(report, () => reportText(report, again));
    if (!report.passed) context.exitWith(EXIT.fault);
  } finally {
    progress.stop();
    trace?.close();
  }
}

function seedOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new PosternError('CLI_USAGE', `"${text}" is no seed: use a whole number.`, { found: text });
  return Number(text);
}

/** One value: a list is for `postern sim sweep`. */
function oneChange(argument: string): Change {
  const [change, more] = parseChanges(argument);
  if (change === undefined || more !== undefined) throw new PosternError('CLI_USAGE', `"${argument}" has several values. "postern sim sweep" tries them all.`, { found: argument });
  return change;
}

const PORTION_CHARACTERS = 65_536;

/** Written as it comes, in portions: a year of lines does not fit in memory. */
function traceFile(file: string): { add(line: string): void; close(): void } {
  const descriptor = openSync(file, 'w');
  let portion = '';
  const flush = (): void => {
    writeSync(descriptor, portion);
    portion = '';
  };
  return {
    add(line) {
      portion += `${line}\n`;
      if (portion.length > PORTION_CHARACTERS) flush();
    },
    close() {
      flush();
      closeSync(descriptor);
    },
  };
}

/** The report for people, on one screen. */
export function reportText(report: Report, again: string): string {
  const { delivery, latencySec, overhead, money, speed } = report;
  const lines = [
    `${report.scenario}, seed ${report.seed}: ${seconds(report.simulatedSec)} in ${report.events} events${speed === undefined ? '' : `, ${seconds(speed.wallSec)} here (${speed.eventsPerSec} events/s, ${speed.timesRealTime} times real time)`}`,
    `  delivered   ${delivery.delivered} of ${delivery.sent} (${formatShare(delivery.ratio)}); expired ${delivery.expired}, retracted ${delivery.retracted}, never taken on ${delivery.neverTaken}, on their way ${delivery.inLimbo}`,
    `  delay       median ${seconds(latencySec.p50)}, 90 % ${seconds(latencySec.p90)}, 99 % ${seconds(latencySec.p99)}, longest ${seconds(latencySec.max)}`,
    `  on links    ${formatBytes(overhead.linkBytes)} for ${formatBytes(overhead.payloadBytes)} delivered (${overhead.ratio.toFixed(2)}); sent again ${formatBytes(overhead.causes.again)}, lost ${formatBytes(overhead.lostBytes)}, repeated ${formatBytes(overhead.repeatedBytes)}`,
    ...Object.entries(money).map(([currency, amount]) => `  cost        ${amount.toFixed(2)} ${printable(currency)}`),
    `  faults      ${Object.entries(report.faults).map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'}`,
    `  trace       ${report.trace.hash} (${report.trace.lines} lines)`,
    ...report.expectations.map(({ what, unit, wanted, found, met }) => `  ${met ? 'met' : 'MISSED'}  ${what} ${measureText(wanted, unit)}: ${measureText(found, unit)}`),
    ...report.violations.slice(0, SHOWN_VIOLATIONS).map(({ rule, node, text, timeUs, means }) => `  BROKEN  ${rule} at ${node}, ${seconds(timeUs / 1e6)} in: ${text} (${means})`),
    ...(report.passed ? [] : [`  again: ${again}`]),
  ];
  return lines.join('\n');
}

const SHOWN_VIOLATIONS = 10;

function seconds(sec: number): string {
  return formatDuration(sec * 1000);
}
