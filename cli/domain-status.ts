/** `postern domain status | retract`: how our messages stand, and taking one back. */
import { toHex } from '../base/bytes.js';
import type { DomainStatus } from '../domain/status.js';
import { inDomain, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { SHORT_LOCATOR } from './domain-progress.js';
import { EXIT } from './exit-codes.js';
import { formatBytes, formatTable, printable } from './output.js';
import type { Json } from './output.js';
import type { CliContext, Command } from './program.js';

export function addDomainStatus(domain: Command, context: CliContext): void {
  withHome(domain.command('status'))
    .summary('show what is on its way, pending, and in the inbox')
    .action((options: HomeOption) => status(context, options));
  withHome(domain.command('retract'))
    .summary('take a message back that has not been accepted')
    .argument('<message>', 'the beginning of its name, as "send" and "status" show it')
    .action((message: string, options: HomeOption) => retract(context, message, options));
}

async function status(context: CliContext, options: HomeOption): Promise<void> {
  const found = await inDomain(context, options, (domain) => domain.status());
  context.output.result(asJson(found), () => asText(found));
}

function asJson(found: DomainStatus): Json {
  return {
    domain: found.name,
    users: found.users,
    gateways: found.gateways.map(({ name, url }) => ({ name, url })),
    correspondents: found.correspondents.map(({ domain, users, changes }) => ({
      domain: domain.domain,
      users: users.map(({ user, pull }) => ({ address: user.address, pull })),
      changes: changes.map(({ whose, pinned, offered, vouched }) => ({ whose, pinned, offered, vouched })),
    })),
    outgoing: found.outgoing.map(({ message, state, retracting, trouble }) => ({
      message: toHex(message.record.locator),
      to: message.facts.to,
      name: message.facts.name,
      bytes: message.facts.contentBytes,
      state,
      retracting,
      expires: new Date(message.record.expirySec * 1000).toISOString(),
      ...(trouble !== undefined && { trouble: { gateway: trouble.gateway, code: trouble.code, reason: trouble.reason, failures: trouble.failures } }),
    })),
    sent: { ...found.sent },
    pending: found.pending.map(({ locator, entry }) => ({ message: locator, failures: entry.failures, ...(entry.problem !== undefined && { problem: entry.problem }) })),
    inbox: found.inbox.map(({ entry, acceptance }) => ({ message: entry.locator, from: entry.facts.from, to: entry.facts.to, name: entry.facts.name, bytes: entry.facts.contentBytes, acceptance })),
  };
}

function asText(found: DomainStatus): string {
  const changes = found.correspondents.flatMap((known) => known.changes.map(({ whose }) => `The key of ${whose} has changed: nothing is sent there until "postern domain acknowledge ${known.domain.domain}".`));
  const ends = Object.entries(found.sent).map(([state, count]) => `${count} ${state}`);
  return [
    `${found.name}: ${found.users.join(', ') || 'no users yet'}`,
    `Gateways: ${found.gateways.map(({ name, url }) => `${name} (${url})`).join(', ') || 'none yet'}`,
    ...changes,
    ...section('On their way', found.outgoing.length, () =>
      formatTable(
        [
          { title: 'MESSAGE', text: ({ message }) => toHex(message.record.locator).slice(0, SHORT_LOCATOR) },
          { title: 'TO', text: ({ message }) => message.facts.to },
          { title: 'NAME', text: ({ message }) => message.facts.name },
          { title: 'SIZE', align: 'right', text: ({ message }) => formatBytes(message.facts.contentBytes) },
          { title: 'STATE', text: ({ state, retracting }) => (retracting ? `${state}, being taken back` : state) },
          { title: 'TROUBLE', text: ({ trouble }) => (trouble === undefined ? '' : `${trouble.reason} [${trouble.code}]`) },
        ],
        found.outgoing,
      ),
    ),
    `Ended: ${ends.join(', ') || 'none'}`,
    ...section('Pending', found.pending.length, () =>
      formatTable(
        [
          { title: 'MESSAGE', text: ({ locator }) => locator.slice(0, SHORT_LOCATOR) },
          { title: 'PROBLEM', text: ({ entry }) => entry.problem ?? '' },
        ],
        found.pending,
      ),
    ),
    ...section('Inbox', found.inbox.length, () =>
      formatTable(
        [
          { title: 'MESSAGE', text: ({ entry }) => entry.locator.slice(0, SHORT_LOCATOR) },
          { title: 'FROM', text: ({ entry }) => entry.facts.from },
          { title: 'NAME', text: ({ entry }) => entry.facts.name },
          { title: 'SIZE', align: 'right', text: ({ entry }) => formatBytes(entry.facts.contentBytes) },
          { title: 'STATE', text: ({ acceptance }) => acceptance },
        ],
        found.inbox,
      ),
    ),
  ]
    .map(printable)
    .join('\n');
}

function section(title: string, count: number, table: () => string): string[] {
  return count === 0 ? [`${title}: none`] : [`${title}:`, ...table().trimEnd().split('\n').map((line) => `  ${line}`)];
}

async function retract(context: CliContext, prefix: string, options: HomeOption): Promise<void> {
  const { message, outcome } = await inDomain(context, options, (domain) => domain.retract(prefix, context.signal));
  const locator = toHex(message.record.locator);
  context.output.result({ message: locator, outcome }, () => {
    const what = `${locator.slice(0, SHORT_LOCATOR)}  ${printable(message.facts.name)}  to ${message.facts.to}`;
    switch (outcome) {
      case 'retracted':
        return `${what}: taken back. A recipient who had accepted it before keeps it.`;
      case 'accepted':
        return `${what}: it was accepted before.`;
      case 'expired':
        return `${what}: it had expired before.`;
      case 'later':
        return `${what}: not every gateway could be told. "postern domain receive" goes on trying; it is not sent any more.`;
    }
  });
  if (outcome === 'accepted' || outcome === 'expired') context.exitWith(EXIT.refused);
  if (outcome === 'later') context.exitWith(EXIT.unreachable);
}
