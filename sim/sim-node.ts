/**
 * One gateway of the simulation: a machine with a disk, an index and a clock that outlive it, and the production gateway
 * on top of them for as long as it runs. A crash takes away everything that was not synced, and whatever was under way.
 */
import { toBase64url } from '../base/bytes.js';
import { sleep } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { assembleGateway } from '../gateway/assemble-gateway.js';
import { BudgetKeeper } from '../gateway/budget-keeper.js';
import { ClockTrust } from '../gateway/clock-trust.js';
import { parseConfig } from '../gateway/config.js';
import type { GatewayConfig } from '../gateway/config.js';
import type { BudgetConfig } from '../gateway/contact-schema.js';
import type { GatewayContext } from '../gateway/context.js';
import type { Gateway } from '../gateway/gateway.js';
import { HighWaterKeeper } from '../gateway/high-water.js';
import { Lane } from '../gateway/lane.js';
import { receiptWait } from '../gateway/lanes.js';
import type { Log, LogFields } from '../gateway/log.js';
import { PeerBook } from '../gateway/peer-book.js';
import type { Peer } from '../gateway/peer-book.js';
import { Schedule } from '../gateway/schedule.js';
import type { ContactSource } from '../plan/contact.js';
import { MemoryDisk } from '../store/memory-disk.js';
import { MemoryDatabase, openMemoryStore } from '../store/open-memory.js';
import type { RecordState, Store } from '../store/store.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import { keyId } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import type { NodePlan } from './scenario-schema.js';
import { SimClock, US_PER_MS } from './sim-clock.js';
import type { ClockError } from './sim-clock.js';
import { SendJudge } from './send-judge.js';
import { SimLink } from './sim-link.js';
import type { SimLinkOptions } from './sim-link.js';
import { watchDatabase, watchDisk } from './watched-disk.js';
import { watchStore } from './watched-store.js';
import type { WorldFace } from './world-face.js';

/** Who lives next to a node: another node, or a domain of its own. */
export interface NodePeer {
  readonly name: string;
  readonly role: 'client' | 'neighbour';
  readonly key: SigningKey;
  readonly domain?: { readonly name: string; readonly kemKey: Uint8Array };
  readonly links: readonly NodeLink[];
}

export interface NodeLink extends Pick<SimLinkOptions, 'name' | 'supports' | 'out' | 'back'> {
  /** What the gateway knows of when the link works. */
  readonly contacts: ContactSource;
  readonly budget: BudgetConfig | undefined;
  readonly lightTimeMs: number;
  readonly retry: { readonly firstMs: number; readonly capMs: number };
}

interface Running {
  readonly gateway: Gateway;
  readonly clock: SimClock;
  readonly links: readonly SimLink[];
  readonly store: Store;
  stop(): Promise<void>;
}

/** A store for one simulation had better have small segments, which are written full of zeros first. A segment has to hold any small blob. */
const LEAST_SEGMENT_BYTES = 256 * 1024;
/** A checkpoint in memory costs nothing, and everything since the last one is read again after a crash. */
const INDEX_BUFFER_BYTES = 256 * 1024;
const SMALLEST_LARGE_BLOB_BYTES = 64 * 1024;
const GRACE_MS = 10_000;
/** The daemon looks at clock and expiry every minute, whether or not something is due; a year of minutes in which nothing happens is not worth its time. */
const HEARTBEAT_MS = 600_000;
const DOMAIN_PORT = 4560;

export class SimNode {
  readonly name: string;
  readonly key: SigningKey;
  readonly plan: NodePlan;
  readonly clockError: ClockError;
  readonly disk = new MemoryDisk();
  readonly #database = new MemoryDatabase({ crashes: true });
  readonly #world: WorldFace;
  readonly #ledgers = new Map<string, Uint8Array>();
  readonly #judges = new Map<string, SendJudge>();
  #peers: readonly NodePeer[] = [];
  #config: GatewayConfig | undefined;
  #book: PeerBook | undefined;
  #highWaterMs: number | undefined;
  #running: Running | undefined;
  #stopping: Running | undefined;
  #starts = 0;
  /** Set while somebody has done something to the disk on purpose. */
  isDiskInTrouble = false;
  /** How often trouble with the disk began or ended. */
  diskTroubles = 0;
  #syncUs = 0;

  constructor(name: string, plan: NodePlan, key: SigningKey, world: WorldFace) {
    this.name = name;
    this.plan = plan;
    this.key = key;
    this.#world = world;
    this.clockError = { offsetMs: plan.clock.offset / US_PER_MS, driftPpm: plan.clock.driftPpm };
  }

  get gateway(): Gateway | undefined {
    return this.#running?.gateway;
  }

  get url(): string {
    return `https://${this.name}.sim:8443`;
  }

  meet(peers: readonly NodePeer[]): void {
    this.#peers = peers;
    this.#config = configOf(this, peers);
    this.#book = bookOf(this.#config, peers);
  }

  async boot(): Promise<void> {
    try {
      this.#running = await this.#start();
      this.#world.tell(this.name, `up ${++this.#starts}`);
      await this.#compare(this.#running.store);
    } catch (thrown) {
      this.#world.checks.violated('fault', this.name, `does not start: ${messageOf(thrown)}`);
      this.#world.tell(this.name, `does not start: ${messageOf(thrown)}`);
    }
  }

  /** The process dies at once; with `power`, so does everything that was not synced. */
  async crash(power: boolean): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.clock.goDown();
    for (const link of running?.links ?? []) link.goDown();
    const chance = this.#world.streams.named(`node/${this.name}/crash`);
    this.#world.tell(this.name, power ? 'loses power' : 'is killed');
    if (!power) {
      this.disk.kill();
      this.#database.release();
      return;
    }
    const keeps = chance.fraction();
    this.disk.crash(chance.chance(0.5) ? undefined : () => chance.chance(keeps));
    await this.#database.crash(() => chance.chance(keeps));
  }

  /** Stops in order, as for an update. Gives false where it is stopping already, or lost its power meanwhile. */
  async shutDown(): Promise<boolean> {
    const running = this.#running;
    if (running === undefined || this.#stopping === running) return false;
    this.#stopping = running;
    this.#world.tell(this.name, 'shuts down');
    await running.stop();
    if (this.#running !== running) return false;
    this.#running = undefined;
    running.clock.goDown();
    for (const link of running.links) link.goDown();
    await running.store.close();
    this.#world.tell(this.name, 'is down');
    return true;
  }

  /** The operator looks at the clock, finds it right, and says so, as with `postern clock confirm`. */
  confirmClock(): void {
    const { nowUs, startMs } = this.#world.time;
    this.#running?.gateway.context.trust.confirm(startMs + nowUs / US_PER_MS, 'operator');
  }

  /** A contact with this neighbour begins. */
  contact(link: string): void {
    this.#running?.links.find((candidate) => candidate.name === link)?.onSignOfLife?.();
  }

  fillDisk(isFull: boolean): void {
    this.isDiskInTrouble = isFull;
    this.diskTroubles += 1;
    this.disk.capacityBytes = isFull ? this.disk.usedBytes : Number.MAX_SAFE_INTEGER;
  }

  slowDisk(syncUs: number): void {
    this.#syncUs = syncUs;
  }

  async #start(): Promise<Running> {
    const { checks, time, tell } = this.#world;
    const config = this.#config as GatewayConfig;
    const clock = new SimClock(time, this.clockError);
    const chance = this.#world.streams.named(`node/${this.name}`);
    const isUp = { value: true };
    const log = this.#log(clock, isUp);
    const trust = new ClockTrust(clock, { ...config.clock, ...(this.#highWaterMs !== undefined && { highWaterMs: this.#highWaterMs }) });
    const highWater = new HighWaterKeeper(async (highWaterMs) => void (this.#highWaterMs = highWaterMs), clock, trust);
    this.disk.before = (operation) => (operation.kind === 'sync' && this.#syncUs > 0 ? sleep(clock, this.#syncUs / US_PER_MS) : undefined);
    const disk = watchDisk(this.disk.mount(), this.name, checks);
    const quotas = { peer: () => config.quota.peer, destination: () => config.quota.destination };
    const opened = await openMemoryStore({
      clock,
      disk: this.#world.plant?.disk?.(disk) ?? disk,
      database: watchDatabase(this.#database, this.name, checks),
      random: chance,
      limits: { ...config.store, reserveFraction: config.store.reservePercent / 100, segmentBytes: Math.max(LEAST_SEGMENT_BYTES, 2 * config.store.largeBlobBytes), spareSegments: 1, indexBufferBytes: INDEX_BUFFER_BYTES },
      quotas: this.#world.plant?.quotas?.(quotas) ?? quotas,
      report: (event) => {
        tell(this.name, `store ${JSON.stringify(event)}`);
        if (event.kind === 'records-lost') checks.violated('lost', this.name, `the store says that it has lost ${event.rids.length} records`);
      },
    });
    const watched = watchStore(opened, { node: this.name, checks, quotaBytes: config.quota.peer.bytes, wallMs: () => clock.nowMs() });
    const store = this.#world.plant?.store?.(watched, opened, this.name) ?? watched;
    const links: SimLink[] = [];
    const gateway = await assembleGateway({
      config,
      key: this.key,
      book: this.#book as PeerBook,
      store,
      clock,
      trust,
      random: chance,
      log,
      knocks: { knock: (host, _port, datagram) => this.#world.knock(this.name, host, datagram) },
      lanes: (context) => this.#lanes(context, links),
    });
    this.#world.plant?.gateway?.(gateway);
    await gateway.startLinks();
    const schedule = new Schedule(gateway, clock, HEARTBEAT_MS);
    schedule.start();
    highWater.start();
    return {
      gateway,
      clock,
      links,
      store,
      stop: async () => {
        await highWater.stop();
        await schedule.stop();
        await gateway.stop(GRACE_MS);
        isUp.value = false;
      },
    };
  }

  async #lanes(context: GatewayContext, links: SimLink[]): Promise<Map<string, Lane[]>> {
    const lanes = new Map<string, Lane[]>();
    for (const peer of this.#peers) {
      const own: Lane[] = [];
      for (const plan of peer.links) {
        const judge = this.#judge(plan);
        const link = new SimLink({
          ...plan,
          nowUs: () => this.#world.time.nowUs,
          onAttempt: () => judge.attempted(context.trust.nowMs()),
          onSend: (bytes) => {
            this.#world.checks.written(this.name, plan.name, bytes);
            const { clock, trust } = context;
            const startMs = clock.monotonicMs();
            const over = judge.sent(bytes.length, trust.nowMs());
            return () => over(clock.monotonicMs() - startMs);
          },
        });
        links.push(link);
        const planted = this.#world.plant?.link?.(link, context) ?? link;
        const lanePlan = { contacts: plan.contacts, budget: await this.#budget(plan, context) };
        own.push(new Lane(planted, plan.retry, receiptWait(plan.lightTimeMs), this.#world.plant?.lanePlan?.(lanePlan) ?? lanePlan));
      }
      for (const lane of own) await lane.restore(context.store);
      lanes.set(peer.name, own);
    }
    return lanes;
  }

  /** The ledger of a link is on disk, and synced: it outlives every crash. */
  async #budget({ name, budget }: NodeLink, { trust, log }: GatewayContext): Promise<BudgetKeeper | undefined> {
    if (budget === undefined) return undefined;
    const file = {
      name,
      read: async () => this.#ledgers.get(name),
      write: async (bytes: Uint8Array) => {
        this.#world.checks.written(this.name, 'a ledger', bytes);
        this.#ledgers.set(name, bytes);
      },
    };
    return BudgetKeeper.open({ link: name, terms: budget, currency: budget.currency, file: this.#world.plant?.ledger?.(file) ?? file, nowMs: () => trust.nowMs(), log });
  }

  /** Outlives every restart. */
  #judge({ name: link, contacts, budget }: NodeLink): SendJudge {
    const judge = this.#judges.get(link) ?? new SendJudge({ node: this.name, link, contacts, budget, checks: this.#world.checks });
    this.#judges.set(link, judge);
    return judge;
  }

  async #compare(store: Store): Promise<void> {
    if (this.#starts === 1) return;
    const states = new Map<string, RecordState>();
    for (const message of this.#world.messages()) {
      const stored = await store.find(message.record.rid);
      if (stored !== undefined) states.set(message.rid, stored.state);
    }
    this.#world.checks.restarted(this.name, states);
  }

  #log(clock: SimClock, isUp: { value: boolean }): Log {
    const { tell, checks } = this.#world;
    const at =
      (level: keyof Log) =>
      (event: string, fields: LogFields = {}): void => {
        if (!isUp.value || (this.#running !== undefined && this.#running.clock !== clock)) return;
        const text = `${level} ${event} ${JSON.stringify(fields)}`;
        checks.written(this.name, 'its log', text);
        tell(this.name, text);
        if (level === 'error' && this.#running !== undefined && !this.isDiskInTrouble) checks.violated('fault', this.name, text);
      };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }
}

function configOf(node: SimNode, peers: readonly NodePeer[]): GatewayConfig {
  const { name, plan } = node;
  const largeBlobBytes = Math.max(plan.largeBlob, SMALLEST_LARGE_BLOB_BYTES);
  return parseConfig(
    {
      gateway: { name, nodeId: `dtn://${name}/`, publicUrl: node.url, keyFile: 'none' },
      listen: { https: {} },
      store: { capacityBytes: plan.capacity, largeBlobBytes },
      quota: { peer: { bytes: plan.quota, byteSeconds: Number.MAX_VALUE }, destination: { byteSeconds: Number.MAX_VALUE, bytes: Number.MAX_SAFE_INTEGER } },
      clock: { source: plan.clock.source },
      peers: peers.map((peer) => ({ name: peer.name, role: peer.role, key: toBase64url(peer.key.publicKey), nodeId: `dtn://${peer.name}/` })),
      routes: plan.routes,
    },
    `node ${name}`,
  );
}

function bookOf(config: GatewayConfig, peers: readonly NodePeer[]): PeerBook {
  return new PeerBook(
    peers.map((peer, index): Peer => {
      const { key, name, role } = peer;
      const known = { name, role, key: key.publicKey, kid: keyId(key.publicKey), config: config.peers[index] as Peer['config'] };
      if (peer.domain === undefined) return known;
      const record = { domain: peer.domain.name, kemKey: peer.domain.kemKey, createdSec: 0, notAfterSec: 0xffff_ffff, escrow: false, endpoints: [{ host: peer.domain.name, udpPort: DOMAIN_PORT }] };
      return { ...known, domain: makeDomainRecord(key, record) };
    }),
  );
}
