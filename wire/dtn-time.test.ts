import t from 'tap';
import { fromDtnTimeMs, toDtnTimeMs } from './dtn-time.js';

t.test('counts milliseconds from the year 2000', async t => {
  t.equal(toDtnTimeMs(Date.UTC(2000, 0, 1)), 0);
  t.equal(toDtnTimeMs(Date.UTC(2020, 10, 12, 9, 51, 3)), 658_489_863_000, 'the time in the uD3TN unit test');
  t.equal(fromDtnTimeMs(658_489_863_000), Date.UTC(2020, 10, 12, 9, 51, 3));
});

t.test('takes a clock that stands before the epoch for no clock', async t => {
  t.equal(toDtnTimeMs(0), 0);
  t.equal(toDtnTimeMs(Date.UTC(1999, 11, 31, 23, 59, 59)), 0);
});

t.test('gives no time for one that is unknown or out of all reach', async t => {
  t.equal(fromDtnTimeMs(0), undefined);
  t.equal(fromDtnTimeMs(0xff00_bb0e_20b4_ean << 8n), undefined);
});
