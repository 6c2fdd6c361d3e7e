/** What a scenario says must come of it, against what came. */
import { formatDuration, formatShare } from '../base/figure-text.js';
import type { Scenario } from './scenario-schema.js';

/** A share of 1, seconds, a sum of money, or a number of things. */
export type Measure = 'share' | 'seconds' | 'money' | 'count';

export interface Expectation {
  /** Ends in the word that says which side of `wanted` is good. */
  readonly what: string;
  readonly unit: Measure;
  readonly wanted: number;
  readonly found: number;
  readonly met: boolean;
}

export interface Found {
  readonly delivery: { readonly ratio: number };
  readonly latencySec: { readonly p50: number; readonly p99: number };
  readonly overhead: { readonly ratio: number };
  readonly links: readonly { readonly lostUnits: number }[];
  readonly money: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

const US_PER_SEC = 1e6;

export function checkExpectations(expect: Scenario['expect'], { delivery, latencySec, overhead, links, money, faults }: Found): Expectation[] {
  const all: Expectation[] = [];
  const least = (what: string, unit: Measure, wanted: number | undefined, found: number): void => void (wanted !== undefined && all.push({ what, unit, wanted, found, met: found >= wanted }));
  const most = (what: string, unit: Measure, wanted: number | undefined, found: number): void => void (wanted !== undefined && all.push({ what, unit, wanted, found, met: found <= wanted }));
  const seconds = (us: number | undefined): number | undefined => (us === undefined ? undefined : us / US_PER_SEC);
  least('delivered, at least', 'share', expect.deliveredAtLeast, delivery.ratio);
  most('delivered, at most', 'share', expect.deliveredAtMost, delivery.ratio);
  most('median delay, within', 'seconds', seconds(expect.medianWithin), latencySec.p50);
  most('99 % of delays, within', 'seconds', seconds(expect.p99Within), latencySec.p99);
  least('99 % of delays, beyond', 'seconds', seconds(expect.p99Beyond), latencySec.p99);
  most('sent per delivered byte, below', 'count', expect.overheadBelow, overhead.ratio);
  least('crashes and reboots, at least', 'count', expect.crashesAtLeast, (faults.crash ?? 0) + (faults.reboot ?? 0));
  least('units lost on the way, at least', 'count', expect.lostAtLeast, links.reduce((sum, { lostUnits }) => sum + lostUnits, 0));
  const spent = Object.values(money).reduce((sum, amount) => sum + amount, 0);
  least('spent, at least', 'money', expect.moneyAtLeast, spent);
  most('spent, at most', 'money', expect.moneyAtMost, spent);
  return all;
}

export function measureText(value: number, unit: Measure): string {
  switch (unit) {
    case 'share':
      return formatShare(value);
    case 'seconds':
      return formatDuration(value * 1000);
    case 'money':
      return value.toFixed(2);
    case 'count':
      return String(Math.round(value * 1000) / 1000);
  }
}
