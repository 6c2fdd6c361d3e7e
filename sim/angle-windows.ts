/** Windows that an angle opens: the times at which it is above zero, with edges found by steps that are too short to miss one. */
import { sought } from './windows.js';
import type { Windows } from './windows.js';

export interface Angle {
  /** Degrees above what it takes. */
  readonly degAt: (us: number) => number;
  readonly mostDegPerUs: number;
  /** What is shorter may be overlooked. */
  readonly shortestUs: number;
  readonly precisionUs: number;
  /** What does not come within this time never does. */
  readonly horizonUs: number;
}

export function angleWindows(angle: Angle): Windows {
  return sought((fromUs) => {
    const startUs = edge(angle, fromUs, true);
    return startUs === undefined ? undefined : { startUs, endUs: edge(angle, startUs, false) ?? Number.MAX_SAFE_INTEGER };
  });
}

/** The first time from `fromUs` on at which it is above zero, or no longer is. As far as it has to go, it cannot be sooner. */
function edge({ degAt, mostDegPerUs, shortestUs, precisionUs, horizonUs }: Angle, fromUs: number, isAbove: boolean): number | undefined {
  let beforeUs = fromUs;
  for (let us = fromUs; us < fromUs + horizonUs; ) {
    const deg = degAt(us);
    if (deg > 0 === isAbove) return us === fromUs ? us : between(beforeUs, us, precisionUs, (middle) => degAt(middle) > 0 === isAbove);
    beforeUs = us;
    us += Math.max(shortestUs, Math.floor(Math.abs(deg) / mostDegPerUs));
  }
  return undefined;
}

function between(beforeUs: number, afterUs: number, precisionUs: number, isAfter: (us: number) => boolean): number {
  let [low, high] = [beforeUs, afterUs];
  while (high - low > precisionUs) {
    const middle = (low + high) / 2;
    if (isAfter(middle)) high = middle;
    else low = middle;
  }
  return Math.ceil(high);
}
