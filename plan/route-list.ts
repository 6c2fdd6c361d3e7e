/** The routes to a node in the order in which they are preferred: Yen's way of going off each known route at each of its nodes. */
import type { PlanContact } from './contact-plan.js';
import { bestRoute, routeOf } from './route.js';
import type { ContactGraph, Journey, Route, RouteOptions } from './route.js';

/** At most `count` routes on which no node comes twice, by arrival, hops, latest end and entry. */
export function routesTo(graph: ContactGraph, journey: Journey, count: number, options: RouteOptions = {}): Route[] {
  const first = bestRoute(graph, journey, options);
  const found: Route[] = first === undefined ? [] : [first];
  const candidates = new Map<string, Route>();
  const names = new Names();
  const known = new Set(found.map((route) => names.of(route.contacts)));
  for (let last = found.at(-1); last !== undefined && found.length < count; last = found.at(-1)) {
    for (const route of detours(graph, journey, options, last, found)) {
      const name = names.of(route.contacts);
      if (!known.has(name)) candidates.set(name, route);
    }
    const best = [...candidates.entries()].sort(([, a], [, b]) => compareRoutes(a, b))[0];
    if (best === undefined) break;
    candidates.delete(best[0]);
    known.add(best[0]);
    found.push(best[1]);
  }
  return found;
}

/** SABR's four keys, the preferred first. */
export function compareRoutes(a: Route, b: Route): number {
  return a.arrivesMs - b.arrivesMs || a.contacts.length - b.contacts.length || b.endsMs - a.endsMs || a.entry - b.entry;
}

/** The best route that leaves `last` at each of its nodes, and takes no way there that a known route takes. */
function* detours(graph: ContactGraph, journey: Journey, options: RouteOptions, last: Route, known: readonly Route[]): Iterable<Route> {
  for (const [index, leaving] of last.contacts.entries()) {
    const root = last.contacts.slice(0, index);
    const taken = new Set(known.filter(({ contacts }) => root.every((contact, at) => contacts[at] === contact)).map(({ contacts }) => contacts[index]));
    const behind = new Set(root.map((contact) => contact.from));
    const readyMs = root.length === 0 ? journey.readyMs : routeOf(root, journey, options).arrivesMs;
    const without = (contact: PlanContact): boolean => taken.has(contact) || behind.has(contact.to) || (options.without?.(contact) ?? false);
    const spur = bestRoute(graph, { ...journey, from: leaving.from, readyMs }, { ...options, without });
    if (spur !== undefined) yield routeOf([...root, ...spur.contacts], journey, options);
  }
}

/** Contacts have no number of their own; a route is named by the order in which they were met. */
class Names {
  readonly #numbers = new Map<PlanContact, number>();

  of(contacts: readonly PlanContact[]): string {
    return contacts.map((contact) => this.#number(contact)).join(' ');
  }

  #number(contact: PlanContact): number {
    const number = this.#numbers.get(contact) ?? this.#numbers.size;
    this.#numbers.set(contact, number);
    return number;
  }
}
