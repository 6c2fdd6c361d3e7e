/** `postern domain receive | accept`: the receiving end at work, and the word that a message is taken. */
import { PosternError } from '../base/errors.js';
import { EventTeller } from './domain-events.js';
import { inDomain, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { SHORT_LOCATOR } from './domain-progress.js';
import { printable } from './output.js';
import type { CliContext, Command } from './program.js';

interface ReceiveOptions extends HomeOption {
  readonly once?: true;
  readonly count?: string;
  readonly out?: string;
  readonly accept: boolean;
  readonly all?: true;
}

export function addDomainReceive(domain: Command, context: CliContext): void {
  withHome(domain.command('receive'))
    .summary('listen for messages, fetch and deliver them')
    .description('Runs until it is stopped: hears knocks, fetches, opens, delivers and accepts; and hands over and follows what we have sent. One process at a time per domain.')
    .option('--once', 'end after the first message')
    .option('--count <n>', 'end after so many messages')
    .option('--out <dir>', 'move the content of messages to this folder, under the name the sender gave it (default: it stays in the inbox)')
    .option('--no-accept', 'leave it to "accept" to take a message: until then its sender may take it back, and its gateway keeps it')
    .option('--all', 'fetch also from senders whose messages are fetched on request')
    .action((options: ReceiveOptions) => receive(context, options));
  withHome(domain.command('accept'))
    .summary('accept messages that were received with --no-accept')
    .argument('[messages...]', 'beginnings of their names (default: all)')
    .action((messages: string[], options: HomeOption) => accept(context, messages, options));
}

async function receive(context: CliContext, options: ReceiveOptions): Promise<void> {
  const count = options.once === true ? 1 : options.count === undefined ? undefined : countOf(options.count);
  const teller = new EventTeller(context);
  const run = { accept: options.accept, onRequest: options.all === true, ...(options.out !== undefined && { outDir: options.out }), ...(count !== undefined && { count }) };
  await inDomain(context, options, (domain) => domain.run(run, context.signal), (event) => teller.tell(event)).finally(() => teller.stop());
}

async function accept(context: CliContext, messages: readonly string[], options: HomeOption): Promise<void> {
  const accepted = await inDomain(context, options, (domain) => domain.accept(messages.length === 0 ? undefined : messages, context.signal));
  context.output.result({ accepted: accepted.map(({ locator }) => locator) }, () =>
    accepted.length === 0 ? 'Nothing was waiting to be accepted.' : accepted.map(({ locator, facts }) => `${locator.slice(0, SHORT_LOCATOR)}  ${printable(facts.name)}  from ${facts.from}: accepted`).join('\n'),
  );
}

function countOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new PosternError('CLI_USAGE', `--count needs a whole number from 1 on, and "${text}" is none.`, { found: text });
  return Number(text);
}
