/** What the verbs of a domain work with, handed to each of them. */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { Correspondents } from './correspondents.js';
import type { DomainConfig } from './domain-config.js';
import type { Doors } from './doors.js';
import type { DomainEvent } from './events.js';
import type { Home } from './home.js';
import type { Identity } from './identity.js';

export interface DomainContext {
  readonly home: Home;
  readonly config: DomainConfig;
  readonly identity: Identity;
  readonly correspondents: Correspondents;
  readonly clock: Clock;
  readonly random: Random;
  readonly doors: Doors;
  /** Locators of accepted messages whose holders have heard: nothing is left to be done for them. */
  readonly settled: Set<string>;
  /** Tells whoever runs the domain; never anybody outside. */
  readonly report: (event: DomainEvent) => void;
}

export function nowSec(context: Pick<DomainContext, 'clock'>): number {
  return Math.floor(context.clock.nowMs() / 1000);
}

/** Has the time passed, as far as this machine can know the time? */
export function hasExpired(context: Pick<DomainContext, 'clock' | 'config'>, expirySec: number): boolean {
  return context.config.clockTrusted && nowSec(context) >= expirySec;
}
