/**
 * A scenario for real: production gateways on real folders and sockets, in this process, and `postern sim relay` as a process of
 * its own between them. The messages are those of a simulated run with the same seed. The end of a link's name says by what it is carried:
 * `-ltp` or `-tcpcl`.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64url, toHex } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { systemRandom } from '../base/random.js';
import { parseConfig } from '../gateway/config.js';
import { createKeyFile } from '../gateway/key-file.js';
import { runGateway } from '../gateway/main.js';
import type { RunningGateway } from '../gateway/main.js';
import { EventQueue } from '../sim/event-queue.js';
import { Lateness } from '../sim/lateness.js';
import type { Message } from '../sim/message.js';
import type { RelayReport } from '../sim/relay-report.js';
import type { LinkPlan, Scenario } from '../sim/scenario-schema.js';
import { Streams } from '../sim/streams.js';
import { startTraffic } from '../sim/traffic.js';
import { wayModel } from '../sim/way-model.js';
import { encodeBatchHead, encodePieceHead } from '../wire/batch.js';
import { BatchReader } from '../wire/batch-reader.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { kemKeyFromSeed, keyId, signingKeyFromSeed } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { isSha256Of } from '../wire/node-crypto.js';
import { encodeOpening } from '../wire/opening.js';
import { takenRids } from '../wire/receipt.js';
import { freeTcpPorts, freeUdpPort } from './free-ports.js';
import { PosternProcess } from './postern-process.js';

export interface RealRunOptions {
  readonly scenario: Scenario;
  /** The same, for the relay. */
  readonly file: string;
  readonly seed: number;
  readonly scale: number;
  readonly beginsMs: number;
}

export interface RealRun {
  /** When each node took a message into custody, by message and node; microseconds of the scenario. */
  readonly custodyUs: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Fetched by the domain it is for, with the right bytes. */
  readonly delivered: ReadonlySet<string>;
  readonly messages: readonly Message[];
  /** Of this process, in which the gateways run: how late a timer is that does nothing else, and how long a submission took to be answered. */
  readonly loopMs: number;
  readonly answerMs: number;
  readonly relay: RelayReport;
}

/** It was not up when the scenario began. */
export class TooSlow extends Error {}

const LOCAL = '127.0.0.1';
const US_PER_MS = 1000;
const BITS_PER_BYTE = 8;
/** Clocks of relay and gateways differ by a millisecond: contacts of the gateways begin so much after the relay's windows and end before. */
const GUARD_MS = 3;
const LOOK_EVERY_MS = 10;

/** The messages of a scenario, as a simulated run with this seed has them. */
export function messagesOf(scenario: Scenario, seed: number): Message[] {
  const time = { nowUs: 0, startMs: scenario.starts, queue: new EventQueue() };
  const messages: Message[] = [];
  const world = { time, streams: new Streams(seed), number: () => messages.length };
  for (const [index, plan] of scenario.traffic.entries()) startTraffic(world, plan, index, scenario.lasts, (message) => messages.push(message));
  for (let event = time.queue.take(); event !== undefined; event = time.queue.take()) {
    time.nowUs = event.timeUs;
    event.run();
  }
  return messages;
}

export async function runForReal(options: RealRunOptions): Promise<RealRun> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  const stops: (() => Promise<unknown> | void)[] = [() => rm(dir, { recursive: true, force: true })];
  try {
    return await new Stage(options, dir, stops).run();
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

interface Side {
  readonly key: SigningKey;
  readonly httpsPort: number;
  readonly ltpPort: number;
  readonly tcpclPort: number;
}

class Stage {
  readonly #options: RealRunOptions;
  readonly #dir: string;
  readonly #stops: (() => Promise<unknown> | void)[];
  readonly #messages: Message[];
  readonly #custodyUs = new Map<string, Map<string, number>>();
  readonly #delivered = new Set<string>();
  readonly #peers = new Map<string, HttpPeer>();
  readonly #loop = new Lateness();
  #answerMs = 0;

  constructor(options: RealRunOptions, dir: string, stops: (() => Promise<unknown> | void)[]) {
    this.#options = options;
    this.#dir = dir;
    this.#stops = stops;
    this.#messages = messagesOf(options.scenario, options.seed);
  }

  async run(): Promise<RealRun> {
    const { scenario, scale, beginsMs } = this.#options;
    const names = Object.keys(scenario.nodes);
    const sides = new Map<string, Side>();
    for (const name of names) {
      const [httpsPort, tcpclPort] = await freeTcpPorts(2);
      sides.set(name, { key: keyOf(name), httpsPort: httpsPort!, tcpclPort: tcpclPort!, ltpPort: await freeUdpPort() });
    }
    let report: RelayReport | undefined;
    const doors = await this.#doors(sides);
    const relay = new PosternProcess({
      name: 'relay',
      args: ['--json', 'sim', 'relay', this.#options.file, '--scale', String(scale), '--seed', String(this.#options.seed), '--begins', new Date(beginsMs).toISOString(), ...doors.args],
      logDir: join(this.#dir, 'logs'),
      isUp: (word) => word['up'] === true,
      onWord: (word) => {
        if (word['up'] === false) report = word as unknown as RelayReport;
      },
    });
    this.#stops.push(() => relay.kill());
    const [gateways] = await Promise.all([Promise.all(names.map((name) => this.#startGateway(name, sides, doors.ports))), relay.start()]);
    await Promise.all(names.map((name, index) => this.#serve(name, gateways[index] as RunningGateway, sides)));
    if (Date.now() >= beginsMs) throw new TooSlow(`everything was up ${Date.now() - beginsMs} ms after the scenario had begun`);
    await this.#live(sides);
    await relay.stop();
    if (report === undefined) throw new Error('the relay has not reported');
    return { custodyUs: this.#custodyUs, delivered: this.#delivered, messages: this.#messages, loopMs: this.#loop.figures().maxMs, answerMs: this.#answerMs, relay: report };
  }

  /** For each way of each link a port of the relay: how it is told, and where to find it, by link and node. */
  async #doors(sides: ReadonlyMap<string, Side>): Promise<{ args: string[]; ports: Map<string, number> }> {
    const args: string[] = [];
    const ports = new Map<string, number>();
    for (const plan of this.#options.scenario.links) {
      const name = linkName(plan);
      const kind = kindOf(plan);
      // The first node dials; LTP has nobody who does.
      for (const node of kind === 'ltp' ? plan.between : [plan.between[1]]) {
        const [port] = kind === 'ltp' ? [await freeUdpPort()] : await freeTcpPorts(1);
        const side = sides.get(node) as Side;
        args.push(kind === 'ltp' ? '--udp' : '--tcp', `${name}:${node}=${port},${LOCAL}:${kind === 'ltp' ? side.ltpPort : side.tcpclPort}`);
        ports.set(`${name} ${node}`, port!);
      }
    }
    return { args, ports };
  }

  async #startGateway(name: string, sides: ReadonlyMap<string, Side>, ports: ReadonlyMap<string, number>): Promise<RunningGateway> {
    const { scenario } = this.#options;
    const side = sides.get(name) as Side;
    const dir = join(this.#dir, name);
    await mkdir(dir);
    await createKeyFile(join(dir, 'gateway.key'), side.key.seed);
    const node = scenario.nodes[name] as Scenario['nodes'][string];
    const clients = await Promise.all(node.serves.map((domain) => this.#client(domain, dir)));
    const neighbours = [...sides].filter(([other]) => other !== name).map(([other, { key }]) => ({
      name: other,
      role: 'neighbour',
      key: toBase64url(key.publicKey),
      nodeId: `dtn://${other}/`,
      links: scenario.links.filter(({ between }) => between.includes(name) && between.includes(other)).map((plan) => this.#link(plan, name, other, sides, ports)),
    }));
    const config = parseConfig(
      {
        gateway: { name, nodeId: `dtn://${name}/`, publicUrl: `https://${LOCAL}:${side.httpsPort}`, keyFile: 'gateway.key' },
        listen: { https: { host: LOCAL, port: side.httpsPort }, ltp: { host: LOCAL, port: side.ltpPort, engineId: side.ltpPort }, tcpcl: { host: LOCAL, port: side.tcpclPort } },
        store: { segmentBytes: 2 ** 21 },
        knock: { firstMs: 2000, capMs: 10_000 },
        log: { level: 'silent' },
        peers: [...clients, ...neighbours],
        routes: node.routes,
      },
      join(dir, 'postern.yaml'),
    );
    const running = await runGateway(config, systemClock, systemRandom);
    this.#stops.push(() => running.stop());
    this.#watch(name, running);
    return running;
  }

  #link(plan: LinkPlan, name: string, other: string, sides: ReadonlyMap<string, Side>, ports: ReadonlyMap<string, number>): Record<string, unknown> {
    const { scale, scenario, beginsMs } = this.#options;
    const model = wayModel(plan, plan.between[0] === name ? 'there' : 'back', scenario.starts);
    const endUs = scenario.lasts + scenario.settles;
    const contacts: { from: string; until: string }[] = [];
    for (let window = model.windows(0); window !== undefined && window.startUs < endUs; window = model.windows(window.endUs)) {
      if (window.endUs > endUs && contacts.length === 0) break;
      const at = (us: number): string => new Date(Math.round(beginsMs + us / US_PER_MS / scale)).toISOString();
      contacts.push({ from: at(window.startUs + GUARD_MS * US_PER_MS * scale), until: at(window.endUs - GUARD_MS * US_PER_MS * scale) });
    }
    const shared = {
      rateBytesPerSec: Math.round((model.bitsPerSec * scale) / BITS_PER_BYTE),
      lightTimeMs: Math.ceil(model.delayUs(0) / US_PER_MS / scale),
      parallel: plan.parallel,
      retry: { firstMs: 100, capMs: 1000 },
      ...(contacts.length > 0 && { contacts }),
    };
    const port = ports.get(`${linkName(plan)} ${other}`);
    if (kindOf(plan) === 'ltp') return { kind: 'ltp', host: LOCAL, port, engineId: (sides.get(other) as Side).ltpPort, marginMs: 2000, ...shared };
    return { kind: 'tcpcl', ...(port !== undefined && { host: LOCAL, port }), ...shared };
  }

  async #client(domain: string, dir: string): Promise<Record<string, unknown>> {
    const key = keyOf(domain);
    const socket = createSocket('udp4').bind(0, LOCAL);
    await once(socket, 'listening');
    this.#stops.push(() => void socket.close());
    // A knock says that something has come; what it is, is known here.
    socket.on('message', () => void this.#fetchAll(domain).catch(() => undefined));
    const record = makeDomainRecord(key, { domain, kemKey: kemKeyFromSeed(systemRandom.bytes(32)).publicKey, createdSec: 1_700_000_000, notAfterSec: 4_000_000_000, escrow: false, endpoints: [{ host: LOCAL, udpPort: socket.address().port }] });
    await writeFile(join(dir, `${domain}.record`), record.bytes);
    return { name: domain.replaceAll('.', '-'), role: 'client', key: toBase64url(key.publicKey), domainRecordFile: `${domain}.record` };
  }

  #watch(node: string, { gateway }: RunningGateway): void {
    const { store } = gateway.context;
    const hold = store.hold.bind(store);
    store.hold = async (entries) => {
      const results = await hold(entries);
      for (const [index, { kind }] of results.entries()) {
        const rid = toHex(entries[index]!.record.rid);
        const known = this.#custodyUs.get(rid) ?? new Map<string, number>();
        this.#custodyUs.set(rid, known);
        if (kind === 'held' && !known.has(node)) known.set(node, this.#nowUs());
      }
      return results;
    };
  }

  /** Connections are made before the scenario begins, so that no handshake stands between a domain and its gateway. */
  async #serve(name: string, running: RunningGateway, sides: ReadonlyMap<string, Side>): Promise<void> {
    const { serves } = this.#options.scenario.nodes[name] as Scenario['nodes'][string];
    for (const domain of serves) {
      const peer = new HttpPeer({ url: `https://${LOCAL}:${running.address.port}`, key: (sides.get(name) as Side).key.publicKey, clock: systemClock });
      this.#stops.push(() => peer.close());
      this.#peers.set(domain, peer);
      await readWhole(await peer.exchange({ method: 'POST', path: '/fmp/1/opening', body: bodyOf(new Uint8Array()), answerLimitBytes: 1024 }));
    }
  }

  /** From now to the end of the scenario, or until everything has come. */
  async #live(sides: ReadonlyMap<string, Side>): Promise<void> {
    const { scenario } = this.#options;
    const homes = new Map(Object.entries(scenario.nodes).flatMap(([name, { serves }]) => serves.map((domain) => [domain, name] as const)));
    const waiting = [...this.#messages].sort((a, b) => a.createdUs - b.createdUs);
    const submissions: Promise<void>[] = [];
    for (let lookMs = performance.now(); this.#nowUs() < scenario.lasts + scenario.settles; ) {
      for (let next = waiting[0]; next !== undefined && next.createdUs <= this.#nowUs(); next = waiting[0]) {
        waiting.shift();
        submissions.push(this.#submit(next, (sides.get(homes.get(next.from) ?? '') as Side).key));
      }
      if (waiting.length === 0 && this.#delivered.size === this.#messages.length) break;
      const nextMs = waiting[0] === undefined ? LOOK_EVERY_MS : this.#realMs(waiting[0].createdUs - this.#nowUs());
      const pauseMs = Math.max(1, Math.min(LOOK_EVERY_MS, Math.ceil(nextMs)));
      lookMs = performance.now() + pauseMs;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      this.#loop.add(Math.max(0, performance.now() - lookMs));
    }
    await Promise.all(submissions);
  }

  async #submit(message: Message, gateway: SigningKey): Promise<void> {
    const key = keyOf(message.from);
    const head = encodeBatchHead({ key, to: keyId(gateway.publicKey), records: [message.record], controls: [], sentSec: Math.floor(Date.now() / 1000), nonce: systemRandom.bytes(16) });
    const blob = message.blob as Uint8Array;
    const startedMs = performance.now();
    const answer = await this.#peerOf(message.from).exchange({ method: 'POST', path: '/fmp/1/batch', body: bodyOf(Buffer.concat([head, encodePieceHead(0, 0, blob.length), blob])), answerLimitBytes: 1 << 20 });
    const bytes = await readWhole(answer);
    this.#answerMs = Math.max(this.#answerMs, performance.now() - startedMs);
    const taken = [...new BatchReader().push(bytes)].some((event) => event.kind === 'head' && event.head.controls.some((control) => control.kind === 'receipt' && takenRids(control).some((rid) => toHex(rid) === message.rid)));
    if (!taken) throw new Error(`no receipt for ${message.rid} from ${message.from}`);
  }

  async #fetchAll(domain: string): Promise<void> {
    for (const message of this.#messages) {
      if (message.to !== domain || this.#delivered.has(message.rid)) continue;
      const peer = this.#peerOf(domain);
      const answer = await peer.exchange({ method: 'GET', path: `/fmp/1/blob/${toBase64url(message.id)}`, answerLimitBytes: 1 << 24 });
      const blob = await readWhole(answer);
      if (answer.status !== 200 || !isSha256Of(message.record.blobHash, blob)) continue;
      this.#delivered.add(message.rid);
      await readWhole(await peer.exchange({ method: 'POST', path: '/fmp/1/opening', body: bodyOf(encodeOpening(message.accept)), answerLimitBytes: 1024 }));
    }
  }

  #peerOf(domain: string): HttpPeer {
    return this.#peers.get(domain) as HttpPeer;
  }

  #nowUs(): number {
    return (performance.timeOrigin + performance.now() - this.#options.beginsMs) * US_PER_MS * this.#options.scale;
  }

  #realMs(us: number): number {
    return us / US_PER_MS / this.#options.scale;
  }
}

function keyOf(name: string): SigningKey {
  return signingKeyFromSeed(new Streams('real').named(`key/${name}`).bytes(32));
}

export function linkName({ name, between }: LinkPlan): string {
  return name ?? between.join('-');
}

function kindOf(plan: LinkPlan): 'ltp' | 'tcpcl' {
  const kind = linkName(plan).split('-').at(-1);
  if (kind !== 'ltp' && kind !== 'tcpcl') throw new Error(`the name of the link ${linkName(plan)} does not say by what it is carried: use one that ends with -ltp or -tcpcl`);
  return kind;
}

function bodyOf(bytes: Uint8Array): { bytes: number; open: () => AsyncIterable<Uint8Array> } {
  return {
    bytes: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}
