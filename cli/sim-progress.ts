/** How far a simulation is: its own time and its speed, on a terminal; nothing in a log or with --json. */
import { SingleBar } from './progress.js';
import { formatDuration } from './output.js';
import type { CliContext } from './program.js';
import type { Position } from '../sim/world.js';

export interface Countdown {
  update(position: Position): void;
  /** Safe to call twice. */
  stop(): void;
}

export function startCountdown(context: Pick<CliContext, 'json' | 'stderr' | 'clock'>, label: string): Countdown {
  if (context.json || context.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const startedMs = context.clock.monotonicMs();
  const bar = new SingleBar({ stream: context.stderr, format: `${label} {bar} {percentage} %  {simulated}  {rate} events/s`, barCompleteChar: '█', barIncompleteChar: '░', hideCursor: true, barsize: 30 });
  bar.start(1, 0, { simulated: '', rate: '' });
  return {
    update({ nowUs, endUs, events }) {
      const ms = Math.max(1, context.clock.monotonicMs() - startedMs);
      bar.update(nowUs / endUs, { simulated: formatDuration(nowUs / 1000), rate: Math.round((events * 1000) / ms) });
    },
    stop: () => bar.stop(),
  };
}
