/** When a direction of a link works: windows of true time, made one after the other, so that a year of them costs nothing. */
import type { Contact, ContactSource } from '../plan/contact.js';
import type { Pace } from './pace.js';

export interface Window {
  readonly startUs: number;
  /** Nothing is on its way into the medium after this. */
  readonly endUs: number;
  /** Where it differs from the link's own. */
  readonly bitsPerSec?: number;
  readonly delayUs?: number;
  readonly lostProbability?: number;
}

/** The first window that ends after a time; undefined when there is none any more. */
export type Windows = (afterUs: number) => Window | undefined;

export const ALWAYS: Windows = (afterUs) => (afterUs < Number.MAX_SAFE_INTEGER ? { startUs: 0, endUs: Number.MAX_SAFE_INTEGER } : undefined);

/** Ordered windows that do not overlap. Asked for later and later times, as a run does, it does not look from the start again. */
export function listed(windows: readonly Window[]): Windows {
  let at = 0;
  return (afterUs) => {
    if (at > 0 && (windows[at - 1]?.endUs ?? 0) > afterUs) at = 0;
    while (at < windows.length && (windows[at] as Window).endUs <= afterUs) at += 1;
    return windows[at];
  };
}

/** A list again and again: its times count from the beginning of each round. */
export function looped(windows: readonly Window[], roundUs: number): Windows {
  return (afterUs) => {
    const firstUs = Math.max(0, Math.floor(afterUs / roundUs)) * roundUs;
    for (const beginsUs of [firstUs, firstUs + roundUs]) {
      const window = windows.find(({ endUs }) => beginsUs + endUs > afterUs);
      if (window !== undefined) return { ...window, startUs: beginsUs + window.startUs, endUs: beginsUs + window.endUs };
    }
    return undefined;
  };
}

/** Windows that have to be looked for: each once, from the end of the one before it on. */
export function sought(find: (fromUs: number) => Window | undefined): Windows {
  const found: Window[] = [];
  let at = 0;
  let isLast = false;
  return (afterUs) => {
    if (at > 0 && (found[at - 1]?.endUs ?? 0) > afterUs) at = 0;
    for (; (found[at]?.endUs ?? 0) <= afterUs; at += 1) {
      if (at < found.length) continue;
      const next = isLast ? undefined : find(found.at(-1)?.endUs ?? 0);
      isLast = next === undefined;
      if (next === undefined) return undefined;
      found.push(next);
      at -= 1;
    }
    return found[at];
  };
}

export interface Timetable {
  readonly firstUs: number;
  readonly everyUs: number;
  readonly openUs: number;
  /** How much later each window comes than the timetable alone would have it; may be negative. */
  readonly driftUs?: number;
}

export function periodic({ firstUs, everyUs, openUs, driftUs = 0 }: Timetable): Windows {
  const stepUs = everyUs + driftUs;
  return (afterUs) => {
    const index = Math.max(0, Math.floor((afterUs - firstUs - openUs) / stepUs) + 1);
    const startUs = firstUs + index * stepUs;
    return { startUs, endUs: startUs + openUs };
  };
}

/** What is left of `windows` outside of `dark`, whose windows are the times at which nothing gets through. */
export function except(windows: Windows, dark: Windows): Windows {
  return (afterUs) => {
    let fromUs = afterUs;
    for (let window = windows(fromUs); window !== undefined; window = windows(fromUs)) {
      const light = firstLight(window, Math.max(window.startUs, fromUs), dark);
      if (light !== undefined) return light;
      fromUs = window.endUs;
    }
    return undefined;
  };
}

/** The first light part of a window that ends after `fromUs`. */
function firstLight(window: Window, fromUs: number, dark: Windows): Window | undefined {
  let startUs = window.startUs;
  for (let night = dark(startUs); night !== undefined && night.startUs < window.endUs; night = dark(startUs)) {
    if (night.startUs > startUs && night.startUs > fromUs) return { ...window, startUs, endUs: night.startUs };
    startUs = night.endUs;
    if (startUs >= window.endUs) return undefined;
  }
  return { ...window, startUs };
}

/** What of a direction a gateway can plan with. */
export interface Foreseen {
  readonly windows: Windows;
  readonly bitsPerSec: number;
  /** Where the rate changes in time. */
  readonly pace?: Pace;
  delayUs(leavesUs: number): number;
}

/** What a gateway is told of the windows: its contact plan, in the time that clocks show. The rate is the mean of what is left of a window; the light time that of its beginning, or of the time that is asked for. */
export function contactPlan(foreseen: Foreseen, startMs: number): ContactSource {
  const { windows } = foreseen;
  const contactOf = (window: Window, askedUs: number): Contact => {
    const atUs = Math.max(window.startUs, askedUs);
    return {
      startMs: startMs + window.startUs / US_PER_MS,
      endMs: window.endUs === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : startMs + window.endUs / US_PER_MS,
      rateBytesPerSec: (window.bitsPerSec ?? foreseen.pace?.meanBits(atUs, window.endUs) ?? foreseen.bitsPerSec) / BITS_PER_BYTE,
      lightTimeMs: Math.ceil((window.delayUs ?? foreseen.delayUs(atUs)) / US_PER_MS),
    };
  };
  const toUs = (ms: number): number => Math.max(0, Math.floor((ms - startMs) * US_PER_MS));
  return {
    at(ms) {
      const window = windows(toUs(ms));
      return window !== undefined && window.startUs <= toUs(ms) ? contactOf(window, toUs(ms)) : undefined;
    },
    next(afterMs) {
      let window = windows(toUs(afterMs));
      while (window !== undefined && window.startUs <= toUs(afterMs)) window = windows(window.endUs);
      return window === undefined ? undefined : contactOf(window, window.startUs);
    },
  };
}

const US_PER_MS = 1000;
const BITS_PER_BYTE = 8;
