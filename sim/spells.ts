/** A list of windows in which rate and delay may change from one to the next: those that touch are one window, whose rate and delay change within it. */
import { lastAtOrBelow, steppedPace } from './pace.js';
import type { Pace } from './pace.js';
import type { SpellList } from './scenario-schema.js';
import type { Window } from './windows.js';

type Spell = SpellList['list'][number];

export interface Spells {
  readonly list: readonly Spell[];
  readonly starts: Float64Array;
  readonly roundUs: number | undefined;
}

/** Undefined where all that differs is the time. */
export function changingSpells({ list, loop }: SpellList): Spells | undefined {
  const isPlain = list.every(({ rate, delay }) => rate === undefined && delay === undefined);
  return isPlain ? undefined : { list, starts: Float64Array.from(list, ({ from }) => from), roundUs: loop };
}

export function joined(list: readonly Spell[]): Window[] {
  const windows: Window[] = [];
  for (const { from, until, lost } of list) {
    const last = windows.at(-1);
    // What may be lost is lost for itself.
    if (last?.endUs === from && last.lostProbability === undefined && lost === undefined) windows[windows.length - 1] = { ...last, endUs: until };
    else windows.push({ startUs: from, endUs: until, ...(lost !== undefined && { lostProbability: lost }) });
  }
  return windows;
}

/** The spell in which this time lies, or the one before it. */
export function spellAt({ list, starts, roundUs }: Spells, us: number): Spell | undefined {
  return list[lastAtOrBelow(starts, roundUs === undefined ? us : us % roundUs)];
}

/** @param otherwiseBits the rate of those that have none of their own */
export function spellPace(spells: Spells | undefined, otherwiseBits: number): Pace | undefined {
  if (spells === undefined || spells.list.every(({ rate }) => rate === undefined)) return undefined;
  const { list, roundUs } = spells;
  const steps = list.map(({ from, rate }, index) => ({ fromUs: index === 0 ? 0 : from, bitsPerSec: rate ?? otherwiseBits }));
  return steppedPace(steps, roundUs ?? list.at(-1)?.until ?? 0, roundUs !== undefined);
}
