/** How far a simulation is, or many of them: simulated time and speed, on a terminal; nothing in a log, with --json or with --quiet. */
import { SingleBar } from './progress.js';
import { formatDuration } from './output.js';
import type { CliContext } from './program.js';
import type { Position } from '../sim/world.js';

type Place = Pick<CliContext, 'json' | 'stderr' | 'clock'>;

export interface Countdown<At> {
  update(at: At): void;
  /** Safe to call twice. */
  stop(): void;
}

const NONE = { update: () => undefined, stop: () => undefined };
const LOOK = { barCompleteChar: '█', barIncompleteChar: '░', hideCursor: true, barsize: 30 };

export function startCountdown(place: Place, label: string, isQuiet: boolean): Countdown<Position> {
  if (!isShown(place, isQuiet)) return NONE;
  const startedMs = place.clock.monotonicMs();
  const bar = new SingleBar({ ...LOOK, stream: place.stderr, format: `${label} {bar} {percentage} %  {simulated}  {speed}` });
  bar.start(1, 0, { simulated: '', speed: '' });
  return {
    update({ nowUs, endUs, events }) {
      const ms = Math.max(1, place.clock.monotonicMs() - startedMs);
      bar.update(nowUs / endUs, {
        simulated: `${formatDuration(nowUs / 1000)} of ${formatDuration(endUs / 1000)}`,
        speed: `${Math.round(nowUs / 1000 / ms).toLocaleString('en')} times real time, ${Math.round((events * 1000) / ms).toLocaleString('en')} events/s`,
      });
    },
    stop: () => bar.stop(),
  };
}

/** @param before runs that an earlier sweep has made */
export function startRunCount(place: Place, runs: number, before: number, isQuiet: boolean): Countdown<number> {
  if (!isShown(place, isQuiet)) return NONE;
  const startedMs = place.clock.monotonicMs();
  const bar = new SingleBar({ ...LOOK, stream: place.stderr, format: '{bar} {value} of {total} runs  {left}' });
  bar.start(runs, before, { left: '' });
  return {
    update(done) {
      const msEach = (place.clock.monotonicMs() - startedMs) / Math.max(1, done - before);
      bar.update(done, { left: done < runs ? `${formatDuration(msEach * (runs - done))} left` : '' });
    },
    stop: () => bar.stop(),
  };
}

function isShown({ json, stderr }: Place, isQuiet: boolean): boolean {
  return !json && !isQuiet && stderr.isTTY === true;
}
