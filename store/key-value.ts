/** The few things that the index asks of an ordered database. store/open.ts makes it from `level`, store/open-memory.ts of a sorted map. */

export interface KeyValue {
  getSync(key: Uint8Array): Uint8Array | undefined;
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  batch(): KeyValueBatch;
  /** Sees what had been written when it was made, and nothing newer. */
  iterator(range: { gte: Uint8Array; lt: Uint8Array }): KeyValueIterator;
  close(): Promise<void>;
  /** Closes and opens again: after one failed write LevelDB refuses all others until then. */
  reopen(): Promise<void>;
  /** Resolves when all that was written before the call is on stable storage. */
  checkpoint(): Promise<void>;
  /** Notes that this database is damaged: whoever opens it next makes it again. */
  condemn(): void;
}

/** Copies what it is given at once. */
export interface KeyValueBatch {
  put(key: Uint8Array, value: Uint8Array): unknown;
  del(key: Uint8Array): unknown;
  write(): Promise<void>;
}

export interface KeyValueIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}
