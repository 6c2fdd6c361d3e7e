/** The settings of a link that is a stick, in postern.yaml. docs/links.md explains each. */
import { z } from 'zod';
import { DAY_MS, GIB, KIB, SECOND_MS, bytes, durationMs } from './value-schema.js';

/** The largest file of FAT32. */
const LARGEST_STICK_FILE_BYTES = 4 * GIB - 1;

export const usbLink = z.strictObject({
  kind: z.literal('usb'),
  /** The largest file written to a stick. */
  largestBytes: bytes.min(64 * KIB).max(LARGEST_STICK_FILE_BYTES).default(LARGEST_STICK_FILE_BYTES),
  /** A stick without news for so long is taken for lost: what went out on it goes out again. */
  lostAfterMs: durationMs.min(SECOND_MS).default(30 * DAY_MS),
  /** Where a stick has room left, it also takes what is under way on others. */
  repeatOnNext: z.boolean().default(true),
  /** The share of the room for this neighbour that only urgent and raised records may use. */
  reservePercent: z.int().min(0).max(90).default(0),
});
export type UsbLinkConfig = z.infer<typeof usbLink>;
