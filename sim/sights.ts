/** Sights: the times at which a station on Earth has the other planet high enough in its sky to hear it, or to be heard. */
import { elevationDeg } from './planets.js';
import type { Line } from './planets.js';
import type { Station } from './satellites.js';
import { sought } from './windows.js';
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
  const above = (us: number): number => elevationDeg(planet, station, startMs + (isSent ? us : us + lightUs(us)) / US_PER_MS) - maskDeg;
  /** The first time from `fromUs` on at which it is up, or no longer is. As far as it has to go, it cannot be sooner. */
  const edge = (fromUs: number, isUp: boolean): number | undefined => {
    let beforeUs = fromUs;
    for (let us = fromUs; us < fromUs + HORIZON_US; ) {
      const deg = above(us);
      if (deg > 0 === isUp) return us === fromUs ? us : between(beforeUs, us, (middle) => above(middle) > 0 === isUp);
      beforeUs = us;
      us += Math.max(SHORTEST_US, Math.floor((Math.abs(deg) / MOST_DEG_PER_HOUR) * US_PER_HOUR));
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
