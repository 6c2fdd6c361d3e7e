/** What an operator should know of a store: told when it is opened, or when the store finds out. */
export type StoreEvent =
  | { readonly kind: 'damaged'; readonly file: string; readonly startByte?: number; readonly endByte?: number }
  | { readonly kind: 'index-rebuilt'; readonly entries: number }
  /** Records that were in custody and are no more. `rids` in hex, or as much of them as the index knows. */
  | { readonly kind: 'records-lost'; readonly rids: readonly string[] }
  /** A record in custody that cannot be read. It is put off, so that the others in its queue go on, and told each time it falls due. */
  | { readonly kind: 'record-unreadable'; readonly record: string };
