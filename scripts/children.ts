/** The processes that this one has started and that still run. None of them outlives it, unless it is killed with -9. */
import type { ChildProcess } from 'node:child_process';
import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Shells call it so: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const running = new Set<ChildProcess>();
let watching = false;

export function keepWatch(child: ChildProcess): void {
  running.add(child);
  child.once('close', () => running.delete(child));
  if (watching) return;
  watching = true;
  process.once('exit', () => running.forEach((left) => void left.kill('SIGKILL')));
  // Without a listener a signal ends the process before it can look after its children. Who listens for himself decides.
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(EXIT_CODES[signal]);
    });
  }
}
