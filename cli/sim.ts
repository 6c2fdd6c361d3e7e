/** `postern sim`: scenarios under a clock of their own, with the gateway that flies. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Report } from '../sim/report.js';
import { measureText } from '../sim/expectations.js';
import { reportPage } from '../sim/report-html.js';
import { runScenario } from '../sim/run-scenario.js';
import { readScenario } from '../sim/scenario-file.js';
import { formatShare } from '../base/figure-text.js';
import { EXIT } from './exit-codes.js';
import { formatBytes, formatDuration, shellQuoted } from './output.js';
import type { CliContext, Command } from './program.js';
import { addSimPresets } from './sim-presets.js';
import { startCountdown } from './sim-progress.js';
import { addSimRelay } from './sim-relay.js';

interface RunWishes {
  readonly seed: string;
  readonly report?: string;
  readonly html?: string;
  readonly trace?: string;
}

export function addSim(program: Command, context: CliContext): void {
  const sim = program.command('sim').summary('try links, delays, faults and policies under a clock of their own');
  sim
    .command('run')
    .summary('run a scenario once')
    .description('Runs the scenario with the production gateway and store on simulated machines. The same scenario and seed give the same run, event by event. Exits with 1 where a check or an expectation fails.')
    .argument('<scenario>', 'a scenario file, such as sim/scenarios/courier-village.yaml')
    .option('--seed <number>', 'which run of the many possible', '1')
    .option('--report <file>', 'write the whole report as JSON')
    .option('--html <file>', 'write the report as a page that needs nothing else')
    .option('--trace <file>', 'write everything that happens, a line each')
    .action((file: string, wishes: RunWishes) => run(context, file, wishes));
  addSimPresets(sim, context);
  addSimRelay(sim, context);
}

async function run(context: CliContext, file: string, wishes: RunWishes): Promise<void> {
  const scenario = await readScenario(file);
  const seed = Number(wishes.seed);
  const progress = startCountdown(context, scenario.name);
  const trace = wishes.trace === undefined ? undefined : traceFile(wishes.trace);
  try {
    const report = await runScenario(scenario, {
      seed,
      clock: context.clock,
      onPosition: (position) => progress.update(position),
      ...(trace !== undefined && { onLine: (line: string) => trace.add(line) }),
    });
    progress.stop();
    if (wishes.report !== undefined) await writeFile(wishes.report, `${JSON.stringify(report, undefined, 2)}\n`);
    if (wishes.html !== undefined) await writeFile(wishes.html, reportPage(report, { again: `postern sim run ${shellQuoted(file)} --seed ${report.seed}` }));
    context.output.result(report, () => reportText(report, file));
    if (!report.passed) context.exitWith(EXIT.fault);
  } finally {
    progress.stop();
    trace?.close();
  }
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
export function reportText(report: Report, file: string): string {
  const { delivery, latencySec, overhead, speed } = report;
  const lines = [
    `${report.scenario}, seed ${report.seed}: ${formatDuration(report.simulatedSec * 1000)} in ${report.events} events${speed === undefined ? '' : `, ${formatDuration(speed.wallSec * 1000)} here (${speed.eventsPerSec} events/s, ${speed.timesRealTime} times real time)`}`,
    `  delivered   ${delivery.delivered} of ${delivery.sent} (${formatShare(delivery.ratio)}); expired ${delivery.expired}, retracted ${delivery.retracted}, never taken on ${delivery.neverTaken}, on their way ${delivery.inLimbo}`,
    `  delay       median ${seconds(latencySec.p50)}, 90 % ${seconds(latencySec.p90)}, 99 % ${seconds(latencySec.p99)}, longest ${seconds(latencySec.max)}`,
    `  on links    ${formatBytes(overhead.linkBytes)} for ${formatBytes(overhead.payloadBytes)} delivered (${overhead.ratio.toFixed(2)}); lost ${formatBytes(overhead.lostBytes)}, repeated ${formatBytes(overhead.repeatedBytes)}`,
    `  faults      ${Object.entries(report.faults).map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'}`,
    `  trace       ${report.trace.hash} (${report.trace.lines} lines)`,
    ...report.expectations.map(({ what, unit, wanted, found, met }) => `  ${met ? 'met' : 'MISSED'}  ${what} ${measureText(wanted, unit)}: ${measureText(found, unit)}`),
    ...report.violations.slice(0, SHOWN_VIOLATIONS).map(({ rule, node, text, timeUs, means }) => `  BROKEN  ${rule} at ${node}, ${seconds(timeUs / 1e6)} in: ${text} (${means})`),
    ...(report.passed ? [] : [`  again: postern sim run ${file} --seed ${report.seed}`]),
  ];
  return lines.join('\n');
}

const SHOWN_VIOLATIONS = 10;

function seconds(sec: number): string {
  return formatDuration(sec * 1000);
}
