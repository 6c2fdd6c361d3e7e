/**
 * Tells the holders what was accepted, until they have heard. The decision is on disk before anybody is told, so a
 * crash costs at most a second telling; and only an accepted message frees its holder.
 */
import { fromHex, toHex } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import type { Opening } from '../wire/opening.js';
import { hasExpired, nowSec } from './context.js';
import type { DomainContext } from './context.js';
import { findEntry, listAccepting, markAccepted } from './inbox.js';
import type { InboxEntry } from './inbox.js';

/** One telling for everything that waits. What a holder has not heard stays for the next time. */
export async function tellAccepted(context: DomainContext, signal: AbortSignal): Promise<void> {
  const byHolder = new Map<string, InboxEntry[]>();
  for (const locator of await listAccepting(context.home, context.settled)) {
    const entry = await readEntry(context, locator);
    if (entry === undefined) continue;
    const holder = `${toHex(entry.facts.holder.keyId)} ${entry.facts.holder.url}`;
    byHolder.set(holder, [...(byHolder.get(holder) ?? []), entry]);
  }
  for (const entries of byHolder.values()) {
    if (signal.aborted) return;
    await tellHolder(context, entries, signal);
  }
}

async function tellHolder(context: DomainContext, entries: readonly InboxEntry[], signal: AbortSignal): Promise<void> {
  const door = context.doors.of(entries[0]!.facts.holder);
  const heard = (await door?.tell(entries.map(acceptanceOf), signal)) === true;
  for (const entry of entries) {
    // A holder frees itself at expiry; after that nobody is left who would have to be told.
    if (!heard && !hasExpired(context, entry.facts.expirySec)) continue;
    await markAccepted(entry.dir, nowSec(context));
    context.report({ kind: 'accepted', entry });
  }
}

function acceptanceOf(entry: InboxEntry): Opening {
  return { kind: 'accept', locator: fromHex(entry.locator)!, secret: entry.facts.acceptSecret };
}

async function readEntry(context: DomainContext, locator: string): Promise<InboxEntry | undefined> {
  try {
    return await findEntry(context.home, locator);
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    context.report({ kind: 'trouble', what: `message ${locator} in the inbox`, thrown });
    return undefined;
  }
}
