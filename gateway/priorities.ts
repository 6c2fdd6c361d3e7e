/** How pressing a record is: by the rules of the configuration, which see its destination and where it came from, or by an operator's word. */
import { PRIORITIES } from '../plan/fill.js';
import type { Priority } from '../plan/fill.js';
import type { Schedule, StoredRecord } from '../store/store.js';
import { DomainMap } from './domain-map.js';

export interface PriorityRule {
  readonly to: string;
  readonly from?: string | undefined;
  readonly class: Priority;
}

/** Longer than anything is kept (config.ts, limits.lifetimeMs): a class stands before all of the next lower one, however old. */
const CLASS_MS = 400 * 86_400_000;
/** Raised records are due in the first days of 1970, which no other record is. */
const RAISED_BEFORE_MS = 1_000_000_000;

export class Priorities {
  readonly #any: DomainMap<Priority>;
  readonly #byPeer = new Map<string, DomainMap<Priority>>();
  readonly ageingMs: number;
  readonly areGiven: boolean;

  constructor(rules: readonly PriorityRule[], ageingMs: number) {
    this.ageingMs = ageingMs;
    this.areGiven = rules.length > 0;
    const entries = (from: string | undefined): [string, Priority][] => rules.filter((rule) => rule.from === from).map((rule) => [rule.to, rule.class]);
    this.#any = new DomainMap(entries(undefined));
    for (const name of new Set(rules.flatMap((rule) => rule.from ?? []))) this.#byPeer.set(name, new DomainMap(entries(name)));
  }

  /** A rule for the peer it came from counts before one for all. */
  of(destination: string, from: string): Priority {
    return this.#byPeer.get(from)?.get(destination) ?? this.#any.get(destination) ?? 'normal';
  }

  /** When a new record is due: at once, and where there are classes, before what is due of lower ones, so that it is found in a long queue. */
  dueMs(destination: string, from: string, nowMs: number): number {
    return this.areGiven ? Math.max(RAISED_BEFORE_MS, nowMs - PRIORITIES.indexOf(this.of(destination, from)) * CLASS_MS) : nowMs;
  }
}

/** The due time of the `index`th record that an operator raises: before everything, in the order they had. */
export function raisedDueMs(index: number): number {
  return Math.min(index, RAISED_BEFORE_MS - 1);
}

export function isRaised({ schedule }: { readonly schedule?: Schedule | undefined } & Partial<StoredRecord>): boolean {
  return schedule !== undefined && schedule.dueMs < RAISED_BEFORE_MS;
}
