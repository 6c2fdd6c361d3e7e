/** What the demo shows: a line for each step, a bar or sparse lines while much is moving, and a table at the end. */
import { systemClock } from '../base/clock.js';
import { formatBytes, formatTable, makeOutput } from '../cli/output.js';
import type { Terminal } from '../cli/program.js';
import { startProgress } from '../cli/progress.js';
import type { Progress, ProgressPlace } from '../cli/progress.js';
import type { Input } from './demo-files.js';
import type { Arrival, Step, StepName } from './custody-watch.js';

const WORDS: Readonly<Record<StepName, string>> = {
  sealed: 'sealed by north.example',
  west: 'receipt from west',
  east: 'receipt from east',
  knocked: 'east knocked at south.example',
  fetched: 'fetched from east',
  opened: 'opened by south.example',
  accepted: 'accepted, and ann knows',
};

type Row = { readonly input: Input; readonly identical: boolean } & Arrival;

/** What is done before anybody could read a bar gets none. */
const WORTH_SHOWING_BYTES = 4 * 1024 * 1024;

export class DemoScreen {
  readonly #stdout: NodeJS.WritableStream;
  readonly #place: ProgressPlace;
  #moving: { readonly label: string; readonly progress: Progress } | undefined;

  constructor(stdout: NodeJS.WritableStream, stderr: Terminal) {
    this.#stdout = stdout;
    this.#place = { json: false, stderr, clock: systemClock, output: makeOutput(stdout, stderr, () => false) };
  }

  /** One transfer is shown at a time: the newest that is told of. */
  moving(label: string, doneBytes: number, totalBytes: number): void {
    if (totalBytes < WORTH_SHOWING_BYTES) return;
    if (this.#moving?.label !== label) this.end();
    this.#moving ??= { label, progress: startProgress(this.#place, label, totalBytes) };
    this.#moving.progress.update(doneBytes);
    if (doneBytes >= totalBytes) this.end();
  }

  /** Ends the bar, if one is shown. */
  end(): void {
    this.#moving?.progress.stop();
    this.#moving = undefined;
  }

  step({ input, name, atMs }: Step): void {
    this.#write(`${(atMs / 1000).toFixed(1).padStart(7)} s  ${input.name}: ${WORDS[name]}\n`);
  }

  note(text: string): void {
    this.#write(`${text}\n`);
  }

  table(rows: readonly Row[], processes: readonly { readonly name: string; readonly peakRssBytes: number }[]): void {
    const inOut = formatTable<Row>(
      [
        { title: 'FILE', text: ({ input }) => input.name },
        { title: 'BYTES', align: 'right', text: ({ input }) => String(input.bytes) },
        { title: 'SECONDS', align: 'right', text: ({ tookMs }) => (tookMs === undefined ? '-' : (tookMs / 1000).toFixed(1)) },
        { title: 'MB/S', align: 'right', text: ({ input, tookMs }) => (tookMs === undefined ? '-' : (input.bytes / 1000 / tookMs).toFixed(1)) },
        { title: 'IDENTICAL', text: ({ identical }) => (identical ? 'yes' : 'no') },
        { title: 'CAME OUT AS', text: ({ path }) => path ?? '-' },
      ],
      rows,
    );
    const memory = formatTable<(typeof processes)[number]>(
      [
        { title: 'PROCESS', text: ({ name }) => name },
        { title: 'PEAK MEMORY', align: 'right', text: ({ peakRssBytes }) => formatBytes(peakRssBytes) },
      ],
      processes,
    );
    this.#write(`\n${inOut}\n${memory}\n`);
  }

  /** A bar must not stand in the middle of a sentence. */
  #write(text: string): void {
    if (this.#place.stderr.isTTY === true) this.end();
    this.#stdout.write(text);
  }
}
