/** Sights: the times at which a station on Earth has the other planet high enough in its sky to hear it, or to be heard. */
import { angleWindows } from './angle-windows.js';
import { elevationDeg } from './planets.js';
import type { Line } from './planets.js';
import type { Station } from './satellites.js';
import type { Windows } from './windows.js';

const US_PER_HOUR = 3600e6;
const US_PER_MS = 1000;
/** The Earth turns by 15.04 degrees an hour, and no planet runs against it by more than this leaves. */
const MOST_DEG_PER_HOUR = 15.2;
/** What is shorter is overlooked. */
const SHORTEST_US = 5 * 60e6;
const PRECISION_US = 1000;
/** What does not rise within a year does not rise there; what has not set for so long is always up. */
const HORIZON_US = 366 * 24 * US_PER_HOUR;

export interface Outlook {
  /** One of its ends is the Earth. */
  readonly line: Line;
  readonly station: Station;
  readonly startMs: number;
  /** One way. */
  readonly lightUs: (leavesUs: number) => number;
}

/** In the time in which something leaves: what comes to the Earth has left before the station can hear it. */
export function sights({ line, station, startMs, lightUs }: Outlook, maskDeg: number): Windows {
  const isSent = line.from === 'earth';
  const planet = isSent ? line.to : line.from;
  return angleWindows({
    degAt: (us) => elevationDeg(planet, station, startMs + (isSent ? us : us + lightUs(us)) / US_PER_MS) - maskDeg,
    mostDegPerUs: MOST_DEG_PER_HOUR / US_PER_HOUR,
    shortestUs: SHORTEST_US,
    precisionUs: PRECISION_US,
    horizonUs: HORIZON_US,
  });
}
