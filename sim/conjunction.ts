/** Solar conjunctions: the times at which the Sun stands so close to the line between two planets that nothing gets through. */
import { angleWindows } from './angle-windows.js';
import { sunAngleDeg } from './planets.js';
import type { Line } from './planets.js';
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
  const degPerDay = line.from === 'moon' || line.to === 'moon' ? MOON_DEG_PER_DAY : PLANET_DEG_PER_DAY;
  return angleWindows({
    degAt: (us) => belowDeg - sunAngleDeg(line, startMs + us / US_PER_MS),
    mostDegPerUs: degPerDay / US_PER_DAY,
    shortestUs: SHORTEST_US,
    precisionUs: PRECISION_US,
    horizonUs: HORIZON_US,
  });
}
