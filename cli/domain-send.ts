/** `postern domain send`: files become messages, and messages go into the custody of a gateway. */
import { toHex } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import { HOURS_OF_180_DAYS } from '../domain/domain-config.js';
import type { DomainEvent } from '../domain/events.js';
import type { OutgoingMessage } from '../domain/outgoing.js';
import type { SendRequest } from '../domain/send.js';
import type { OutgoingStatus } from '../domain/status.js';
import { isMimeType } from '../wire/envelope.js';
import { EventTeller, sent } from './domain-events.js';
import { inDomain, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { SHORT_LOCATOR } from './domain-progress.js';
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
  readonly follow?: true;
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
    .option('--follow', 'stay until every message has been accepted or has expired, and tell each step')
    .action((files: string[], options: SendOptions) => send(context, files, options));
}

async function send(context: CliContext, files: readonly string[], options: SendOptions): Promise<void> {
  const lifetimeHours = options.expires === undefined ? undefined : numberOf(options.expires, '--expires');
  if (lifetimeHours !== undefined && lifetimeHours > HOURS_OF_180_DAYS) throw new PosternError('CLI_USAGE', `--expires takes at most ${HOURS_OF_180_DAYS} hours, which are 180 days.`, { found: String(lifetimeHours) });
  const waitMs = numberOf(options.wait, '--wait') * 1000;
  if (!options.to.includes('@')) throw new PosternError('CLI_USAGE', `--to takes an address such as bo@example.org, not "${options.to}".`, { found: options.to });
  if (options.type !== undefined && !isMimeType(options.type)) throw new PosternError('CLI_USAGE', `--type takes a media type such as text/plain, not "${options.type}".`, { found: options.type });
  const teller = new EventTeller(context);
  const isTold = (event: DomainEvent): boolean => options.follow === true || (!context.json && ('doneBytes' in event || event.kind === 'trouble'));
  const onSealed = (message: OutgoingMessage, { file }: SendRequest): void => {
    if (options.follow === true) context.output.event({ event: 'sealed', file, ...sent(message) }, () => `${printable(message.facts.name)} to ${message.facts.to}: sealed.`);
  };
  const request = {
    to: options.to,
    ...(options.from !== undefined && { from: options.from }),
    ...(options.name !== undefined && { name: options.name }),
    ...(options.type !== undefined && { mediaType: options.type }),
    ...(lifetimeHours !== undefined && { lifetimeHours }),
    ...(options.replyTo !== undefined && { replyTo: options.replyTo }),
    ...(options.again === true && { again: true }),
  };
  const results = await inDomain(
    context,
    options,
    async (domain) => {
      if (await domain.isEscrowed(options.to)) context.output.note(`${options.to}: the domain keeps copies of the keys of its users, and can read what they get.`);
      const messages = await domain.sendAll(
        files.map((file) => ({ ...request, file })),
        onSealed,
        waitMs,
        context.signal,
      );
      if (options.follow === true) await domain.follow(messages, context.signal);
      return Promise.all(messages.map((message) => domain.outgoing(message)));
    },
    (event) => void (isTold(event) && teller.tell(event)),
  ).finally(() => teller.stop());
  for (const status of results) tell(context, status);
  if (context.signal.aborted) context.exitWith(EXIT.interrupted);
}

function tell(context: CliContext, status: OutgoingStatus): void {
  const { message, state, trouble } = status;
  const { to, name, contentBytes } = message.facts;
  const result = { ...sent(message), state, expires: new Date(message.record.expirySec * 1000).toISOString() };
  const why = trouble === undefined ? undefined : { gateway: trouble.gateway, code: trouble.code, reason: trouble.reason, retryAfterSec: Math.max(0, trouble.nextSec - trouble.atSec) };
  context.output.result({ ...result, ...(why !== undefined && { trouble: why }) }, () => {
    const what = `${toHex(message.record.locator).slice(0, SHORT_LOCATOR)}  ${printable(name)}  ${formatBytes(contentBytes)}  to ${to}`;
    if (why === undefined) return `${what}: ${state}`;
    return `${what}: ${state}, not taken${why.gateway === '' ? '' : ` by ${why.gateway}`}: ${printable(why.reason)} [${why.code}]. It is kept and tried again by "postern domain receive", or by this command.`;
  });
  if (state === 'expired' || state === 'retracted') context.exitWith(EXIT.refused);
  if (trouble !== undefined) context.exitWith(trouble.code.startsWith('LINK_') || trouble.code.startsWith('HTTP_') ? EXIT.unreachable : EXIT.refused);
}

function numberOf(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new PosternError('CLI_USAGE', `${option} takes a number from 0 on, not "${text}".`, { found: text });
  return value;
}
