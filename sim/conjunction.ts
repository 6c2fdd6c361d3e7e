/** Solar conjunctions: the times at which the Sun stands so close to the line between two planets that nothing gets through. */
import { sunAngleDeg } from './planets.js';
import type { Line } from './planets.js';
import { sought } from './windows.js';
import type { Windows } from './windows.js';

const US_PER_DAY = 86_400e6;
const US_PER_MS = 1000;
/** The fastest that a planet, and the Moon, come nearer to the Sun in the sky. */
const PLANET_DEG_PER_DAY = 5;
const MOON_DEG_PER_DAY = 16;
/** What is shorter is overlooked. */
const SHORTEST_US = 3600e6;
const PRECISION_US = 1e6;
/** The longest that two planets go without one is shorter; where the Sun is always passed at a distance there is none. */
const HORIZON_US = 20 * 365.25 * US_PER_DAY;

/** When the angle is below `belowDeg`, in the time in which something leaves. */
export function conjunctions(line: Line, belowDeg: number, startMs: number): Windows {
  const above = (us: number): number => sunAngleDeg(line, startMs + us / US_PER_MS) - belowDeg;
  const degPerDay = line.from === 'moon' || line.to === 'moon' ? MOON_DEG_PER_DAY : PLANET_DEG_PER_DAY;
  /** The first time from `fromUs` on at which it is dark, or is no longer. As far as it is away, it cannot be sooner. */
  const edge = (fromUs: number, isDark: boolean): number | undefined => {
    let beforeUs = fromUs;
    for (let us = fromUs; us < fromUs + HORIZON_US; ) {
      const deg = above(us);
      if (deg < 0 === isDark) return us === fromUs ? us : between(beforeUs, us, (middle) => above(middle) < 0 === isDark);
      beforeUs = us;
      us += Math.max(SHORTEST_US, (Math.abs(deg) / degPerDay) * US_PER_DAY);
    }
    return undefined;
  };
  return sought((fromUs) => {
    const startUs = edge(fromUs, true);
    return startUs === undefined ? undefined : { startUs, endUs: edge(startUs, false) ?? Number.MAX_SAFE_INTEGER };
  });
}

function between(beforeUs: number, afterUs: number, isAfter: (us: number) => boolean): number {
  let [low, high] = [beforeUs, afterUs];
  while (high - low > PRECISION_US) {
    const middle = (low + high) / 2;
    if (isAfter(middle)) high = middle;
    else low = middle;
  }
  return Math.ceil(high);
}
