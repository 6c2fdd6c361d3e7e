/** What every link of the tests has in common: a plan that bills by 50 bytes, messages as short as a modem takes them down, and no look into the mailbox unasked. */
import { systemRandom } from '../../base/random.js';
import type { BurstLinkOptions } from './burst-link.js';

export const MINUTE_MS = 60_000;

export const BURST_OPTIONS: Omit<BurstLinkOptions, 'neighbour' | 'device' | 'openPort' | 'ends' | 'folder' | 'clock'> = {
  prefix: new Uint8Array(),
  messageBytes: 270,
  leastSignalBars: 2,
  patienceMs: 60 * MINUTE_MS,
  checkMailboxEveryMs: 0,
  billing: { minimumBytes: 50, stepBytes: 50 },
  largestBytes: 4000,
  random: systemRandom,
  log: () => undefined,
};
