/**
 * A small scenario drawn from a seed: two to four gateways in a tree, each pair joined in one of the ways that links have, with traffic
 * and trouble of every kind. What it draws is what somebody could have written into a file, so that a failing one can be kept as one.
 */
import type { CourierInput, LinkInput, ScenarioInput } from './scenario-schema.js';
import { Streams } from './streams.js';
import type { Stream } from './streams.js';

type FaultInput = NonNullable<ScenarioInput['faults']>[number];
type NodeInput = ScenarioInput['nodes'][string];

const NAMES = ['ada', 'bob', 'cleo', 'dan'];
const LASTS_H = 18;
/** Long enough for four hops over the rarest contacts, and for the longest wait between two attempts. */
const SETTLES_D = 12;
const MESSAGES = [5, 14] as const;

export function randomScenario(seed: number): ScenarioInput {
  const streams = new Streams(seed);
  const chance = streams.named('scenario');
  const budgets = streams.named('budgets');
  const count = chance.between(2, 4);
  const names = NAMES.slice(0, count);
  const parents = names.map((_, index) => (index === 0 ? undefined : chance.between(0, index - 1)));
  const links: LinkInput[] = [];
  const couriers: CourierInput[] = [];
  for (const [index, parent] of parents.entries()) {
    if (parent === undefined) continue;
    const between: [string, string] = chance.chance(0.5) ? [names[index] as string, names[parent] as string] : [names[parent] as string, names[index] as string];
    if (chance.chance(0.15)) couriers.push(drawCourier(between, chance));
    else links.push(...drawLinks(between, chance, budgets));
  }
  const hasLarge = chance.chance(0.2);
  const hasQuotas = !hasLarge && chance.chance(0.4);
  const nodes = Object.fromEntries(names.map((name, index) => [name, drawNode(index, names, parents, hasQuotas, chance)]));
  return {
    name: `seed-${seed}`,
    about: `Drawn from seed ${seed}.`,
    lasts: `${LASTS_H} h`,
    settles: `${SETTLES_D} d`,
    nodes,
    links,
    couriers,
    traffic: drawTraffic(names, hasLarge, chance),
    faults: drawFaults(names, links, chance),
  };
}

function drawNode(at: number, names: readonly string[], parents: readonly (number | undefined)[], hasQuotas: boolean, chance: Stream): NodeInput {
  const routes = names.flatMap((name, other) => (other === at ? [] : [{ to: domainOf(name), via: names[nextHop(at, other, parents)] as string }]));
  return {
    serves: [domainOf(names[at] as string)],
    routes,
    largeBlob: '64 KiB',
    ...(hasQuotas && { quota: `${chance.between(8, 20)} KiB` }),
    clock: {
      offset: `${chance.between(-20_000, 20_000)} ms`,
      driftPpm: chance.between(-60, 60),
      ...(chance.chance(0.1) && { source: 'peers' as const }),
    },
  };
}

/** In a tree: up, unless the way leads down to one of the children. */
function nextHop(from: number, to: number, parents: readonly (number | undefined)[]): number {
  for (let below: number | undefined = to; below !== undefined; below = parents[below]) if (parents[below] === from) return below;
  return parents[from] as number;
}

function drawLinks(between: [string, string], chance: Stream, budgets: Stream): LinkInput[] {
  const windows = (): NonNullable<LinkInput['windows']> => ({ first: `${chance.between(0, 120)} min`, every: `${chance.between(60, 240)} min`, open: `${chance.between(8, 50)} min`, drift: `${chance.between(-30, 30)} s` });
  const delay = (): string => (chance.chance(0.3) ? `${chance.between(1, 20)} min` : `${chance.between(1, 800)} ms`);
  const rate = `${chance.between(20, 2000)} kbit/s`;
  switch (chance.between(0, 5)) {
    case 0:
      return [{ between, rate, delay: delay() }];
    case 1:
      return [{ between, rate, delay: delay(), windows: windows(), loss: { toBad: 0.005, toGood: 0.2 } }];
    case 2:
      // Units that have a fair chance to arrive, and room for what is just no large blob, as gateway/config.ts asks for.
      return [{ between, rate, delay: delay(), reliable: false, largest: '128 KiB', loss: { probability: 0.004 }, duplicate: 0.1, corrupt: 0.05, reorder: { probability: 0.1, by: '20 s' } }];
    case 3:
      return [{ between, rate, delay: delay(), reliable: false, windows: windows(), duplicate: 0.05, back: { rate: '9600 bit/s' } }];
    case 4:
      return [{ between, rate, delay: delay(), there: { windows: windows() }, back: { windows: windows() } }];
    default:
      return [
        {
          between,
          name: `${between.join('-')}-sat`,
          rate,
          delay: '600 ms',
          parallel: chance.between(1, 3),
          ...drawCosts(chance.between(20_000, 60_000), budgets),
        },
        { between, name: `${between.join('-')}-port`, rate: '10 Mbit/s', delay: '20 ms', windows: windows() },
      ];
  }
}

/** A line that is paid for what it carries, or for how long that takes: then it is one on which that is not certain beforehand. */
function drawCosts(bytesPerDay: number, chance: Stream): Pick<LinkInput, 'budget' | 'delay' | 'loss'> {
  if (chance.chance(0.5)) return { budget: { currency: 'USD', price: { perMegabyte: 8, perSession: 0.02 }, limits: [{ per: 'day', bytes: bytesPerDay }, { per: 'month', money: 2 }] } };
  const centsPerMinute = chance.between(10, 150);
  const inMinutes = { per: 'day', minutes: chance.between(16, 40) / 10 } as const;
  const inMoney = { per: 'day', money: (chance.between(2, 5) * centsPerMinute) / 100 } as const;
  const limits = [[inMinutes], [inMoney], [inMinutes, inMoney]][chance.between(0, 2)] ?? [];
  return { budget: { currency: 'USD', price: { perMinute: centsPerMinute / 100, perSession: 0.01 }, limits }, delay: `${chance.between(1, 30)} s`, loss: { probability: chance.between(0, 6) / 100 } };
}

function drawCourier(between: [string, string], chance: Stream): CourierInput {
  return { between, first: `${chance.between(10, 200)} min`, every: `${chance.between(2, 6)} h`, travel: `${chance.between(10, 90)} min`, lost: chance.between(0, 3) / 10, returnsAfter: `${chance.between(0, 60)} min` };
}

function drawTraffic(names: readonly string[], hasLarge: boolean, chance: Stream): NonNullable<ScenarioInput['traffic']> {
  const flows = chance.between(1, 3);
  return Array.from({ length: flows }, (_, flow) => {
    const from = chance.between(0, names.length - 1);
    const to = (from + chance.between(1, names.length - 1)) % names.length;
    const perDay = Math.ceil((chance.between(...MESSAGES) * 24) / LASTS_H / flows);
    return {
      from: domainOf(names[from] as string),
      to: domainOf(names[to] as string),
      perDay,
      size: hasLarge && flow === 0 ? ['60 KiB', '200 KiB'] : ['200 B', '6 KiB'],
      lifetime: chance.chance(0.25) ? `${chance.between(3, 30)} h` : `${chance.between(20, 40)} d`,
      retracted: chance.chance(0.3) ? 0.2 : 0,
    };
  });
}

function drawFaults(names: readonly string[], links: readonly LinkInput[], chance: Stream): FaultInput[] {
  const node = (): string => names[chance.between(0, names.length - 1)] as string;
  const when = (): { every: string } | { at: string } => (chance.chance(0.5) ? { every: `${chance.between(60, 480)} min` } : { at: `${chance.between(5, LASTS_H * 60 - 5)} min` });
  return Array.from({ length: chance.between(0, 5) }, (): FaultInput => {
    const link = links[chance.between(0, Math.max(0, links.length - 1))];
    switch (chance.between(0, link === undefined ? 4 : 6)) {
      case 0:
        return { kind: 'crash', node: node(), ...when(), down: `${chance.between(5, 1200)} s` };
      case 1:
        return { kind: 'crash', node: node(), ...when(), down: `${chance.between(5, 1200)} s`, power: false };
      case 2:
        return { kind: 'reboot', node: node(), ...when(), down: `${chance.between(5, 600)} s` };
      case 3:
        return chance.chance(0.5)
          ? { kind: 'disk-full', node: node(), ...when(), lasts: `${chance.between(1, 60)} min` }
          : { kind: 'slow-disk', node: node(), ...when(), lasts: `${chance.between(5, 120)} min`, sync: `${chance.between(20, 2000)} ms` };
      case 4:
        return { kind: 'clock-jump', node: node(), ...when(), by: `${chance.between(-90, 90)} min`, lasts: `${chance.between(1, 120)} min` };
      default:
        return { kind: 'cut', link: link?.name ?? (link?.between ?? []).join('-'), ...when(), lasts: `${chance.between(5, 1800)} s` };
    }
  });
}

function domainOf(name: string): string {
  return `${name}.example`;
}
