/** How much of a contact goes to bytes that were not sent before: measured on the line, in virtual time. */
import t from 'tap';
import { seededRandom } from '../../base/random.js';
import type { Freight } from '../link.js';
import type { BlockBuffer } from './block-buffer.js';
import { HOUR_MS, loses, makeLightPair, MINUTE_MS, SECOND_MS } from './light-test-helper.js';

const RATE_BYTES_PER_SEC = 250_000;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** More than are under way in one round trip. */
const PARALLEL = 180;
const CHUNK = new Uint8Array(BLOCK_BYTES);
/** Of a contact with half a million datagrams. */
const SETTLE_MS = 20;
const FREIGHT: Freight = {
  bytes: BLOCK_BYTES,
  async *open() {
    yield CHUNK;
  },
};

/** Hundreds of megabytes wait at the far end for what was lost of their blocks; what they are is tried elsewhere. */
function bottomless(): BlockBuffer {
  return {
    write: () => true,
    free: () => undefined,
    async *read() {
      yield CHUNK;
    },
  };
}

t.setTimeout(300_000);

t.test('20 minutes of light each way, 1 % loss, 2 Mbit/s: at least 95 % of the rate goes to bytes sent for the first time', { timeout: 300_000 }, async (t) => {
  const options = { largestBytes: BLOCK_BYTES, parallel: PARALLEL, sessions: PARALLEL };
  const { clock, near, far, there, back } = makeLightPair({ rateBytesPerSec: RATE_BYTES_PER_SEC, near: options, far: { ...options, room: { makeBuffer: bottomless, limits: () => [] } } });
  there.fate = loses(seededRandom(2), 0.01);
  back.fate = loses(seededRandom(3), 0.01);
  there.sent.keep = back.sent.keep = false;
  there.blank = true;
  await far.start(async ({ bytes }) => {
    for await (const _ of bytes);
    return { kind: 'taken' };
  });
  await near.start(async () => ({ kind: 'taken' }));
  await clock.run(SECOND_MS);

  let [begun, confirmed] = [0, 0];
  let sending = true;
  const keepBusy = (): void => {
    for (; sending && begun - confirmed < PARALLEL; begun++) {
      void near.send(FREIGHT, new AbortController().signal).then(({ kind }) => {
        confirmed += kind === 'confirmed' ? 1 : 0;
        keepBusy();
      });
    }
  };
  keepBusy();
  // No report is back before 40 minutes: what is measured afterwards has all the repeating in it.
  await clock.run(41 * MINUTE_MS, undefined, SETTLE_MS);
  const [freshBytes, wireBytes, fromMs] = [there.sent.freshBytes, there.sent.wireBytes, clock.monotonicMs()];
  await clock.run(5 * MINUTE_MS, undefined, SETTLE_MS);
  sending = false;
  const rateBytes = ((clock.monotonicMs() - fromMs) / 1000) * RATE_BYTES_PER_SEC;
  const freshShare = (there.sent.freshBytes - freshBytes) / rateBytes;
  const usedShare = (there.sent.wireBytes - wireBytes) / rateBytes;
  const wholeShare = there.sent.freshBytes / ((clock.monotonicMs() / 1000) * RATE_BYTES_PER_SEC);
  t.comment(`after 41 minutes ${(100 * freshShare).toFixed(2)} % of the rate is fresh (${(100 * usedShare).toFixed(2)} % used); over all 46 minutes ${(100 * wholeShare).toFixed(2)} %; headers of IP and UDP count as used`);
  t.ok(freshShare >= 0.95, 'once reports are back');
  t.ok(wholeShare >= 0.95, 'and over the whole contact');
  t.ok(usedShare <= 1.001, 'and never more than the rate');

  await clock.run(6 * HOUR_MS, () => confirmed === begun, SETTLE_MS);
  t.equal(confirmed, begun, 'every block arrives');
  t.ok(there.sent.againBytes / there.sent.freshBytes < 0.012, `repeated: ${((100 * there.sent.againBytes) / there.sent.freshBytes).toFixed(2)} %`);
});
