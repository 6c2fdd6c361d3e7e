import t from 'tap';
import { seededRandom } from '../../base/random.js';
import { Reconnect } from './reconnect.js';

const LAW = { firstMs: 1000, capMs: 60_000 };

t.test('the first attempt is made at once, the next ones wait longer and longer, up to the cap', async (t) => {
  const reconnect = new Reconnect(LAW, seededRandom(3));
  let nowMs = 5_000;
  t.equal(reconnect.waitMs(nowMs), 0);
  for (let n = 0; n < 20; n++) {
    reconnect.attempt(nowMs);
    const waitMs = reconnect.waitMs(nowMs);
    const plainMs = Math.min(LAW.capMs, LAW.firstMs * 2 ** n);
    t.ok(waitMs >= 0.8 * plainMs && waitMs <= Math.min(LAW.capMs, 1.2 * plainMs), `${waitMs} ms after attempt ${n + 1}`);
    nowMs += waitMs;
    t.equal(reconnect.waitMs(nowMs), 0);
  }
});

t.test('a sign of life begins anew, but leaves a breath between attempts', async (t) => {
  const reconnect = new Reconnect(LAW, seededRandom(3));
  for (let n = 0; n < 10; n++) reconnect.attempt(0);
  reconnect.signOfLife(100);
  t.equal(reconnect.waitMs(100), LAW.firstMs);
  reconnect.attempt(2000);
  t.ok(reconnect.waitMs(2000) <= 1.2 * LAW.firstMs);
});
