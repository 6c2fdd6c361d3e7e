/** From what a scenario says of one way of a link, or of a courier, to a channel of the world. */
import type { ChannelModel } from './channel.js';
import { conjunctions } from './conjunction.js';
import { marsOrbiter } from './mars-orbits.js';
import type { LossModel } from './losses.js';
import { readLinkTrace } from './link-trace.js';
import { slowPace } from './pace.js';
import type { Pace } from './pace.js';
import { passes, rangeLightTimes } from './passes.js';
import type { Sky } from './passes.js';
import { LIGHT_KM_PER_SEC, lightTimes } from './planets.js';
import type { Line } from './planets.js';
import { satelliteOf } from './satellites.js';
import type { Station } from './satellites.js';
import type { CourierPlan, FallingRate, LinkPlan, MarsOrbitPlan, PassPlan, WayPlan } from './scenario-schema.js';
import { changingSpells, joined, spellAt, spellPace } from './spells.js';
import type { Spells } from './spells.js';
import { sights } from './sights.js';
import { ALWAYS, except, listed, looped, periodic } from './windows.js';
import type { Windows } from './windows.js';

const DEFAULT_RATE_BITS = 10e6;
const DEFAULT_DELAY_US = 1000;
const DEFAULT_SEGMENT_BYTES = 1400;

/** @param startMs Unix time at the start of the run */
export function wayModel(link: LinkPlan, side: 'there' | 'back', startMs: number): ChannelModel {
  const way = { ...link, ...link[side] };
  const trace = way.trace === undefined ? undefined : readLinkTrace(way.trace);
  const spells = typeof way.windows === 'object' && 'list' in way.windows ? changingSpells(way.windows) : undefined;
  const delayUs = trace?.delayUs ?? delayOf(link, side, startMs, spells);
  const { rate = DEFAULT_RATE_BITS } = way;
  const pace = trace?.pace ?? spellPace(spells, typeof rate === 'number' ? rate : rate.is) ?? (typeof rate === 'number' ? undefined : fallingPace(rate, delayUs));
  return {
    reliable: link.reliable,
    bitsPerSec: typeof rate === 'number' ? rate : rate.is,
    ...(pace !== undefined && { pace }),
    delayUs,
    windows: lightOf(link, side, windowsOf(link, side, startMs, delayUs), startMs),
    loss: trace?.loss === undefined ? lossOf(way) : { kind: 'measured', at: trace.loss, segmentBytes: way.loss?.segment ?? DEFAULT_SEGMENT_BYTES },
    corruptProbability: way.corrupt ?? 0,
    duplicateProbability: way.duplicate ?? 0,
    reorderProbability: way.reorder?.probability ?? 0,
    reorderUs: way.reorder?.by ?? 0,
    windowLossProbability: 0,
  };
}

/** The longest that anything is on its way until then: what a sender has to wait for. */
export function longestDelayUs({ delayUs }: Pick<ChannelModel, 'delayUs'>, untilUs: number): number {
  let longestUs = 0;
  for (let sample = 0; sample <= DELAY_SAMPLES; sample += 1) longestUs = Math.max(longestUs, delayUs((untilUs * sample) / DELAY_SAMPLES));
  return longestUs;
}

/** Planets take their time: between two looks in a run of ten years Mars moves by a light minute. */
const DELAY_SAMPLES = 256;

/** A courier is a link that is open while the stick is being written, and as slow as the journey. */
export function courierModel(courier: CourierPlan, way: 'there' | 'back'): ChannelModel {
  const { first, every, travel, loading, capacity, lost, returnsAfter } = courier;
  const leavesUs = way === 'there' ? first : first + travel + (returnsAfter ?? 0);
  const firstUs = Math.max(0, leavesUs - loading);
  return {
    reliable: false,
    bitsPerSec: (capacity * 8 * 1e6) / loading,
    delayUs: constant(travel),
    windows: way === 'back' && returnsAfter === undefined ? () => undefined : periodic({ firstUs, everyUs: every, openUs: loading }),
    loss: { kind: 'none' },
    corruptProbability: 0,
    duplicateProbability: 0,
    reorderProbability: 0,
    reorderUs: 0,
    windowLossProbability: lost,
  };
}

function constant(valueUs: number): () => number {
  return () => valueUs;
}

/** What is said of the whole link is said of the way there; on the way back the planets change places. */
function planetsOf(link: LinkPlan, side: 'there' | 'back'): Line | undefined {
  const own = link[side].delay;
  const delay = own ?? link.delay;
  if (typeof delay !== 'object') return undefined;
  return own === undefined && side === 'back' ? { from: delay.to, to: delay.from } : delay;
}

function delayOf(link: LinkPlan, side: 'there' | 'back', startMs: number, spells: Spells | undefined): (leavesUs: number) => number {
  const planets = planetsOf(link, side);
  const { delay, windows } = { ...link, ...link[side] };
  const otherwise = planets !== undefined ? lightTimes(planets, startMs) : typeof delay === 'number' ? constant(delay) : undefined;
  if (spells !== undefined) return (leavesUs) => spellAt(spells, leavesUs)?.delay ?? otherwise?.(leavesUs) ?? DEFAULT_DELAY_US;
  if (otherwise !== undefined) return otherwise;
  return typeof windows === 'object' && 'passes' in windows ? rangeLightTimes(skyOf(windows.passes, startMs)) : constant(DEFAULT_DELAY_US);
}

/** The windows outside of conjunctions. */
function lightOf(link: LinkPlan, side: 'there' | 'back', windows: Windows, startMs: number): Windows {
  const { conjunctionBelowDeg } = { ...link, ...link[side] };
  const planets = planetsOf(link, side);
  return conjunctionBelowDeg === undefined || planets === undefined ? windows : except(windows, conjunctions(planets, conjunctionBelowDeg, startMs));
}

function windowsOf(link: LinkPlan, side: 'there' | 'back', startMs: number, lightUs: (leavesUs: number) => number): Windows {
  const { windows } = { ...link, ...link[side] };
  if (windows === undefined || windows === 'always') return ALWAYS;
  if (windows === 'never') return () => undefined;
  if ('passes' in windows) return passes(skyOf(windows.passes, startMs), windows.passes.maskDeg);
  if ('sight' in windows) return sights({ line: planetsOf(link, side) as Line, station: stationOf(windows.sight.station), startMs, lightUs }, windows.sight.maskDeg);
  if ('every' in windows) return periodic({ firstUs: windows.first, everyUs: windows.every, openUs: windows.open, driftUs: windows.drift });
  const list = joined(windows.list);
  return windows.loop === undefined ? listed(list) : looped(list, windows.loop);
}

function skyOf({ tle, marsOrbit, station }: PassPlan, startMs: number): Sky {
  return { satellite: tle === undefined ? marsOrbiter(marsOrbit as MarsOrbitPlan) : satelliteOf(...tle), station: stationOf(station), startMs };
}

function stationOf({ latitude, longitude, height }: PassPlan['station']): Station {
  return { latitude, longitude, heightKm: height };
}

/** A radio as good at one distance is worse by the square at another, and no better than it can be. */
function fallingPace({ is, at, most = Number.POSITIVE_INFINITY }: FallingRate, delayUs: (leavesUs: number) => number): Pace {
  return slowPace((us) => {
    const km = Math.max(1, (delayUs(us) / US_PER_SEC) * LIGHT_KM_PER_SEC);
    return Math.min(most, is * (at / km) ** 2);
  });
}

const US_PER_SEC = 1e6;

function lossOf({ loss }: WayPlan): LossModel {
  if (loss === undefined) return { kind: 'none' };
  const segmentBytes = loss.segment;
  if ('probability' in loss) return { kind: 'uniform', probability: loss.probability, segmentBytes };
  if ('bitErrorRate' in loss) return { kind: 'bit-errors', rate: loss.bitErrorRate, segmentBytes };
  return { kind: 'bursts', toBad: loss.toBad, toGood: loss.toGood, lostInGood: loss.lostInGood, lostInBad: loss.lostInBad, segmentBytes };
}
