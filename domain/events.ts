/** What a domain tells the people who run it. Nothing of this ever goes to the network. */
import type { InboxEntry } from './inbox.js';
import type { OutgoingMessage } from './outgoing.js';
import type { OutcomeState } from './state-schema.js';

export type DomainEvent =
  | { readonly kind: 'sealing'; readonly name: string; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'handing-over'; readonly message: OutgoingMessage; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'in-custody'; readonly message: OutgoingMessage; readonly gateway: string; readonly retainedUntilSec: number }
  | { readonly kind: 'not-taken'; readonly message: OutgoingMessage; readonly gateway: string; readonly code: string; readonly reason: string; readonly retryAfterSec: number }
  | { readonly kind: 'outcome'; readonly message: OutgoingMessage; readonly outcome: OutcomeState['outcome'] }
  | { readonly kind: 'listening'; readonly host: string; readonly port: number }
  | { readonly kind: 'heard'; readonly locator: string; readonly gateway: string }
  | { readonly kind: 'fetching'; readonly locator: string; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'waiting'; readonly locator: string; readonly reason: string; readonly retryAfterSec: number }
  | { readonly kind: 'delivered'; readonly entry: InboxEntry; readonly path: string }
  | { readonly kind: 'accepted'; readonly entry: InboxEntry }
  | { readonly kind: 'trouble'; readonly what: string; readonly thrown: unknown };
