/**
 * What goes into the next load of a contact: by priority, then expiry, then age, then size. A share of the room is
 * kept for what is urgent and comes late; what waits long rises, so that bulk is not starved by what is always new;
 * what cannot help is not begun: it would arrive after its expiry, or it does not fit.
 */
import { sendingMs } from './contact.js';
import type { Contact } from './contact.js';

export const PRIORITIES = ['bulk', 'normal', 'high', 'urgent'] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface Waiting {
  /** What it takes of this load. */
  readonly bytes: number;
  /** What has to cross before it has arrived; more than `bytes` for what travels in pieces. */
  readonly wholeBytes: number;
  readonly priority: Priority;
  /** An operator has raised it: before all else. */
  readonly raised: boolean;
  readonly heldAtMs: number;
  /** Infinity while the clock is not trusted. */
  readonly expiryMs: number;
}

export interface Room {
  readonly nowMs: number;
  readonly contact: Pick<Contact, 'rateBytesPerSec' | 'lightTimeMs'>;
  /** What this load may have. */
  readonly loadBytes: number;
  /** What is left of contact and budget altogether. */
  readonly leftBytes: number;
  /** The share of what is left that only urgent traffic may use. */
  readonly reservePercent: number;
  /** What has waited so long counts as one class higher, up to `high`. */
  readonly ageingMs: number;
}

/** Why something stays: it would come too late, it is larger than what is left, or only the reserve would hold it. */
export interface HeldBack {
  readonly late: number;
  readonly noRoom: number;
  readonly reserved: number;
}

export interface Filled<T> {
  readonly chosen: readonly T[];
  readonly heldBack: HeldBack;
}

export function fill<T extends Waiting>(waiting: readonly T[], room: Room): Filled<T> {
  const chosen: T[] = [];
  let [late, noRoom, reserved] = [0, 0, 0];
  let usedBytes = 0;
  const openBytes = room.leftBytes === Number.POSITIVE_INFINITY ? room.leftBytes : Math.floor((room.leftBytes * (100 - room.reservePercent)) / 100);
  for (const one of inOrder(waiting, room)) {
    const arrivesMs = room.nowMs + sendingMs(room.contact, usedBytes + one.wholeBytes) + room.contact.lightTimeMs;
    if (arrivesMs >= one.expiryMs) late += 1;
    else if (usedBytes + one.bytes > room.leftBytes) noRoom += 1;
    else if (!isUrgent(one) && usedBytes + one.bytes > openBytes) reserved += 1;
    // The next load takes it, in its turn.
    else if (usedBytes + one.bytes > room.loadBytes) continue;
    else {
      usedBytes += one.bytes;
      chosen.push(one);
    }
  }
  return { chosen, heldBack: { late, noRoom, reserved } };
}

/** The first goes first. */
export function inOrder<T extends Waiting>(waiting: readonly T[], { nowMs, ageingMs }: Pick<Room, 'nowMs' | 'ageingMs'>): T[] {
  const ranked = waiting.map((one) => ({ one, rank: rankOf(one, nowMs, ageingMs) }));
  ranked.sort((a, b) => b.rank - a.rank || compareTimes(a.one.expiryMs, b.one.expiryMs) || a.one.heldAtMs - b.one.heldAtMs || a.one.wholeBytes - b.one.wholeBytes);
  return ranked.map(({ one }) => one);
}

function isUrgent(one: Waiting): boolean {
  return one.raised || one.priority === 'urgent';
}

function rankOf(one: Waiting, nowMs: number, ageingMs: number): number {
  if (one.raised) return PRIORITIES.length;
  const rank = PRIORITIES.indexOf(one.priority);
  if (one.priority === 'urgent') return rank;
  const steps = Math.floor(Math.max(0, nowMs - one.heldAtMs) / ageingMs);
  return Math.min(PRIORITIES.indexOf('high'), rank + steps);
}

/** Infinity less Infinity is no number. */
function compareTimes(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
