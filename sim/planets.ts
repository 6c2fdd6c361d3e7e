/**
 * The planets: how long light takes from one to another, and how near the Sun stands to the line. What leaves now
 * arrives where the other will be by then, so one way differs from the other. The door to astronomy-engine.
 */
import { AstroTime, Body, Equator, HelioVector, Horizon, Observer } from 'astronomy-engine';
import type { Vector } from 'astronomy-engine';
import type { Station } from './satellites.js';

export const PLANETS = ['mercury', 'venus', 'earth', 'moon', 'mars', 'jupiter', 'saturn', 'uranus', 'neptune', 'pluto'] as const;
export type Planet = (typeof PLANETS)[number];

/** One way, from where something leaves to where it arrives. */
export interface Line {
  readonly from: Planet;
  readonly to: Planet;
}

export const KM_PER_AU = 149_597_870.7;
export const LIGHT_KM_PER_SEC = 299_792.458;
const LIGHT_SEC_PER_AU = KM_PER_AU / LIGHT_KM_PER_SEC;
const MS_PER_DAY = 86_400_000;
const J2000_MS = Date.UTC(2000, 0, 1, 12);
const DEG_PER_RAD = 180 / Math.PI;
/** No planet moves by more than 60 km/s: each round leaves less than a 5,000th of the error, and the first is below an hour. */
const ROUNDS = 4;

const BODY: Readonly<Record<Planet, Body>> = {
  mercury: Body.Mercury,
  venus: Body.Venus,
  earth: Body.Earth,
  moon: Body.Moon,
  mars: Body.Mars,
  jupiter: Body.Jupiter,
  saturn: Body.Saturn,
  uranus: Body.Uranus,
  neptune: Body.Neptune,
  pluto: Body.Pluto,
};

/** How long what leaves the middle of one planet at this time is on its way to the middle of the other. */
export function lightTimeSec({ from, to }: Line, leavesMs: number): number {
  const origin = position(from, leavesMs);
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round += 1) seconds = LIGHT_SEC_PER_AU * length(minus(position(to, leavesMs + 1000 * seconds), origin));
  return seconds;
}

/** The same in microseconds of a run that starts at `startMs`. The planets are asked every few hours of simulated time, and a curve is drawn through the answers. */
export function lightTimes(line: Line, startMs: number): (leavesUs: number) => number {
  const known: number[] = [];
  const atStep = (step: number): number => (known[step] ??= 1e6 * lightTimeSec(line, startMs + (step - 1) * STEP_MS));
  return (leavesUs) => {
    const steps = Math.max(0, leavesUs) / (1000 * STEP_MS);
    const step = Math.floor(steps);
    return cubic(atStep(step), atStep(step + 1), atStep(step + 2), atStep(step + 3), steps - step);
  };
}

/** The Moon swings the Earth by 16 ms of light in four weeks; at six hours a cubic is off by less than a microsecond. */
const STEP_MS = 6 * 3_600_000;

/**
 * The angle between the Sun and the other end, as seen from the Earth (or the Moon) when something leaves there or
 * arrives there; where neither is an end, from the one that is nearer to the Sun.
 */
export function sunAngleDeg(line: Line, leavesMs: number): number {
  const arrivesMs = leavesMs + 1000 * lightTimeSec(line, leavesMs);
  const [leaves, arrives] = [position(line.from, leavesMs), position(line.to, arrivesMs)];
  const [eye, other] = isSeenFromStart(line, leaves, arrives) ? [leaves, arrives] : [arrives, leaves];
  return angleDeg(minus(other, eye), { x: -eye.x, y: -eye.y, z: -eye.z });
}

function isSeenFromStart({ from, to }: Line, leaves: Point, arrives: Point): boolean {
  for (const home of ['earth', 'moon']) {
    if (from === home) return true;
    if (to === home) return false;
  }
  return length(leaves) <= length(arrives);
}

/** How high a planet stands above the horizon of a place on Earth, for light that arrives there. */
export function elevationDeg(planet: Planet, { latitude, longitude, heightKm }: Station, ms: number): number {
  const time = astroTime(ms);
  const observer = new Observer(latitude, longitude, 1000 * heightKm);
  const { ra, dec } = Equator(BODY[planet], time, observer, true, true);
  return Horizon(time, observer, ra, dec).altitude;
}

type Point = Pick<Vector, 'x' | 'y' | 'z'>;

/** From the Sun, in astronomical units. */
function position(planet: Planet, ms: number): Point {
  return HelioVector(BODY[planet], astroTime(ms));
}

function astroTime(ms: number): AstroTime {
  return new AstroTime((ms - J2000_MS) / MS_PER_DAY);
}

function minus(a: Point, b: Point): Point {
  return { x: a.x - b.x, y: a.y - b.y, z: a.z - b.z };
}

function length({ x, y, z }: Point): number {
  return Math.hypot(x, y, z);
}

/** By the tangent: near 0 and 180 degrees a cosine tells nothing. */
function angleDeg(a: Point, b: Point): number {
  const cross = { x: a.y * b.z - a.z * b.y, y: a.z * b.x - a.x * b.z, z: a.x * b.y - a.y * b.x };
  return DEG_PER_RAD * Math.atan2(length(cross), a.x * b.x + a.y * b.y + a.z * b.z);
}

/** Through four values one step apart, between the second (0) and the third (1). */
function cubic(before: number, a: number, b: number, after: number, share: number): number {
  const [p, q, r] = [share + 1, share - 1, share - 2];
  return (-before * share * q * r) / 6 + (a * p * q * r) / 2 - (b * p * share * r) / 2 + (after * p * share * q) / 6;
}
