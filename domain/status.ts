/** How a domain stands, for people and scripts: read from its folder, so that it needs no running process. */
import type { DomainContext } from './context.js';
import type { KnownDomain } from './correspondents.js';
import { acceptanceOf, listInbox } from './inbox.js';
import type { Acceptance, InboxEntry } from './inbox.js';
import { isRetracting, listMessages, stateOf, troubleOf } from './outgoing.js';
import type { MessageState, OutgoingMessage } from './outgoing.js';
import { PendingTable } from './pending.js';
import type { PendingState, TroubleState } from './state-schema.js';

export interface DomainStatus {
  readonly name: string;
  readonly users: readonly string[];
  readonly gateways: readonly { readonly name: string; readonly url: string }[];
  readonly correspondents: readonly KnownDomain[];
  readonly outgoing: readonly OutgoingStatus[];
  /** Messages that have come to an end, by outcome. */
  readonly sent: Readonly<Partial<Record<MessageState, number>>>;
  readonly pending: readonly { readonly locator: string; readonly entry: PendingState }[];
  readonly inbox: readonly { readonly entry: InboxEntry; readonly acceptance: Acceptance }[];
}

export interface OutgoingStatus {
  readonly message: OutgoingMessage;
  readonly state: MessageState;
  readonly retracting: boolean;
  readonly trouble?: TroubleState;
}

export async function statusOf(context: DomainContext): Promise<DomainStatus> {
  const { home, identity, doors } = context;
  const onBroken = (thrown: unknown): void => context.report({ kind: 'trouble', what: 'a file of the domain', thrown });
  const outgoing: OutgoingStatus[] = [];
  for (const message of await listMessages(home, 'outgoing', onBroken)) {
    outgoing.push(await outgoingStatus(message));
  }
  const sent: Partial<Record<MessageState, number>> = {};
  for (const message of await listMessages(home, 'sent', onBroken)) {
    const state = await stateOf(message);
    sent[state] = (sent[state] ?? 0) + 1;
  }
  const table = await PendingTable.open(home, context.config.knock.mostPending, onBroken);
  const inbox = await Promise.all((await listInbox(home, onBroken)).map(async (entry) => ({ entry, acceptance: await acceptanceOf(entry.dir) })));
  return {
    name: identity.name,
    users: identity.users.map((user) => user.address),
    gateways: doors.known.map(({ name, url }) => ({ name, url })),
    correspondents: await context.correspondents.all(),
    outgoing,
    sent,
    pending: [...table.all()].map(([locator, entry]) => ({ locator, entry })),
    inbox,
  };
}

export async function outgoingStatus(message: OutgoingMessage): Promise<OutgoingStatus> {
  const state = await stateOf(message);
  // What one process noted late, of an attempt beside the one that got through, is no trouble any more.
  const trouble = state === 'sealed' || state === 'offered' ? await troubleOf(message) : undefined;
  return { message, state, retracting: await isRetracting(message), ...(trouble !== undefined && { trouble }) };
}
