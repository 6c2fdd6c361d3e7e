/** From what a scenario says of one way of a link, or of a courier, to a channel of the world. */
import type { ChannelModel } from './channel.js';
import type { LossModel } from './losses.js';
import type { CourierPlan, LinkPlan, WayPlan } from './scenario-schema.js';
import { ALWAYS, listed, periodic } from './windows.js';
import type { Windows } from './windows.js';

const DEFAULT_RATE_BITS = 10e6;
const DEFAULT_DELAY_US = 1000;

/** @param startMs Unix time at the start of the run */
export function wayModel(link: LinkPlan, own: WayPlan, startMs: number): ChannelModel {
  const way = { ...link, ...own };
  void startMs;
  return {
    reliable: link.reliable,
    bitsPerSec: way.rate ?? DEFAULT_RATE_BITS,
    delayUs: typeof way.delay === 'number' ? constant(way.delay) : constant(DEFAULT_DELAY_US),
    windows: windowsOf(way),
    loss: lossOf(way),
    corruptProbability: way.corrupt ?? 0,
    duplicateProbability: way.duplicate ?? 0,
    reorderProbability: way.reorder?.probability ?? 0,
    reorderUs: way.reorder?.by ?? 0,
    windowLossProbability: 0,
  };
}

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

function windowsOf({ windows }: WayPlan): Windows {
  if (windows === undefined || windows === 'always') return ALWAYS;
  if ('list' in windows) return listed(windows.list.map(([startUs, endUs]) => ({ startUs, endUs })));
  return periodic({ firstUs: windows.first, everyUs: windows.every, openUs: windows.open, driftUs: windows.drift });
}

function lossOf({ loss }: WayPlan): LossModel {
  if (loss === undefined) return { kind: 'none' };
  const segmentBytes = loss.segment;
  if ('probability' in loss) return { kind: 'uniform', probability: loss.probability, segmentBytes };
  if ('bitErrorRate' in loss) return { kind: 'bit-errors', rate: loss.bitErrorRate, segmentBytes };
  return { kind: 'bursts', toBad: loss.toBad, toGood: loss.toGood, lostInGood: loss.lostInGood, lostInBad: loss.lostInBad, segmentBytes };
}
