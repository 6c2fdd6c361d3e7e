/**
 * The next hop for each of many bundles, by contact graph routing on what volume is left. A route that was found is
 * used again for what is of about the same size, as long as it arrives about as early as when it was found.
 */
import type { PlanContact } from './contact-plan.js';
import { arrivalMs, bestRoute, contactGraph } from './route.js';
import type { ContactGraph, Route } from './route.js';
import { VolumeBook } from './volume-book.js';

export interface Wanted {
  /** What the booking is called. */
  readonly key: string;
  readonly to: number;
  readonly bytes: number;
  readonly expiryMs: number;
  /** A neighbour that it must not go to: where it came from. */
  readonly notBy?: number | undefined;
}

/** Which volume of which contact is gone. */
export interface LeftVolumes {
  readonly left: readonly (readonly [contact: string, bytes: number])[];
  readonly leaving: readonly { readonly key: string; readonly bytes: number; readonly contacts: readonly string[] }[];
}

/** What bundles and links add, as SABR reckons it (CCSDS 734.3-B-1 §2.4): 3 %, at least 100 bytes. */
const OVERHEAD = 0.03;
const LEAST_OVERHEAD_BYTES = 100;
/** A minute later than it was: then it is worth a search whether another way is quicker by now. */
const SEARCH_AGAIN_MS = 60_000;

export class Router {
  readonly #here: number;
  readonly #neighbours: ReadonlySet<number>;
  readonly #graph: ContactGraph;
  readonly #ownEndsMs: readonly number[];
  readonly #book = new VolumeBook();
  readonly #failed = new Set<PlanContact>();
  readonly #found = new Map<string, Route>();
  /** Up to when the ends of own contacts have been noticed. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  #stale = false;

  /** @param neighbours the nodes that can be sent to from here */
  constructor(contacts: readonly PlanContact[], here: number, neighbours: ReadonlySet<number>) {
    this.#here = here;
    this.#neighbours = neighbours;
    this.#graph = contactGraph(contacts);
    this.#ownEndsMs = (this.#graph.get(here) ?? []).map((contact) => contact.endMs).sort((a, b) => a - b);
  }

  /** The neighbour by which it arrives first, its volume booked all the way; undefined when no way arrives in time. */
  entry(wanted: Wanted, nowMs: number): number | undefined {
    const gaveBack = this.#book.release(wanted.key);
    const bytes = wanted.bytes + Math.max(LEAST_OVERHEAD_BYTES, Math.ceil(wanted.bytes * OVERHEAD));
    const name = `${wanted.to} ${wanted.notBy ?? ''} ${Math.ceil(Math.log2(bytes))}`;
    // With its own place free again, another way than the last one may be the best.
    if (gaveBack) this.#found.delete(name);
    const route = this.#stillGood(this.#found.get(name), bytes, wanted.expiryMs, nowMs) ?? this.#search(name, wanted, bytes, nowMs);
    if (route === undefined) return undefined;
    this.#book.book(wanted.key, route, bytes);
    return route.entry;
  }

  /** The next node has it: what it takes of the contacts on its way stays taken. */
  left(key: string): void {
    this.#book.leave(key);
  }

  /** It goes nowhere: its volume is free for others, which may have a better way now. */
  release(key: string): void {
    if (this.#book.release(key)) this.#found.clear();
  }

  /** What has left, for the time after a restart; and what is about to leave, of which only then will be known whether it has. */
  volumes(leaving: readonly string[]): LeftVolumes {
    const booked = leaving.flatMap((key) => {
      const booking = this.#book.booked(key);
      return booking === undefined ? [] : [{ key, bytes: booking.bytes, contacts: booking.route.contacts.map(nameOf) }];
    });
    return { left: [...this.#book.left()].map(([contact, bytes]) => [nameOf(contact), bytes]), leaving: booked };
  }

  /** Contacts that the plan has no more are passed over. */
  restore({ left, leaving }: LeftVolumes, hasLeft: (key: string) => boolean): void {
    const contacts = new Map([...this.#graph.values()].flat().map((contact) => [nameOf(contact), contact]));
    const add = (name: string, bytes: number): void => {
      const contact = contacts.get(name);
      if (contact !== undefined) this.#book.restoreLeft(contact, bytes);
    };
    for (const [name, bytes] of left) add(name, bytes);
    for (const one of leaving) if (hasLeft(one.key)) for (const name of one.contacts) add(name, one.bytes);
  }

  /** All that waits is about to be planned anew: nothing is promised to anybody who has not left. */
  beginAnew(): void {
    this.#book.clear();
    this.#found.clear();
  }

  /** The contact with this neighbour does not hold what the plan says: until its end, or a sign of life, nothing goes by it. */
  failed(neighbour: number, nowMs: number): void {
    for (const contact of this.#graph.get(this.#here) ?? []) {
      if (contact.to !== neighbour || contact.startMs > nowMs || contact.endMs <= nowMs || this.#failed.has(contact)) continue;
      this.#failed.add(contact);
      this.#changed();
    }
  }

  alive(neighbour: number): void {
    for (const contact of [...this.#failed]) {
      if (contact.to !== neighbour) continue;
      this.#failed.delete(contact);
      this.#changed();
    }
  }

  /** The time of before was wrong, and is earlier from here on: contacts that were over are ahead again. */
  timeFell(): void {
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    this.#changed();
  }

  /** True, once, after anything that makes other routes worth a look: a failure, its end, the end of a contact of ours. */
  takeStale(nowMs: number): boolean {
    const ended = this.#ownEndsMs.some((endMs) => this.#lookedMs < endMs && endMs <= nowMs);
    this.#lookedMs = Math.max(this.#lookedMs, nowMs);
    if (ended) {
      this.#changed();
      this.#book.forgetBefore(nowMs);
    }
    const stale = this.#stale;
    this.#stale = false;
    return stale;
  }

  /** When a contact of ours ends next: what it has not carried needs another way. */
  nextEndMs(nowMs: number): number | undefined {
    return this.#ownEndsMs.find((endMs) => endMs > nowMs);
  }

  #changed(): void {
    this.#stale = true;
    this.#found.clear();
  }

  #search(name: string, { to, expiryMs, notBy }: Wanted, bytes: number, nowMs: number): Route | undefined {
    const without = (contact: PlanContact): boolean => contact.from === this.#here && (contact.to === notBy || !this.#neighbours.has(contact.to) || this.#failed.has(contact));
    const route = bestRoute(this.#graph, { from: this.#here, to, readyMs: nowMs, bytes, expiryMs }, { used: this.#book.used, without });
    if (route !== undefined) this.#found.set(name, route);
    return route;
  }

  #stillGood(route: Route | undefined, bytes: number, expiryMs: number, nowMs: number): Route | undefined {
    if (route === undefined) return undefined;
    let readyMs = nowMs;
    for (const contact of route.contacts) {
      const step = arrivalMs(contact, readyMs, bytes, this.#book.used(contact));
      if (step === undefined) return undefined;
      readyMs = step.arrivesMs;
    }
    return readyMs < expiryMs && readyMs <= route.arrivesMs + SEARCH_AGAIN_MS ? route : undefined;
  }
}

/** A contact by what makes it one: in another reading of the plan it has the same name. */
function nameOf({ from, to, startMs, endMs }: PlanContact): string {
  return `${from} ${to} ${startMs} ${endMs}`;
}
