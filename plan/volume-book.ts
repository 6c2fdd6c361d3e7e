/**
 * Which volume of which contact has been promised to what. A booking takes from every contact of its route, near and
 * far; it is taken back whole when the bundle goes another way, and kept when it has left for good.
 */
import type { PlanContact } from './contact-plan.js';
import type { Route } from './route.js';

interface Booked {
  readonly route: Pick<Route, 'contacts'>;
  readonly bytes: number;
}

export class VolumeBook {
  readonly #usedBytes = new Map<PlanContact, number>();
  readonly #bookings = new Map<string, Booked>();
  /** Of that, what has left for good. */
  readonly #leftBytes = new Map<PlanContact, number>();

  readonly used = (contact: PlanContact): number => this.#usedBytes.get(contact) ?? 0;

  /** In place of an earlier booking under this key. */
  book(key: string, route: Route, bytes: number): void {
    this.release(key);
    this.#bookings.set(key, { route, bytes });
    for (const contact of route.contacts) this.#usedBytes.set(contact, this.used(contact) + bytes);
  }

  /** It goes another way, or nowhere: its volume is free again on the whole route. False where nothing was booked. */
  release(key: string): boolean {
    const booking = this.#bookings.get(key);
    if (booking === undefined) return false;
    this.#bookings.delete(key);
    for (const contact of booking.route.contacts) {
      const usedBytes = this.used(contact) - booking.bytes;
      if (usedBytes > 0) this.#usedBytes.set(contact, usedBytes);
      else this.#usedBytes.delete(contact);
    }
    return true;
  }

  /** It has left: what it takes of the contacts on its way stays taken, and nobody asks for it again. */
  leave(key: string): void {
    const booking = this.#bookings.get(key);
    if (booking === undefined) return;
    this.#bookings.delete(key);
    for (const contact of booking.route.contacts) this.#leftBytes.set(contact, (this.#leftBytes.get(contact) ?? 0) + booking.bytes);
  }

  booked(key: string): Booked | undefined {
    return this.#bookings.get(key);
  }

  /** What has left, by contact: all that cannot be planned anew. */
  left(): ReadonlyMap<PlanContact, number> {
    return this.#leftBytes;
  }

  /** What had left before a restart. */
  restoreLeft(contact: PlanContact, bytes: number): void {
    this.#leftBytes.set(contact, (this.#leftBytes.get(contact) ?? 0) + bytes);
    this.#usedBytes.set(contact, this.used(contact) + bytes);
  }

  /** Releases all bookings; what has left keeps its place. */
  clear(): void {
    for (const key of [...this.#bookings.keys()]) this.release(key);
  }

  /** Forgets contacts that are over. */
  forgetBefore(nowMs: number): void {
    for (const volumes of [this.#usedBytes, this.#leftBytes]) {
      for (const contact of volumes.keys()) if (contact.endMs <= nowMs) volumes.delete(contact);
    }
  }
}
