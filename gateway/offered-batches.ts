/** What the releasing stage needs to know of batches that went out on sticks, so that a receipt can name a thousand records by one hash. */

export interface OfferedBatches {
  /** The rids of the batch with this root, in its order, if it was offered to this peer; none otherwise. Told only when its receipt has come. */
  receipted(peer: string, root: Uint8Array, nowMs: number): Promise<readonly Uint8Array[]>;
}

/** For a gateway that has no sticks. */
export const NO_OFFERED_BATCHES: OfferedBatches = { receipted: () => Promise.resolve([]) };
