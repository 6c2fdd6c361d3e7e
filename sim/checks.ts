/**
 * What must never happen, watched from outside the gateways while they run. The simulator knows the truth (who promised
 * what, when, what time it really is), so each rule of custody is checked where it could be broken.
 */
import { asBuffer, toBase64url, toHex } from '../base/bytes.js';
import type { RecordState } from '../store/store.js';
import type { TrueTime } from './sim-clock.js';
import { US_PER_MS } from './sim-clock.js';
import { ID_MARK } from './message.js';
import type { Message } from './message.js';

export const RULES = {
  lost: 'what was accepted is never lost before it expires',
  'receipt-before-hold': 'no receipt before the record is on stable storage',
  'released-early': 'custody ends with the next custodian, an opening or expiry, and nothing else',
  'expired-early': 'nothing expires before its time',
  'served-wrong': 'what is served is what was sent',
  quota: 'quotas and the reserve are kept',
  'id-leaked': 'no message id is outside a fetch: not on disk, in the index, on links, in answers, knocks or logs',
  'out-of-contact': 'nothing is sent outside a contact',
  'over-budget': 'nothing is sent beyond a budget',
  duplicate: 'what its destination has accepted is not brought to it again',
  'came-back': 'what has ended does not come back',
  fault: 'a gateway meets no fault that nobody caused, and starts again after every stop',
  liveness: 'when the faults stop, everything that is still alive arrives',
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly timeUs: number;
  readonly node: string;
  readonly text: string;
}

/** A clock that is believed may be this far off before anybody doubts it: gateway/clock-trust.ts. */
const BELIEVED_LEAP_MS = 2 * 86_400_000;
const CLOCK_SLACK_MS = 5 * 60_000;
/** After so many the run is as broken as it gets. */
const MOST_VIOLATIONS = 100;
const MARK = asBuffer(ID_MARK);
const MARKS = [toHex(ID_MARK), toBase64url(ID_MARK)];

interface Ledger {
  /** In custody, by what the store said. */
  readonly held: Set<string>;
  readonly ended: Map<string, RecordState>;
}

export class Checks {
  readonly violations: Violation[] = [];
  readonly #time: TrueTime;
  readonly #messages: ReadonlyMap<string, Message>;
  readonly #ledgers = new Map<string, Ledger>();

  constructor(time: TrueTime, messages: ReadonlyMap<string, Message>) {
    this.#time = time;
    this.#messages = messages;
  }

  violated(rule: Rule, node: string, text: string): void {
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push({ rule, timeUs: this.#time.nowUs, node, text });
  }

  held(node: string, rid: string): void {
    this.#ledger(node).held.add(rid);
    this.#messages.get(rid)?.hops.push({ node, timeUs: this.#time.nowUs });
  }

  /** A receipt is about to leave. */
  receipted(node: string, rids: readonly string[]): void {
    const { held, ended } = this.#ledger(node);
    for (const rid of rids) if (!held.has(rid) && !ended.has(rid)) this.violated('receipt-before-hold', node, `${short(rid)} was receipted, and the store has not said that it holds it`);
  }

  stepped(node: string, rid: string, state: RecordState, to: string | undefined): void {
    const ledger = this.#ledger(node);
    const message = this.#messages.get(rid);
    if (state !== 'fetched') this.#end(ledger, rid, state);
    if (message === undefined) return;
    const why = this.#whyNot(message, state, to);
    if (why !== undefined) this.violated('released-early', node, `${short(rid)} is ${state}, and ${why}`);
  }

  expired(node: string, rid: string, wallMs: number): void {
    this.#end(this.#ledger(node), rid, 'expired');
    const message = this.#messages.get(rid);
    if (message === undefined) return;
    const trueMs = this.#time.startMs + this.#time.nowUs / US_PER_MS;
    const believedMs = trueMs + Math.min(Math.max(wallMs - trueMs, 0), BELIEVED_LEAP_MS);
    const expiryMs = message.record.expirySec * 1000;
    if (believedMs + CLOCK_SLACK_MS < expiryMs) this.violated('expired-early', node, `${short(rid)} expired ${Math.round((expiryMs - trueMs) / 1000)} s before its time`);
  }

  /** What a node promised before it stopped, against what it has now. */
  restarted(node: string, states: ReadonlyMap<string, RecordState>): void {
    const ledger = this.#ledger(node);
    for (const rid of ledger.held) {
      if (this.#messages.has(rid) && !states.has(rid)) this.violated('lost', node, `${short(rid)} was in custody before the restart and is not there any more`);
    }
    for (const [rid, state] of states) {
      const endedAs = ledger.ended.get(rid);
      const isHeld = state === 'held' || state === 'fetched';
      if (isHeld && endedAs !== undefined) this.violated('came-back', node, `${short(rid)} had ended as ${endedAs} and is ${state} again`);
      // The power may have gone between a write and the word of it.
      if (!isHeld) this.#end(ledger, rid, state);
      else if (endedAs === undefined) ledger.held.add(rid);
    }
  }

  heldBy(node: string): ReadonlySet<string> {
    return this.#ledger(node).held;
  }

  /** Bytes or text on their way to where no message id may be. */
  written(node: string, where: string, content: Uint8Array | string): void {
    const leaked = typeof content === 'string' ? MARKS.some((mark) => content.includes(mark)) : asBuffer(content).includes(MARK);
    if (leaked) this.violated('id-leaked', node, `a message id was written to ${where}`);
  }

  quota(node: string, what: string, usedBytes: number, limitBytes: number): void {
    if (usedBytes > limitBytes) this.violated('quota', node, `${what} uses ${usedBytes} of ${limitBytes} bytes`);
  }

  /** Nobody will ask for it again. */
  forget(rid: string): void {
    for (const { held, ended } of this.#ledgers.values()) {
      held.delete(rid);
      ended.delete(rid);
    }
  }

  #whyNot(message: Message, state: RecordState, to: string | undefined): string | undefined {
    switch (state) {
      case 'forwarded': {
        const next = this.#ledgers.get(to ?? '');
        if (next?.held.has(message.rid) === true || next?.ended.has(message.rid) === true) return undefined;
        return `${to ?? 'nobody'} has not taken it`;
      }
      case 'accepted':
        return message.isAccepted ? undefined : 'its destination has not accepted it';
      case 'retracted':
        return message.isRetracted ? undefined : 'its sender has not taken it back';
      case 'fetched':
        return message.fetches > 0 ? undefined : 'nobody has fetched it';
      case 'dropped':
        return 'no operator has dropped it';
      case 'expired':
      case 'held':
        return undefined;
    }
  }

  #end({ held, ended }: Ledger, rid: string, state: RecordState): void {
    held.delete(rid);
    ended.set(rid, state);
  }

  #ledger(node: string): Ledger {
    const known = this.#ledgers.get(node);
    if (known !== undefined) return known;
    const ledger: Ledger = { held: new Set(), ended: new Map() };
    this.#ledgers.set(node, ledger);
    return ledger;
  }
}

export function short(rid: string): string {
  return rid.slice(0, 8);
}
