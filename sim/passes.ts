/** Passes of a satellite over a station: the times at which it stands higher in the sky than the mask of the station. */
import { LIGHT_KM_PER_SEC } from './planets.js';
import type { Satellite, Station } from './satellites.js';
import { sought } from './windows.js';
import type { Windows } from './windows.js';

const US_PER_SEC = 1e6;
const US_PER_MS = 1000;
/** A satellite that was not seen for so long will not be; one that has not set for so long stands still in the sky. */
const HORIZON_US = 60 * 86_400e6;
const PRECISION_US = 1000;
/** How far a satellite goes around its planet between two looks while it is in sight: 20 s in a low orbit. */
const LOOK_DEG = 1.4;
/** The vertical of the ellipsoid leans by a fifth of a degree at most. */
const MARGIN_DEG = 0.5;
const DEG_PER_RAD = 180 / Math.PI;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

export type Orbiter = Pick<Satellite, 'perigeeKm' | 'apogeeKm' | 'degPerSec' | 'groundKm' | 'look'>;

export interface Sky {
  readonly satellite: Orbiter;
  readonly station: Station;
  readonly startMs: number;
}

export function passes({ satellite, station, startMs }: Sky, maskDeg: number): Windows {
  const elevation = (us: number): number | undefined => satellite.look(station, startMs + us / US_PER_MS)?.elevationDeg;
  const above = (us: number): number => (elevation(us) ?? -90) - maskDeg;
  const stepUs = Math.ceil((LOOK_DEG / satellite.degPerSec) * US_PER_SEC);
  const awayUs = farAway(satellite, maskDeg);
  const rise = (fromUs: number): number | undefined => {
    if (above(fromUs) > 0) return fromUs;
    let before = { us: fromUs, deg: above(fromUs) };
    let earlier = before;
    for (let us = fromUs; us < fromUs + HORIZON_US; ) {
      const deg = elevation(us);
      if (deg === undefined) return undefined;
      const here = { us, deg: deg - maskDeg };
      if (here.deg > 0) return edge(before.us, us, (at) => above(at) > 0);
      // Between three looks it may have come and gone.
      if (before.deg > earlier.deg && before.deg > here.deg) {
        const nearUs = Math.max(earlier.us, before.us - stepUs);
        const topUs = highest(above, nearUs, us);
        if (above(topUs) > 0) return edge(nearUs, topUs, (at) => above(at) > 0);
      }
      [earlier, before] = [before, here];
      us += Math.max(stepUs, awayUs(deg));
    }
    return undefined;
  };
  const set = (riseUs: number): number => {
    for (let us = riseUs + PRECISION_US; us < riseUs + HORIZON_US; us += stepUs) if (above(us) <= 0) return edge(us - stepUs, us, (at) => above(at) <= 0);
    return Number.MAX_SAFE_INTEGER;
  };
  return sought((fromUs) => {
    const startUs = rise(fromUs);
    return startUs === undefined ? undefined : { startUs, endUs: set(startUs) };
  });
}

/** How long light takes to the satellite, or from it; through the planet, too, where nobody asks. */
export function rangeLightTimes({ satellite, station, startMs }: Sky): (leavesUs: number) => number {
  let lastUs = 0;
  return (leavesUs) => {
    const look = satellite.look(station, startMs + leavesUs / US_PER_MS);
    // A satellite that has decayed has no passes any more.
    if (look !== undefined) lastUs = (look.rangeKm / LIGHT_KM_PER_SEC) * US_PER_SEC;
    return lastUs;
  };
}

/** From how low it stands follows how far around the planet it is at least, and so for how long it cannot be seen. */
function farAway({ perigeeKm, apogeeKm, degPerSec, groundKm: [leastKm, mostKm] }: Orbiter, maskDeg: number): (elevationDeg: number) => number {
  const inSightDeg = aroundDeg(maskDeg, leastKm / apogeeKm);
  return (elevationDeg) => ((aroundDeg(elevationDeg, mostKm / perigeeKm) - inSightDeg - MARGIN_DEG) / degPerSec) * US_PER_SEC;
}

/** The angle at the middle of the planet between a station and what stands so high in its sky. */
function aroundDeg(elevationDeg: number, nearness: number): number {
  return DEG_PER_RAD * Math.acos(Math.min(1, nearness) * Math.cos(elevationDeg / DEG_PER_RAD)) - elevationDeg;
}

/** The first time in (lowUs, highUs] at which it holds, which it does at the end. */
function edge(lowUs: number, highUs: number, holds: (us: number) => boolean): number {
  let [low, high] = [lowUs, highUs];
  while (high - low > PRECISION_US) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return Math.ceil(high);
}

/** Where a curve with one top is highest. */
function highest(curve: (us: number) => number, fromUs: number, untilUs: number): number {
  let [low, high] = [fromUs, untilUs];
  while (high - low > PRECISION_US) {
    const [left, right] = [high - (high - low) * GOLDEN, low + (high - low) * GOLDEN];
    if (curve(left) < curve(right)) low = left;
    else high = right;
  }
  return (low + high) / 2;
}
