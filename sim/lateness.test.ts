import t from 'tap';
import { Lateness } from './lateness.js';

t.test('quantiles are right within five per cent, whatever there is', async (t) => {
  const late = new Lateness();
  t.same(late.figures(), { count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
  for (let ms = 1; ms <= 1000; ms += 1) late.add(ms);
  const { count, p50Ms, p90Ms, p99Ms, maxMs } = late.figures();
  t.equal(count, 1000);
  t.equal(maxMs, 1000);
  for (const [found, right] of [[p50Ms, 500], [p90Ms, 900], [p99Ms, 990]] as const) t.ok(found >= right && found <= right * 1.05, `${found} for ${right}`);
});

t.test('no delay and an endless one fit in', async (t) => {
  const late = new Lateness();
  late.add(0);
  late.add(1e12);
  t.match(late.figures(), { count: 2, p50Ms: 0.01, maxMs: 1e12 });
});
