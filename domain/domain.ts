/**
 * A domain as a library: its folder opened, and everything that can be done with it. Several processes may have
 * the same folder open; only one of them can run (it has the port for knocks).
 */
import { equalBytes } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { isDomainName } from '../wire/domain-name.js';
import type { DomainCard, GatewayCard } from '../wire/card.js';
import type { Endpoint } from '../wire/domain-record.js';
import { tellAccepted } from './accept.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import { Correspondents } from './correspondents.js';
import type { KeyChange } from './key-change.js';
import { checkDomainConfig, isGatewayName, isGatewayUrl, readDomainConfig, writeDomainConfig } from './domain-config.js';
import { Doors } from './doors.js';
import type { DomainEvent } from './events.js';
import { homeAt, isHome, prepareHome } from './home.js';
import { announce, createDomainKeys, createUser, loadIdentity, ownCard, ownUser } from './identity.js';
import { acceptanceOf, listInbox, markAccepting, pickEntry } from './inbox.js';
import type { InboxEntry } from './inbox.js';
import { fileAway, listMessages, outcomeOf } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';
import { retract } from './retract.js';
import type { Retracted } from './retract.js';
import { runDomain } from './run.js';
import type { RunOptions } from './run.js';
import { follow, sendAll } from './send-all.js';
import { handOverAll, prepareMessage } from './send.js';
import type { SendRequest } from './send.js';
import type { Pull } from './state-schema.js';
import { outgoingStatus, statusOf } from './status.js';
import type { DomainStatus, OutgoingStatus } from './status.js';

export interface DomainDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent?: (event: DomainEvent) => void;
}

export interface NewDomain {
  readonly name: string;
  readonly listenHost: string;
  readonly listenPort: number;
  /** Where gateways knock; what the domain record says. */
  readonly endpoints: readonly Endpoint[];
}

/** Makes a domain in a folder. Cut off half-way, it can be called again and goes on with the keys that are there. */
export async function createDomain(dir: string, options: NewDomain, deps: DomainDeps): Promise<void> {
  const home = homeAt(dir);
  if (!isDomainName(options.name)) throw new PosternError('DOMAIN_HOME', `"${options.name}" is no domain name: use lower-case letters, digits, hyphens and dots.`, { dir });
  if (await isHome(home)) throw new PosternError('DOMAIN_HOME', `${dir} holds a domain already. Nothing was changed.`, { dir });
  const config = checkDomainConfig({ format: 1, name: options.name, knock: { listenHost: options.listenHost, listenPort: options.listenPort }, gateways: [] }, home.config);
  await prepareHome(home);
  await createDomainKeys(home, options.name, options.endpoints, deps.random, nowSec(deps));
  await writeDomainConfig(home.config, config);
}

export class Domain {
  readonly #context: DomainContext;

  private constructor(context: DomainContext) {
    this.#context = context;
  }

  static async open(dir: string, deps: DomainDeps): Promise<Domain> {
    const context = await openContext(dir, deps);
    // What was settled just before a crash and not yet filed away.
    for (const message of await listMessages(context.home, 'outgoing', () => undefined)) if ((await outcomeOf(message)) !== undefined) await fileAway(message);
    return new Domain(context);
  }

  get name(): string {
    return this.#context.identity.name;
  }

  /** @returns the new user's address; undefined when there is one of that name. Known from the next `open` on. */
  async addUser(user: string): Promise<string | undefined> {
    const made = await createUser(this.#context.home, user, this.#context.random, nowSec(this.#context));
    return made ? `${user}@${this.name}` : undefined;
  }

  /** What others need to know of us: of all users, or of those named. */
  card(users?: readonly string[]): DomainCard {
    const { identity } = this.#context;
    return ownCard(identity, users === undefined ? identity.users : users.map((user) => ownUser(identity, user)), nowSec(this.#context));
  }

  /** Tells from the next card on that knocks are heard elsewhere. */
  announce(endpoints: readonly Endpoint[]): Promise<void> {
    return announce(this.#context.home, endpoints, nowSec(this.#context));
  }

  learn(card: DomainCard): Promise<{ added: readonly string[]; changes: readonly KeyChange[] }> {
    return this.#context.correspondents.learn(card);
  }

  acknowledge(domain: string): Promise<readonly KeyChange[]> {
    return this.#context.correspondents.acknowledge(domain);
  }

  setPull(address: string, pull: Pull): Promise<void> {
    return this.#context.correspondents.setPull(address, pull);
  }

  /** Known from the next `open` on. Another gateway of the same name is replaced only by one with the same key. */
  async addGateway(card: GatewayCard, name = card.name): Promise<void> {
    const { home } = this.#context;
    const config = await readDomainConfig(home.config);
    if (!isGatewayName(name)) throw new PosternError('DOMAIN_GATEWAY', `"${name}" is no name for a gateway: use 1 to 32 lower-case letters, digits and hyphens.`, { name });
    if (!isGatewayUrl(card.url)) throw new PosternError('DOMAIN_GATEWAY', `The card names ${card.url}: plain HTTP is for gateways on this machine.`, { name });
    const known = config.gateways.find((gateway) => gateway.name === name);
    if (known !== undefined && !equalBytes(known.key, card.key)) {
      throw new PosternError('DOMAIN_GATEWAY', `${name} is known with another key. Give it another name, or take the old one out of ${home.config} when you are sure.`, { name });
    }
    const others = config.gateways.filter((gateway) => gateway.name !== name);
    await writeDomainConfig(home.config, { ...config, gateways: [...others, { name, url: card.url, key: card.key }] });
  }

  /** Seals the message, or finds it when the same command made it before. It is handed over by `handOver`, or by `run`. */
  prepare(request: SendRequest): Promise<OutgoingMessage> {
    return prepareMessage(this.#context, request);
  }

  /** Makes messages of files and hands them over, each as soon as it is sealed. Tries for `waitMs` what no gateway takes. */
  sendAll(requests: readonly SendRequest[], onSealed: (message: OutgoingMessage, request: SendRequest) => void, waitMs: number, signal: AbortSignal): Promise<OutgoingMessage[]> {
    return sendAll(this.#context, requests, onSealed, waitMs, signal);
  }

  /** Stays with messages until each has been accepted, or has come to another end. */
  follow(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<void> {
    return follow(this.#context, messages, signal);
  }

  /** How a message of ours stands now. */
  outgoing(message: OutgoingMessage): Promise<OutgoingStatus> {
    return outgoingStatus(message);
  }

  /** Whether what is sent to this address can be read by its domain: to be said before it is sent. */
  async isEscrowed(address: string): Promise<boolean> {
    const { domain, user } = await this.#context.correspondents.recipient(address);
    return domain.escrow || user.escrow;
  }

  handOver(messages: readonly OutgoingMessage[], waitMs: number, signal: AbortSignal): Promise<void> {
    return handOverAll(this.#context, messages, waitMs, signal);
  }

  /** Listens, fetches, delivers, accepts, hands over and asks for news, until told to stop or `options.count` messages came. */
  run(options: RunOptions, signal: AbortSignal): Promise<void> {
    return runDomain(this.#context, options, signal);
  }

  /** Accepts messages that were delivered without: those named, or all. Tells their holders once; `run` goes on with it. */
  async accept(prefixes: readonly string[] | undefined, signal: AbortSignal): Promise<InboxEntry[]> {
    const entries = await listInbox(this.#context.home, (thrown) => this.#context.report({ kind: 'trouble', what: 'a message in the inbox', thrown }));
    const chosen: InboxEntry[] = [];
    for (const entry of prefixes === undefined ? entries : prefixes.map((prefix) => pickEntry(entries, prefix))) {
      if ((await acceptanceOf(entry.dir)) !== 'delivered') continue;
      await markAccepting(entry.dir, nowSec(this.#context));
      chosen.push(entry);
    }
    await tellAccepted(this.#context, signal);
    return chosen;
  }

  retract(prefix: string, signal: AbortSignal): Promise<Retracted> {
    return retract(this.#context, prefix, signal);
  }

  status(): Promise<DomainStatus> {
    return statusOf(this.#context);
  }

  /** Closes the connections. Safe to call twice. */
  close(): void {
    this.#context.doors.close();
  }
}

/** The folder of a domain with what its verbs work with. */
export async function openContext(dir: string, { clock, random, onEvent }: DomainDeps): Promise<DomainContext> {
  const home = homeAt(dir);
  if (!(await isHome(home))) throw new PosternError('DOMAIN_HOME', `${dir} holds no domain. "postern domain init NAME" makes one.`, { dir });
  const config = await readDomainConfig(home.config);
  await prepareHome(home);
  const identity = await loadIdentity(home);
  if (identity.name !== config.name) {
    throw new PosternError('DOMAIN_CONFIG', `${home.config}: the keys are those of ${identity.name}.`, { file: home.config, field: 'name', found: config.name, expected: identity.name });
  }
  return {
    home,
    config,
    identity,
    correspondents: new Correspondents(home, identity.users),
    clock,
    random,
    doors: new Doors(config.gateways, { ours: identity.signing, clock, random }),
    settled: new Set(),
    report: onEvent ?? (() => undefined),
  };
}
