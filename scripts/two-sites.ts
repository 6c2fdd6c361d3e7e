/**
 * Two sites on this machine, as people would set them up: north.example with its gateway west, south.example with
 * its gateway east, and a link between the gateways. Everything is done by the command line, runs as processes of
 * its own over real sockets of 127.0.0.1, and lives in one folder.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from './command-line.js';
import { startDelayRelay } from './delay-relay.js';
import type { DelayRelay } from './delay-relay.js';
import { freeTcpPorts, freeUdpPort } from './free-ports.js';
import { PosternProcess } from './postern-process.js';
import type { Exit, Word } from './postern-process.js';

export interface TwoSitesOptions {
  /** Made if need be; what a run before has left in it is removed. */
  readonly dir: string;
  readonly link?: LinkKind;
  /** Each way between the gateways. 0 or absent: they are connected directly. */
  readonly delayMs?: number;
  /** What may be under way on the line in one direction, which limits its rate. Needs delayMs. */
  readonly lineBytes?: number;
  readonly logLevel?: 'debug' | 'info';
  /** Knocks and links are tried again within seconds, where the defaults let minutes pass. */
  readonly impatient?: boolean;
  /** Where each domain hands its messages out; default: `out` in its own folder. */
  readonly outDirs?: { readonly north?: string; readonly south?: string };
  /** Everything that any process says in JSON: its log, its events. */
  readonly onWord?: (process: string, word: Word) => void;
  /** Runs the northern site, the sending one, in place of this Node and dist/. */
  readonly northExecutable?: string;
}

export type LinkKind = 'tcpcl' | 'https';

/** A domain with one user, and the gateway that serves it. */
export interface Site {
  readonly domain: string;
  readonly address: string;
  /** The folder of the domain. */
  readonly home: string;
  readonly outDir: string;
  /** The gateway's folder, its configuration in it, and its public port. */
  readonly gatewayDir: string;
  readonly adminSocket: string;
  readonly config: string;
  readonly port: number;
  /** `postern run`. */
  readonly gateway: PosternProcess;
  /** `postern domain receive`, which sends what waits, too. */
  readonly receiver: PosternProcess;
}

interface SiteNames {
  readonly gateway: string;
  readonly domain: string;
  readonly name: string;
  readonly user: string;
}

const NORTH: SiteNames = { gateway: 'west', name: 'north', domain: 'north.example', user: 'ann' };
const SOUTH: SiteNames = { gateway: 'east', name: 'south', domain: 'south.example', user: 'bo' };

/** `/east.sock` behind it makes a path that every system takes. */
const SHORT_PATH_CHARACTERS = 80;
/** Somebody else may take a port between its choice and its use. */
const ATTEMPTS = 3;

type MakeProcess = (domain: string, name: string, args: readonly string[], isUp?: (word: Word) => boolean) => PosternProcess;

export class TwoSites {
  readonly north: Site;
  readonly south: Site;
  readonly relays: readonly DelayRelay[];

  readonly #makeProcess: MakeProcess;
  readonly #tidy: () => Promise<void>;
  #senders = 0;

  constructor(north: Site, south: Site, relays: readonly DelayRelay[], makeProcess: MakeProcess, tidy: () => Promise<void>) {
    this.north = north;
    this.south = south;
    this.relays = relays;
    this.#makeProcess = makeProcess;
    this.#tidy = tidy;
  }

  /** west, east, north, south. */
  get processes(): PosternProcess[] {
    return [this.north.gateway, this.south.gateway, this.north.receiver, this.south.receiver];
  }

  /** `postern domain send` as a process of its own, not started yet. What it says goes where all words go. */
  sender(from: Site, to: Site, files: readonly string[], ...options: string[]): PosternProcess {
    this.#senders += 1;
    return this.#makeProcess(from.domain, `send-${this.#senders}`, ['--json', 'domain', 'send', '--home', from.home, '--to', to.address, ...options, ...files]);
  }

  /** kill -9 for all that runs. Safe to call twice, and after `stop`. */
  async kill(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
    await this.#end();
  }

  /** Stops what runs, domains before gateways. Safe to call twice. */
  async stop(): Promise<Exit[]> {
    const exits = await Promise.allSettled([this.north.receiver.stop(), this.south.receiver.stop()]);
    exits.push(...(await Promise.allSettled([this.north.gateway.stop(), this.south.gateway.stop()])));
    await this.#end();
    return exits.map((exit) => {
      if (exit.status === 'rejected') throw exit.reason;
      return exit.value;
    });
  }

  async #end(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.stop()));
    await this.#tidy();
  }
}

/** Sets both sites up. Nothing runs yet but the relays. */
export async function layOutTwoSites(options: TwoSitesOptions): Promise<TwoSites> {
  await rm(options.dir, { recursive: true, force: true });
  await mkdir(options.dir, { recursive: true });
  const ports = await freeTcpPorts(4);
  const relays: DelayRelay[] = [];
  const sockets = await socketFolder(options.dir);
  const made = await Promise.all([makeSite(options, sockets.dir, NORTH, ports.slice(0, 2)), makeSite(options, sockets.dir, SOUTH, ports.slice(2))]);
  for (const [ours, theirs] of [made, made.toReversed()] as [Made, Made][]) await meet(options, ours, theirs, relays);
  return new TwoSites(made[0].site, made[1].site, relays, processMaker(options), sockets.remove);
}

/** Sets both sites up and starts all four processes, or those chosen. */
export async function startTwoSites(options: TwoSitesOptions, choose = (sites: TwoSites): PosternProcess[] => sites.processes): Promise<TwoSites> {
  for (let attempt = 1; ; attempt++) {
    const sites = await layOutTwoSites(options);
    const started = await Promise.allSettled(choose(sites).map((process) => process.start()));
    const failed = started.find((start) => start.status === 'rejected');
    if (failed === undefined) return sites;
    await sites.stop().catch(() => undefined);
    if (attempt === ATTEMPTS || !/EADDRINUSE/.test(String(failed.reason))) throw failed.reason;
  }
}

interface Made {
  readonly site: Site;
  readonly names: SiteNames;
  readonly gatewayCard: string;
  readonly domainCard: string;
  /** Where neighbours send: the port that the link's kind uses. */
  readonly linkPort: number;
}

/** One gateway and the domain it serves: keys, configuration, cards. They know each other when this resolves. */
async function makeSite(options: TwoSitesOptions, socketDir: string, names: SiteNames, [httpsPort, tcpclPort]: number[]): Promise<Made> {
  const { dir, link = 'tcpcl' } = options;
  const gatewayDir = join(dir, names.gateway);
  const config = join(gatewayDir, 'postern.yaml');
  const home = join(dir, names.name);
  const adminSocket = join(socketDir, `${names.gateway}.sock`);
  const knock = `127.0.0.1:${await freeUdpPort()}`;
  const gateway = (...args: string[]): Promise<string> => commandLine('--json', '--config', config, ...args);
  const domain = (...args: string[]): Promise<string> => commandLine('--json', 'domain', ...args, '--home', home);

  await commandLine('init', gatewayDir, '--name', names.gateway, '--port', String(httpsPort), '--url', `https://127.0.0.1:${httpsPort}`);
  await edit(config, [...configEdits(tcpclPort!, adminSocket, options.logLevel ?? 'info'), ...(options.impatient === true ? SHORT_KNOCKS : [])]);
  await domain('init', names.domain, '--listen', knock, '--announce', knock, '--user', names.user);
  await edit(join(home, 'domain.json'), [[/"pollSeconds": \d+/, '"pollSeconds": 1']]);
  const gatewayCard = join(dir, `${names.gateway}.card`);
  await gateway('peer', 'invite', '--out', gatewayCard);
  const domainCard = join(dir, `${names.name}.card`);
  await writeFile(domainCard, cardIn(await domain('card')));
  await gateway('peer', 'add', domainCard, '--yes');
  await domain('gateway', 'add', gatewayCard);

  const makeProcess = processMaker(options);
  const outDir = options.outDirs?.[names.name as 'north' | 'south'] ?? join(home, 'out');
  const site: Site = {
    domain: names.domain,
    address: `${names.user}@${names.domain}`,
    home,
    outDir,
    gatewayDir,
    config,
    adminSocket,
    port: httpsPort!,
    gateway: makeProcess(names.domain, names.gateway, ['--json', '--config', config, 'run'], (word) => 'adminSocket' in word),
    receiver: makeProcess(names.domain, names.name, ['--json', 'domain', 'receive', '--home', home, '--out', outDir], (word) => word.event === 'listening'),
  };
  return { site, names, gatewayCard, domainCard, linkPort: link === 'tcpcl' ? tcpclPort! : httpsPort! };
}

function processMaker({ dir, onWord, northExecutable }: TwoSitesOptions): MakeProcess {
  const executable = (domain: string): { executable?: string } => (northExecutable === undefined || domain !== NORTH.domain ? {} : { executable: northExecutable });
  return (domain, name, args, isUp) => new PosternProcess({ name, args, logDir: join(dir, 'logs'), ...executable(domain), ...(isUp !== undefined && { isUp }), ...(onWord !== undefined && { onWord: (word) => onWord(name, word) }) });
}

/** Makes the other site known here: its gateway as a neighbour that its domain is reached by, and its domain as a correspondent. */
async function meet({ link = 'tcpcl', delayMs = 0, lineBytes, impatient = false }: TwoSitesOptions, ours: Made, theirs: Made, relays: DelayRelay[]): Promise<void> {
  const { config, home } = ours.site;
  await commandLine('--config', config, 'peer', 'add', theirs.gatewayCard, '--yes', '--link', link, '--route', theirs.site.domain);
  await commandLine('domain', 'know', '--home', home, theirs.domainCard);
  if (impatient) await edit(config, SHORT_RETRIES);
  if (delayMs === 0) return;
  const relay = await startDelayRelay(theirs.linkPort, delayMs, lineBytes);
  relays.push(relay);
  await edit(config, [[new RegExp(`\\b${theirs.linkPort}\\b`), String(relay.port)]]);
}

const SHORT_KNOCKS: readonly Edit[] = [[/^# knock:\n# {3}firstMs: .*\n# {3}capMs: .*$/m, 'knock:\n  firstMs: 500\n  capMs: 5000']];
const SHORT_RETRIES: readonly Edit[] = [[/^( *)- kind: (tcpcl|https)$/m, '$&\n$1  retry:\n$1    firstMs: 500\n$1    capMs: 5000']];

/** The path of a socket has to be short, and folders of tests are deep. */
async function socketFolder(dir: string): Promise<{ dir: string; remove: () => Promise<void> }> {
  if (dir.length <= SHORT_PATH_CHARACTERS) return { dir, remove: async () => undefined };
  const made = await mkdtemp(join(tmpdir(), 'postern-'));
  return { dir: made, remove: () => rm(made, { recursive: true, force: true }) };
}

type Edit = readonly [pattern: RegExp, replacement: string];

/** What an operator changes by hand in the file that `postern init` wrote: this machine only, neighbours by tcpcl, and no long waits. */
function configEdits(tcpclPort: number, adminSocket: string, logLevel: string): Edit[] {
  return [
    [/^data: data$/m, `data: data\nadminSocket: ${JSON.stringify(adminSocket)}`],
    [/^ {2}# tcpcl:\n {2}# {3}host: .*\n {2}# {3}port: .*$/m, `  tcpcl:\n    host: "127.0.0.1"\n    port: ${tcpclPort}`],
    [/host: "0\.0\.0\.0"/, 'host: "127.0.0.1"'],
    [/^# log:\n# {3}level: info$/m, `log:\n  level: ${logLevel}`],
  ];
}

async function edit(file: string, edits: readonly Edit[]): Promise<void> {
  let text = await readFile(file, 'utf8');
  for (const [pattern, replacement] of edits) {
    if (!pattern.test(text)) throw new Error(`${file} has nothing like ${String(pattern)}`);
    text = text.replace(pattern, replacement);
  }
  await writeFile(file, text);
}

function cardIn(json: string): string {
  return (JSON.parse(json) as { card: string }).card;
}
