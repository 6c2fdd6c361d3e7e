/** `postern domain receive | accept`: the receiving end at work, and the word that a message is taken. */
import { toHex } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import type { DomainEvent } from '../domain/events.js';
import type { InboxEntry } from '../domain/inbox.js';
import { inDomain, troubleText, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { SHORT_LOCATOR, TransferProgress } from './domain-progress.js';
import { formatBytes, formatDuration, printable } from './output.js';
import type { Json } from './output.js';
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
  const progress = new TransferProgress(context);
  const onEvent = (event: DomainEvent): void => {
    progress.see(event);
    tell(context, progress, event);
  };
  const run = { accept: options.accept, onRequest: options.all === true, ...(options.out !== undefined && { outDir: options.out }), ...(count !== undefined && { count }) };
  await inDomain(context, options, (domain) => domain.run(run, context.signal), onEvent).finally(() => progress.stop());
}

/** Deliveries are results; everything else is a remark. */
function tell(context: CliContext, progress: TransferProgress, event: DomainEvent): void {
  if ('doneBytes' in event) return;
  progress.stop();
  switch (event.kind) {
    case 'delivered':
      return context.output.result({ event: 'delivered', ...described(event.entry), path: event.path }, () => {
        const { from, contentBytes } = event.entry.facts;
        return `${event.entry.locator.slice(0, SHORT_LOCATOR)}  ${printable(event.path)}  ${formatBytes(contentBytes)}  from ${from}`;
      });
    case 'listening':
      return context.output.result({ event: 'listening', host: event.host, port: event.port }, () => `Listening for knocks on ${event.host}, UDP port ${event.port}.`);
    case 'outcome':
      return context.output.result({ event: event.outcome, message: toHex(event.message.record.locator), to: event.message.facts.to, name: event.message.facts.name }, () => {
        const { to, name } = event.message.facts;
        return `${toHex(event.message.record.locator).slice(0, SHORT_LOCATOR)}  ${printable(name)}  to ${to}: ${event.outcome}`;
      });
    case 'accepted':
      return context.output.note(`${event.entry.locator.slice(0, SHORT_LOCATOR)}: its holder knows that it is accepted.`);
    case 'heard':
      return context.output.note(`${event.locator.slice(0, SHORT_LOCATOR)}: heard from ${event.gateway}.`);
    case 'waiting':
      return context.output.note(`${event.locator.slice(0, SHORT_LOCATOR)}: ${printable(event.reason)}; again in ${formatDuration(event.retryAfterSec * 1000)}.`);
    case 'in-custody':
      return context.output.note(`${printable(event.message.facts.name)} to ${event.message.facts.to}: in the custody of ${event.gateway}.`);
    case 'not-taken':
      return context.output.note(`${printable(event.message.facts.name)} to ${event.message.facts.to}: not taken: ${printable(event.reason)} [${event.code}]; again in ${formatDuration(event.retryAfterSec * 1000)}.`);
    case 'trouble':
      return context.output.note(troubleText(event));
  }
}

function described({ locator, facts }: InboxEntry): { [key: string]: Json } {
  const { from, to, name, mediaType, contentBytes, flags } = facts;
  const parent = facts.threadParent === undefined ? {} : { replyTo: toHex(facts.threadParent) };
  return { message: locator, from, to, name, type: mediaType, bytes: contentBytes, sent: new Date(facts.sentSec * 1000).toISOString(), flags, ...parent };
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
