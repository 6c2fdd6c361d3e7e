/**
 * Works the table of pending messages: decides what is to be fetched, fetches it, delivers it, and takes the entry
 * out when there is an outcome. What failed stays and is tried again later, with doubling waits, until it expires.
 */
import { backoffMs } from '../base/backoff.js';
import { equalBytes } from '../base/bytes.js';
import { messageOf } from '../base/errors.js';
import { hasExpired, nowSec } from './context.js';
import type { DomainContext } from './context.js';
import { dropPart, fetchBlob } from './fetch.js';
import { acceptAgain, findEntry } from './inbox.js';
import type { InboxEntry } from './inbox.js';
import type { Knock } from './listen.js';
import { PendingTable } from './pending.js';
import { receiveMessage } from './receive.js';
import { hashFile } from './spool.js';
import type { PendingState, Pull } from './state-schema.js';

export interface CollectOptions {
  /** Whether what is delivered is accepted with it, or only when the user says so. */
  readonly accept: boolean;
  /** Whether messages of senders whose pull preference is `on-request` are fetched, too. */
  readonly onRequest: boolean;
  readonly onDelivered: (entry: InboxEntry) => void;
  /** Called when a hand is free again. */
  readonly onFree: () => void;
}

/** So many messages are in hand at once: a large one keeps no small one waiting. */
const HANDS = 4;
const RETRY = { firstMs: 1000, capMs: 10 * 60_000 };
const MOST_WANTED_FIRST: readonly Pull[] = ['immediate', 'on-request', 'ignore'];

export class Collector {
  readonly #context: DomainContext;
  readonly #table: PendingTable;
  readonly #options: CollectOptions;
  readonly #inHand = new Map<string, Promise<void>>();
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
    if (delivered !== undefined) {
      await acceptAgain(delivered, holder);
      this.#context.settled.delete(locator);
      return;
    }
    const known = this.#table.get(locator);
    if (known === undefined) {
      const pull = await this.#pullOf(inner.recipientHash);
      if (pull === 'ignore') return;
      // Strangers may not fill the whole table: half of it is for senders we know.
      if (pull === undefined && this.#table.size >= this.#context.config.knock.mostPending / 2) return;
      if (this.#table.isFull) await this.#makeRoom();
      const heardSec = nowSec(this.#context);
      const { recipientHash, messageId, expirySec } = inner;
      const taken = await this.#table.put({ format: 1, messageId, recipientHash, expirySec, holder, heardSec, failures: 0, nextSec: heardSec });
      if (taken) this.#context.report({ kind: 'heard', locator, gateway });
    } else if (known.refusedBlob === undefined) {
      await this.#hearAgain(known, holder);
    }
  }

  /** Takes in hand what is due, as long as a hand is free. */
  async startDue(signal: AbortSignal): Promise<void> {
    for (const [locator, entry] of await this.#due()) {
      if (this.#inHand.size >= HANDS || signal.aborted) return;
      const work = this.#collect(locator, entry, signal)
        .catch((thrown: unknown) => this.#failed(locator, entry, thrown))
        .finally(() => {
          this.#inHand.delete(locator);
          this.#options.onFree();
        });
      this.#inHand.set(locator, work);
    }
  }

  /** When something falls due next that nobody has in hand, Unix seconds. While no hand is free, that is never. */
  nextSec(): number {
    if (this.#inHand.size >= HANDS) return Infinity;
    let next = Infinity;
    for (const [locator, entry] of this.#table.all()) if (!this.#inHand.has(locator)) next = Math.min(next, entry.nextSec);
    return next;
  }

  /** Waits for what is in hand. */
  async done(): Promise<void> {
    await Promise.all(this.#inHand.values());
  }

  /** What has waited long enough; or all, when somebody has come to be known meanwhile. */
  async #due(): Promise<[string, PendingState][]> {
    const version = await this.#context.correspondents.version();
    const isNew = version !== this.#knownVersion;
    this.#knownVersion = version;
    const now = nowSec(this.#context);
    // A time further away than the longest wait was noted while the clock stood ahead.
    const isDue = ({ nextSec }: PendingState): boolean => nextSec <= now || nextSec > now + RETRY.capMs / 1000;
    return [...this.#table.all()].filter(([locator, entry]) => !this.#inHand.has(locator) && (isNew || isDue(entry)));
  }

  async #collect(locator: string, entry: PendingState, signal: AbortSignal): Promise<void> {
    if (hasExpired(this.#context, entry.expirySec)) return this.#drop(locator);
    const pull = await this.#pullOf(entry.recipientHash);
    if (pull === 'ignore') return this.#drop(locator);
    if (pull === undefined) return this.#stand(entry, 'from somebody who is not known here');
    if (pull === 'on-request' && !this.#options.onRequest) return this.#stand(entry, 'the sender is fetched from on request only');
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
        await this.#stand(entry, received.reason);
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

  /** A fault of this machine, a full disk above all: it is told, and the message waits. */
  async #failed(locator: string, entry: PendingState, thrown: unknown): Promise<void> {
    this.#context.report({ kind: 'trouble', what: `message ${locator}`, thrown });
    await this.#later(entry, messageOf(thrown)).catch((again: unknown) => this.#context.report({ kind: 'trouble', what: `message ${locator}`, thrown: again }));
  }

  /** Somebody who holds it has knocked again: the newest holder is asked, and at once. */
  async #hearAgain(known: PendingState, holder: PendingState['holder']): Promise<void> {
    const isSame = known.holder.url === holder.url && equalBytes(known.holder.keyId, holder.keyId);
    const now = nowSec(this.#context);
    if (!isSame || known.nextSec > now) await this.#table.put({ ...known, holder, nextSec: Math.min(known.nextSec, now) });
  }

  /** What only a change among the correspondents can help: told and written down once, however long it stands. */
  async #stand(entry: PendingState, reason: string): Promise<void> {
    if (entry.problem !== reason) return this.#later(entry, reason);
    this.#table.postpone(this.#putOff(entry, this.#waitSec(entry)));
  }

  /** Takes out what has failed most often, so that knocks for what nobody holds fill no table: for what is held there will be another. */
  async #makeRoom(): Promise<void> {
    let most: [locator: string, failures: number] | undefined;
    for (const [locator, { failures }] of this.#table.all()) {
      if (failures > (most?.[1] ?? 0) && !this.#inHand.has(locator)) most = [locator, failures];
    }
    if (most !== undefined) await this.#drop(most[0]);
  }

  async #later(entry: PendingState, reason: string): Promise<void> {
    const retryAfterSec = this.#waitSec(entry);
    await this.#table.put({ ...this.#putOff(entry, retryAfterSec), problem: reason });
    this.#context.report({ kind: 'waiting', locator: PendingTable.nameOf(entry.messageId), reason, retryAfterSec });
  }

  #putOff(entry: PendingState, waitSec: number): PendingState {
    // A knock may have named another holder meanwhile.
    const { holder } = this.#table.get(PendingTable.nameOf(entry.messageId)) ?? entry;
    return { ...entry, holder, failures: entry.failures + 1, nextSec: nowSec(this.#context) + waitSec };
  }

  #waitSec({ failures }: PendingState): number {
    return Math.ceil(backoffMs(RETRY, failures + 1, this.#context.random) / 1000);
  }

  async #drop(locator: string): Promise<void> {
    await this.#table.remove(locator);
    await dropPart(this.#context, locator);
  }

  /** Undefined for a sender we cannot know. Where it may be one of several, it is the one whose messages are wanted most. */
  async #pullOf(recipientHash: Uint8Array): Promise<Pull | undefined> {
    const pulls = (await this.#context.correspondents.pairings(recipientHash)).map(({ correspondent }) => correspondent.pull);
    return MOST_WANTED_FIRST.find((pull) => pulls.includes(pull));
  }
}
