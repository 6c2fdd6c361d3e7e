import t from 'tap';
import { toHex } from '../base/bytes.js';
import { acceptCommitment, locatorOf, messageIdOf, retractCommitment } from './capability.js';

/** Computed with another implementation of SHA-256. */
t.test('derives the values that spec/record.md shows', async (t) => {
  const messageId = new Uint8Array(24).fill(0x1d);
  const locator = locatorOf(messageId);
  t.equal(toHex(locator), 'bb9d818ed292d1e2aee8923c6bf13e7744adaead90547fc7');
  t.equal(toHex(retractCommitment(locator, new Uint8Array(16).fill(0x5e))), '8a37c267685ef618f5552309f0738aab');
  t.equal(toHex(acceptCommitment(locator, new Uint8Array(16).fill(0xac))), '9d01d1c5ae875ee33c60acdd2eb8e957');
  t.equal(toHex(messageIdOf(new Uint8Array(16).fill(1), new Uint8Array(32).fill(2))), '63e6f9c561f9aed77df3126e24b46cfa544e496c437ca3d1');
});
