/** A scenario of two ends and one link, for formats that describe a link. */
import { domainOf } from './contacts-scenario.js';

export interface LinkOutline {
  readonly name: string;
  readonly about: string;
  readonly ends: readonly [string, string];
  readonly lasts: string;
  readonly link: Readonly<Record<string, unknown>>;
}

export function linkScenario({ name, about, ends: [a, b], lasts, link }: LinkOutline): Readonly<Record<string, unknown>> {
  return {
    name,
    about,
    lasts,
    settles: '1 d',
    nodes: {
      [a]: { serves: [domainOf(a)], routes: [{ to: domainOf(b), via: b }] },
      [b]: { serves: [domainOf(b)], routes: [{ to: domainOf(a), via: a }] },
    },
    links: [{ between: [a, b], ...link }],
    traffic: [
      { from: domainOf(a), to: domainOf(b), perDay: 240, size: ['1 KiB', '64 KiB'], lifetime: '1 d' },
      { from: domainOf(b), to: domainOf(a), perDay: 240, size: ['1 KiB', '64 KiB'], lifetime: '1 d' },
    ],
  };
}
