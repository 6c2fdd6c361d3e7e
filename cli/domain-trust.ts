/** `postern domain know | acknowledge | gateway add | pull`: whom we know, and by which keys. */
import { PosternError } from '../base/errors.js';
import type { Domain } from '../domain/domain.js';
import type { KeyChange } from '../domain/key-change.js';
import type { DomainCard, GatewayCard } from '../wire/card.js';
import { keyForPeople, readCard } from './card-file.js';
import { inDomain, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { EXIT } from './exit-codes.js';
import type { CliContext, Command } from './program.js';

type Pull = Parameters<Domain['setPull']>[1];
const PULLS: readonly Pull[] = ['immediate', 'on-request', 'ignore'];

export function addDomainTrust(domain: Command, context: CliContext): void {
  withHome(domain.command('know'))
    .summary('take in the cards of other domains, or of gateways')
    .description('Pins the keys of a card when they are new. Other keys than the pinned ones are kept aside, and nothing is sent to whom they touch until "acknowledge".')
    .argument('<cards...>', 'files with cards')
    .action((files: string[], options: HomeOption) => know(context, files, options));
  withHome(domain.command('acknowledge'))
    .summary('accept the changed keys of a domain')
    .description('Pins the keys that were kept aside. Compare the fingerprint with its owner by another way first.')
    .argument('<domain>', 'the name of the domain')
    .action((name: string, options: HomeOption) => acknowledge(context, name, options));
  const gateway = domain.command('gateway').summary('gateways of the domain');
  withHome(gateway.command('add'))
    .summary('make a gateway known')
    .description('The gateway whose card this is may take what we send and knock at our door. It must know us, too: give it the card of the domain.')
    .argument('<card>', 'a file with the card of a gateway')
    .option('--name <name>', 'what to call it here (default: what it calls itself)')
    .action((file: string, options: HomeOption & { name?: string }) => addGateway(context, file, options));
  withHome(domain.command('pull'))
    .summary('say when messages of a sender are fetched')
    .argument('<address>', 'user@domain')
    .argument('<when>', PULLS.join(', '))
    .action((address: string, when: string, options: HomeOption) => pull(context, address, when, options));
}

async function know(context: CliContext, files: readonly string[], options: HomeOption): Promise<void> {
  // All are read before the first is taken in.
  const cards = await Promise.all(files.map((file) => readCard(file)));
  await inDomain(context, options, async (domain) => {
    for (const card of cards) {
      if (card.kind === 'gateway') await takeGateway(context, domain, card, undefined);
      else await takeDomain(context, domain, card);
    }
  });
}

async function takeDomain(context: CliContext, domain: Domain, card: DomainCard): Promise<void> {
  const { added, changes } = await domain.learn(card);
  const { domain: name, signingKey, escrow } = card.domain;
  const shown = { domain: name, ...keyForPeople(signingKey), users: card.users.map(({ address }) => address), added, escrow };
  context.output.result({ ...shown, changes: changes.map(({ whose, pinned, offered, vouched }) => ({ whose, pinned, offered, vouched })) }, () =>
    [
      `${name}: ${shown.users.join(', ') || 'no users'}`,
      `  its key: ${shown.fingerprint}`,
      `  to read aloud: ${shown.words}`,
      ...(escrow ? ['  it keeps copies of the keys of its users, and can read what they get'] : []),
      ...changes.map(changeText),
      ...(changes.length > 0 ? [`Nothing is sent there until "postern domain acknowledge ${name}".`] : []),
    ].join('\n'),
  );
  if (changes.length > 0) context.exitWith(EXIT.refused);
}

function changeText({ whose, pinned, offered, vouched }: KeyChange): string {
  return `  CHANGED KEY of ${whose}: ${pinned} was pinned, ${offered} is offered${vouched ? ' (the old key has signed for it)' : ''}`;
}

async function acknowledge(context: CliContext, name: string, options: HomeOption): Promise<void> {
  const changes = await inDomain(context, options, (domain) => domain.acknowledge(name));
  context.output.result({ domain: name, acknowledged: changes.map(({ whose, offered }) => ({ whose, fingerprint: offered })) }, () =>
    changes.length === 0 ? `No key of ${name} had changed.` : changes.map(({ whose, offered }) => `${whose} is ${offered} now.`).join('\n'),
  );
}

async function addGateway(context: CliContext, file: string, options: HomeOption & { name?: string }): Promise<void> {
  const card = await readCard(file);
  if (card.kind !== 'gateway') throw new PosternError('CLI_CARD', `${file} is the card of the domain ${card.domain.domain}: "postern domain know" takes it.`, { path: file });
  await inDomain(context, options, (domain) => takeGateway(context, domain, card, options.name));
}

async function takeGateway(context: CliContext, domain: Domain, card: GatewayCard, name: string | undefined): Promise<void> {
  await domain.addGateway(card, name);
  const shown = { gateway: name ?? card.name, url: card.url, ...keyForPeople(card.key) };
  context.output.result(shown, () => `${shown.gateway} at ${shown.url}\n  its key: ${shown.fingerprint}\n  to read aloud: ${shown.words}`);
}

async function pull(context: CliContext, address: string, when: string, options: HomeOption): Promise<void> {
  const chosen = PULLS.find((known) => known === when);
  if (chosen === undefined) throw new PosternError('CLI_USAGE', `"${when}" is none of ${PULLS.join(', ')}.`, { found: when });
  await inDomain(context, options, (domain) => domain.setPull(address, chosen));
  context.output.result({ address, pull: chosen }, () => `Messages of ${address}: ${chosen}.`);
}
