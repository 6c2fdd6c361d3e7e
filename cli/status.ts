/** `postern status`: what waits, for whom, since when, and how the links are. */
import { sleep } from '../base/clock.js';
import { isPosternError } from '../base/errors.js';
import type { GatewayConfig } from '../gateway/config.js';
import type { GatewayStatus } from '../gateway/status.js';
import { askGateway } from './admin-client.js';
import { loadConfig } from './load-config.js';
import type { CliContext, Command } from './program.js';
import { statusText } from './status-text.js';

const WATCH_EVERY_MS = 2000;
/** Cursor home, then clear to the end: less flicker than clearing all. */
const REDRAW = '\u001b[H\u001b[J';

export function addStatus(program: Command, context: CliContext): void {
  program
    .command('status')
    .summary('show what waits and how the links are')
    .option('--watch', 'show it again every two seconds, until Ctrl-C')
    .action((options: { watch?: true }) => status(context, options.watch === true));
}

async function status(context: CliContext, watch: boolean): Promise<void> {
  const { config } = await loadConfig(context);
  if (!watch) return show(context, await ask(context, config), '');
  while (!context.signal.aborted) {
    try {
      show(context, await ask(context, config), context.stdout.isTTY === true ? REDRAW : '');
    } catch (thrown) {
      if (context.signal.aborted) return;
      // Watching goes on while the gateway is started anew.
      if (!isPosternError(thrown) || thrown.code !== 'CLI_NOT_RUNNING') throw thrown;
      context.output.result({ running: false }, () => thrown.message);
    }
    await sleep(context.clock, WATCH_EVERY_MS, context.signal);
  }
}

async function ask(context: CliContext, config: GatewayConfig): Promise<GatewayStatus> {
  return (await askGateway(context, config, { method: 'GET', path: '/status' })) as GatewayStatus;
}

function show(context: CliContext, found: GatewayStatus, before: string): void {
  context.output.result(found, () => before + statusText(found));
}
