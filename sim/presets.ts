/** Links and couriers as they are found in the world, to begin a scenario with. Whatever the scenario says itself counts; docs/simulator.md has the same list. */

export interface Preset {
  readonly kind: 'link' | 'courier';
  /** What it is, and which end is the first. */
  readonly about: string;
  /** Where its numbers come from. */
  readonly sources: string;
  /** As it would stand in a scenario. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Made for this purpose: 550 km up, nearly over the poles, at noon and midnight. */
const LOW_ORBIT = ['1 99001U 26001A   26152.00000000  .00000000  00000-0  00000-0 0    07', '2 99001  97.6000 200.0000 0010000  90.0000 270.0000 15.05000000    05'];

export const PRESETS: Readonly<Record<string, Preset>> = {
  'leo-pass': {
    kind: 'link',
    about: 'station, satellite: 550 km up, six passes of seven to ten minutes a day at 52 degrees north',
    sources: 'an orbit of our own; S-band rates of small satellites (9.6 kbit/s up, 1 Mbit/s down)',
    fields: {
      windows: { passes: { tle: LOW_ORBIT, station: { latitude: 52.4, longitude: 13.1 }, maskDeg: 5 } },
      there: { rate: '9600 bit/s' },
      back: { rate: '1 Mbit/s' },
      loss: { toBad: 0.0005, toGood: 0.05 },
      largest: '64 KiB',
    },
  },
  geo: {
    kind: 'link',
    about: 'terminal, hub: by way of a geostationary satellite',
    sources: '35,786 km up and down are 239 ms; with queues and modems 600 ms there and back are usual',
    fields: { delay: '300 ms', there: { rate: '512 kbit/s' }, back: { rate: '4 Mbit/s' }, loss: { probability: 0.001 } },
  },
  starlink: {
    kind: 'link',
    about: 'dish, internet: a clear sky; import a history of your own dish for another one',
    sources: 'half of the median ping of a real dish, 35 ms (NUWiNS); rates and 1 % loss in bursts as its operator and users report them',
    fields: { delay: '17.5 ms', there: { rate: '15 Mbit/s' }, back: { rate: '100 Mbit/s' }, loss: { toBad: 0.0002, toGood: 0.02 }, reorder: { probability: 0.01, by: '5 ms' } },
  },
  moon: {
    kind: 'link',
    about: 'Earth, Moon: one station, which sees the Moon ten hours a day, 50 minutes later each day',
    sources: 'light time by ephemeris; rates of EM-1 on DSN Now, 2022-12-07 (250 kbit/s up, 2 Mbit/s down)',
    fields: { delay: { from: 'earth', to: 'moon' }, windows: { every: '1 d', open: '10 h', drift: '50 min' }, there: { rate: '250 kbit/s' }, back: { rate: '2 Mbit/s' } },
  },
  mars: {
    kind: 'link',
    about: 'Earth, Mars: by the date of the scenario; eight hours a day, dark in conjunctions, faster when near',
    sources: 'light time by ephemeris; MRO on DSN Now, 2022-12-07 (2 kbit/s up, 4 Mbit/s down over 82 million km; 6 Mbit/s at most); NASA keeps silent below 2 degrees',
    fields: {
      delay: { from: 'earth', to: 'mars' },
      windows: { every: '1 d', open: '8 h' },
      conjunctionBelowDeg: 2,
      there: { rate: '2 kbit/s' },
      back: { rate: { is: '4 Mbit/s', at: '0.5486 au', most: '6 Mbit/s' } },
      largest: '64 KiB',
      retry: { first: '1 h', cap: '1 d' },
    },
  },
  'deep-space-probe': {
    kind: 'link',
    about: 'Earth, probe: Voyager 1 in 2022, eight hours a day',
    sources: 'DSN Now, 2022-09-23: 157,500 s there and back, 160 bit/s down; 16 bit/s up (Voyager 2, 2022-12-07)',
    fields: { delay: '78750 s', windows: { every: '1 d', open: '8 h' }, there: { rate: '16 bit/s' }, back: { rate: '160 bit/s' }, largest: '16 KiB', retry: { first: '1 d', cap: '7 d' } },
  },
  hf: {
    kind: 'link',
    about: 'two short-wave radios: slow, in bursts of fading, closed for four hours around noon',
    sources: '2,400 bit/s is a usual speed of HF modems (STANAG 4539, MIL-STD-188-110); fades of seconds; absorption by day',
    fields: { delay: '15 ms', rate: '2400 bit/s', windows: { first: '14 h', every: '1 d', open: '20 h' }, loss: { toBad: 0.02, toGood: 0.2, segment: '200 B' }, largest: '16 KiB', parallel: 1 },
  },
  'weekly-courier': {
    kind: 'courier',
    about: 'a stick that goes there once a week and comes back two days later; one in fifty is lost',
    sources: 'a stick of 64 GB, half an hour to write it, a day on the way',
    fields: { every: '7 d', first: '1 d', travel: '1 d', loading: '30 min', capacity: '64 GB', lost: '2 %', returnsAfter: '1 d' },
  },
};

/** The names of those that are links, or couriers. */
export function presetsOf(kind: Preset['kind']): string[] {
  return Object.keys(PRESETS).filter((name) => PRESETS[name]?.kind === kind);
}

/** The fields of a link or courier on top of those of its preset. What is said of both ways takes the place of what the preset says of one. */
export function withPreset(kind: Preset['kind'], value: unknown): unknown {
  if (!isObject(value) || typeof value.preset !== 'string' || !Object.hasOwn(PRESETS, value.preset)) return value;
  const preset = PRESETS[value.preset];
  if (preset?.kind !== kind) return value;
  const merged: Record<string, unknown> = { ...preset.fields, ...value };
  for (const side of ['there', 'back'] as const) {
    const [usual, own] = [preset.fields[side], value[side]];
    const left = isObject(usual) ? Object.fromEntries(Object.entries(usual).filter(([name]) => !(name in value))) : {};
    if (isObject(usual) && (own === undefined || isObject(own))) merged[side] = { ...left, ...own };
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
