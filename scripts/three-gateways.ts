/**
 * A journey through three gateways on three machines, as far as the network goes. A domain at `near`
 * sends; a line with light time, a rate and losses carries it to `middle`; a stick carries it to `far`, which no cable leads to; the
 * domain there fetches and accepts; receipts and acceptances go home by stick and line. In the end nobody holds anything any more.
 * Everything runs as processes of its own, set up by the command line. The line is `postern sim relay`, on a fourth machine in between.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import type { LinkTestResult } from '../gateway/link-test.js';
import type { RelayReport } from '../sim/relay-report.js';
import { commandLine } from './command-line.js';
import { LoopStick } from './loop-stick.js';
import { NetNamespaces } from './net-namespaces.js';
import { PROGRAM, PosternProcess } from './postern-process.js';
import type { Word } from './postern-process.js';

export interface JourneyOptions {
  readonly say?: (line: string) => void;
  /** The folder is left where it is. */
  readonly keep?: boolean;
}

export interface Journey {
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly string[];
  readonly line: RelayReport;
  /** `postern link test` of it, before anything was sent. */
  readonly tested: LinkTestResult;
}

const LINE = `
name: three-gateways
lasts: 1 d
nodes: { near: {}, middle: {} }
links: [{ between: [near, middle], name: line, delay: 250 ms, rate: 2 Mbit/s, loss: { probability: "2 %" } }]
`;
const LINK = { kind: 'ltp', port: 1113, rateBytesPerSec: 250_000, lightTimeMs: 250, marginMs: 500, retry: { firstMs: 500, capMs: 2000 } };
/** Each namespace has its own ports, so that all may be the same. */
const PORT = 8443;
const KNOCKS = 4560;
const SIZES = [700, 90_000, 400_000];
const STICK_BYTES = 64 * 2 ** 20;
const PATIENCE_MS = 60_000;

export async function travel({ say = () => undefined, keep = false }: JourneyOptions = {}): Promise<Journey> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  const machines = new NetNamespaces(['near', 'line', 'middle', 'far'], [[['near', '10.254.1.2/24'], ['line', '10.254.1.1/24']], [['line', '10.254.2.1/24'], ['middle', '10.254.2.2/24']]]);
  const trip = new Trip(dir, machines, say);
  try {
    return await trip.make();
  } finally {
    await trip.end();
    machines.remove();
    if (!keep) await rm(dir, { recursive: true, force: true });
  }
}

type GatewayName = 'near' | 'middle' | 'far';
/** Domains by the gateway they live at. */
const DOMAINS = { near: 'near.example', far: 'far.example' } as const;
type Home = keyof typeof DOMAINS;

class Trip {
  readonly #dir: string;
  readonly #machines: NetNamespaces;
  readonly #say: (line: string) => void;
  readonly #processes: PosternProcess[] = [];
  readonly #words: { process: string; word: Word }[] = [];
  #stick: LoopStick | undefined;

  constructor(dir: string, machines: NetNamespaces, say: (line: string) => void) {
    this.#dir = dir;
    this.#machines = machines;
    this.#say = say;
  }

  async make(): Promise<Journey> {
    this.#stick = new LoopStick(this.#dir, STICK_BYTES);
    await this.#setUp();
    const files = await Promise.all(SIZES.map((bytes, number) => this.#makeFile(`file-${number}.bin`, bytes)));
    const relay = await this.#startAll();

    const tested = JSON.parse(await commandLine('--json', '--config', this.#config('near'), 'link', 'test', 'middle', '--bytes', '50000')) as LinkTestResult;
    this.#say(`the line, tested: ${JSON.stringify(tested)}`);

    this.#say('near sends; the line is cut in the middle of it');
    const sender = this.#process('near', 'send', ['domain', 'send', '--home', this.#home('near'), '--to', `bo@${DOMAINS.far}`, ...files]);
    await sender.start();
    await sender.exit;
    await commandLine('--json', 'sim', 'relay-cut', 'line', '--control', join(this.#dir, 'line.sock'), '--for', '500 ms');
    await this.#until('middle holds everything, and near nothing', async () => (await this.#held('middle')) === SIZES.length && (await this.#held('near')) === 0);

    this.#say('a stick goes from middle to far');
    await this.#atStick('middle', 'export');
    await this.#atStick('far', 'import');
    await this.#until('the domain at far has everything, and has said so', async () => this.#count('domain-far', 'acceptance-told') === SIZES.length);
    await this.#atStick('far', 'export');

    this.#say('the stick comes home');
    await this.#atStick('middle', 'stick');
    await this.#until('the domain at near has heard of it', async () => this.#count('domain-near', 'accepted') === SIZES.length);
    await this.#until('nobody holds anything', async () => (await Promise.all((['near', 'middle', 'far'] as const).map((name) => this.#held(name)))).every((held) => held === 0));

    const problems = await this.#lookForWrong(files);
    await relay.stop();
    const line = this.#words.findLast(({ word }) => word['up'] === false)?.word as unknown as RelayReport;
    return { files: files.length, bytes: SIZES.reduce((sum, bytes) => sum + bytes, 0), problems, line, tested };
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#processes.toReversed().map((process) => process.stop()));
    await Promise.all(this.#processes.map((process) => process.kill()));
    this.#stick?.pullOut();
  }

  async #setUp(): Promise<void> {
    await writeFile(join(this.#dir, 'line.yaml'), LINE);
    for (const [index, name] of (['near', 'middle', 'far'] as const).entries()) {
      await commandLine('init', join(this.#dir, name), '--name', name, '--port', String(PORT), '--url', `https://127.0.0.1:${PORT}`);
      await this.#edit(name, [
        [/^data: data$/m, `data: data\nadminSocket: ${JSON.stringify(join(this.#dir, `${name}.sock`))}`],
        [/host: "0\.0\.0\.0"\n {4}port: 8443/, 'host: "127.0.0.1"\n    port: 8443'],
        [/^ {2}# ltp:\n {2}# {3}host: .*\n {2}# {3}port: .*\n {2}# {3}engineId: .*$/m, `  ltp: { host: 0.0.0.0, port: 1113, engineId: ${index + 1} }`],
        [/^# knock:\n# {3}firstMs: .*\n# {3}capMs: .*$/m, 'knock: { firstMs: 500, capMs: 5000 }'],
      ]);
      await commandLine('--config', this.#config(name), 'peer', 'invite', '--out', this.#card(name));
    }
    await this.#meet('near', 'middle', [DOMAINS.far], { ...LINK, host: '10.254.1.1', engineId: 2 });
    await this.#meet('middle', 'near', [DOMAINS.near], { ...LINK, host: '10.254.2.1', engineId: 1 });
    await this.#meet('middle', 'far', [DOMAINS.far]);
    await this.#meet('far', 'middle', [DOMAINS.near]);
    for (const name of ['near', 'far'] as const) await this.#makeDomain(name);
    await commandLine('domain', 'know', '--home', this.#home('near'), this.#domainCard('far'));
    await commandLine('domain', 'know', '--home', this.#home('far'), this.#domainCard('near'));
  }

  /** @param link instead of a stick */
  async #meet(ours: GatewayName, theirs: GatewayName, routes: readonly string[], link?: object): Promise<void> {
    await commandLine('--config', this.#config(ours), 'peer', 'add', this.#card(theirs), '--yes', '--link', 'usb', ...routes.flatMap((to) => ['--route', to]));
    if (link !== undefined) await this.#edit(ours, [[/- kind: usb$/m, `- ${JSON.stringify(link)}`]]);
  }

  async #makeDomain(name: Home): Promise<void> {
    const home = this.#home(name);
    await commandLine('domain', 'init', DOMAINS[name], '--home', home, '--listen', `127.0.0.1:${KNOCKS}`, '--announce', `127.0.0.1:${KNOCKS}`, '--user', 'bo');
    const file = join(home, 'domain.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"pollSeconds": \d+/, '"pollSeconds": 1'));
    const { card } = JSON.parse(await commandLine('--json', 'domain', 'card', '--home', home)) as { card: string };
    await writeFile(this.#domainCard(name), card);
    await commandLine('--config', this.#config(name), 'peer', 'add', this.#domainCard(name), '--yes');
    await commandLine('domain', 'gateway', 'add', '--home', home, this.#card(name));
  }

  async #startAll(): Promise<PosternProcess> {
    const doors = ['--udp', 'line:middle=10.254.1.1:1113,10.254.2.2:1113', '--udp', 'line:near=10.254.2.1:1113,10.254.1.2:1113'];
    const relay = this.#process('line', 'line', ['sim', 'relay', join(this.#dir, 'line.yaml'), '--control', join(this.#dir, 'line.sock'), ...doors], (word) => word['up'] === true);
    const gateways = (['near', 'middle', 'far'] as const).map((name) => this.#process(name, name, ['--config', this.#config(name), 'run'], (word) => 'adminSocket' in word));
    const domains = (['near', 'far'] as const).map((name) => this.#process(name, `domain-${name}`, ['domain', 'receive', '--home', this.#home(name), '--out', this.#out(name)], (word) => word['event'] === 'listening'));
    await Promise.all([relay, ...gateways].map((process) => process.start()));
    await Promise.all(domains.map((process) => process.start()));
    return relay;
  }

  #process(machine: string, name: string, args: readonly string[], isUp?: (word: Word) => boolean): PosternProcess {
    const [executable = '', ...before] = this.#machines.inside(machine);
    const made = new PosternProcess({
      name,
      executable,
      args: [...before, process.execPath, PROGRAM, '--json', ...args],
      logDir: join(this.#dir, 'logs'),
      ...(isUp !== undefined && { isUp }),
      onWord: (word) => this.#words.push({ process: name, word }),
    });
    this.#processes.push(made);
    return made;
  }

  async #atStick(name: GatewayName, errand: 'import' | 'export' | 'stick'): Promise<void> {
    this.#stick?.plugIn();
    const outcome = await commandLine('--json', '--config', this.#config(name), errand, this.#stick?.dir ?? '');
    this.#stick?.pullOut();
    this.#say(`  at ${name}: postern ${errand} ${outcome.trim().slice(0, 200)}`);
  }

  async #held(name: GatewayName): Promise<number> {
    const { queues } = JSON.parse(await commandLine('--json', '--config', this.#config(name), 'status')) as { queues: { records: number }[] };
    return queues.reduce((sum, { records }) => sum + records, 0);
  }

  #count(process: string, event: string): number {
    return this.#words.filter((entry) => entry.process === process && entry.word['event'] === event).length;
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const startedMs = performance.now();
    while (!(await isSo())) {
      const fault = this.#processes.flatMap(({ faults }) => faults)[0];
      if (fault !== undefined) throw new Error(fault);
      if (performance.now() - startedMs > PATIENCE_MS) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
      await pause(50);
    }
    this.#say(`  ${what}, after ${Math.round(performance.now() - startedMs)} ms`);
  }

  async #lookForWrong(files: readonly string[]): Promise<string[]> {
    const problems: string[] = [];
    for (const file of files) {
      const name = file.split('/').at(-1) ?? '';
      const [sent, came] = await Promise.all([readFile(file), readFile(join(this.#out('far'), name)).catch(() => undefined)]);
      if (came === undefined) problems.push(`${name} has not come`);
      else if (hashOf(sent) !== hashOf(came)) problems.push(`${name} came with other bytes`);
    }
    for (const name of ['near', 'far'] as const) {
      const { pending } = JSON.parse(await commandLine('--json', 'domain', 'status', '--home', this.#home(name))) as { pending: unknown[] };
      if (pending.length > 0) problems.push(`${DOMAINS[name]} has ${pending.length} pending`);
    }
    return problems.concat(this.#processes.flatMap(({ faults }) => faults));
  }

  async #makeFile(name: string, bytes: number): Promise<string> {
    const folder = join(this.#dir, 'files');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), randomBytes(bytes));
    return join(folder, name);
  }

  async #edit(name: GatewayName, edits: readonly (readonly [RegExp, string])[]): Promise<void> {
    let text = await readFile(this.#config(name), 'utf8');
    for (const [pattern, replacement] of edits) {
      if (!pattern.test(text)) throw new Error(`${this.#config(name)} has nothing like ${String(pattern)}`);
      text = text.replace(pattern, replacement);
    }
    await writeFile(this.#config(name), text);
  }

  #config(name: GatewayName): string {
    return join(this.#dir, name, 'postern.yaml');
  }

  #card(name: GatewayName): string {
    return join(this.#dir, `${name}.card`);
  }

  #domainCard(name: Home): string {
    return join(this.#dir, `${name}-domain.card`);
  }

  #home(name: Home): string {
    return join(this.#dir, `home-${name}`);
  }

  #out(name: Home): string {
    return join(this.#dir, `out-${name}`);
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
