/**
 * Works the table of pending messages: decides what is to be fetched, fetches it, delivers it, and takes the entry
 * out when there is an outcome. What failed stays and is tried again later, with doubling waits, until it expires.
 */
import { backoffMs } from '../base/backoff.js';
import { equalBytes } from '../base/bytes.js';
import { isPosternError, messageOf } from '../base/errors.js';
import { hasExpired, nowSec } from './context.js';
import type { DomainContext } from './context.js';
import { dropPart, fetchBlob } from './fetch.js';
import { acceptAgain, findEntry } from './inbox.js';
import type { InboxEntry } from './inbox.js';
import type { Knock } from './listen.js';
import { PendingTable } from './pending.js';
import { receiveMessage } from './receive.js';
import { hashFile } from './spool.js';
import type { PendingState } from './state-schema.js';

export interface CollectOptions {
  /** Whether what is delivered is accepted with it, or only when the user says so. */
  readonly accept: boolean;
  /** Whether messages of senders whose pull preference is `on-request` are fetched, too. */
  readonly onRequest: boolean;
  readonly onDelivered: (entry: InboxEntry) => void;
}

/** A large message must not keep small ones waiting. */
const FETCHES_AT_ONCE = 3;
const RETRY = { firstMs: 1000, capMs: 10 * 60_000 };

export class Collector {
  readonly #context: DomainContext;
  readonly #table: PendingTable;
  readonly #options: CollectOptions;
  #knownVersion: bigint | undefined;

  constructor(context: DomainContext, table: PendingTable, options: CollectOptions) {
    this.#context = context;
    this.#table = table;
    this.#options = options;
  }

  /** A knock that was believed: on disk when this resolves, unless nothing is to be remembered of it. */
  async hear({ inner, holder, gateway }: Knock): Promise<void> {
    const locator = PendingTable.nameOf(inner.messageId);
    const delivered = await findEntry(this.#context.home, locator);
    if (delivered !== undefined) return acceptAgain(delivered.dir);
    const known = this.#table.get(locator);
    if (known === undefined) {
      const pull = await this.#pullOf(inner.recipientHash);
      if (pull === 'ignore') return;
      // Strangers may not fill the whole table: half of it is for senders we know.
      if (pull === undefined && this.#table.size >= this.#context.config.knock.mostPending / 2) return;
      const heardSec = nowSec(this.#context);
      const { recipientHash, messageId, expirySec } = inner;
      const taken = await this.#table.put({ format: 1, messageId, recipientHash, expirySec, holder, heardSec, failures: 0, nextSec: heardSec });
      if (taken) this.#context.report({ kind: 'heard', locator, gateway });
    } else if (known.refusedBlob === undefined) {
      await this.#hearAgain(known, holder);
    }
  }

  /** Everything that is due, a few at a time. */
  async collectDue(signal: AbortSignal): Promise<void> {
    const due = await this.#due();
    const worker = async (): Promise<void> => {
      for (let next = due.shift(); next !== undefined && !signal.aborted; next = due.shift()) await this.#collect(next, signal);
    };
    await Promise.all(Array.from({ length: FETCHES_AT_ONCE }, worker));
  }

  /** When something falls due next, Unix seconds; entries that wait for a decision of people have no time. */
  nextSec(): number | undefined {
    let next: number | undefined;
    for (const [, entry] of this.#table.all()) if (next === undefined || entry.nextSec < next) next = entry.nextSec;
    return next;
  }

  /** What has waited long enough; or all, when somebody has come to be known meanwhile. */
  async #due(): Promise<[string, PendingState][]> {
    const version = await this.#context.correspondents.version();
    const isNew = version !== this.#knownVersion;
    this.#knownVersion = version;
    return [...this.#table.all()].filter(([, entry]) => isNew || entry.nextSec <= nowSec(this.#context));
  }

  async #collect([locator, entry]: [string, PendingState], signal: AbortSignal): Promise<void> {
    if (hasExpired(this.#context, entry.expirySec)) return this.#drop(locator);
    const pull = await this.#pullOf(entry.recipientHash);
    if (pull === 'ignore') return this.#drop(locator);
    if (pull === undefined) return this.#later(entry, 'from somebody who is not known here');
    if (pull === 'on-request' && !this.#options.onRequest) return this.#later(entry, 'the sender is fetched from on request only');
    try {
      await this.#fetchAndReceive(locator, entry, signal);
    } catch (thrown) {
      if (!isPosternError(thrown)) throw thrown;
      this.#context.report({ kind: 'trouble', what: `message ${locator}`, thrown });
      await this.#later(entry, messageOf(thrown));
    }
  }

  async #fetchAndReceive(locator: string, entry: PendingState, signal: AbortSignal): Promise<void> {
    const fetched = await fetchBlob(this.#context, locator, entry, signal);
    if (fetched.kind !== 'complete') return signal.aborted ? undefined : this.#later(entry, fetched.reason);
    const received = await receiveMessage(this.#context, locator, entry, fetched.file, this.#options.accept);
    switch (received.kind) {
      case 'delivered':
      case 'duplicate':
        await this.#drop(locator);
        if (received.kind === 'delivered') this.#options.onDelivered(received.entry);
        break;
      case 'withheld':
        // The blob stays: it opens as soon as its sender's key is known.
        await this.#later(entry, received.reason);
        break;
      case 'bad': {
        // Bytes that were damaged on the way are fetched again; a blob that is bad at its holder is not.
        const isHolders = equalBytes(await hashFile(fetched.file), fetched.blobHash);
        await dropPart(this.#context, locator);
        await this.#later(isHolders ? { ...entry, refusedBlob: fetched.blobHash } : entry, received.reason);
        break;
      }
    }
  }

  /** Somebody who holds it has knocked again: the newest holder is asked, and at once. */
  async #hearAgain(known: PendingState, holder: PendingState['holder']): Promise<void> {
    const isSame = known.holder.url === holder.url && equalBytes(known.holder.keyId, holder.keyId);
    const now = nowSec(this.#context);
    if (!isSame || known.nextSec > now) await this.#table.put({ ...known, holder, nextSec: Math.min(known.nextSec, now) });
  }

  async #later(entry: PendingState, reason: string): Promise<void> {
    const failures = entry.failures + 1;
    const retryAfterSec = Math.ceil(backoffMs(RETRY, failures, this.#context.random) / 1000);
    await this.#table.put({ ...entry, failures, nextSec: nowSec(this.#context) + retryAfterSec, problem: reason });
    this.#context.report({ kind: 'waiting', locator: PendingTable.nameOf(entry.messageId), reason, retryAfterSec });
  }

  async #drop(locator: string): Promise<void> {
    await this.#table.remove(locator);
    await dropPart(this.#context, locator);
  }

  /** Undefined for a sender we cannot know. */
  async #pullOf(recipientHash: Uint8Array): Promise<'immediate' | 'on-request' | 'ignore' | undefined> {
    return (await this.#context.correspondents.pairing(recipientHash))?.correspondent.pull;
  }
}
