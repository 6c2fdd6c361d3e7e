/** The numbers of the compact form of a batch (spec/burst.md). */

/** The first byte. */
export const PLAIN = 0;
export const COMPACT = 1;

/** Bits of the byte before each record. */
export const RECORD = { known: 1, accept: 2, notification: 4, whole: 8, sameDestination: 16 } as const;
/** The byte before each control. */
export const CONTROL = { verbatim: 0, receipt: 1, receiptToOffer: 2, retract: 3, accept: 4 } as const;

/** Expiries are counted in these. */
export const HOUR_SEC = 3600;
