/**
 * Orbiters of Mars, as far as it takes to say when a place on the ground sees them: a circle whose plane drifts with the flattening
 * of the planet, over a sphere that turns. Elements of real ones change with every manoeuvre; the pattern of passes is theirs.
 */
import type { Orbiter } from './passes.js';
import type { Look, Station } from './satellites.js';

export interface MarsOrbit {
  /** Above the ground, kilometres. */
  readonly height: number;
  readonly inclinationDeg: number;
  /** Where it goes north over the equator, and how far it is behind that, at the J2000 epoch. */
  readonly nodeDeg: number;
  readonly phaseDeg: number;
}

/** P. Seidelmann et al., "Report of the IAU/IAG working group on cartographic coordinates", 2000. */
const MERIDIAN_DEG = 176.63;
const MERIDIAN_DEG_PER_DAY = 350.89198226;
/** Of the gravity field of Mars (GMM-2B), km and seconds. */
const GRAVITY = 42_828.37;
const EQUATOR_KM = 3396;
const FLATTENING_J2 = 1.9566e-3;
const SEC_PER_DAY = 86_400;
const J2000_MS = Date.UTC(2000, 0, 1, 12);
const DEG = Math.PI / 180;

export function marsOrbiter(orbit: MarsOrbit): Orbiter {
  const { height, inclinationDeg, nodeDeg, phaseDeg } = orbit;
  const radiusKm = EQUATOR_KM + height;
  const motion = motionOf(orbit);
  const drift = nodeDrift(orbit);
  const cosInclination = Math.cos(inclinationDeg * DEG);
  const sinInclination = Math.sin(inclinationDeg * DEG);
  return {
    perigeeKm: radiusKm,
    apogeeKm: radiusKm,
    degPerSec: motion / DEG + MERIDIAN_DEG_PER_DAY / SEC_PER_DAY,
    groundKm: [EQUATOR_KM, EQUATOR_KM],
    look({ latitude, longitude, heightKm: stationKm }: Station, ms): Look {
      const seconds = (ms - J2000_MS) / 1000;
      const along = phaseDeg * DEG + motion * seconds;
      const node = nodeDeg * DEG + drift * seconds;
      const place = (longitude + MERIDIAN_DEG + (MERIDIAN_DEG_PER_DAY * seconds) / SEC_PER_DAY) * DEG;
      // The orbiter in the frame of the ground: x away from the middle at the place, y east, z north.
      const turned = node - place;
      const across = Math.sin(along) * cosInclination;
      const x = Math.cos(turned) * Math.cos(along) - Math.sin(turned) * across;
      const east = Math.sin(turned) * Math.cos(along) + Math.cos(turned) * across;
      const z = Math.sin(along) * sinInclination;
      const up = x * Math.cos(latitude * DEG) + z * Math.sin(latitude * DEG);
      const north = z * Math.cos(latitude * DEG) - x * Math.sin(latitude * DEG);
      const high = radiusKm * up - (EQUATOR_KM + stationKm);
      const flat = radiusKm * Math.hypot(east, north);
      return { elevationDeg: Math.atan2(high, flat) / DEG, azimuthDeg: (Math.atan2(east, north) / DEG + 360) % 360, rangeKm: Math.hypot(high, flat) };
    },
  };
}

/** How fast the plane turns, radians a second: eastward where the orbit goes against the planet. */
export function nodeDrift(orbit: MarsOrbit): number {
  return -1.5 * motionOf(orbit) * FLATTENING_J2 * (EQUATOR_KM / (EQUATOR_KM + orbit.height)) ** 2 * Math.cos(orbit.inclinationDeg * DEG);
}

function motionOf({ height }: MarsOrbit): number {
  return Math.sqrt(GRAVITY / (EQUATOR_KM + height) ** 3);
}
