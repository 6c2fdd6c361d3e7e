/** What a scenario says must come of it, against what came. */
import type { Scenario } from './scenario-schema.js';

export interface Expectation {
  readonly what: string;
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
  const found: Expectation[] = [];
  const least = (what: string, wanted: number | undefined, value: number): void => void (wanted !== undefined && found.push({ what, wanted, found: value, met: value >= wanted }));
  const most = (what: string, wanted: number | undefined, value: number): void => void (wanted !== undefined && found.push({ what, wanted, found: value, met: value <= wanted }));
  const seconds = (us: number | undefined): number | undefined => (us === undefined ? undefined : us / US_PER_SEC);
  least('share delivered, at least', expect.deliveredAtLeast, delivery.ratio);
  most('share delivered, at most', expect.deliveredAtMost, delivery.ratio);
  most('median delay, seconds, within', seconds(expect.medianWithin), latencySec.p50);
  most('99th percentile of the delay, seconds, within', seconds(expect.p99Within), latencySec.p99);
  least('99th percentile of the delay, seconds, beyond', seconds(expect.p99Beyond), latencySec.p99);
  most('bytes on links per byte delivered, below', expect.overheadBelow, overhead.ratio);
  least('crashes, at least', expect.crashesAtLeast, (faults.crash ?? 0) + (faults.reboot ?? 0));
  least('units lost on the way, at least', expect.lostAtLeast, links.reduce((sum, { lostUnits }) => sum + lostUnits, 0));
  const spent = Object.values(money).reduce((sum, amount) => sum + amount, 0);
  least('money spent, at least', expect.moneyAtLeast, spent);
  most('money spent, at most', expect.moneyAtMost, spent);
  return found;
}
