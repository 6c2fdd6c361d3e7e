/** Satellites by their two-line elements (SGP4), and where they stand in the sky of a station. The door to satellite.js. */
import { degreesToRadians, ecfToLookAngles, eciToEcf, gstime, jday, radiansToDegrees, sgp4, twoline2satrec } from 'satellite.js';

export interface Station {
  readonly latitude: number;
  readonly longitude: number;
  /** Above the ellipsoid. */
  readonly heightKm: number;
}

export interface Look {
  readonly elevationDeg: number;
  readonly azimuthDeg: number;
  readonly rangeKm: number;
}

export interface Satellite {
  readonly epochMs: number;
  /** How far the ground is from the middle of the planet: where it is least, and on the highest mountain. */
  readonly groundKm: readonly [least: number, most: number];
  /** As near as the orbit gets to the middle of the Earth, and as far. */
  readonly perigeeKm: number;
  readonly apogeeKm: number;
  /** The fastest that it goes around the middle of the Earth, which turns below it. */
  readonly degPerSec: number;
  /** TEME, km. Undefined once the orbit has decayed, or its elements say nothing any more. */
  at(minutesFromEpoch: number): { readonly x: number; readonly y: number; readonly z: number } | undefined;
  look(station: Station, ms: number): Look | undefined;
}

const MS_PER_MIN = 60_000;
const MS_PER_DAY = 86_400_000;
const EARTH_RADIUS_KM = 6378.137;
const EARTH_DEG_PER_SEC = 360 / 86_164;
/** At the poles, and on the highest mountain. */
const EARTH_GROUND_KM = [6356, 6387] as const;
const LINE_CHARACTERS = 69;

/** What is wrong with two-line elements, or undefined. */
export function tleFault(line1: string, line2: string): string | undefined {
  for (const [index, line] of [line1, line2].entries()) {
    const name = `line ${index + 1} of the elements`;
    if (!line.startsWith(`${index + 1} `)) return `${name} begins with "${index + 1} "`;
    if (line.length < LINE_CHARACTERS) return `${name} has ${LINE_CHARACTERS} characters, not ${line.length}`;
    const sum = checksum(line);
    if (line[LINE_CHARACTERS - 1] !== String(sum)) return `${name} ends with its checksum, ${sum}`;
  }
  if (line1.slice(2, 7) !== line2.slice(2, 7)) return `both lines of the elements name the same satellite, not ${line1.slice(2, 7)} and ${line2.slice(2, 7)}`;
  return satelliteOf(line1, line2).at(0) === undefined ? 'these elements describe no orbit' : undefined;
}

/** The digits of a line added up, a minus sign as 1. */
export function checksum(line: string): number {
  let sum = 0;
  for (const character of line.slice(0, LINE_CHARACTERS - 1)) sum += character === '-' ? 1 : /\d/.test(character) ? Number(character) : 0;
  return sum % 10;
}

export function satelliteOf(line1: string, line2: string): Satellite {
  const record = twoline2satrec(line1, line2);
  const epochMs = Date.UTC(record.epochyr < 57 ? 2000 + record.epochyr : 1900 + record.epochyr, 0, 1) + (record.epochdays - 1) * MS_PER_DAY;
  const at: Satellite['at'] = (minutesFromEpoch) => sgp4(record, minutesFromEpoch)?.position;
  // record.no is in radians a minute; Kepler's second law makes it the fastest at perigee.
  const eccentricity = record.ecco;
  const perigeeDegPerSec = (radiansToDegrees(record.no) / 60) * ((1 + eccentricity) ** 2 / (1 - eccentricity ** 2) ** 1.5);
  const semiMajorKm = EARTH_RADIUS_KM * record.a;
  return {
    epochMs,
    groundKm: EARTH_GROUND_KM,
    perigeeKm: semiMajorKm * (1 - eccentricity),
    apogeeKm: semiMajorKm * (1 + eccentricity),
    degPerSec: perigeeDegPerSec + EARTH_DEG_PER_SEC,
    at,
    look({ latitude, longitude, heightKm }, ms) {
      const inSpace = at((ms - epochMs) / MS_PER_MIN);
      if (inSpace === undefined) return undefined;
      const observer = { latitude: degreesToRadians(latitude), longitude: degreesToRadians(longitude), height: heightKm };
      const { elevation, azimuth, rangeSat } = ecfToLookAngles(observer, eciToEcf(inSpace, gstime(julianDay(ms))));
      return { elevationDeg: radiansToDegrees(elevation), azimuthDeg: radiansToDegrees(azimuth), rangeKm: rangeSat };
    },
  };
}

const UNIX_EPOCH_JULIAN_DAY = jday(1970, 1, 1, 0, 0, 0);

function julianDay(ms: number): number {
  return UNIX_EPOCH_JULIAN_DAY + ms / MS_PER_DAY;
}
