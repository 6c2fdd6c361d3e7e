/** `postern run`: the daemon, until it is told to stop. */
import { once } from 'node:events';
import { adminSocketOf } from '../gateway/config.js';
import { loadConfig } from './load-config.js';
import type { CliContext, Command } from './program.js';

export function addRun(program: Command, context: CliContext): void {
  program
    .command('run')
    .summary('run the gateway')
    .description('Runs the gateway until Ctrl-C or SIGTERM; then it finishes what is in hand. The log goes to stderr, one JSON object a line.')
    .action(() => run(context));
}

async function run(context: CliContext): Promise<void> {
  const { config } = await loadConfig(context);
  // Not at the top: the other commands do without the database engine.
  const { runGateway } = await import('../gateway/main.js');
  const running = await runGateway(config, context.clock, context.random);
  try {
    const { host, port } = running.address;
    context.output.result({ gateway: config.gateway.name, host, port, adminSocket: adminSocketOf(config) }, () => `The gateway ${config.gateway.name} listens on ${host} port ${port}. Ctrl-C stops it.`);
    if (!context.signal.aborted) await once(context.signal, 'abort');
  } finally {
    await running.stop();
  }
}
