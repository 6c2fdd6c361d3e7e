/** A channel without any fault, for tests to give it theirs. */
import type { ChannelModel } from './channel.js';
import { ALWAYS } from './windows.js';

export const FAULTLESS: ChannelModel = {
  reliable: false,
  bitsPerSec: 8000,
  delayUs: () => 0,
  windows: ALWAYS,
  loss: { kind: 'none' },
  corruptProbability: 0,
  duplicateProbability: 0,
  reorderProbability: 0,
  reorderUs: 0,
  windowLossProbability: 0,
};
