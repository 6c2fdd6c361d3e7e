/** A scenario file as one strict schema: who is there, what joins them, what is sent, what goes wrong, and what must come of it. docs/simulator.md explains each block. */
import { z } from 'zod';
import { planned } from '../gateway/contact-schema.js';
import { PLANETS } from './planets.js';
import { presetsOf, withPreset } from './presets.js';
import { distanceKm, durationUs, instantMs, probability, rateBits, signedDurationUs, sizeBytes } from './quantity-schema.js';
import { tleFault } from './satellites.js';

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

const planet = z.enum(PLANETS);

/** From the time when it begins to the time when it ends, with what it has for itself. */
const wholeSpell = z.strictObject({ from: durationUs, until: durationUs, rate: rateBits.optional(), delay: durationUs.optional(), lost: probability.optional() });
const spell = z.union(
  [z.tuple([durationUs, durationUs]).transform(([from, until]): z.output<typeof wholeSpell> => ({ from, until })), wholeSpell],
  { error: 'use [from, until], or { from, until, rate, delay, lost }' },
);

const list = z
  .strictObject({ list: z.array(spell).min(1), loop: durationUs.optional() })
  .superRefine((value, context) => {
    let endUs = 0;
    for (const [index, { from, until }] of value.list.entries()) {
      if (from < endUs) context.addIssue({ code: 'custom', path: ['list', index], message: 'windows follow one another, each after the end of the one before' });
      if (until <= from) context.addIssue({ code: 'custom', path: ['list', index], message: 'a window ends after it begins' });
      endUs = until;
    }
    if (value.loop !== undefined && value.loop < endUs) context.addIssue({ code: 'custom', path: ['loop'], message: 'a round is as long as its last window needs, or longer' });
  });

/** Two lines in one text, or in a list; a line before them is the name. */
const tle = z
  .union([z.string().transform((text) => text.trim().split(/\s*\n\s*/)), z.array(z.string())], { error: 'use the two lines of the elements' })
  .transform((lines) => [lines.at(-2) ?? '', lines.at(-1) ?? ''] as const)
  .superRefine(([line1, line2], context) => {
    const message = tleFault(line1, line2);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const station = z.strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(360), height: distanceKm.default(0) });
/** How high something stands when it comes into sight and goes out of it. */
const maskDeg = z.number().min(0).max(89).default(10);

const marsOrbit = z.strictObject({ height: distanceKm, inclinationDeg: z.number().min(0).max(180), nodeDeg: z.number().min(0).max(360).default(0), phaseDeg: z.number().min(0).max(360).default(0) });

/** Of a satellite of the Earth, or of an orbiter of Mars, over a station on the same planet. */
const passes = z.strictObject({ tle: tle.optional(), marsOrbit: marsOrbit.optional(), station, maskDeg }).refine((value) => (value.tle === undefined) !== (value.marsOrbit === undefined), 'give either the elements of a satellite of the Earth (tle), or the orbit of one of Mars (marsOrbit)');

/** Of the planet at the other end, from a station on Earth. */
const sight = z.strictObject({ station, maskDeg });

const windows = z.union(
  [
    z.enum(['always', 'never']),
    z.strictObject({ first: durationUs.default(0), every: durationUs, open: durationUs, drift: signedDurationUs.default(0) }).refine(({ every, drift }) => every + drift > 0),
    list,
    z.strictObject({ passes }),
    z.strictObject({ sight }),
  ],
  { error: 'use "always", "never", { first, every, open, drift }, { list, loop }, { passes } or { sight }' },
);

const ONE_SOURCE = 'give either a file, or the text itself';

const trace = z
  .strictObject({
    /** Beside the scenario. */
    file: z.string().min(1).optional(),
    text: z.string().optional(),
    format: z.enum(['table', 'mahimahi']).default('table'),
    /** Begins again at its end; otherwise the last step of a table holds. */
    repeats: z.boolean().default(true),
  })
  .refine(({ file, text }) => (file === undefined) !== (text === undefined), ONE_SOURCE);

export const way = {
  /** With a distance: what it is there; it falls with the square of the distance, as radio does. */
  rate: z.union([rateBits, z.strictObject({ is: rateBits, at: distanceKm, most: rateBits.optional() })], { error: 'use a rate such as "2 kbit/s", or { is: 4 Mbit/s, at: 0.5 au }' }).optional(),
  /** Between planets: from where the first node is, to where the second is. */
  delay: z.union([durationUs, z.strictObject({ from: planet, to: planet })], { error: 'use a duration such as "12 min", or { from: earth, to: mars }' }).optional(),
  windows: windows.optional(),
  /** No contact while the Sun stands this close to the line, degrees. */
  conjunctionBelowDeg: z.number().min(0).max(30).optional(),
  loss: loss.optional(),
  /** Rate, loss and delay as they were measured, in place of those above. */
  trace: trace.optional(),
  corrupt: probability.optional(),
  duplicate: probability.optional(),
  reorder: z.strictObject({ probability, by: durationUs }).optional(),
};

const ownLink = z
  .strictObject({
    between: z.tuple([name, name]),
    name: name.optional(),
    /** What it is when nothing else is said. */
    preset: z.enum(presetsOf('link')).optional(),
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
const link = z.preprocess((value) => withPreset('link', value), ownLink);

const ownCourier = z.strictObject({
  between: z.tuple([name, name]),
  preset: z.enum(presetsOf('courier')).optional(),
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
const courier = z.preprocess((value) => withPreset('courier', value), ownCourier);

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

/** Mail at set times. */
const events = z
  .strictObject({ file: z.string().min(1).optional(), text: z.string().optional(), lifetime: durationUs.default(14 * 86_400e6) })
  .refine(({ file, text }) => (file === undefined) !== (text === undefined), ONE_SOURCE);

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
  /** Units that did not arrive, sticks included. */
  lostAtLeast: z.int().min(0).optional(),
  /** In all currencies together. */
  moneyAtLeast: z.number().min(0).optional(),
  moneyAtMost: z.number().min(0).optional(),
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
    /** Changes (`lasts=2 d`) for a run that has to be quick: `--short`. */
    short: z.array(z.string()).default([]),
    nodes: z.record(name, node).refine((nodes) => Object.keys(nodes).length > 0, 'there is no node'),
    links: z.array(link).default([]),
    couriers: z.array(courier).default([]),
    traffic: z.array(traffic).default([]),
    events: z.array(events).default([]),
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
    for (const [index, entry] of scenario.links.entries()) {
      for (const side of ['there', 'back'] as const) {
        const { delay, rate, windows, conjunctionBelowDeg } = { ...entry, ...entry[side] };
        const isPlanetary = typeof delay === 'object';
        const hasPasses = typeof windows === 'object' && 'passes' in windows;
        if (isPlanetary && delay.from === delay.to) refuse(['links', index, 'delay'], 'a delay between planets has two of them');
        if (conjunctionBelowDeg !== undefined && !isPlanetary) refuse(['links', index, 'conjunctionBelowDeg'], 'the Sun comes between planets: give a delay such as { from: earth, to: mars }');
        if (typeof windows === 'object' && 'sight' in windows && !(isPlanetary && (delay.from === 'earth' || delay.to === 'earth'))) refuse(['links', index, 'windows'], 'a station on Earth sees planets: give a delay such as { from: earth, to: mars }');
        if (typeof rate === 'object' && !isPlanetary && !hasPasses) refuse(['links', index, 'rate'], 'a rate falls with a distance that changes: give a delay between planets, or passes');
      }
    }
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
/** As a file has it, before defaults and units. */
export type LinkInput = z.input<typeof ownLink>;
export type CourierInput = z.input<typeof ownCourier>;
export type ScenarioInput = Omit<z.input<typeof scenarioSchema>, 'links' | 'couriers'> & { readonly links?: readonly LinkInput[] | undefined; readonly couriers?: readonly CourierInput[] | undefined };
export type NodePlan = Scenario['nodes'][string];
export type LinkPlan = Scenario['links'][number];
export type WayPlan = LinkPlan['there'];
export type SpellList = z.output<typeof list>;
export type TracePlan = z.output<typeof trace>;
export type EventsPlan = Scenario['events'][number];
export type PassPlan = z.output<typeof passes>;
export type MarsOrbitPlan = z.output<typeof marsOrbit>;
export type FallingRate = Exclude<NonNullable<WayPlan['rate']>, number>;
export type CourierPlan = Scenario['couriers'][number];
export type TrafficPlan = Scenario['traffic'][number];
export type FaultPlan = Scenario['faults'][number];
