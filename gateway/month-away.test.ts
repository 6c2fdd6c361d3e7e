/** A neighbour that is away for a month, in virtual time, on links that remember nothing themselves (tcpcl, command). What LTP, burst and broadcast do stands with them. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { repeated } from '../plan/contact.js';
import { openTestPair, stateAt, submit, testMessage } from './gateway.test-helper.js';

const DAY_MS = 86_400_000;
const CONTACT_MS = 600_000;
const MONTH_DAYS = 31;
const LIFETIME_SEC = 80 * 86_400;
const LARGE_BYTES = 900_000;
const UNIT_BYTES = 200_000;

t.test('gone in the middle of a large blob for a month of daily contacts: few attempts, and only what is missing goes afterwards', async (t) => {
  const clock = new ManualClock();
  const contacts = repeated({ firstMs: clock.nowMs(), everyMs: DAY_MS, durationMs: CONTACT_MS }, { rateBytesPerSec: 1_000_000, lightTimeMs: 0 });
  const { a, b, ab, ba, settle } = await openTestPair({ clock, supports: { largestBytes: UNIT_BYTES, parallel: 1 }, planAtA: { contacts }, planAtB: { contacts }, both: { largeBlobBytes: 65_536 } });
  const messages = [testMessage(1, 'example.org', clock, 500, LIFETIME_SEC), testMessage(2, 'example.org', clock, LARGE_BYTES, LIFETIME_SEC)];
  const send = ab.send.bind(ab);
  let left = 3;
  ab.send = async (freight) => {
    if (left-- === 0) ab.up = ba.up = false;
    return send(freight);
  };
  await submit(a, messages);
  const backMs = clock.nowMs() + MONTH_DAYS * DAY_MS;
  for (let nextMs = await settle(); nextMs < backMs; nextMs = await settle()) clock.advance(Math.max(1000, nextMs - clock.nowMs()));
  clock.advance(backMs - clock.nowMs());
  t.equal(await stateAt(a, messages[1]!), 'held', 'custody stays');
  t.ok(ab.attempts > MONTH_DAYS && ab.attempts < MONTH_DAYS * 10, `${ab.attempts} attempts`);
  ab.up = ba.up = true;
  ab.onSignOfLife?.();
  await settle();
  clock.advance(60_000);
  await settle();
  for (const message of messages) {
    t.equal(await stateAt(b, message), 'held');
    t.equal(await stateAt(a, message), 'forwarded');
  }
  t.ok(ab.sentBytes <= LARGE_BYTES + UNIT_BYTES, `${ab.sentBytes} bytes in all for ${LARGE_BYTES}`);
});
