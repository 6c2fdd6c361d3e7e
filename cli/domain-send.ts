/** `postern domain send`: files become messages, and messages go into the custody of a gateway. */
import { toHex } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import type { DomainEvent } from '../domain/events.js';
import type { OutgoingStatus } from '../domain/status.js';
import { inDomain, troubleText, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { SHORT_LOCATOR, TransferProgress } from './domain-progress.js';
import { EXIT } from './exit-codes.js';
import { formatBytes, printable } from './output.js';
import type { CliContext, Command } from './program.js';

interface SendOptions extends HomeOption {
  readonly to: string;
  readonly from?: string;
  readonly name?: string;
  readonly type?: string;
  readonly expires?: string;
  readonly replyTo?: string;
  readonly again?: true;
  readonly wait: string;
}

export function addDomainSend(domain: Command, context: CliContext): void {
  withHome(domain.command('send'))
    .summary('send files')
    .description(
      'Seals each file as a message of its own and hands it over to a gateway. The same command given again, after a crash or by mistake, goes on with the messages it made before and makes no new ones, as long as the files are unchanged.',
    )
    .argument('<files...>', 'any files, of any size')
    .requiredOption('--to <address>', 'user@domain')
    .option('--from <user>', 'which of our users sends (may be left out when there is one)')
    .option('--name <name>', 'what the recipient sees (default: the name of the file)')
    .option('--type <type>', 'the media type (default: by the name)')
    .option('--expires <hours>', 'give up when it has not been fetched by then (default: transitLifetimeHours of domain.json)')
    .option('--reply-to <message>', 'the beginning of a received message that this answers')
    .option('--again', 'make new messages even though the same command was done before')
    .option('--wait <seconds>', 'how long to try when no gateway takes it', '30')
    .action((files: string[], options: SendOptions) => send(context, files, options));
}

async function send(context: CliContext, files: readonly string[], options: SendOptions): Promise<void> {
  const lifetimeHours = options.expires === undefined ? undefined : numberOf(options.expires, '--expires');
  const waitMs = numberOf(options.wait, '--wait') * 1000;
  const progress = new TransferProgress(context);
  const onEvent = (event: DomainEvent): void => {
    progress.see(event);
    if (event.kind === 'trouble') context.output.note(troubleText(event));
  };
  const results = await inDomain(
    context,
    options,
    async (domain) => {
      if (await domain.isEscrowed(options.to)) context.output.note(`${options.to}: the domain keeps copies of the keys of its users, and can read what they get.`);
      const messages = [];
      for (const file of files) {
        messages.push(
          await domain.prepare({
            file,
            to: options.to,
            ...(options.from !== undefined && { from: options.from }),
            ...(options.name !== undefined && { name: options.name }),
            ...(options.type !== undefined && { mediaType: options.type }),
            ...(lifetimeHours !== undefined && { lifetimeHours }),
            ...(options.replyTo !== undefined && { replyTo: options.replyTo }),
            ...(options.again === true && { again: true }),
          }),
        );
      }
      await domain.handOver(messages, waitMs, context.signal);
      return Promise.all(messages.map((message) => domain.outgoing(message)));
    },
    onEvent,
  ).finally(() => progress.stop());
  for (const status of results) tell(context, status);
}

function tell(context: CliContext, status: OutgoingStatus): void {
  const { message, state, trouble } = status;
  const locator = toHex(message.record.locator);
  const { to, name, contentBytes } = message.facts;
  const result = { message: locator, to, name, bytes: contentBytes, state, expires: new Date(message.record.expirySec * 1000).toISOString() };
  const why = trouble === undefined ? undefined : { gateway: trouble.gateway, code: trouble.code, reason: trouble.reason, retryAfterSec: Math.max(0, trouble.nextSec - trouble.atSec) };
  context.output.result({ ...result, ...(why !== undefined && { trouble: why }) }, () => {
    const what = `${locator.slice(0, SHORT_LOCATOR)}  ${printable(name)}  ${formatBytes(contentBytes)}  to ${to}`;
    if (why === undefined) return `${what}: ${state}`;
    return `${what}: ${state}, not taken${why.gateway === '' ? '' : ` by ${why.gateway}`}: ${printable(why.reason)} [${why.code}]. It is kept and tried again by "postern domain receive", or by this command.`;
  });
  if (trouble !== undefined) context.exitWith(trouble.code.startsWith('LINK_') || trouble.code.startsWith('HTTP_') ? EXIT.unreachable : EXIT.refused);
}

function numberOf(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new PosternError('CLI_USAGE', `${option} needs a number, and "${text}" is none.`, { found: text });
  return value;
}
