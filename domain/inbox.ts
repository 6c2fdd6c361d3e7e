/**
 * Delivered messages, one folder each, named by the locator. The folder appears with one rename, content and
 * all: it is the message and the mark that it was delivered. It stays when the content is handed out or deleted.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../base/bytes.js';
import { codeOf } from '../base/durable-file.js';
import { PosternError } from '../base/errors.js';
import type { Home } from './home.js';
import { createState, readState, writeState } from './state-file.js';
import { inboxSchema, markSchema } from './state-schema.js';
import type { Holder, InboxState } from './state-schema.js';

export interface InboxEntry {
  readonly locator: string;
  readonly dir: string;
  readonly facts: InboxState;
}

/** delivered: here, not accepted. accepting: decided, and the holder may not know it. accepted: the holder was told. */
export type Acceptance = 'delivered' | 'accepting' | 'accepted';

const LOCATOR = /^[0-9a-f]{48}$/;

export async function findEntry(home: Home, locator: string): Promise<InboxEntry | undefined> {
  if (!LOCATOR.test(locator)) return undefined;
  const dir = join(home.inbox, locator);
  const facts = await readState(entryFile(dir), inboxSchema);
  return facts && { locator, dir, facts };
}

/** One that cannot be read is handed to `onBroken`. */
export async function listInbox(home: Home, onBroken: (thrown: unknown) => void): Promise<InboxEntry[]> {
  const entries: InboxEntry[] = [];
  for (const locator of (await readdir(home.inbox)).sort()) {
    try {
      const entry = await findEntry(home, locator);
      if (entry !== undefined) entries.push(entry);
    } catch (thrown) {
      onBroken(thrown);
    }
  }
  return entries;
}

/** The entry whose locator or message id begins like this, when it is the only one. */
export function pickEntry(entries: readonly InboxEntry[], prefix: string): InboxEntry {
  const found = entries.filter((entry) => entry.locator.startsWith(prefix));
  if (found.length === 1 && prefix.length >= SHORTEST_PREFIX) return found[0]!;
  throw new PosternError('DOMAIN_MESSAGE', found.length > 1 ? `"${prefix}" begins several messages: give more of it.` : `There is no message "${prefix}" in the inbox.`, { message: prefix });
}

const SHORTEST_PREFIX = 4;

/**
 * Locators of entries whose acceptance is decided and not yet told; looks at names only.
 * @param settled those of which the holders have heard: not looked at, and added to. An inbox keeps its entries for years.
 */
export async function listAccepting(home: Home, settled: Set<string>): Promise<string[]> {
  const locators: string[] = [];
  for (const locator of (await readdir(home.inbox)).filter((name) => LOCATOR.test(name) && !settled.has(name))) {
    const acceptance = await acceptanceOf(join(home.inbox, locator));
    if (acceptance === 'accepting') locators.push(locator);
    else if (acceptance === 'accepted') settled.add(locator);
  }
  return locators;
}

export async function acceptanceOf(dir: string): Promise<Acceptance> {
  const files = await readdir(dir);
  if (files.includes(ACCEPTED)) return 'accepted';
  return files.includes(ACCEPTING) ? 'accepting' : 'delivered';
}

export async function markAccepting(dir: string, atSec: number): Promise<void> {
  await createState(join(dir, ACCEPTING), markSchema, { format: 1, atSec });
}

export async function markAccepted(dir: string, atSec: number): Promise<void> {
  await createState(join(dir, ACCEPTED), markSchema, { format: 1, atSec });
}

/** Somebody who holds it knocks again, so it has not heard: it, and not the one who was told before, is told next. */
export async function acceptAgain({ dir, facts }: InboxEntry, holder: Holder): Promise<void> {
  const isSame = facts.holder.url === holder.url && equalBytes(facts.holder.keyId, holder.keyId);
  if (!isSame) await writeState(entryFile(dir), inboxSchema, { ...facts, holder });
  try {
    await rm(join(dir, ACCEPTED));
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
  }
}

export function entryFile(dir: string): string {
  return join(dir, 'message.json');
}

const ACCEPTING = 'accepting.json';
const ACCEPTED = 'accepted.json';
