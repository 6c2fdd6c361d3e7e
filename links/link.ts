/**
 * The face of a link: a way to move bytes to one neighbour. A link knows neither bundles nor the
 * store; it says what happened to the bytes, and none of its answers releases a blob: a receipt does.
 */

/** Bytes to send. `open` may be called again for another attempt. */
export interface Freight {
  readonly bytes: number;
  open(): AsyncIterable<Uint8Array>;
}

/**
 * confirmed: the peer has every byte and its gateway has dealt with them.
 * written: the medium has them.
 * refused: the peer said no. unreachable: nobody was there, or the contact broke.
 */
export type Outcome =
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'written' }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string; readonly retryAfterMs?: number }
  | { readonly kind: 'unreachable'; readonly reason: string };

/** What arrived: whole units (a batch or a bundle), as a stream that must be read to its end or cancelled. */
export interface Arrival {
  /** The neighbour the link is configured for, or the one whose pinned key the transport proved; absent when nobody was proved. */
  readonly peer?: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Called for each arrival. The link acknowledges to its peer only after this resolves, so a confirmed
 * transfer is a processed one. Bytes it resolves with go back on links that can answer; others ignore them.
 * It never rejects for bad input.
 */
export type Deliver = (arrival: Arrival) => Promise<DeliverResult>;
export type DeliverResult = { readonly kind: 'taken'; readonly answer?: Uint8Array } | { readonly kind: 'refused'; readonly code: string; readonly retryAfterMs?: number };

export interface LinkSupport {
  /** What one unit of freight is on this link: a batch, a bundle with a batch in it, or a batch in its compact form. */
  readonly carries: 'batch' | 'bundle' | 'compact';
  /** Answers come back on the same exchange (https) rather than as freight of their own. */
  readonly answers: boolean;
  /** The largest unit, in bytes. */
  readonly largestBytes: number;
  /** How many sends may be under way at once. 0: the link only brings. */
  readonly parallel: number;
  /** Bytes leave as they are read, so that whoever gives them slowly has them sent slowly. */
  readonly sendsAsItReads?: boolean;
  /** The link was handed its contacts and keeps to them itself: a send may outlast one and go on in the next. */
  readonly keepsContacts?: boolean;
  /** The link was handed a purse (links/purse.ts) and pays for itself. */
  readonly pays?: boolean;
  /** The link says each unit several times, and stops when the signal of the send aborts with SETTLED. */
  readonly repeats?: boolean;
  /** How many bytes leave for each byte of a unit, where they are many more: what counts for contacts and budgets. */
  readonly expansion?: number;
}

/** Why a send is aborted when the neighbour has answered for all that is in it: the link stops repeating, and it is written. */
export const SETTLED = 'settled';

/** A bound that a link keeps to, and how much of it is taken. */
export interface LinkLimit {
  /** What is bounded: `blocks arriving`. */
  readonly name: string;
  readonly unit: 'count' | 'bytes';
  readonly used: number;
  readonly most: number;
  /** How often something was turned away for its sake since the start. */
  readonly refused: number;
}

export interface LinkStatus {
  readonly state: 'up' | 'down' | 'idle' | 'stopped';
  readonly lastContactMs?: number;
  readonly lastError?: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The bounds that a neighbour, or what comes in its name, can run into. Absent where there are none of the link's own. */
  readonly limits?: readonly LinkLimit[];
}

export interface Link {
  /** The neighbour's name and the kind: `shore/tcpcl`. Names the link in logs and on the status page. */
  readonly name: string;
  readonly supports: LinkSupport;
  /** Opens what has to be open; `deliver` gets what arrives. Throws a coded error when it cannot start at all (a port in use). */
  start(deliver: Deliver): Promise<void>;
  /** One attempt at one unit. Throws for bugs only. */
  send(freight: Freight, signal: AbortSignal): Promise<Outcome>;
  /** Ends the contact in order and waits for work in hand. Safe to call twice. */
  stop(): Promise<void>;
  status(): LinkStatus;
  /** What of the sends under way has not left yet, in bytes: where a send lasts far longer than its bytes take to leave. Absent: all of it. */
  backlogBytes?(): number;
  /** Called when the neighbour shows a sign of life on its own account (it connected, it came back). */
  onSignOfLife?: (() => void) | undefined;
}
