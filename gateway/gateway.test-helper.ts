/** Gateways on a clock that tests move, with stores in memory and links that hand bytes straight over. */
import { ManualClock } from '../base/clock.js';
import { toBase64url } from '../base/bytes.js';
import { seededRandom } from '../base/random.js';
import type { Deliver, Freight, Link, LinkStatus, LinkSupport, Outcome } from '../links/link.js';
import { openMemoryStore } from '../store/open-memory.js';
import type { Store } from '../store/store.js';
import { encodeBatchHead, encodePieceHead } from '../wire/batch.js';
import { BatchReader } from '../wire/batch-reader.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { acceptCommitment, locatorOf, retractCommitment } from '../wire/capability.js';
import { keyId, kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { sha256Of } from '../wire/node-crypto.js';
import type { Opening } from '../wire/opening.js';
import { makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';
import { ClockTrust } from './clock-trust.js';
import { parseConfig } from './config.js';
import type { GatewayContext } from './context.js';
import { Bounds } from './bounds.js';
import { Counters } from './counters.js';
import { Gateway } from './gateway.js';
import { IncomingBlobs } from './incoming-blobs.js';
import { restoreVolumes } from './kept-volumes.js';
import { Lane } from './lane.js';
import type { LanePlan } from './lane.js';
import type { Log } from './log.js';
import { NoticesKept } from './notices-kept.js';
import type { FetchRule } from './notices-kept.js';
import { NO_OFFERED_BATCHES } from './offered-batches.js';
import type { OfferedBatches } from './offered-batches.js';
import { PeerBook } from './peer-book.js';
import type { Peer } from './peer-book.js';
import { Planner } from './plan.js';
import { Priorities } from './priorities.js';
import { Refusals } from './refusals.js';
import type { PriorityRule } from './priorities.js';
import { ownPlan } from './plan-file.js';
import { planAtStart } from './start-plan.js';
import { WaitingAnswers } from './waiting-answers.js';
import type { PlanContact } from '../plan/contact-plan.js';

const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (event, fields) => process.stderr.write(`# ${event} ${JSON.stringify(fields)}\n`) };

/** One end of a link in memory. What `other` delivers is what this end sends, while `up`. */
export class MemoryLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  onSignOfLife?: (() => void) | undefined;
  up = true;
  /** Bytes of freight that got through, and attempts at all. */
  sentBytes = 0;
  attempts = 0;
  /** Called before a unit is handed over; false loses it after the sender was told that it is there. */
  passes: () => boolean = () => true;
  #other: MemoryLink | undefined;
  #deliver: Deliver | undefined;

  constructor(name: string, supports: Partial<LinkSupport> = {}) {
    this.name = name;
    this.supports = { carries: 'bundle', answers: false, largestBytes: 4 << 20, parallel: 4, ...supports };
  }

  static pair(a: string, b: string, supports?: Partial<LinkSupport>): [MemoryLink, MemoryLink] {
    const ends: [MemoryLink, MemoryLink] = [new MemoryLink(a, supports), new MemoryLink(b, supports)];
    [ends[0].#other, ends[1].#other] = [ends[1], ends[0]];
    return ends;
  }

  async start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver;
  }

  async send(freight: Freight): Promise<Outcome> {
    this.attempts += 1;
    const other = this.#other;
    if (!this.up || other?.up !== true || other.#deliver === undefined) return { kind: 'unreachable', reason: 'down' };
    this.sentBytes += freight.bytes;
    if (!this.passes()) return { kind: 'written' };
    const result = await other.#deliver({ bytes: freight.open() });
    if (result.kind === 'refused') return { kind: 'refused', code: result.code, reason: 'refused' };
    return { kind: 'confirmed' };
  }

  async stop(): Promise<void> {
    this.#deliver = undefined;
  }

  status(): LinkStatus {
    return { state: this.up ? 'up' : 'down', sentBytes: this.sentBytes, receivedBytes: 0 };
  }
}

export interface TestPeer {
  readonly name: string;
  readonly role: 'client' | 'neighbour';
  readonly key: SigningKey;
  readonly domain?: string;
  readonly link?: Link;
  /** When the link works and what it costs; absent: at any time, for nothing. */
  readonly plan?: LanePlan;
  /** More links beside the first, in their order. */
  readonly more?: readonly { readonly link: Link; readonly plan?: LanePlan }[];
  /** Reached by sticks, with these settings. */
  readonly usb?: object;
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly store: Store;
  readonly knocks: { readonly host: string; readonly port: number; readonly datagram: Uint8Array }[];
  /** Ticks until nothing is due now and no send is under way. Resolves with the time of what is due next, a day from now at the latest. */
  settle(): Promise<number>;
}

export const testKey = (seed: number): SigningKey => signingKeyFromSeed(new Uint8Array(32).fill(seed));
export const testKem = kemKeyFromSeed(new Uint8Array(32).fill(99));

export interface TestGatewayOptions {
  readonly name: string;
  readonly key: SigningKey;
  readonly clock: ManualClock;
  readonly peers: readonly TestPeer[];
  readonly routes?: readonly ({ to: string; via: string } | { to: string; node: number })[];
  /** A contact plan, and the numbers of all in it. */
  readonly contacts?: readonly PlanContact[];
  readonly nodes?: Readonly<Record<string, number>>;
  readonly priority?: { readonly ageingMs?: number; readonly rules: readonly PriorityRule[] };
  /** What is asked for as soon as a neighbour tells of it. */
  readonly fetch?: readonly FetchRule[];
  readonly largeBlobBytes?: number;
  readonly capacityBytes?: number;
  readonly offered?: OfferedBatches;
  /** The store of a gateway that was here before: this one starts where that has stopped. */
  readonly store?: Store;
  /** Blocks of the configuration. */
  readonly stick?: object;
  readonly quota?: object;
  readonly limits?: object;
}

export async function openTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const { name, key, clock, peers } = options;
  const config = parseConfig(
    {
      gateway: { name, nodeId: `dtn://${name}/`, publicUrl: `https://${name}:8443`, keyFile: 'none' },
      listen: { https: {} },
      store: { ...(options.largeBlobBytes !== undefined && { largeBlobBytes: options.largeBlobBytes }), ...(options.capacityBytes !== undefined && { capacityBytes: options.capacityBytes }) },
      peers: peers.map((peer) => ({ name: peer.name, role: peer.role, key: toBase64url(peer.key.publicKey), nodeId: `dtn://${peer.name}/`, ...(peer.usb !== undefined && { links: [{ kind: 'usb', ...peer.usb }] }) })),
      routes: options.routes ?? [],
      ...(options.contacts !== undefined && { plan: planNamed(name, options.nodes ?? {}) }),
      ...(options.priority !== undefined && { priority: options.priority }),
      ...(options.stick !== undefined && { stick: options.stick }),
      ...(options.quota !== undefined && { quota: options.quota }),
      ...(options.limits !== undefined && { limits: options.limits }),
    },
    'test.yaml',
  );
  const book = new PeerBook(
    peers.map((peer, index): Peer => {
      const domain =
        peer.domain === undefined
          ? undefined
          : makeDomainRecord(peer.key, { domain: peer.domain, kemKey: testKem.publicKey, createdSec: 1_700_000_000, notAfterSec: 2_000_000_000, escrow: false, endpoints: [{ host: '127.0.0.1', udpPort: 9 }] });
      return { name: peer.name, role: peer.role, key: peer.key.publicKey, kid: keyId(peer.key.publicKey), config: config.peers[index] as Peer['config'], ...(domain !== undefined && { domain }) };
    }),
  );
  const random = seededRandom(key.publicKey[0] ?? 1);
  const store = options.store ?? await openMemoryStore({ clock, limits: { ...config.store, segmentBytes: 2 ** 21, spareSegments: 1 }, quotas: { peer: () => config.quota.peer, destination: () => config.quota.destination } });
  const trust = new ClockTrust(clock, config.clock);
  const notices = new NoticesKept(store, trust, options.fetch ?? []);
  await notices.restore(peers.map((peer) => peer.name));
  const answers = new WaitingAnswers(store);
  await answers.restore(peers.map((peer) => peer.name));
  const context: GatewayContext = { config, key, kid: keyId(key.publicKey), store, incoming: new IncomingBlobs(store, clock), notices, offered: options.offered ?? NO_OFFERED_BATCHES, answers, book, planner: new Planner(config.routes, book, options.contacts === undefined ? undefined : ownPlan(config, options.contacts)), priorities: new Priorities(config.priority.rules, config.priority.ageingMs), clock, trust, random, log: SILENT, counters: new Counters(), refusals: new Refusals(), bounds: new Bounds() };
  const wait = { firstMs: 30_000, capMs: 6 * 3_600_000 };
  const retry = { firstMs: 2000, capMs: 900_000 };
  const lanesOf = ({ link, plan, more = [] }: TestPeer): Lane[] => [...(link === undefined ? [] : [{ link, plan }]), ...more].map((lane) => new Lane(lane.link, retry, wait, lane.plan));
  const lanes = new Map(peers.map((peer) => [peer.name, lanesOf(peer)]));
  const knocks: TestGateway['knocks'] = [];
  const gateway = new Gateway(context, lanes, { knock: (host, port, datagram) => knocks.push({ host, port, datagram }) });
  if (options.store !== undefined) {
    await restoreVolumes(store, context.planner);
    await planAtStart(context, () => gateway.replan());
  }
  await gateway.startLinks();
  const settle = async (): Promise<number> => {
    for (;;) {
      await gateway.tick();
      await gateway.idle();
      const nextMs = await gateway.tick();
      await gateway.idle();
      const nowMs = context.trust.nowMs();
      if (nextMs === undefined || nextMs > nowMs) return Math.min(nextMs ?? Infinity, nowMs + 86_400_000);
    }
  };
  return { gateway, store, knocks, settle };
}

export const CLIENT = testKey(1);
export const A = testKey(10);
export const B = testKey(11);

export interface TestPair {
  readonly clock: ManualClock;
  readonly a: TestGateway;
  readonly b: TestGateway;
  readonly ab: MemoryLink;
  readonly ba: MemoryLink;
  /** Resolves with the time of what is due next at either. */
  settle(): Promise<number>;
}

export interface TestPairOptions {
  readonly clock?: ManualClock;
  readonly supports?: Partial<LinkSupport>;
  readonly planAtA?: LanePlan;
  readonly planAtB?: LanePlan;
  /** Who lives behind b. */
  readonly behind?: readonly TestPeer[];
  /** Of both gateways, and of one. */
  readonly both?: Partial<TestGatewayOptions>;
  readonly atA?: Partial<TestGatewayOptions>;
}

/** client -> a -> b, with all that is for others going from one to the other. */
export async function openTestPair({ clock = new ManualClock(), supports, planAtA, planAtB, behind = [], both, atA }: TestPairOptions = {}): Promise<TestPair> {
  const [ab, ba] = MemoryLink.pair('b/memory', 'a/memory', supports);
  const neighbour = (name: string, key: SigningKey, link: Link, plan: LanePlan | undefined): TestPeer => ({ name, role: 'neighbour', key, link, ...(plan !== undefined && { plan }) });
  const a = await openTestGateway({ name: 'a', key: A, clock, peers: [{ name: 'client', role: 'client', key: CLIENT }, neighbour('b', B, ab, planAtA)], routes: [{ to: '*', via: 'b' }], ...both, ...atA });
  const b = await openTestGateway({ name: 'b', key: B, clock, peers: [neighbour('a', A, ba, planAtB), ...behind], routes: [{ to: '*', via: 'a' }], ...both });
  const settle = async (): Promise<number> => {
    let nextMs = 0;
    for (let round = 0; round < 4; round += 1) nextMs = Math.min(await a.settle(), await b.settle());
    return nextMs;
  };
  return { clock, a, b, ab, ba, settle };
}

/** Hands messages over as the client of `a`. */
export async function submit(to: TestGateway, messages: readonly TestMessage[], controls: readonly Uint8Array[] = []): Promise<BatchHead> {
  const answer = await to.gateway.takeBatch(testBatch(CLIENT, A, messages, controls), 'direct');
  if (answer.kind !== 'answer') throw new Error(`no answer but ${answer.kind}`);
  return readAnswer(answer.bytes);
}

export async function stateAt(at: TestGateway, message: TestMessage): Promise<string | undefined> {
  return (await at.store.find(message.record.rid))?.state;
}

function planNamed(name: string, { [name]: node, ...nodes }: Readonly<Record<string, number>>): object {
  return { file: 'none', node, nodes };
}

export interface TestMessage {
  readonly record: TransitRecord;
  readonly blob: Uint8Array;
  readonly messageId: Uint8Array;
  readonly retract: Opening;
  readonly accept: Opening;
}

/** A message as a client would hand it over; every byte follows from `seed`. */
export function testMessage(seed: number, destination: string, clock: Pick<ManualClock, 'nowMs'>, blobBytes = 1000, lifetimeSec = 86_400): TestMessage {
  const random = seededRandom(seed + 1);
  const blob = random.bytes(blobBytes);
  const messageId = random.bytes(24);
  const locator = locatorOf(messageId);
  const [retractSecret, acceptSecret] = [random.bytes(16), random.bytes(16)];
  const record = makeRecord({
    destination,
    locator,
    expirySec: Math.ceil((clock.nowMs() / 1000 + lifetimeSec) / 3600) * 3600,
    blobBytes,
    blobHash: sha256Of(blob),
    retractCommitment: retractCommitment(locator, retractSecret),
    acceptCommitment: acceptCommitment(locator, acceptSecret),
    notification: random.bytes(109),
  });
  return { record, blob, messageId, retract: { kind: 'retract', locator, secret: retractSecret }, accept: { kind: 'accept', locator, secret: acceptSecret } };
}

/** A batch as a peer would post it. */
export async function* testBatch(key: SigningKey, to: SigningKey, messages: readonly TestMessage[], controls: readonly Uint8Array[] = [], bare = false): AsyncIterable<Uint8Array> {
  yield encodeBatchHead({ key, to: keyId(to.publicKey), records: messages.map((message) => message.record), controls, sentSec: 1_800_000_000, nonce: new Uint8Array(16).fill(messages.length + controls.length) });
  if (bare) return;
  for (const [index, message] of messages.entries()) {
    yield encodePieceHead(index, 0, message.blob.length);
    yield message.blob;
  }
}

/** The head of an answer. */
export function readAnswer(bytes: Uint8Array): BatchHead {
  for (const event of new BatchReader().push(bytes)) if (event.kind === 'head') return event.head;
  throw new TypeError('no head');
}
