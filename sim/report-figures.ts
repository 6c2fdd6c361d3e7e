/** Figures of a report from what was counted: percentiles and curves in seconds, and numbers without digits that say nothing. */

const US_PER_SEC = 1e6;
const CDF_POINTS = 200;

export interface LatencyFigures {
  readonly mean: number;
  readonly p10: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** So many seconds, and the share of what was delivered that took no longer. */
  readonly cdf: readonly (readonly [sec: number, share: number])[];
}

/** @param sortedUs ascending; all figures are 0 where there is nothing */
export function latencyFigures(sortedUs: Float64Array): LatencyFigures {
  const at = (share: number): number => quantileSec(sortedUs, share);
  const mean = sortedUs.reduce((sum, us) => sum + us, 0) / Math.max(1, sortedUs.length) / US_PER_SEC;
  return { mean: round(mean), p10: at(0.1), p25: at(0.25), p50: at(0.5), p75: at(0.75), p90: at(0.9), p99: at(0.99), max: at(1), cdf: cdf(sortedUs) };
}

export function seconds(us: number): number {
  return us / US_PER_SEC;
}

export function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** The smallest value that so large a share does not exceed. */
function quantileSec(sortedUs: Float64Array, share: number): number {
  if (sortedUs.length === 0) return 0;
  return seconds(sortedUs[Math.min(sortedUs.length - 1, Math.max(0, Math.ceil(share * sortedUs.length) - 1))] ?? 0);
}

function cdf(sortedUs: Float64Array): [number, number][] {
  if (sortedUs.length === 0) return [];
  return Array.from({ length: CDF_POINTS }, (_, index) => {
    const share = (index + 1) / CDF_POINTS;
    return [quantileSec(sortedUs, share), share];
  });
}
