/** `postern domain …`: the two ends, for use and for tests. */
import { addDomainReceive } from './domain-receive.js';
import { addDomainSend } from './domain-send.js';
import { addDomainSetup } from './domain-setup.js';
import { addDomainStatus } from './domain-status.js';
import { addDomainTrust } from './domain-trust.js';
import type { CliContext, Command } from './program.js';

export function addDomainCommands(program: Command, context: CliContext): void {
  const domain = program
    .command('domain')
    .summary('send and receive as a domain')
    .description('The two ends: a domain that seals and sends, and hears, fetches, opens and accepts. docs/domain.md begins with a session.');
  addDomainSetup(domain, context);
  addDomainTrust(domain, context);
  addDomainSend(domain, context);
  addDomainReceive(domain, context);
  addDomainStatus(domain, context);
}
