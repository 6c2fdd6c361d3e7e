/** Tells what a domain does while a command goes on: words for people, documents for scripts, and how far long transfers have come. */
import { toHex } from '../base/bytes.js';
import type { DomainEvent } from '../domain/events.js';
import type { InboxEntry } from '../domain/inbox.js';
import type { OutgoingMessage } from '../domain/outgoing.js';
import { troubleText } from './domain-home.js';
import { SHORT_LOCATOR, TransferProgress } from './domain-progress.js';
import { formatBytes, formatDuration, printable } from './output.js';
import type { Json } from './output.js';
import type { CliContext } from './program.js';

type Fields = { readonly [key: string]: Json };

/** Scripts hear of bytes that move at most this often, and of the last of them. */
const PROGRESS_EVERY_MS = 1000;

export class EventTeller {
  readonly #context: CliContext;
  readonly #progress: TransferProgress;
  #progressToldMs = -Infinity;

  constructor(context: CliContext) {
    this.#context = context;
    this.#progress = new TransferProgress(context);
  }

  /** Deliveries, outcomes and where it listens are results; everything else is on the way to them. */
  tell(event: DomainEvent): void {
    if ('doneBytes' in event) return this.#tellProgress(event);
    this.stop();
    const { output } = this.#context;
    switch (event.kind) {
      case 'listening':
        return output.result({ event: 'listening', host: event.host, port: event.port }, () => `Listening for knocks on ${event.host}, UDP port ${event.port}.`);
      case 'delivered': {
        const { from, contentBytes } = event.entry.facts;
        return output.result({ event: 'delivered', ...received(event.entry), path: event.path }, () => `${short(event.entry.locator)}  ${printable(event.path)}  ${formatBytes(contentBytes)}  from ${from}`);
      }
      case 'outcome': {
        const { to, name } = event.message.facts;
        return output.result({ event: event.outcome, ...sent(event.message) }, () => `${short(toHex(event.message.record.locator))}  ${printable(name)}  to ${to}: ${event.outcome}`);
      }
      case 'in-custody':
        return output.event({ event: 'in-custody', ...sent(event.message), gateway: event.gateway }, () => `${sentText(event.message)}: in the custody of ${event.gateway}.`);
      case 'not-taken':
        return output.event(
          { event: 'not-taken', ...sent(event.message), gateway: event.gateway, code: event.code, reason: event.reason, retryAfterSec: event.retryAfterSec },
          () => `${sentText(event.message)}: not taken: ${printable(event.reason)} [${event.code}]; again in ${formatDuration(event.retryAfterSec * 1000)}.`,
        );
      case 'heard':
        return output.event({ event: 'heard', message: event.locator, gateway: event.gateway }, () => `${short(event.locator)}: heard from ${event.gateway}.`);
      case 'waiting':
        return output.event(
          { event: 'waiting', message: event.locator, reason: event.reason, retryAfterSec: event.retryAfterSec },
          () => `${short(event.locator)}: ${printable(event.reason)}; again in ${formatDuration(event.retryAfterSec * 1000)}.`,
        );
      case 'accepted':
        return output.event({ event: 'acceptance-told', message: event.entry.locator }, () => `${short(event.entry.locator)}: its holder knows that it is accepted.`);
      case 'trouble':
        return output.event({ event: 'trouble', text: troubleText(event) }, () => troubleText(event));
    }
  }

  /** Ends the bar that is shown, if one is: before other words, and at the end. */
  stop(): void {
    this.#progress.stop();
  }

  #tellProgress(event: Extract<DomainEvent, { readonly doneBytes: number }>): void {
    this.#progress.see(event);
    if (!this.#context.json) return;
    const { kind, doneBytes, totalBytes } = event;
    const nowMs = this.#context.clock.monotonicMs();
    if (doneBytes < totalBytes && nowMs - this.#progressToldMs < PROGRESS_EVERY_MS) return;
    this.#progressToldMs = nowMs;
    const whose = kind === 'sealing' ? { name: event.name } : { message: kind === 'fetching' ? event.locator : toHex(event.message.record.locator) };
    this.#context.output.event({ event: kind, ...whose, doneBytes, totalBytes }, () => '');
  }
}

/** A message of ours, for scripts. */
export function sent({ record, facts }: OutgoingMessage): Fields {
  return { message: toHex(record.locator), record: toHex(record.rid), to: facts.to, name: facts.name, bytes: facts.contentBytes };
}

function received({ locator, facts }: InboxEntry): Fields {
  const { from, to, name, mediaType, contentBytes, flags } = facts;
  const parent = facts.threadParent === undefined ? {} : { replyTo: toHex(facts.threadParent) };
  return { message: locator, from, to, name, type: mediaType, bytes: contentBytes, sent: new Date(facts.sentSec * 1000).toISOString(), flags, ...parent };
}

function sentText({ facts }: OutgoingMessage): string {
  return `${printable(facts.name)} to ${facts.to}`;
}

function short(locator: string): string {
  return locator.slice(0, SHORT_LOCATOR);
}
