/** What a relay has done, and how well it kept time. */
import type { LatenessFigures } from './lateness.js';
import { addressText } from './relay-door.js';
import type { RunningDoor } from './relay-door.js';
import type { RelayLink } from './relay-link.js';
import type { RelayTime } from './relay-time.js';
import type { WayStatistics } from './relay-way.js';
import type { Scenario } from './scenario-schema.js';

/** What there is to report on. */
interface Relaying {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly time: RelayTime;
  readonly beginsMs: number;
  readonly doors: readonly RunningDoor[];
  readonly links: ReadonlyMap<string, RelayLink>;
  readonly cuts: number;
}

export interface RelayReport {
  readonly relay: string;
  readonly seed: number;
  readonly scale: number;
  /** By the clock of this machine. */
  readonly begins: string;
  /** Of the scenario; negative before it begins. */
  readonly nowSec: number;
  readonly doors: readonly { readonly kind: 'tcp' | 'udp'; readonly link: string; readonly towards: string; readonly listens: string; readonly port: number; readonly target: string; readonly strangers?: number }[];
  readonly ways: readonly WayReport[];
  readonly cuts: number;
  /** Faults of the scenario that are not a relay's to bring about. */
  readonly notImposed: readonly string[];
  /** In milliseconds of this machine: times `scale`, it is what arrivals of the scenario are off. */
  readonly late: { readonly handedOn: LatenessFigures; readonly noticed: LatenessFigures };
}

export interface WayReport extends WayStatistics {
  readonly link: string;
  readonly towards: string;
  readonly open: boolean;
  readonly cut: boolean;
  /** Absent when nothing is planned, and while the way is open. */
  readonly opensSec?: number;
  readonly bitsPerSec: number;
  readonly delaySec: number;
  readonly heldBytes: number;
  readonly changed: readonly string[];
}

const US_PER_SEC = 1e6;

export function makeRelayReport({ scenario, seed, time, beginsMs, doors, links, cuts }: Relaying): RelayReport {
  const nowUs = time.nowUs;
  return {
    relay: scenario.name,
    seed,
    scale: time.scale,
    begins: new Date(beginsMs).toISOString(),
    nowSec: nowUs / US_PER_SEC,
    doors: doors.map(({ door, open }) => ({
      kind: door.kind,
      link: door.link,
      towards: door.towards,
      listens: addressText({ ...door.listen, port: open.port }),
      port: open.port,
      target: addressText(door.target),
      ...(open.strangers !== undefined && { strangers: open.strangers }),
    })),
    ways: [...links.values()].flatMap((link) =>
      [...link.ways].map(([towards, { way, changed }]): WayReport => {
        const window = way.window(nowUs);
        const isOpen = window !== undefined && window.startUs <= nowUs;
        return {
          link: link.name,
          towards,
          open: isOpen,
          cut: way.isCut,
          ...(!isOpen && window !== undefined && { opensSec: window.startUs / US_PER_SEC }),
          bitsPerSec: (isOpen ? window.bitsPerSec : undefined) ?? way.model.pace?.rateAt(Math.max(0, nowUs)) ?? way.model.bitsPerSec,
          delaySec: ((isOpen ? window.delayUs : undefined) ?? way.model.delayUs(Math.max(0, nowUs))) / US_PER_SEC,
          heldBytes: way.heldBytes,
          changed: Object.keys(changed),
          ...way.statistics,
        };
      }),
    ),
    cuts,
    notImposed: [...new Set(scenario.faults.filter((plan) => plan.kind !== 'cut' || !links.has(plan.link)).map(({ kind }) => kind))],
    late: { handedOn: time.handedOn.figures(), noticed: time.noticed.figures() },
  };
}
