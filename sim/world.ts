/**
 * A world from a scenario and a seed: machines, domains, what joins them, and the one loop in which everything happens.
 * The same scenario and seed give the same world, event by event.
 */
import { kemKeyFromSeed, signingKeyFromSeed } from '../wire/keys.js';
import { Channel } from './channel.js';
import type { ChannelModel } from './channel.js';
import { Checks, short } from './checks.js';
import { EventQueue } from './event-queue.js';
import { startFaults } from './faults.js';
import type { Breakable } from './faults.js';
import { Guard } from './guard.js';
import { Ledger } from './ledger.js';
import type { Message } from './message.js';
import type { CourierPlan, LinkPlan, Scenario } from './scenario-schema.js';
import { QUICK_CURVES } from './quick-curves.js';
import { US_PER_MS } from './sim-clock.js';
import { SimDomain } from './sim-domain.js';
import { SimNode } from './sim-node.js';
import type { NodeLink, NodePeer } from './sim-node.js';
import { Streams } from './streams.js';
import { Trace } from './trace.js';
import { startEvents, startTraffic } from './traffic.js';
import { courierModel, longestDelayUs, wayModel } from './way-model.js';
import { contactPlan } from './windows.js';
import type { Plant, WorldFace } from './world-face.js';

export interface WorldOptions {
  readonly seed: number;
  readonly plant?: Plant;
  readonly onLine?: (line: string) => void;
  /** With the curves themselves, which take most of the time and change no event. */
  /** Ends when traffic and faults have stopped and nothing is under way any more, and not only when the time for it is over. */
  readonly endsEarly?: boolean;
  readonly realCurves?: boolean;
}

/** How far a run is. */
export interface Position {
  readonly nowUs: number;
  readonly endUs: number;
  readonly events: number;
}

/** After so many events the rest of the process gets its turn: progress is shown, Ctrl-C is heard. An event may take a millisecond. */
const EVENTS_AT_ONCE = 1000;
/** A run is looked over so often: as many samples of how full the stores are. */
const SWEEPS = 400;
const LEAST_SWEEP_US = 1e6;
/** After the last fault, and again when whoever was down is up. */
const OPERATOR_LOOKS_US = [1e6, 3600e6];
/** How long a run goes on after everything has arrived: what comes late, or twice, comes by then. */
const AFTERMATH_US = 3 * 3600e6;
/** A message is forgotten so long after its expiry, when every tombstone is gone. */
const FORGOTTEN_MS = 8 * 86_400_000;

export class World implements WorldFace {
  readonly scenario: Scenario;
  readonly time: { nowUs: number; readonly startMs: number; readonly queue: EventQueue };
  readonly streams: Streams;
  readonly checks: Checks;
  readonly plant: Plant | undefined;
  readonly trace: Trace;
  readonly ledger = new Ledger();
  readonly channels = new Map<string, readonly [there: Channel, back: Channel]>();
  readonly nodes = new Map<string, SimNode>();
  events = 0;
  readonly #domains = new Map<string, SimDomain>();
  readonly #messages = new Map<string, Message>();
  readonly #guard: Guard;
  readonly #endsEarly: boolean;
  #numbered = 0;
  #nextLookUs = 0;

  constructor(scenario: Scenario, { seed, plant, onLine, realCurves, endsEarly }: WorldOptions) {
    this.scenario = scenario;
    this.time = { nowUs: 0, startMs: scenario.starts, queue: new EventQueue() };
    this.streams = new Streams(seed);
    this.plant = plant;
    this.#endsEarly = endsEarly === true;
    this.trace = new Trace(onLine);
    this.checks = new Checks(this.time, this.#messages);
    this.#guard = new Guard(realCurves === true ? {} : QUICK_CURVES);
    this.#guard.during(() => this.#build());
  }

  /** When the run ends. */
  get endUs(): number {
    return this.scenario.lasts + this.scenario.settles;
  }

  messages(): Iterable<Message> {
    return this.#messages.values();
  }

  number(): number {
    return this.#numbered++;
  }

  tell = (who: string, what: string): void => {
    this.trace.add(this.time.nowUs, who, what);
  };

  knock(from: string, domain: string, datagram: Uint8Array): void {
    this.checks.written(from, 'a knock', datagram);
    this.time.queue.add(this.time.nowUs + US_PER_MS, () => this.#domains.get(domain)?.hear(datagram));
  }

  /** Runs to the end. `onPosition` is called now and then, outside of simulated time. */
  async run(onPosition?: (position: Position) => void): Promise<void> {
    const { time } = this;
    this.#guard.close();
    try {
      const booted = this.#boot();
      await this.#guard.drain();
      await booted;
      this.#start();
      for (let nextUs = time.queue.nextUs(); nextUs !== undefined && nextUs <= this.endUs; nextUs = time.queue.nextUs()) {
        time.nowUs = nextUs;
        time.queue.take()?.run();
        await this.#guard.drain();
        this.events += 1;
        if (this.#endsEarly && this.#isOver()) break;
        if (this.events % EVENTS_AT_ONCE === 0) {
          onPosition?.({ nowUs: time.nowUs, endUs: this.endUs, events: this.events });
          await this.#guard.breathe();
        }
      }
      if (time.queue.length === 0 || !this.#endsEarly) time.nowUs = this.endUs;
      this.#checkLiveness();
      await this.#stop();
    } finally {
      this.#guard.open();
    }
  }

  async #boot(): Promise<void> {
    for (const node of this.nodes.values()) await node.boot();
  }

  #build(): void {
    const { scenario, streams } = this;
    const key = (name: string): Uint8Array => streams.named(`key/${name}`).bytes(32);
    for (const [name, plan] of Object.entries(scenario.nodes)) this.nodes.set(name, new SimNode(name, plan, signingKeyFromSeed(key(name)), this));
    const links = new Map<string, NodeLink[]>();
    for (const plan of scenario.links) this.#join(plan.between, plan.name ?? plan.between.join('-'), plan, links);
    for (const plan of scenario.couriers) this.#join(plan.between, `courier-${plan.between.join('-')}`, plan, links);
    for (const node of this.nodes.values()) {
      const peers: NodePeer[] = [];
      for (const other of this.nodes.values()) {
        const own = links.get(`${node.name} ${other.name}`);
        if (own !== undefined) peers.push({ name: other.name, role: 'neighbour', key: other.key, links: own });
      }
      for (const name of node.plan.serves) {
        const domain = new SimDomain(name, { key: signingKeyFromSeed(key(name)), kem: kemKeyFromSeed(key(`${name}/kem`)) }, node, this, this.#reports());
        this.#domains.set(name, domain);
        peers.push({ name: clientName(name), role: 'client', key: domain.key, domain: { name, kemKey: domain.kem.publicKey }, links: [] });
      }
      node.meet(peers);
    }
  }

  #join([a, b]: readonly [string, string], name: string, plan: LinkPlan | CourierPlan, links: Map<string, NodeLink[]>): void {
    const isCourier = 'travel' in plan;
    const channel = (from: string, to: string, model: ChannelModel): Channel => new Channel(`${name} ${from}>${to}`, model, this.time, this.streams.named(`link/${name}/${from}`));
    const { starts } = this.scenario;
    const there = channel(a, b, isCourier ? courierModel(plan, 'there') : wayModel(plan, 'there', starts));
    const back = channel(b, a, isCourier ? courierModel(plan, 'back') : wayModel(plan, 'back', starts));
    this.channels.set(name, [there, back]);
    for (const way of [there, back]) {
      this.ledger.way(way.name, isCourier || way !== there ? undefined : plan.budget?.price);
      way.onLeft = (unit) => this.ledger.left(way.name, unit, this.#messages);
    }
    const supports = { carries: 'bundle', answers: false, largestBytes: isCourier ? LARGEST_BUNDLE_BYTES : plan.largest, parallel: isCourier ? 1 : plan.parallel } as const;
    const retry = isCourier ? { firstMs: 60_000, capMs: 3_600_000 } : { firstMs: plan.retry.first / US_PER_MS, capMs: plan.retry.cap / US_PER_MS };
    const lightTimeMs = Math.ceil(Math.max(longestDelayUs(there.model, this.endUs), longestDelayUs(back.model, this.endUs)) / US_PER_MS);
    const end = (from: string, to: string, out: Channel, other: Channel): void => {
      const key = `${from} ${to}`;
      const own = links.get(key) ?? [];
      const contacts = contactPlan(out.model, starts);
      own.push({ name: `${to}/${name}`, supports, out, back: other, contacts, budget: isCourier || from !== a ? undefined : plan.budget, lightTimeMs, retry });
      links.set(key, own);
      this.#announceContacts(out, from, `${to}/${name}`);
    };
    end(a, b, there, back);
    end(b, a, back, there);
  }

  /** A link that comes up shows a sign of life, as a carrier that locks does. */
  #announceContacts(channel: Channel, from: string, link: string): void {
    const { queue } = this.time;
    const next = (afterUs: number): void => {
      const window = channel.model.windows(afterUs);
      if (window === undefined || window.startUs > this.endUs) return;
      if (window.startUs < afterUs || window.startUs === 0) {
        if (window.endUs <= this.endUs) queue.add(Math.max(window.endUs, this.time.nowUs), () => next(window.endUs));
        return;
      }
      queue.add(Math.max(window.startUs, this.time.nowUs), () => {
        this.tell(channel.name, 'contact begins');
        this.nodes.get(from)?.contact(link);
        if (window.endUs <= this.endUs) next(window.endUs);
      });
    };
    next(0);
  }

  #start(): void {
    const { scenario } = this;
    const breakable: Breakable = {
      node: (name) => this.nodes.get(name) as SimNode,
      channels: (link) => this.channels.get(link) ?? [],
      done: (kind) => this.ledger.fault(kind),
    };
    for (const [index, plan] of scenario.traffic.entries()) startTraffic(this, plan, index, scenario.lasts, (message, retractAfterUs) => this.#send(message, retractAfterUs));
    for (const [index, plan] of scenario.events.entries()) startEvents(this, plan, index, scenario.lasts, (message) => this.#send(message, undefined));
    for (const [index, plan] of scenario.faults.entries()) startFaults(this, plan, index, scenario.lasts, breakable);
    // What only an operator can set right is set right when nothing fails any more: a clock that went ahead and back is in doubt until somebody confirms it.
    for (const afterUs of OPERATOR_LOOKS_US) this.time.queue.add(scenario.lasts + afterUs, () => this.#confirmClocks());
    const sweep = (): void => {
      this.#sweep();
      const nextUs = this.time.nowUs + Math.max(LEAST_SWEEP_US, Math.ceil(this.endUs / SWEEPS));
      if (nextUs < this.endUs) this.time.queue.add(nextUs, sweep);
    };
    sweep();
  }

  #confirmClocks(): void {
    for (const node of this.nodes.values()) node.confirmClock();
  }

  #send(message: Message, retractAfterUs: number | undefined): void {
    this.#messages.set(message.rid, message);
    this.ledger.sent(message);
    this.tell(message.from, `sends ${short(message.rid)} to ${message.to}`);
    this.#domains.get(message.to)?.expect(message);
    const sender = this.#domains.get(message.from);
    sender?.submit(message);
    if (retractAfterUs !== undefined) this.time.queue.add(this.time.nowUs + retractAfterUs, () => message.deliveredUs === undefined && sender?.retract(message));
  }

  #reports(): ConstructorParameters<typeof SimDomain>[4] {
    return {
      taken: (message) => this.tell(message.from, `has a receipt for ${short(message.rid)}`),
      givenUp: (message) => {
        message.blob = undefined;
        this.tell(message.from, `gives ${short(message.rid)} up`);
      },
      delivered: (message) => {
        this.ledger.delivered(message);
        this.tell(message.to, `has ${short(message.rid)}`);
      },
    };
  }

  /** Now and then, after the time for traffic and faults. */
  #isOver(): boolean {
    const { nowUs } = this.time;
    if (nowUs < this.#nextLookUs) return false;
    this.#nextLookUs = Math.max(nowUs, this.scenario.lasts) + AFTERMATH_US;
    return nowUs > this.scenario.lasts + AFTERMATH_US && ![...this.#messages.values()].some((message) => this.#isUnderWay(message));
  }

  #isUnderWay({ custodyUs, deliveredUs, isRetracted, record }: Message): boolean {
    const nowMs = this.time.startMs + this.time.nowUs / US_PER_MS;
    return custodyUs !== undefined && deliveredUs === undefined && !isRetracted && record.expirySec * 1000 > nowMs;
  }

  /** Forgets what nobody will ask for again, and notes how full the stores are. */
  #sweep(): void {
    const nowMs = this.time.startMs + this.time.nowUs / US_PER_MS;
    for (const message of this.#messages.values()) {
      if (message.record.expirySec * 1000 + FORGOTTEN_MS > nowMs) continue;
      this.#messages.delete(message.rid);
      this.#domains.get(message.to)?.forget(message);
      this.checks.forget(message.rid);
      this.ledger.ended(message);
    }
    for (const node of this.nodes.values()) this.ledger.occupancy(this.time.nowUs, node.name, node.gateway?.context.store.status());
  }

  #checkLiveness(): void {
    for (const message of this.#messages.values()) {
      this.ledger.ended(message);
      if (!this.#isUnderWay(message)) continue;
      this.ledger.inLimbo += 1;
      if (this.scenario.expect.everythingStillAliveArrives) this.checks.violated('liveness', message.hops.at(-1)?.node ?? message.from, `${short(message.rid)}, sent at ${message.createdUs} us, was taken on and has not arrived`);
    }
  }

  async #stop(): Promise<void> {
    for (const node of this.nodes.values()) await node.crash(false);
  }
}

const LARGEST_BUNDLE_BYTES = 4 * 2 ** 20;

function clientName(domain: string): string {
  return domain.replace(/\./g, '-').slice(0, 32);
}
