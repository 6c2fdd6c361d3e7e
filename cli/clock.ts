/** `postern clock confirm`: the operator vouches for the machine's clock. */
import type { ClockStatus } from '../gateway/clock-trust.js';
import { askGateway } from './admin-client.js';
import { loadConfig } from './load-config.js';
import type { CliContext, Command } from './program.js';

export function addClock(program: Command, context: CliContext): void {
  const clock = program.command('clock').summary("the gateway's idea of the time");
  clock
    .command('confirm')
    .summary("vouch for this machine's clock")
    .description("A gateway in doubt about the time lets nothing expire. Set the machine's clock, look at it, then confirm it.")
    .action(() => confirm(context));
}

async function confirm(context: CliContext): Promise<void> {
  const { config } = await loadConfig(context);
  const status = (await askGateway(context, config, { method: 'POST', path: '/clock/confirm', body: {} })) as ClockStatus;
  context.output.result(status, () => `The gateway goes by ${new Date(status.nowMs).toISOString()}, and ${status.trusted ? 'trusts it' : 'still does not trust it'}.`);
}
