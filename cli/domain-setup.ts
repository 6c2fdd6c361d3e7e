/** `postern domain init | user add | card`: who we are. */
import { PosternError } from '../base/errors.js';
import { createDomain } from '../domain/domain.js';
import { formatCard } from '../wire/card.js';
import type { DomainCard } from '../wire/card.js';
import type { Endpoint } from '../wire/domain-record.js';
import { keyForPeople } from './card-file.js';
import { depsOf, homeOf, inDomain, withHome } from './domain-home.js';
import type { HomeOption } from './domain-home.js';
import { shellQuoted } from './output.js';
import { collect, type CliContext, type Command } from './program.js';

interface InitOptions extends HomeOption {
  readonly listen: string;
  readonly announce?: readonly string[];
  readonly user?: readonly string[];
}

const KNOCK_PORT = 4557;

export function addDomainSetup(domain: Command, context: CliContext): void {
  withHome(domain.command('init'))
    .summary('make a new domain')
    .description('Makes the keys and the configuration of a domain. Nothing that exists is replaced.')
    .argument('<name>', 'the name of the domain, such as example.org')
    .option('--listen <host:port>', 'where knocks are heard, by UDP', `0.0.0.0:${KNOCK_PORT}`)
    .option('--announce <host:port>', 'where gateways are told to knock; may be given again (default: the name of the domain, and the port it listens on)', collect)
    .option('--user <name>', 'a user to begin with; may be given again', collect)
    .action((name: string, options: InitOptions) => init(context, name, options));
  const user = domain.command('user').summary('users of the domain');
  withHome(user.command('add'))
    .summary('make the keys of a new user')
    .argument('<name>', 'what stands before the @')
    .action((name: string, options: HomeOption) => addUser(context, name, options));
  withHome(domain.command('card'))
    .summary('print the card that others need to know us')
    .description('Prints the card of the domain, signed: for correspondents, and for a gateway that is to serve us.')
    .argument('[users...]', 'only these users (default: all)')
    .option('--announce <host:port>', 'from now on knocks are to come here; may be given again', collect)
    .action((users: string[], options: HomeOption & { announce?: readonly string[] }) => card(context, users, options));
}

async function init(context: CliContext, name: string, options: InitOptions): Promise<void> {
  const listen = parseEndpoint(options.listen);
  const dir = homeOf(context, options);
  const endpoints = options.announce?.map(parseEndpoint) ?? [{ host: name, udpPort: listen.udpPort }];
  await createDomain(dir, { name, listenHost: listen.host, listenPort: listen.udpPort, endpoints }, depsOf(context));
  for (const user of options.user ?? []) await inDomain(context, { home: dir }, (domain) => domain.addUser(user));
  const own = await inDomain(context, { home: dir }, async (domain) => domain.card());
  context.output.result({ home: dir, ...described(own) }, () => {
    const here = `--home ${shellQuoted(dir)}`;
    return [
      `A new domain ${name} in ${dir}. Keep a copy of its keys folder in a safe place.`,
      `Its key, to read aloud: ${keyForPeople(own.domain.signingKey).words}`,
      ...(own.users.length > 0 ? [`Users: ${own.users.map(({ address }) => address).join(', ')}`] : [`Next: postern domain user add NAME ${here}`]),
      `Then: postern domain card ${here}, for your correspondents and your gateway`,
    ].join('\n');
  });
}

async function addUser(context: CliContext, name: string, options: HomeOption): Promise<void> {
  const address = await inDomain(context, options, (domain) => domain.addUser(name));
  if (address === undefined) throw new PosternError('DOMAIN_USER', `There is a user ${name} already. Nothing was changed.`, { address: name });
  context.output.result({ address }, () => `${address} is a user now. Correspondents need a new card to write to them.`);
}

async function card(context: CliContext, users: readonly string[], options: HomeOption & { announce?: readonly string[] }): Promise<void> {
  const { announce } = options;
  if (announce !== undefined) await inDomain(context, options, (domain) => domain.announce(announce.map(parseEndpoint)));
  const own = await inDomain(context, options, async (domain) => domain.card(users.length === 0 ? undefined : users));
  const text = formatCard(own);
  context.output.result({ ...described(own), card: text }, () => text);
}

function described(own: DomainCard): { domain: string; fingerprint: string; words: string; users: string[] } {
  const { signingKey, domain } = own.domain;
  return { domain, ...keyForPeople(signingKey), users: own.users.map(({ address }) => address) };
}

/** `host:port`, with an IPv6 address in brackets. */
function parseEndpoint(text: string): Endpoint {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new PosternError('CLI_USAGE', `"${text}" is no host and port: write 0.0.0.0:${KNOCK_PORT} or [::]:${KNOCK_PORT}.`, { found: text });
  return { host: host.toLowerCase(), udpPort: Number(port) };
}
