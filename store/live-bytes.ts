/**
 * How much of each segment lives: the blobs that records need and the records that are known. Steps and control items are
 * not counted, being small; compaction looks at every entry before it gives a segment up, so that this is only its guide.
 */
import { ByteReader, ByteWriter } from './binary.js';
import { segmentKey, sequenceOfSegmentKey } from './keys.js';
import { entryBytes } from './log-entry.js';
import { POSITION_BYTES, sequenceOf } from './position.js';
import type { Position } from './position.js';

interface Living {
  bytes: number;
  /** The last log entry that was counted, so that it is not counted again when the log is replayed. */
  position: Position;
}

const COUNT_BYTES = 6;

export class LiveBytes {
  readonly #living = new Map<number, Living>();
  readonly #changed = new Set<number>();
  /** All that has ever been counted out since the store was opened. */
  diedBytes = 0;

  of(sequence: number): number {
    return this.#living.get(sequence)?.bytes ?? 0;
  }

  /**
   * Counts an entry in (1) or out (-1).
   * @param at the log entry because of which, where there is one
   */
  count(entry: Position, payloadBytes: number, sign: 1 | -1, at?: Position): void {
    const sequence = sequenceOf(entry);
    let living = this.#living.get(sequence);
    if (living === undefined) {
      living = { bytes: 0, position: 0 };
      this.#living.set(sequence, living);
    }
    if (at !== undefined) {
      if (living.position > at) return;
      living.position = at;
    }
    if (sign === -1) this.diedBytes += entryBytes(payloadBytes);
    living.bytes = Math.max(0, living.bytes + sign * entryBytes(payloadBytes));
    this.#changed.add(sequence);
  }

  forget(sequence: number): void {
    this.#living.delete(sequence);
    this.#changed.add(sequence);
  }

  load(key: string, value: Uint8Array): void {
    const reader = new ByteReader(value, 'a segment row of the index');
    this.#living.set(sequenceOfSegmentKey(key), { bytes: reader.uint(COUNT_BYTES), position: reader.uint(POSITION_BYTES) });
    reader.end();
  }

  drain(put: (key: string, value: Uint8Array | null) => void): void {
    for (const sequence of this.#changed) {
      const living = this.#living.get(sequence);
      put(segmentKey(sequence), living === undefined ? null : new ByteWriter(16).uint(living.bytes, COUNT_BYTES).uint(living.position, POSITION_BYTES).finish());
    }
    this.#changed.clear();
  }
}
