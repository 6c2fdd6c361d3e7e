/**
 * What the answer of a gateway says about our messages. Receipts and openings are proofs and change their state;
 * refusals and wants are handed back to whoever asked.
 */
import { equalBytes, toHex } from '../base/bytes.js';
import { opens } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';
import type { ByteRange } from '../wire/ranges.js';
import { takenRids, verifyReceipt } from '../wire/receipt.js';
import type { Receipt } from '../wire/receipt.js';
import type { Refusal } from '../wire/refusal.js';
import { nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { BatchAnswer } from './gateway-door.js';
import { keepReceipt, listMessages, settle } from './outgoing.js';
import type { OutgoingMessage } from './outgoing.js';

type Answer = Extract<BatchAnswer, { kind: 'answered' }>;

/** By rid, in hexadecimal. */
export interface News {
  /** In custody now, or at an end. */
  readonly done: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, Refusal>;
  readonly wanted: ReadonlyMap<string, readonly ByteRange[]>;
  /** The openings, as they came. A gateway repeats them until it gets them back. */
  readonly openings: readonly Uint8Array[];
}

/** @param asked the messages whose records were in the batch. The answer may be about others, too: it carries whatever waits for us. */
export async function applyNews(context: DomainContext, asked: readonly OutgoingMessage[], answer: Answer): Promise<News> {
  const find = finder(context, asked);
  const done = new Set<string>();
  const refused = new Map<string, Refusal>();
  const wanted = new Map<string, readonly ByteRange[]>();
  const openings: Uint8Array[] = [];
  for (const control of answer.head.controls) {
    switch (control.kind) {
      case 'receipt':
        for (const rid of provenRids(control, asked, answer)) {
          const message = await find('rid', rid);
          if (message === undefined) continue;
          await keepReceipt(message, control.bytes);
          done.add(toHex(rid));
          context.report({ kind: 'in-custody', message, gateway: answer.door.name, retainedUntilSec: control.retainedUntilSec });
        }
        break;
      case 'accept':
      case 'retract': {
        openings.push(control.bytes);
        const message = await find('locator', control.locator);
        if (message === undefined || !opens(control, message.record)) break;
        await end(context, message, control);
        done.add(toHex(message.record.rid));
        break;
      }
      case 'refusal':
        refused.set(toHex(control.rid), control);
        break;
      case 'want':
        wanted.set(toHex(control.rid), control.ranges);
        break;
      case 'have':
        // Says the same as the wants beside it.
        break;
    }
  }
  return { done, refused, wanted, openings };
}

/** Nothing, unless the gateway we talk to has signed it, and signed it about the batch we sent. */
function provenRids(receipt: Receipt, asked: readonly OutgoingMessage[], answer: Answer): readonly Uint8Array[] {
  if (!equalBytes(receipt.gateway, answer.door.keyId) || !verifyReceipt(receipt, answer.door.key)) return [];
  if (receipt.taken.form === 'batch' && !equalBytes(receipt.taken.root, answer.root)) return [];
  return takenRids(
    receipt,
    asked.map((message) => message.record.rid),
  );
}

async function end(context: DomainContext, message: OutgoingMessage, opening: Opening): Promise<void> {
  const outcome = opening.kind === 'accept' ? 'accepted' : 'retracted';
  if (await settle(message, outcome, nowSec(context))) context.report({ kind: 'outcome', message, outcome });
}

/** Looks among the messages asked about, and only for news about others at all that are on their way. */
function finder(context: DomainContext, asked: readonly OutgoingMessage[]): (by: 'rid' | 'locator', name: Uint8Array) => Promise<OutgoingMessage | undefined> {
  let all: Promise<OutgoingMessage[]> | undefined;
  return async (by, name) => {
    const isIt = (message: OutgoingMessage): boolean => equalBytes(message.record[by], name);
    const found = asked.find(isIt);
    if (found !== undefined) return found;
    all ??= listMessages(context.home, 'outgoing', (thrown) => context.report({ kind: 'trouble', what: 'an outgoing message', thrown }));
    return (await all).find(isIt);
  };
}
