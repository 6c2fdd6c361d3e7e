/**
 * What a link asks before something that costs, where it knows better than the gateway what that is: a modem
 * pays for each session and each look into its mailbox. The gateway pays for the sends of all other links itself.
 */

/** What is about to happen, at the most, or what has happened. */
export interface Outlay {
  readonly bytes: number;
  readonly sessions?: number;
  readonly ms?: number;
}

export type Spending =
  /** The outlay is counted as spent, on disk. `settle` puts the true one in its place once that is known. */
  | { readonly kind: 'allowed'; settle(actual: Outlay): Promise<void> }
  /** Nothing is counted, and nothing may be spent. */
  | { readonly kind: 'refused'; readonly reason: string; readonly retryAfterMs: number };

export interface Purse {
  spend(outlay: Outlay): Promise<Spending>;
}
