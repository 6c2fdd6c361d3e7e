/**
 * Time goes back when somebody confirms that it is earlier than this gateway believed. What was put off by the time of
 * before would wait until that is reached, months perhaps: it is due at once. Queues are looked through slice by
 * slice; a restart in between is one to a time that has to be confirmed again.
 */
import type { Schedule } from '../store/store.js';
import type { GatewayContext } from './context.js';
import type { NeighbourForwarder } from './forward.js';
import { LONGEST_RETRY_AFTER_MS } from './release.js';
import { peerTarget, servedTarget } from './target.js';
import type { UsbLinkConfig } from './usb-schema.js';

/** A queue, and the latest that anything in it is due by the laws of its stage, as long as time goes on. */
export interface PulledQueue {
  readonly target: string;
  readonly latestDueMs: (nowMs: number) => number;
}

/** Looked at between two rounds of everything else. */
const LOOKED_AT_ONCE = 250;

export class PullIn {
  readonly #context: GatewayContext;
  readonly #queues: () => readonly PulledQueue[];
  /** Those that are still to be looked through; undefined while time has not gone back. */
  #left: readonly PulledQueue[] | undefined;
  /** The last record of the slice before, in the first of them: it moves once the next slice, which begins at it, has been read. */
  #last: Uint8Array | undefined;

  constructor(context: GatewayContext, queues: () => readonly PulledQueue[]) {
    this.#context = context;
    this.#queues = queues;
  }

  begin(): void {
    this.#left = this.#queues();
    this.#last = undefined;
  }

  /** Looks at a slice. Gives true while there is more. */
  async slice(): Promise<boolean> {
    if (this.#left === undefined) return false;
    const [queue, ...others] = this.#left;
    if (queue === undefined) {
      this.#left = undefined;
      this.#context.trust.forgetLater();
      return false;
    }
    if (await this.#lookAtSome(queue)) return true;
    this.#left = others;
    return true;
  }

  /** Gives true while there is more in this queue. */
  async #lookAtSome({ target, latestDueMs }: PulledQueue): Promise<boolean> {
    const { store, trust, log } = this.#context;
    const slice = await store.list(target, LOOKED_AT_ONCE, this.#last);
    const carried = this.#last === undefined ? undefined : await store.find(this.#last);
    this.#last = slice.length < LOOKED_AT_ONCE ? undefined : slice.pop()?.record.rid;
    const nowMs = trust.nowMs();
    const latestMs = latestDueMs(nowMs);
    const changes: { rid: Uint8Array; schedule: Schedule }[] = [];
    for (const { record: { rid }, schedule } of carried === undefined ? slice : [carried, ...slice]) {
      // What was never tried waits for nothing.
      if (schedule?.target === target && schedule.dueMs > (schedule.attempts === 0 ? nowMs : latestMs)) changes.push({ rid, schedule: { ...schedule, dueMs: nowMs } });
    }
    if (changes.length > 0) {
      await store.reschedule(changes);
      log.info('due at once, since time has gone back', { reason: target, count: changes.length });
    }
    return this.#last !== undefined;
  }
}

/** Where a refusal puts off, a receipt is awaited, or a stick is on its way. A blob that cannot be read waits for less. */
export function neighbourQueue(forwarder: NeighbourForwarder): PulledQueue {
  const sticks = forwarder.peer.config.links.filter((link): link is UsbLinkConfig => link.kind === 'usb');
  const longestMs = Math.max(LONGEST_RETRY_AFTER_MS, ...sticks.map(({ lostAfterMs }) => lostAfterMs));
  return { target: peerTarget(forwarder.peer.name), latestDueMs: (nowMs) => Math.max(nowMs + longestMs, forwarder.latestReceiptMs(nowMs)) };
}

/** What nobody is to be told of is put off for longer, and will be again. */
export function servedQueue(domain: string, { config: { knock } }: GatewayContext): PulledQueue {
  return { target: servedTarget(domain), latestDueMs: (nowMs) => nowMs + knock.capMs };
}
