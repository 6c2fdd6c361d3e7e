/** `postern link test`: does a link work, how fast, and what did finding out cost. */
import { PosternError } from '../base/errors.js';
import type { LinkTestResult } from '../gateway/link-test.js';
import { askGateway } from './admin-client.js';
import { EXIT } from './exit-codes.js';
import { loadConfig } from './load-config.js';
import { formatBytes, formatDuration } from './output.js';
import type { CliContext, Command } from './program.js';

/** Enough to tell a modem from a cable, little enough for a metered link. */
const DEFAULT_BYTES = 200_000;

export function addLink(program: Command, context: CliContext): void {
  const link = program.command('link').summary('try a link; lift its budget for a while');
  link
    .command('test')
    .summary('does a link work, how fast, at what cost')
    .description('Sends an empty batch for the round trip and a larger one for the rate; the other side throws both away. The running gateway does it, over the link as it is.')
    .argument('<name>', 'a neighbour, or one of its links: shore, shore/tcpcl')
    .option('--bytes <count>', 'how much to send for the rate; 0 for the round trip only', String(DEFAULT_BYTES))
    .action((name: string, options: { bytes: string }) => test(context, name, Number(options.bytes)));
  link
    .command('lift')
    .summary('let a link spend beyond its budget for a while')
    .argument('<name>', 'a neighbour, or one of its links: shore, shore/burst')
    .requiredOption('--hours <count>', 'for so long; 0 puts the budget back')
    .action((name: string, options: { hours: string }) => lift(context, name, Number(options.hours)));
}

async function lift(context: CliContext, link: string, hours: number): Promise<void> {
  if (!(hours >= 0 && hours <= MOST_HOURS)) throw new PosternError('CLI_USAGE', `--hours takes a number from 0 to ${MOST_HOURS}.`, { found: String(hours) });
  const { config } = await loadConfig(context);
  const lifted = (await askGateway(context, config, { method: 'POST', path: '/budget-lift', body: { link, forMs: hours * 3_600_000 } })) as { link: string };
  context.output.result(lifted, () => (hours === 0 ? `The budget of ${lifted.link} holds again.` : `The budget of ${lifted.link} is lifted for ${formatDuration(hours * 3_600_000)}. What is spent is counted all the same.`));
}

const MOST_HOURS = 744;
/** Light may take hours, and so may a satellite. Ctrl-C ends it. */
const LONGEST_TEST_MS = 24 * 3_600_000;

async function test(context: CliContext, link: string, bytes: number): Promise<void> {
  const { config } = await loadConfig(context);
  const result = (await askGateway(context, config, { method: 'POST', path: '/link-test', body: { link, bytes }, patienceMs: LONGEST_TEST_MS })) as LinkTestResult;
  context.output.result(result, () => resultText(result));
  if (!result.works) context.exitWith(result.outcome === 'refused' ? EXIT.refused : EXIT.unreachable);
}

function resultText({ link, works, outcome, reason, bytes, elapsedMs, bytesPerSecond, cost }: LinkTestResult): string {
  if (!works) return `${link} does not work: ${outcome}${reason === undefined ? '' : `, ${reason}`} (after ${formatDuration(elapsedMs)}).`;
  const rate = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
  const took = outcome === 'written' ? `it takes a message in ${formatDuration(elapsedMs)}, and says nothing of its arrival` : `round trip ${formatDuration(elapsedMs)}`;
  return `${link} works: ${took}${rate}. The test sent ${formatBytes(bytes)}${cost === undefined ? '' : ` and cost ${cost}`}.`;
}
