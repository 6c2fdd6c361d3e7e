/** A scenario file as one strict schema: who is there, what joins them, what is sent, what goes wrong, and what must come of it. docs/simulator.md explains each block. */
import { z } from 'zod';
import { planned } from '../gateway/contact-schema.js';
import { durationUs, instantMs, probability, rateBits, signedDurationUs, sizeBytes } from './quantity-schema.js';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'use 1 to 32 lower-case letters, digits and hyphens');
const domain = z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'use a domain, such as mars.example');
const HOUR_US = 3600e6;

const node = z.strictObject({
  /** Domains whose ends live here: they submit here, and are knocked at from here. */
  serves: z.array(domain).default([]),
  routes: z.array(z.strictObject({ to: z.string(), via: name })).default([]),
  capacity: sizeBytes.default(256 * 2 ** 20),
  quota: sizeBytes.default(2 ** 40),
  /** Blobs of this size and more travel in ranges. */
  largeBlob: sizeBytes.default(2 ** 20),
  clock: z
    .strictObject({
      offset: signedDurationUs.default(0),
      driftPpm: z.number().min(-1000).max(1000).default(0),
      source: z.enum(['system', 'peers']).default('system'),
    })
    .prefault({}),
});

const loss = z.union([
  z.strictObject({ probability, segment: sizeBytes.default(1400) }),
  z.strictObject({ toBad: probability, toGood: probability, lostInGood: probability.default(0), lostInBad: probability.default(1), segment: sizeBytes.default(1400) }),
  z.strictObject({ bitErrorRate: z.number().min(0).max(0.5), segment: sizeBytes.default(1400) }),
]);

const body = z.enum(['mercury', 'venus', 'earth', 'moon', 'mars', 'jupiter', 'saturn', 'uranus', 'neptune', 'pluto']);

const windows = z.union([
  z.literal('always'),
  z.strictObject({ first: durationUs.default(0), every: durationUs, open: durationUs, drift: signedDurationUs.default(0) }),
  z.strictObject({ list: z.array(z.tuple([durationUs, durationUs])).min(1) }),
]);

const way = {
  rate: rateBits.optional(),
  delay: z.union([durationUs, z.strictObject({ from: body, to: body })]).optional(),
  windows: windows.optional(),
  /** No contact while the Sun stands this close to the line, degrees. */
  conjunctionBelowDeg: z.number().min(0).max(30).optional(),
  loss: loss.optional(),
  corrupt: probability.optional(),
  duplicate: probability.optional(),
  reorder: z.strictObject({ probability, by: durationUs }).optional(),
};

const link = z
  .strictObject({
    between: z.tuple([name, name]),
    name: name.optional(),
    /** Repeats lost segments by itself and says when the other end has everything, as TCP and LTP do. */
    reliable: z.boolean().default(true),
    largest: sizeBytes.default(2 * 2 ** 20),
    parallel: z.int().min(1).max(64).default(2),
    retry: z.strictObject({ first: durationUs.default(2e6), cap: durationUs.default(HOUR_US) }).prefault({}),
    /** What sending from the first node may cost. */
    budget: planned.budget,
    ...way,
    /** What differs from the first to the second, and the other way. */
    there: z.strictObject(way).default({}),
    back: z.strictObject(way).default({}),
  })
  .refine((value) => value.between[0] !== value.between[1], { path: ['between'], message: 'a link joins two nodes' });

const courier = z.strictObject({
  between: z.tuple([name, name]),
  first: durationUs.default(0),
  every: durationUs,
  travel: durationUs,
  /** How long before leaving the stick can be written. */
  loading: durationUs.default(600e6),
  capacity: sizeBytes.default(4e9),
  lost: probability.default(0),
  /** When the way back begins, counted from arriving; absent: nothing goes back. */
  returnsAfter: durationUs.optional(),
});

const traffic = z.strictObject({
  from: domain,
  to: domain,
  perDay: z.number().positive(),
  kind: z.enum(['constant', 'poisson']).default('poisson'),
  size: z.union([sizeBytes, z.tuple([sizeBytes, sizeBytes])]).default(2048),
  lifetime: durationUs.default(14 * 86_400e6),
  after: durationUs.default(0),
  until: durationUs.optional(),
  /** The share of messages whose sender takes them back, some time later. */
  retracted: probability.default(0),
});

const when = { at: durationUs.optional(), every: durationUs.optional(), until: durationUs.optional() };
const fault = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('crash'), node: name, ...when, down: durationUs.default(60e6), power: z.boolean().default(true) }),
    z.strictObject({ kind: z.literal('reboot'), node: name, ...when, down: durationUs.default(60e6) }),
    z.strictObject({ kind: z.literal('disk-full'), node: name, ...when, lasts: durationUs }),
    z.strictObject({ kind: z.literal('slow-disk'), node: name, ...when, lasts: durationUs, sync: durationUs }),
    z.strictObject({ kind: z.literal('clock-jump'), node: name, ...when, by: signedDurationUs, lasts: durationUs.optional() }),
    z.strictObject({ kind: z.literal('cut'), link: name, ...when, lasts: durationUs.default(60e6) }),
  ])
  .refine((value) => (value.at === undefined) !== (value.every === undefined), 'give either "at", for once, or "every", for the mean time between two');

const expect = z.strictObject({
  deliveredAtLeast: probability.optional(),
  deliveredAtMost: probability.optional(),
  /** Of the messages that came, half came within this. */
  medianWithin: durationUs.optional(),
  p99Within: durationUs.optional(),
  p99Beyond: durationUs.optional(),
  overheadBelow: z.number().min(0).optional(),
  crashesAtLeast: z.int().min(0).optional(),
  everythingStillAliveArrives: z.boolean().default(true),
});

export const scenarioSchema = z
  .strictObject({
    name,
    about: z.string().default(''),
    starts: instantMs.default(Date.UTC(2026, 5, 1)),
    lasts: durationUs,
    /** After `lasts` nothing is sent and nothing fails any more, and what can arrive has this long to do so. */
    settles: durationUs.default(2 * 86_400e6),
    nodes: z.record(name, node).refine((nodes) => Object.keys(nodes).length > 0, 'there is no node'),
    links: z.array(link).default([]),
    couriers: z.array(courier).default([]),
    traffic: z.array(traffic).default([]),
    faults: z.array(fault).default([]),
    expect: expect.prefault({}),
  })
  .superRefine((scenario, context) => {
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    const homes = new Map<string, string>();
    for (const [at, entry] of Object.entries(scenario.nodes)) {
      for (const [index, served] of entry.serves.entries()) {
        if (homes.has(served)) refuse(['nodes', at, 'serves', index], `${served} lives at ${homes.get(served)} already`);
        homes.set(served, at);
      }
    }
    const neighbours = new Set<string>();
    const linkNames = new Set<string>();
    for (const [list, entries] of [['links', scenario.links], ['couriers', scenario.couriers]] as const) {
      for (const [index, { between }] of entries.entries()) {
        for (const [end, at] of between.entries()) if (!(at in scenario.nodes)) refuse([list, index, 'between', end], `there is no node named ${at}`);
        neighbours.add(between.join(' ')).add([...between].reverse().join(' '));
      }
    }
    for (const entry of scenario.links) linkNames.add(entry.name ?? entry.between.join('-'));
    for (const [at, entry] of Object.entries(scenario.nodes)) {
      for (const [index, { via }] of entry.routes.entries()) if (!neighbours.has(`${at} ${via}`)) refuse(['nodes', at, 'routes', index, 'via'], `no link and no courier goes from ${at} to ${via}`);
    }
    for (const [index, flow] of scenario.traffic.entries()) {
      for (const end of ['from', 'to'] as const) if (!homes.has(flow[end])) refuse(['traffic', index, end], `no node serves ${flow[end]}`);
    }
    for (const [index, entry] of scenario.faults.entries()) {
      if ('node' in entry && !(entry.node in scenario.nodes)) refuse(['faults', index, 'node'], `there is no node named ${entry.node}`);
      if ('link' in entry && !linkNames.has(entry.link)) refuse(['faults', index, 'link'], `there is no link named ${entry.link}: a link without a name is called after its ends, a-b`);
    }
  });

export type Scenario = z.infer<typeof scenarioSchema>;
export type NodePlan = Scenario['nodes'][string];
export type LinkPlan = Scenario['links'][number];
export type WayPlan = LinkPlan['there'];
export type CourierPlan = Scenario['couriers'][number];
export type TrafficPlan = Scenario['traffic'][number];
export type FaultPlan = Scenario['faults'][number];
