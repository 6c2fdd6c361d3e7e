/**
 * How far a long transfer has come: a bar where somebody watches a terminal, a line now and then in a log,
 * nothing with --json. The door to cli-progress.
 */
import { SingleBar } from 'cli-progress';
import type { CliContext } from './program.js';
import { formatBytes, formatDuration } from './output.js';

export { SingleBar };

export interface Progress {
  /** @param doneBytes all that is done so far */
  update(doneBytes: number): void;
  /** Ends the bar where it stands. Safe to call twice. */
  stop(): void;
}

/** In a log: not more often than this. */
const LINE_EVERY_MS = 10_000;

/** Where progress is shown. */
export type ProgressPlace = Pick<CliContext, 'json' | 'stderr' | 'clock' | 'output'>;

export function startProgress(context: ProgressPlace, label: string, totalBytes: number): Progress {
  if (context.json) return { update: () => undefined, stop: () => undefined };
  return context.stderr.isTTY ? bar(context, label, totalBytes) : lines(context, label, totalBytes);
}

function bar(context: ProgressPlace, label: string, totalBytes: number): Progress {
  const startedMs = context.clock.monotonicMs();
  const single = new SingleBar({
    stream: context.stderr,
    format: `${label} {bar} {percentage} %  {done}  {rate}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    barsize: 30,
  });
  const shown = (doneBytes: number): { done: string; rate: string } => ({
    done: formatBytes(doneBytes),
    rate: formatRate(doneBytes, context.clock.monotonicMs() - startedMs),
  });
  single.start(totalBytes, 0, shown(0));
  return { update: (doneBytes) => single.update(doneBytes, shown(doneBytes)), stop: () => single.stop() };
}

function lines(context: ProgressPlace, label: string, totalBytes: number): Progress {
  const startedMs = context.clock.monotonicMs();
  let saidMs = startedMs;
  let lastBytes = 0;
  let stopped = false;
  return {
    update(doneBytes) {
      lastBytes = doneBytes;
      const nowMs = context.clock.monotonicMs();
      if (stopped || nowMs - saidMs < LINE_EVERY_MS) return;
      saidMs = nowMs;
      context.output.note(`${label}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}, ${formatRate(doneBytes, nowMs - startedMs)}`);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      const ms = context.clock.monotonicMs() - startedMs;
      context.output.note(`${label}: ${formatBytes(lastBytes)} in ${formatDuration(ms)}`);
    },
  };
}

/** `12.0 MiB/s` */
export function formatRate(bytes: number, ms: number): string {
  return ms <= 0 ? '' : `${formatBytes((bytes * 1000) / ms)}/s`;
}
