import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import fc from 'fast-check';
import type { PlanContact } from './contact-plan.js';
import { readHdtnPlan } from './hdtn-plan.js';
import { arrivalMs, bestRoute, contactGraph, volumeBytes } from './route.js';
import type { Journey, Route } from './route.js';
import { compareRoutes, routesTo } from './route-list.js';

/** Times in seconds, as the published cases have them. */
function contact(from: number, to: number, startSec: number, endSec: number, rateBytesPerSec = 1000, lightSec = 0): PlanContact {
  return { from, to, startMs: startSec * 1000, endMs: endSec * 1000, rateBytesPerSec, lightTimeMs: lightSec * 1000, confidence: 1 };
}

function journey(from: number, to: number, more: Partial<Journey> = {}): Journey {
  return { from, to, readyMs: 0, bytes: 0, expiryMs: Number.POSITIVE_INFINITY, ...more };
}

const nodes = (route: Route | undefined): number[] | undefined => (route === undefined ? undefined : [route.contacts[0]?.from ?? 0, ...route.contacts.map((one) => one.to)]);

t.test('10,000 bytes fit a contact of 10 s and 1,000 bytes a second, and 10,001 do not', async (t) => {
  t.same(arrivalMs(contact(1, 2, 0, 10, 1000, 5), 0, 10_000), { leavesMs: 0, arrivesMs: 15_000 }, 'light may outlive the contact');
  t.equal(arrivalMs(contact(1, 2, 0, 10), 0, 10_001), undefined);
  t.equal(arrivalMs(contact(1, 2, 0, 10), 1, 10_000), undefined);
  t.ok(arrivalMs(contact(1, 2, 0, 10), 10_000, 0), 'nothing at all fits at the closing instant');
  t.same(arrivalMs(contact(1, 2, 5, 10), 0, 1000, 2000), { leavesMs: 7000, arrivesMs: 8000 }, 'after what others were promised');
});

t.test('equal arrivals: the fewest hops, then the latest end, then the smallest entry', async (t) => {
  const wait = contact(9, 5, 100, 200);
  const hops = contactGraph([contact(1, 2, 0, 50), contact(2, 9, 0, 50), contact(1, 9, 60, 70), wait]);
  t.same(nodes(bestRoute(hops, journey(1, 5))), [1, 9, 5], 'the direct one, although it gets to 9 later');
  const ends = contactGraph([contact(1, 2, 0, 50), contact(2, 9, 0, 50), contact(1, 3, 0, 80), contact(3, 9, 0, 60), wait]);
  t.same(nodes(bestRoute(ends, journey(1, 5))), [1, 3, 9, 5]);
  const entries = contactGraph([contact(1, 10, 0, 50), contact(10, 9, 0, 50), contact(1, 4, 0, 50), contact(4, 9, 0, 50), wait]);
  t.same(nodes(bestRoute(entries, journey(1, 5))), [1, 4, 9, 5], 'by number, not as text');
});

t.test('arrives before the expiry or not at all', async (t) => {
  const graph = contactGraph([contact(1, 2, 10, 20, 1000, 5)]);
  t.equal(bestRoute(graph, journey(1, 2, { expiryMs: 15_000 })), undefined);
  t.ok(bestRoute(graph, journey(1, 2, { expiryMs: 15_001 })));
  t.equal(bestRoute(graph, journey(2, 1)), undefined);
  t.equal(bestRoute(graph, journey(1, 7)), undefined);
});

t.test('goes another way when a contact has failed or is full', async (t) => {
  const quick = contact(1, 2, 0, 10);
  const slow = contact(1, 3, 0, 100);
  const graph = contactGraph([quick, slow, contact(2, 4, 0, 100), contact(3, 4, 50, 100)]);
  t.same(nodes(bestRoute(graph, journey(1, 4, { bytes: 5000 }))), [1, 2, 4]);
  t.same(nodes(bestRoute(graph, journey(1, 4, { bytes: 5000 }), { without: (one) => one === quick })), [1, 3, 4]);
});

interface Micro {
  readonly name: string;
  readonly plan?: string;
  readonly contacts?: readonly { readonly frm: number; readonly to: number; readonly start: number; readonly end: number; readonly rate: number; readonly owlt: number }[];
  readonly src: number;
  readonly dst: number;
  readonly t0: number;
  readonly size?: number;
  readonly best_arrival: number | null;
  readonly best_path?: readonly number[];
  readonly k_best_arrivals?: readonly number[];
  readonly k_best_first_hops_prefix?: readonly number[];
  readonly routes?: readonly { readonly path: readonly number[]; readonly arrival: number; readonly volume: number; readonly usable_until: number }[];
}

const VECTORS = join(import.meta.dirname, '../../../shared/sim-vectors');

t.test('the published cases', { skip: existsSync(VECTORS) ? false : 'no ../shared/sim-vectors here' }, async (t) => {
  const { cases } = JSON.parse(readFileSync(join(VECTORS, 'route-micro.json'), 'utf8')) as { cases: readonly Micro[] };
  for (const one of cases) {
    // A-SABR's own format is read by the simulator.
    if (one.plan?.endsWith('.cp') === true) continue;
    const contacts = one.plan === undefined ? (one.contacts ?? []).map(({ frm, to, start, end, rate, owlt }) => contact(frm, to, start, end, rate, owlt)) : readHdtnPlan(readFileSync(join(VECTORS, one.plan), 'utf8'), { file: one.plan, startMs: 0 }).contacts;
    const graph = contactGraph(contacts);
    const asked = journey(one.src, one.dst, { readyMs: one.t0 * 1000, bytes: one.size ?? 0 });
    const route = bestRoute(graph, asked);
    t.equal(route === undefined ? null : route.arrivesMs / 1000, one.best_arrival, one.name);
    if (one.best_path !== undefined) t.same(nodes(route), one.best_path, one.name);
    if (one.k_best_arrivals !== undefined) {
      const list = routesTo(graph, asked, 20);
      t.same(list.map((found) => found.arrivesMs / 1000), one.k_best_arrivals, `${one.name}: all of them`);
      t.same(list.slice(0, 3).map((found) => found.entry), one.k_best_first_hops_prefix);
    }
    for (const [index, expected] of (one.routes ?? []).entries()) {
      const found = routesTo(graph, asked, 5)[index];
      if (found === undefined) throw new Error('a route is missing');
      t.same([nodes(found), found.arrivesMs / 1000, volumeBytes(found, asked.readyMs), found.endsMs / 1000], [expected.path, expected.arrival, expected.volume, expected.usable_until], one.name);
    }
  }
});

t.test('a deadline, a later start and a volume change the way', async (t) => {
  const graph = contactGraph([contact(1, 2, 30, 90), contact(1, 3, 0, 100), contact(3, 7, 40, 80), contact(6, 8, 0, 100), contact(7, 8, 30, 90), contact(2, 6, 10, 40)]);
  t.same(nodes(bestRoute(graph, journey(1, 8, { expiryMs: 35_000 }))), [1, 2, 6, 8]);
  t.equal(bestRoute(graph, journey(1, 8, { expiryMs: 30_000 })), undefined);
  t.same(nodes(bestRoute(graph, journey(1, 8, { readyMs: 50_000 }))), [1, 3, 7, 8]);
  const byEntry = new Map(routesTo(graph, journey(1, 8), 5).map((route) => [route.entry, volumeBytes(route, 0)]));
  t.same([byEntry.get(2), byEntry.get(3)], [10_000, 40_000]);
});

const anyContact = fc
  .record({ from: fc.integer({ min: 1, max: 5 }), to: fc.integer({ min: 1, max: 5 }), start: fc.nat(12), length: fc.integer({ min: 1, max: 8 }), rate: fc.constantFrom(1000, 2000), light: fc.nat(2), used: fc.constantFrom(0, 0, 1000) })
  .filter(({ from, to }) => from !== to);

/** Every way without a node twice, tried one by one. */
function everyRoute(contacts: readonly PlanContact[], asked: Journey, used: (one: PlanContact) => number): Route[] {
  const found: Route[] = [];
  const walk = (path: readonly PlanContact[], atMs: number, leavesMs: number): void => {
    const here = path.at(-1)?.to ?? asked.from;
    if (here === asked.to) {
      if (atMs < asked.expiryMs) found.push({ contacts: path, entry: path[0]?.to ?? 0, leavesMs, arrivesMs: atMs, endsMs: Math.min(...path.map((one) => one.endMs)) });
      return;
    }
    for (const next of contacts) {
      if (next.from !== here || next.to === asked.from || path.some((one) => one.to === next.to)) continue;
      const beginMs = Math.max(atMs, next.startMs + (used(next) / next.rateBytesPerSec) * 1000);
      const doneMs = beginMs + (asked.bytes / next.rateBytesPerSec) * 1000;
      if (doneMs <= next.endMs) walk([...path, next], doneMs + next.lightTimeMs, path.length === 0 ? beginMs : leavesMs);
    }
  };
  walk([], asked.readyMs, asked.readyMs);
  return found.sort(compareRoutes);
}

const anyCase = fc.record({
  contacts: fc.array(anyContact, { maxLength: 14 }),
  to: fc.integer({ min: 2, max: 5 }),
  bytes: fc.constantFrom(0, 1000, 2000, 5000),
  readySec: fc.nat(5),
  expirySec: fc.integer({ min: 5, max: 30 }),
});

t.test('finds what a look at every possible way finds', async () => {
  fc.assert(
    fc.property(anyCase, ({ contacts: made, to, bytes, readySec, expirySec }) => {
      const contacts = made.map(({ from, to: there, start, length, rate, light }) => contact(from, there, start, start + length, rate, light));
      const usedBytes = new Map(contacts.map((one, index) => [one, made[index]?.used ?? 0]));
      const used = (one: PlanContact): number => usedBytes.get(one) ?? 0;
      const asked = journey(1, to, { bytes, readyMs: readySec * 1000, expiryMs: expirySec * 1000 });
      const [expected] = everyRoute(contacts, asked, used);
      const found = bestRoute(contactGraph(contacts), asked, { used });
      if (expected === undefined || found === undefined) return expected === found;
      return compareRoutes(expected, found) === 0;
    }),
    { numRuns: 2000 },
  );
});

t.test('lists the routes that a look at every possible way lists', async () => {
  fc.assert(
    fc.property(anyCase, ({ contacts: made, to }) => {
      const contacts = made.map(({ from, to: there, start, length, rate, light }) => contact(from, there, start, start + length, rate, light));
      const asked = journey(1, to);
      const expected = everyRoute(contacts, asked, () => 0);
      const found = routesTo(contactGraph(contacts), asked, 100);
      return found.length === expected.length && found.every((route, index) => compareRoutes(route, expected[index] as Route) === 0);
    }),
    { numRuns: 500 },
  );
});
