/** Progress of a domain's long transfers, one at a time: of several at once, the one that began first is shown. */
import type { DomainEvent } from '../domain/events.js';
import type { CliContext } from './program.js';
import { printable } from './output.js';
import { startProgress } from './progress.js';
import type { Progress } from './progress.js';

/** What is done before anybody could read a bar gets none. */
const WORTH_SHOWING_BYTES = 4 * 1024 * 1024;

type Moving = Extract<DomainEvent, { readonly doneBytes: number }>;

export class TransferProgress {
  readonly #context: CliContext;
  #shown: { readonly label: string; readonly progress: Progress } | undefined;

  constructor(context: CliContext) {
    this.#context = context;
  }

  /** Takes every event, and makes use of those that tell of bytes moving. */
  see(event: DomainEvent): void {
    if (!('doneBytes' in event) || event.totalBytes < WORTH_SHOWING_BYTES) return;
    const label = labelOf(event);
    this.#shown ??= { label, progress: startProgress(this.#context, label, event.totalBytes) };
    if (this.#shown.label !== label) return;
    this.#shown.progress.update(event.doneBytes);
    if (event.doneBytes >= event.totalBytes) this.stop();
  }

  /** Ends what is shown: before other words, and at the end. */
  stop(): void {
    this.#shown?.progress.stop();
    this.#shown = undefined;
  }
}

function labelOf(event: Moving): string {
  switch (event.kind) {
    case 'sealing':
      return `sealing ${printable(event.name)}`;
    case 'handing-over':
      return `handing over ${printable(event.message.facts.name)}`;
    case 'fetching':
      return `fetching ${event.locator.slice(0, SHORT_LOCATOR)}`;
  }
}

/** So much of a locator names a message to people. */
export const SHORT_LOCATOR = 12;
