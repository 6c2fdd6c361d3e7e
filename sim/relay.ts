/**
 * A relay between real daemons that imposes the links of a scenario on them: delay, rate, loss, windows and cuts, each way by
 * itself, in the time of this machine or so many times faster. The draws of chance and the cuts come from the same named streams
 * as in a simulated run with the same seed.
 */
import type { Clock } from '../base/clock.js';
import { startFaults } from './faults.js';
import type { Breakable } from './faults.js';
import type { Door, RunningDoor } from './relay-door.js';
import { makeRelayLink, modelOf, noLink, wayTowards, waysOf } from './relay-link.js';
import type { RelayLink, RelayLinkWay } from './relay-link.js';
import { makeRelayReport } from './relay-report.js';
import type { RelayReport } from './relay-report.js';
import type { Change, Cut, Restore } from './relay-schema.js';
import { openTcpDoor } from './relay-tcp.js';
import { RelayTime } from './relay-time.js';
import { openUdpDoor } from './relay-udp.js';
import type { UdpDoor } from './relay-udp.js';
import type { WayLimits } from './relay-way.js';
import type { Scenario } from './scenario-schema.js';
import { Streams } from './streams.js';

export interface RelayOptions extends Partial<WayLimits> {
  readonly scenario: Scenario;
  readonly doors: readonly Door[];
  readonly clock: Clock;
  readonly seed?: number;
  readonly scale?: number;
  /** When the scenario begins, by the clock of this machine. Absent: at once. */
  readonly beginsMs?: number;
  /** Is told of cuts and changes. */
  readonly onLine?: (line: string) => void;
}

/** A modem's queue. */
const QUEUE_BYTES = 2 ** 20;
/** Of one way: what a line of 10 Mbit/s holds in a minute, and little enough for a small machine. */
const LINE_BYTES = 64 * 2 ** 20;

export class Relay {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly beginsMs: number;
  readonly time: RelayTime;
  readonly doors: readonly RunningDoor[];
  readonly links: ReadonlyMap<string, RelayLink>;
  readonly #tell: (line: string) => void;
  cuts = 0;

  /** Throws GATEWAY_NO_LINK for a door whose link or node the scenario does not have, GATEWAY_LISTEN. */
  static async start(options: RelayOptions): Promise<Relay> {
    const { scenario, clock, doors, seed = 1, scale = 1, queueBytes = QUEUE_BYTES, lineBytes = LINE_BYTES } = options;
    const beginsMs = options.beginsMs ?? clock.nowMs();
    const time = new RelayTime({ clock, scale, beginsMs, startMs: scenario.starts });
    const streams = new Streams(seed);
    const links = new Map<string, RelayLink>();
    const open: RunningDoor[] = [];
    try {
      for (const door of doors) {
        const link = links.get(door.link) ?? makeRelayLink(scenario, door.link, time, streams, { queueBytes, lineBytes });
        links.set(door.link, link);
        const { side, way } = wayTowards(link, door.towards);
        const back = waysOf(link, undefined).find((other) => other.side !== side) as RelayLinkWay;
        open.push({ door, open: door.kind === 'tcp' ? await openTcpDoor(door, way, back.way) : await openUdpDoor(door, way) });
      }
    } catch (thrown) {
      time.stop();
      for (const { open: opened } of open) await opened.stop();
      throw thrown;
    }
    joinUdp(open);
    return new Relay({ ...options, seed, beginsMs }, time, streams, links, open);
  }

  private constructor({ scenario, seed, beginsMs, onLine }: RelayOptions & { seed: number; beginsMs: number }, time: RelayTime, streams: Streams, links: ReadonlyMap<string, RelayLink>, doors: readonly RunningDoor[]) {
    this.scenario = scenario;
    this.seed = seed;
    this.beginsMs = beginsMs;
    this.time = time;
    this.links = links;
    this.doors = doors;
    this.#tell = onLine ?? (() => undefined);
    time.asOf(0, () => this.#plan(streams));
  }

  report(): RelayReport {
    return makeRelayReport(this);
  }

  /** Changes what leaves from now on. Throws GATEWAY_NO_LINK, PLAN_SYNTAX. */
  change({ link: name, towards, ...changes }: Change): void {
    const link = this.#link(name);
    // All or none: a trace may turn out not to be one.
    const changed = waysOf(link, towards).map((entry) => {
      const all = { ...entry.changed, ...changes };
      return { entry, all, model: modelOf(link.plan, entry.side, all, this.scenario) };
    });
    for (const { entry, all, model } of changed) {
      entry.changed = all;
      entry.way.model = model;
    }
    this.#tell(`${name}${towards === undefined ? '' : ` towards ${towards}`} is changed: ${Object.keys(changes).join(', ')}`);
  }

  /** Cuts a link, or closes one way of it, for a time of the scenario or until `restore`. Throws GATEWAY_NO_LINK. */
  cut({ link: name, towards, for: forUs }: Cut): void {
    const link = this.#link(name);
    this.cuts += 1;
    for (const { way } of waysOf(link, towards)) way.cut(forUs);
    if (towards === undefined) this.#breakConnections(name);
    this.#tell(`${name}${towards === undefined ? '' : ` towards ${towards}`} is cut`);
  }

  /** Ends a cut, and everything that was changed. Throws GATEWAY_NO_LINK. */
  restore({ link: name, towards }: Restore): void {
    const link = this.#link(name);
    for (const entry of waysOf(link, towards)) {
      entry.changed = {};
      entry.way.model = modelOf(link.plan, entry.side, {}, this.scenario);
      entry.way.restore();
    }
    this.#tell(`${name}${towards === undefined ? '' : ` towards ${towards}`} is as the scenario has it`);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.time.stop();
    await Promise.all(this.doors.map(({ open }) => open.stop()));
  }

  /** The cuts of the scenario, at the times that a simulated run has them. Nothing else of its faults can be done to daemons from here. */
  #plan(streams: Streams): void {
    const { time, scenario, links } = this;
    const breakable: Breakable = {
      node: () => {
        throw new TypeError('a relay has no nodes');
      },
      channels: (name) => [{ cut: (forUs) => this.cut({ link: name, for: forUs }) }],
      done: () => undefined,
    };
    for (const [index, plan] of scenario.faults.entries()) {
      if (plan.kind === 'cut' && links.has(plan.link)) startFaults({ time, streams, tell: () => undefined }, plan, index, scenario.lasts, breakable);
    }
  }

  #breakConnections(link: string): void {
    for (const { door, open } of this.doors) if (door.link === link) open.cut();
  }

  #link(name: string): RelayLink {
    const link = this.links.get(name);
    if (link === undefined) throw noLink(name, [...this.links.keys()]);
    return link;
  }
}

/** Datagrams leave by the socket that stands for the other node; where that has none, by the one they came to. */
function joinUdp(doors: readonly RunningDoor[]): void {
  const udp = doors.filter(({ door }) => door.kind === 'udp').map(({ door, open }) => ({ door, open: open as UdpDoor }));
  for (const { door, open } of udp) {
    const other = udp.find(({ door: candidate }) => candidate.link === door.link && candidate.towards !== door.towards);
    open.leaveBy((other ?? { open }).open.socket, (host) => other === undefined || other.door.target.host === host);
  }
}
