/**
 * A walk through everything two gateways do, between two domains with marked senders, recipients, files and ids: by
 * the command line, with processes and sockets of their own. What the gateways keep, say and send is left to look at.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { fromHex, toHex } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { seededRandom } from '../base/random.js';
import { acceptance, retraction } from '../domain/secrets.js';
import { readKeyFile } from '../gateway/key-file.js';
import { LoopbackCapture } from '../links/loopback-capture.test-helper.js';
import { commandLine } from '../scripts/command-line.js';
import { layOutTwoSites } from '../scripts/two-sites.js';
import type { LinkKind, Site, TwoSites } from '../scripts/two-sites.js';
import { Canaries } from './canaries.test-helper.js';
import { blobPath, LOCAL, until } from './real-gateway.test-helper.js';

export interface WalkWishes {
  readonly link: LinkKind;
  /** Without TLS on the way between the gateways. */
  readonly plain?: boolean;
  readonly capture: boolean;
}

/** What can be looked at after a stage of the walk. */
export interface Stage {
  readonly name: string;
  /** What must not be found now; a secret that was used is not among them any more. */
  readonly canaries: Canaries;
  /** Folders and files of the gateways, their words, and what they sent. */
  readonly places: Readonly<Record<string, () => string[]>>;
}

export interface Walk {
  readonly sites: TwoSites;
  /** Everything that is marked, each for itself, to be found at the ends. */
  readonly marks: ReadonlyMap<string, Canaries>;
  /** What both gateways have to keep: to show that it would be found there. */
  readonly locators: Canaries;
  readonly captureFile?: string;
  readonly filesDir: string;
  /** Ports on which the gateways talk to each other. */
  readonly linkPorts: readonly number[];
}

const SENDER = 'ann-kranich-of-the-north';
const RECIPIENT = 'bo-falke-of-the-south';
const SUBJECT = 'Subject: the heron leaves at a quarter past nine';
const BODY = 'It carries three letters under its left wing.';
const LETTER = 'umlaufmappe-heron-7301.eml';
const WITHDRAWN = 'second-thoughts-heron-7302.eml';
const TYPE = 'application/x-heron-7303';
const LARGE = 'ballast-heron-7304.bin';
const LARGE_BYTES = 2_500_000;

/** @param look called after each stage, while the gateways run but for the last */
export async function walk(t: Test, { link, plain = false, capture }: WalkWishes, look: (stage: Stage) => void): Promise<Walk> {
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-walk-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const said: string[] = [];
  const sites = await layOutTwoSites({ dir: path.join(dir, 'sites'), link, logLevel: 'debug' });
  t.teardown(() => sites.stop());
  const { north, south } = sites;
  for (const { config } of [north, south]) writeFileSync(config, tuned(readFileSync(config, 'utf8'), plain));
  const [sender, recipient] = [await addUser(dir, north, south, SENDER), await addUser(dir, south, north, RECIPIENT)];

  const filesDir = path.join(dir, 'files');
  const files = writeFiles(filesDir);
  const marks = new Map<string, Canaries>([
    ['sender', new Canaries().addText('sender', sender).addText('its name', SENDER)],
    ['recipient', new Canaries().addText('recipient', recipient).addText('its name', RECIPIENT)],
    ['first users', new Canaries().addText('ann', north.address).addText('bo', south.address)],
    ['subject', new Canaries().addText('subject', SUBJECT)],
    ['body', new Canaries().addText('body', BODY)],
    ['media type', new Canaries().addText('media type', TYPE)],
    ['file names', [LETTER, WITHDRAWN, LARGE].reduce((names, name) => names.addText(name, name), new Canaries())],
    ['payload', marksOf(files.large)],
  ]);

  const linkPorts = [portIn(north.config, link), portIn(south.config, link)];
  const knockPorts = [north, south].map(({ home }) => (JSON.parse(readFileSync(path.join(home, 'domain.json'), 'utf8')) as { knock: { listenPort: number } }).knock.listenPort);
  const ports = [...new Set([north.port, south.port, ...linkPorts, ...knockPorts])];
  const captureFile = path.join(dir, 'lo.pcapng');
  const listening = capture ? await LoopbackCapture.start(t, captureFile, ports.map((port) => `port ${port}`).join(' or ')) : undefined;
  await Promise.all([north.gateway.start(), south.gateway.start()]);

  const send = (file: string, ...options: string[]): Promise<string> =>
    commandLine('--json', 'domain', 'send', '--home', north.home, '--from', SENDER, '--to', recipient, ...options, path.join(filesDir, file));
  await send(LETTER);
  await send(LARGE, '--type', TYPE);
  await send(WITHDRAWN);
  const messages = outgoing(north);
  const idOf = (name: string): Uint8Array => fromHex(messages.find((message) => message.name === name)?.messageId ?? '') as Uint8Array;
  marks.set('message ids', messages.reduce((ids, { name, messageId }) => ids.addBytes(`id of ${name}`, fromHex(messageId) as Uint8Array), new Canaries()));
  const master = fromHex((JSON.parse(readFileSync(path.join(north.home, 'keys/domain.json'), 'utf8')) as { masterSecret: string }).masterSecret) as Uint8Array;

  const stage = (name: string, withAcceptSecrets: boolean): void => {
    const canaries = new Canaries();
    for (const mark of marks.values()) canaries.addAll(mark);
    for (const file of [LETTER, LARGE]) {
      canaries.addBytes(`secret that would retract ${file}`, retraction(master, idOf(file)).secret);
      if (withAcceptSecrets) canaries.addBytes(`secret that would accept ${file}`, acceptance(master, idOf(file)).secret);
    }
    canaries.addBytes(`secret that would accept ${WITHDRAWN}`, acceptance(master, idOf(WITHDRAWN)).secret);
    const places: Record<string, () => string[]> = { 'status, queues and metrics': () => canaries.in(Buffer.from(said.join('\n'))) };
    for (const { gatewayDir, gateway } of [north, south]) {
      places[`folder of ${gateway.name}`] = () => canaries.below(gatewayDir);
      places[`words of ${gateway.name}`] = () => [gateway.stdoutFile, gateway.stderrFile].flatMap((file) => canaries.in(readFileSync(file)));
    }
    look({ name, canaries, places });
  };

  const east = await Visitor.of(t, south);
  await until(async () => (await east.status('GET', idOf(LETTER))) === 206 && (await east.status('HEAD', idOf(LARGE))) === 200 && (await east.status('HEAD', idOf(WITHDRAWN))) === 200);
  said.push(await words(north), await words(south));
  await commandLine('domain', 'retract', messages.find(({ name }) => name === WITHDRAWN)!.locator, '--home', north.home);
  await until(async () => (await east.status('GET', idOf(WITHDRAWN))) === 404);
  await east.status('GET', seededRandom(5).bytes(24));
  await commandLine('domain', 'receive', '--home', south.home, '--no-accept', '--count', '2', '--out', south.outDir);
  said.push(await words(north), await words(south));
  stage('fetched', true);

  await commandLine('domain', 'accept', '--home', south.home);
  await until(async () => (await east.status('GET', idOf(LETTER))) === 404 && (await east.status('GET', idOf(LARGE))) === 404);
  await north.receiver.start();
  await until(() => readdirSync(path.join(north.home, 'outgoing')).length === 0);
  said.push(await words(north), await words(south));
  await sites.stop();
  stage('accepted', false);
  if (listening !== undefined) t.comment(await listening.stop());
  const locators = messages.reduce((all, { name, locator }) => all.addBytes(`locator of ${name}`, fromHex(locator) as Uint8Array), new Canaries());
  return { sites, marks, locators, filesDir, linkPorts, ...(listening !== undefined && { captureFile }) };
}

/** Quick knocks, small segments, and where it is wished no TLS between the gateways. */
function tuned(config: string, plain: boolean): string {
  const quick = `${config}\nknock:\n  firstMs: 500\n  capMs: 1000\nstore:\n  segmentBytes: 2097152\n`;
  if (!plain) return quick;
  return quick.replace(/^ {2}tcpcl:\n/m, '  tcpcl:\n    tls: false\n').replace(/^( +)- kind: tcpcl\n/m, '$1- kind: tcpcl\n$1  tls: false\n');
}

async function addUser(dir: string, site: Site, other: Site, name: string): Promise<string> {
  await commandLine('domain', 'user', 'add', name, '--home', site.home);
  const { card } = JSON.parse(await commandLine('--json', 'domain', 'card', '--home', site.home)) as { card: string };
  const file = path.join(dir, `${name}.card`);
  writeFileSync(file, card);
  await commandLine('domain', 'know', '--home', other.home, file);
  return `${name}@${site.domain}`;
}

function writeFiles(dir: string): { large: Uint8Array } {
  const large = seededRandom(7304).bytes(LARGE_BYTES);
  const letter = `${SUBJECT}\r\n\r\n${BODY}\r\n`;
  mkdirSync(dir);
  for (const [name, content] of Object.entries({ [LETTER]: letter, [WITHDRAWN]: `${letter}Forget it.\r\n`, [LARGE]: large })) writeFileSync(path.join(dir, name), content);
  return { large };
}

/** Pieces from all over the content. */
function marksOf(content: Uint8Array): Canaries {
  const marks = new Canaries();
  for (let at = 0; at + 24 <= content.length; at += 100_003) marks.addBytes(`payload at ${at}`, content.subarray(at, at + 24));
  return marks;
}

function portIn(config: string, link: LinkKind): number {
  return Number(new RegExp(`^ {2}${link}:\\n(?: {4}.*\\n)*? {4}port: (\\d+)`, 'm').exec(readFileSync(config, 'utf8'))?.[1]);
}

function outgoing({ home }: Site): { name: string; messageId: string; locator: string }[] {
  const folder = path.join(home, 'outgoing');
  return readdirSync(folder).map((name) => {
    const message = JSON.parse(readFileSync(path.join(folder, name, 'message.json'), 'utf8')) as { name: string; messageId: string };
    return { ...message, locator: toHex(retraction(new Uint8Array(32), fromHex(message.messageId) as Uint8Array).locator) };
  });
}

/** All that the gateway tells people and machines. */
async function words({ config, adminSocket }: Site): Promise<string> {
  const admin = new HttpPeer({ url: 'http://postern', socketPath: adminSocket, clock: systemClock });
  const metrics = await readWhole(await admin.exchange({ method: 'GET', path: '/metrics', answerLimitBytes: 1 << 20 }));
  admin.close();
  const queues = await commandLine('--config', config, '--json', 'queue', 'list');
  return [await commandLine('--config', config, '--json', 'status'), await commandLine('--config', config, 'status'), queues, Buffer.from(metrics).toString()].join('\n');
}

/** Fetches as a client who has ids: a range of a GET. */
class Visitor {
  readonly #peer: HttpPeer;

  private constructor(peer: HttpPeer) {
    this.#peer = peer;
  }

  static async of(t: Test, site: Site): Promise<Visitor> {
    const { publicKey } = await readKeyFile(path.join(site.gatewayDir, 'gateway.key'));
    const peer = new HttpPeer({ url: `https://${LOCAL}:${site.port}`, key: publicKey, clock: systemClock });
    t.teardown(() => peer.close());
    return new Visitor(peer);
  }

  async status(method: 'GET' | 'HEAD', messageId: Uint8Array): Promise<number> {
    const answer = await this.#peer.exchange({ method, path: blobPath(messageId), headers: { range: 'bytes=10-99' }, answerLimitBytes: 1 << 20 });
    await readWhole(answer);
    return answer.status;
  }
}
