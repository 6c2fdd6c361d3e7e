/** From contacts to a scenario: a node for each name, a link for each pair, routes by the fewest hops, and some mail between the first node and the last. */
import { rateText, seconds } from './imported.js';
import type { Imported, ImportedContact } from './imported.js';

export interface ContactsOutline {
  readonly name: string;
  readonly about: string;
  /** Undefined: times are relative, and the scenario begins when scenarios do. */
  readonly startMs?: number | undefined;
  readonly contacts: readonly ImportedContact[];
  /** Nodes without contacts, too. */
  readonly nodes?: readonly string[];
  readonly loopSec?: number | undefined;
  /** What every link has beside its windows. */
  readonly link?: Readonly<Record<string, unknown>>;
  /** Mail at set times, in the place of a sample. */
  readonly events?: string | undefined;
  /** The end, where it is later than that of the last contact. */
  readonly endSec?: number;
  readonly notes: readonly string[];
}

/** More would have a route to each of the others for each. */
export const MOST_NODES = 256;

export function contactsScenario(outline: ContactsOutline): Imported {
  const { name, about, startMs, contacts, loopSec, events } = outline;
  const notes = [...outline.notes];
  const nodes = [...new Set([...(outline.nodes ?? []), ...contacts.flatMap(({ from, to }) => [from, to])])];
  const ways = new Map<string, ImportedContact[]>();
  for (const contact of contacts) {
    const key = wayKey(contact.from, contact.to);
    const known = ways.get(key);
    if (known === undefined) ways.set(key, [contact]);
    else known.push(contact);
  }
  const links: Record<string, unknown>[] = [];
  for (const [index, a] of nodes.entries()) {
    for (const b of nodes.slice(index + 1)) {
      const [there, back] = [ways.get(wayKey(a, b)), ways.get(wayKey(b, a))];
      if (there === undefined && back === undefined) continue;
      const [out, home] = [wayOf(there, loopSec), wayOf(back, loopSec)];
      const isSame = JSON.stringify(out.fields) === JSON.stringify(home.fields);
      links.push({ between: [a, b], ...outline.link, ...(isSame ? out.fields : { there: out.fields, back: home.fields }) });
      if (out.overlaps + home.overlaps > 0) notes.push(`contacts of ${a} and ${b} overlap: of two at the same time the faster counts`);
    }
  }
  if (nodes.length > MOST_NODES) notes.push(`there are ${nodes.length} nodes, and no routes: with more than ${MOST_NODES}, each to each would be too many`);
  const routes = nodes.length > MOST_NODES ? undefined : routesOf(nodes, ways);
  const leastSec = Math.max(1, outline.endSec ?? 0, loopSec === undefined ? 0 : LOOPED_DAYS * 86_400);
  const lastsSec = contacts.reduce((latest, { endSec }) => Math.max(latest, endSec), leastSec);
  const [first, last] = [nodes[0], nodes.at(-1)];
  const mail = events !== undefined || first === undefined || last === undefined || first === last ? undefined : [
    { from: domainOf(first), to: domainOf(last), perDay: 24, size: ['1 KiB', '8 KiB'] },
    { from: domainOf(last), to: domainOf(first), perDay: 24, size: ['1 KiB', '8 KiB'] },
  ];
  return {
    scenario: {
      name,
      about,
      ...(startMs !== undefined && { starts: new Date(startMs).toISOString() }),
      lasts: seconds(Math.ceil(lastsSec)),
      settles: '1 h',
      nodes: Object.fromEntries(nodes.map((node) => [node, { serves: [domainOf(node)], routes: routes?.get(node) }])),
      links,
      traffic: mail,
      events: events === undefined ? undefined : [{ text: events }],
      // A plan ends, and with it the ways of what is still on them.
      expect: { everythingStillAliveArrives: false },
    },
    notes: mail === undefined ? notes : [...notes, `the plan says nothing of mail: there is some between ${first ?? ''} and ${last ?? ''}, as a sample`],
  };
}

const LOOPED_DAYS = 1;

export function domainOf(node: string): string {
  return `${node}.example`;
}

function wayKey(from: string, to: string): string {
  return `${from} ${to}`;
}

/** What all contacts of a way have in common is said once. */
function wayOf(contacts: readonly ImportedContact[] | undefined, loopSec: number | undefined): { readonly fields: Record<string, unknown>; readonly overlaps: number } {
  if (contacts === undefined) return { fields: { windows: 'never' }, overlaps: 0 };
  const { spells, overlaps } = flattened(contacts);
  const [one] = spells;
  const sameRate = spells.every(({ bitsPerSec }) => bitsPerSec === one?.bitsPerSec);
  const sameDelay = spells.every(({ delaySec }) => delaySec === one?.delaySec);
  const list = spells.map(({ startSec, endSec, bitsPerSec, delaySec, lost }) => {
    const own = { rate: sameRate || bitsPerSec === undefined ? undefined : rateText(bitsPerSec), delay: sameDelay || delaySec === undefined ? undefined : seconds(delaySec), lost: lost === undefined || lost === 0 ? undefined : lost };
    const [from, until] = [seconds(startSec), seconds(endSec)];
    return Object.values(own).every((value) => value === undefined) ? [from, until] : { from, until, ...own };
  });
  const fields = {
    ...(sameRate && one?.bitsPerSec !== undefined && { rate: rateText(one.bitsPerSec) }),
    ...(sameDelay && one?.delaySec !== undefined && { delay: seconds(one.delaySec) }),
    windows: { list, loop: loopSec === undefined ? undefined : seconds(loopSec) },
  };
  return { fields, overlaps };
}

/** One after the other: where several hold, the fastest, and of those the one that ends last. */
export function flattened(contacts: readonly ImportedContact[]): { readonly spells: ImportedContact[]; readonly overlaps: number } {
  const inOrder = [...contacts].sort((a, b) => a.startSec - b.startSec || a.endSec - b.endSec);
  const times = [...new Set(inOrder.flatMap(({ startSec, endSec }) => [startSec, endSec]))].sort((a, b) => a - b);
  const spells: ImportedContact[] = [];
  let open: ImportedContact[] = [];
  let next = 0;
  let overlaps = 0;
  for (const [index, startSec] of times.slice(0, -1).entries()) {
    const endSec = times[index + 1] as number;
    open = open.filter((contact) => contact.endSec > startSec);
    for (; inOrder[next] !== undefined && (inOrder[next] as ImportedContact).startSec <= startSec; next += 1) open.push(inOrder[next] as ImportedContact);
    const [best] = [...open].sort((a, b) => (b.bitsPerSec ?? 0) - (a.bitsPerSec ?? 0) || b.endSec - a.endSec);
    if (best === undefined) continue;
    if (open.length > 1) overlaps += 1;
    const last = spells.at(-1);
    if (last !== undefined && last.endSec === startSec && isAlike(last, best, open.length > 1 || inOrder.length === 1)) spells[spells.length - 1] = { ...last, endSec };
    else spells.push({ ...best, startSec, endSec });
  }
  return { spells, overlaps };
}

function isAlike(a: ImportedContact, b: ImportedContact, isOverlap: boolean): boolean {
  // Two contacts that touch each may be lost for itself.
  if ((a.lost ?? 0) !== (b.lost ?? 0) || (!isOverlap && (a.lost ?? 0) > 0)) return false;
  return a.bitsPerSec === b.bitsPerSec && a.delaySec === b.delaySec;
}

/** The next hop to each of the others: the fewest hops, and of those the neighbour with the most contact time. Chosen alike everywhere, they make no circles. */
function routesOf(nodes: readonly string[], ways: ReadonlyMap<string, readonly ImportedContact[]>): Map<string, { to: string; via: string }[]> {
  const routes = new Map<string, { to: string; via: string }[]>(nodes.map((node) => [node, []]));
  const contactSec = (from: string, to: string): number => (ways.get(wayKey(from, to)) ?? []).reduce((sum, { startSec, endSec }) => sum + endSec - startSec, 0);
  const before = new Map<string, string[]>(nodes.map((node) => [node, nodes.filter((other) => ways.has(wayKey(other, node)))]));
  for (const destination of nodes) {
    let ring = [destination];
    const reached = new Set(ring);
    while (ring.length > 0) {
      const outer = new Map<string, string>();
      for (const via of ring) {
        for (const node of before.get(via) ?? []) {
          if (reached.has(node)) continue;
          const known = outer.get(node);
          if (known === undefined || contactSec(node, via) > contactSec(node, known)) outer.set(node, via);
        }
      }
      for (const [node, via] of outer) {
        reached.add(node);
        routes.get(node)?.push({ to: domainOf(destination), via });
      }
      ring = [...outer.keys()];
    }
  }
  return routes;
}
