/**
 * A place in the log as one number that grows with time: the sequence number of a segment and an offset in it.
 * Row values carry the position of the last entry that shaped them, which makes replaying the log harmless.
 */

/** An entry names the start of its group in 24 bits of 8-byte steps. */
export const LARGEST_SEGMENT_BYTES = 2 ** 27;
/** A position in a stored value; in a double it stays exact for 67 million segments. */
export const POSITION_BYTES = 7;

export type Position = number;

export function positionOf(sequence: number, offset: number): Position {
  return sequence * LARGEST_SEGMENT_BYTES + offset;
}

export function sequenceOf(position: Position): number {
  return Math.floor(position / LARGEST_SEGMENT_BYTES);
}

export function offsetOf(position: Position): number {
  return position % LARGEST_SEGMENT_BYTES;
}
