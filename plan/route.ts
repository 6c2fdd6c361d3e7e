/**
 * Contact graph routing with the rules of CCSDS 734.3-B-1 (Schedule-Aware Bundle Routing): the route on which a
 * bundle arrives first. Of several, the one with the fewest hops; of those, the one that can be used longest; of
 * those, the one that enters by the smallest node number. All four are exact, on residual volumes: arriving
 * somewhere earlier is never a disadvantage, so each question is a search for earliest arrivals, by hops, over fewer
 * and fewer contacts. Arrival is that of the last byte; a contact is good for what has left by its end.
 */
import { sendingMs } from './contact.js';
import type { PlanContact } from './contact-plan.js';

export interface Journey {
  readonly from: number;
  readonly to: number;
  /** When it is ready to leave. */
  readonly readyMs: number;
  /** 0 asks for the route itself: how early could anything arrive. */
  readonly bytes: number;
  /** It has to arrive before. */
  readonly expiryMs: number;
}

export interface Route {
  readonly contacts: readonly PlanContact[];
  /** The node that `contacts[0]` leads to. */
  readonly entry: number;
  readonly leavesMs: number;
  readonly arrivesMs: number;
  /** When the first of its contacts ends. */
  readonly endsMs: number;
}

/** What others have been promised of a contact's volume. */
export type UsedBytes = (contact: PlanContact) => number;

export interface RouteOptions {
  readonly used?: UsedBytes;
  /** Contacts that may not be used, such as one that has failed. */
  readonly without?: (contact: PlanContact) => boolean;
}

/** Contacts by the node they leave from. */
export type ContactGraph = ReadonlyMap<number, readonly PlanContact[]>;

export function contactGraph(contacts: readonly PlanContact[]): ContactGraph {
  const graph = new Map<number, PlanContact[]>();
  for (const contact of contacts) {
    const leaving = graph.get(contact.from);
    if (leaving === undefined) graph.set(contact.from, [contact]);
    else leaving.push(contact);
  }
  return graph;
}

/**
 * When a bundle that is at the contact's sender at `readyMs` is at its receiver; undefined when it does not fit.
 * What has been promised to others goes first, from the start of the contact on.
 */
export function arrivalMs(contact: PlanContact, readyMs: number, bytes: number, usedBytes = 0): { readonly leavesMs: number; readonly arrivesMs: number } | undefined {
  const leavesMs = Math.max(readyMs, contact.startMs + sendingMs(contact, usedBytes));
  const sentMs = leavesMs + sendingMs(contact, bytes);
  return sentMs > contact.endMs ? undefined : { leavesMs, arrivesMs: sentMs + contact.lightTimeMs };
}

/** The best route by the four rules; undefined when none arrives in time. */
export function bestRoute(graph: ContactGraph, journey: Journey, options: RouteOptions = {}): Route | undefined {
  const search = (allowed: Allowed, mostHops: number): Found | undefined => searchByHops(graph, journey, options, allowed, mostHops);
  const earliest = search(EVERYTHING, Number.POSITIVE_INFINITY);
  if (earliest === undefined || earliest.arrivesMs >= journey.expiryMs) return undefined;
  const isAsGood = (found: Found | undefined): found is Found => found !== undefined && found.arrivesMs <= earliest.arrivesMs;
  const allowed: Allowed = { ...EVERYTHING, endingFromMs: latestEnd(graph, (endingFromMs) => isAsGood(search({ ...EVERYTHING, endingFromMs }, earliest.hops))) };
  for (const entry of entriesOf(graph, journey.from)) {
    const found = search({ ...allowed, entry }, earliest.hops);
    if (isAsGood(found)) return routeOf(found.path, journey, options);
  }
  throw new TypeError('the entry of a route that was found is not among the neighbours');
}

/** A route over these contacts; the search has shown that it can be gone. */
export function routeOf(path: readonly PlanContact[], journey: Journey, { used = () => 0 }: RouteOptions): Route {
  let readyMs = journey.readyMs;
  let leavesMs: number | undefined;
  for (const contact of path) {
    const step = arrivalMs(contact, readyMs, journey.bytes, used(contact));
    if (step === undefined) throw new TypeError('a route leads over a contact that it does not fit');
    leavesMs ??= step.leavesMs;
    readyMs = step.arrivesMs;
  }
  return { contacts: path, entry: path[0]?.to ?? journey.to, leavesMs: leavesMs ?? readyMs, arrivesMs: readyMs, endsMs: Math.min(...path.map((contact) => contact.endMs)) };
}

/** What one more bundle at the most can have on this route, by volume alone: the least residual volume, each contact reckoned from when something can first be there (SABR's volume limit). */
export function volumeBytes(route: Pick<Route, 'contacts'>, readyMs: number, used: UsedBytes = () => 0): number {
  let thereMs = readyMs;
  let least = Number.POSITIVE_INFINITY;
  for (const contact of route.contacts) {
    const startMs = Math.max(thereMs, contact.startMs + sendingMs(contact, used(contact)));
    least = Math.min(least, Math.max(0, Math.floor(((contact.endMs - startMs) * contact.rateBytesPerSec) / 1000)));
    thereMs = startMs + contact.lightTimeMs;
  }
  return least;
}

interface Allowed {
  /** Only contacts that end then or later. */
  readonly endingFromMs: number;
  /** The first contact leads there; undefined: anywhere. */
  readonly entry: number | undefined;
}

const EVERYTHING: Allowed = { endingFromMs: Number.NEGATIVE_INFINITY, entry: undefined };

interface Found {
  readonly arrivesMs: number;
  readonly hops: number;
  readonly path: readonly PlanContact[];
}

interface Reached {
  readonly arrivesMs: number;
  readonly by?: PlanContact;
  readonly before?: Reached;
}

/** Earliest arrivals with one hop, two hops and so on, until more hops bring nothing earlier. */
function searchByHops(graph: ContactGraph, journey: Journey, { used = () => 0, without = () => false }: RouteOptions, allowed: Allowed, mostHops: number): Found | undefined {
  const best = new Map<number, Reached>([[journey.from, { arrivesMs: journey.readyMs }]]);
  let fresh = new Map(best);
  let found: { readonly reached: Reached; readonly hops: number } | undefined;
  for (let hops = 1; hops <= mostHops && fresh.size > 0; hops += 1) {
    const next = new Map<number, Reached>();
    for (const [node, reached] of fresh) {
      // Whatever goes on from the end comes back to it later.
      if (node === journey.to) continue;
      for (const contact of graph.get(node) ?? []) {
        if (contact.endMs < allowed.endingFromMs || (hops === 1 && allowed.entry !== undefined && contact.to !== allowed.entry) || without(contact)) continue;
        const step = arrivalMs(contact, reached.arrivesMs, journey.bytes, used(contact));
        const known = next.get(contact.to) ?? best.get(contact.to);
        if (step === undefined || (known !== undefined && step.arrivesMs >= known.arrivesMs)) continue;
        next.set(contact.to, { arrivesMs: step.arrivesMs, by: contact, before: reached });
      }
    }
    for (const [node, reached] of next) best.set(node, reached);
    const there = next.get(journey.to);
    if (there !== undefined) found = { reached: there, hops };
    fresh = next;
  }
  return found === undefined ? undefined : { arrivesMs: found.reached.arrivesMs, hops: found.hops, path: pathTo(found.reached) };
}

function pathTo(reached: Reached): PlanContact[] {
  const path: PlanContact[] = [];
  for (let at: Reached | undefined = reached; at?.by !== undefined; at = at.before) path.unshift(at.by);
  return path;
}

/** The latest end that all contacts of some route as good as the best can have: more is allowed the earlier it is, so halving finds it. */
function latestEnd(graph: ContactGraph, isPossible: (endingFromMs: number) => boolean): number {
  const ends = [...new Set([...graph.values()].flatMap((contacts) => contacts.map((contact) => contact.endMs)))].sort((a, b) => a - b);
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isPossible(ends[middle] as number)) low = middle;
    else high = middle - 1;
  }
  return ends[low] ?? Number.NEGATIVE_INFINITY;
}

function entriesOf(graph: ContactGraph, node: number): number[] {
  return [...new Set((graph.get(node) ?? []).map((contact) => contact.to))].sort((a, b) => a - b);
}
