import t from 'tap';
import type { PlanContact } from './contact-plan.js';
import { Router } from './router.js';

function contact(from: number, to: number, startSec: number, endSec: number, rateBytesPerSec = 1000): PlanContact {
  return { from, to, startMs: startSec * 1000, endMs: endSec * 1000, rateBytesPerSec, lightTimeMs: 0, confidence: 1 };
}

/** 1 reaches 4 by 2, soon and shortly, or by 3, later and long. */
const PLAN = [contact(1, 2, 0, 10), contact(2, 4, 0, 1000), contact(1, 3, 200, 1000), contact(3, 4, 0, 1000)];
const wanted = (key: string, more: object = {}): { key: string; to: number; bytes: number; expiryMs: number } => ({ key, to: 4, bytes: 4000, expiryMs: Number.POSITIVE_INFINITY, ...more });
const router = (neighbours = [2, 3]): Router => new Router(PLAN, 1, new Set(neighbours));

t.test('takes the quick way until it is promised away, then the other', async (t) => {
  const routes = router();
  t.same(['a', 'b', 'c'].map((key) => routes.entry(wanted(key), 0)), [2, 2, 3]);
  t.equal(routes.entry(wanted('a'), 0), 2, 'asked again for the same, it takes its own place');
  routes.left('a');
  routes.beginAnew();
  t.same([routes.entry(wanted('b'), 0), routes.entry(wanted('c'), 0)], [2, 3], 'what has left keeps its place, all else is open');
});

t.test('never back where it came from, nor by a node that is no neighbour here', async (t) => {
  t.equal(router().entry(wanted('a', { notBy: 2 }), 0), 3);
  t.equal(router([3]).entry(wanted('a'), 0), 3);
  t.equal(router([]).entry(wanted('a'), 0), undefined);
});

t.test('no way that arrives too late', async (t) => {
  const routes = router();
  t.equal(routes.entry(wanted('a', { expiryMs: 300_000 }), 20_000), 3);
  t.equal(routes.entry(wanted('b', { expiryMs: 200_000 }), 20_000), undefined);
});

t.test('a contact that fails is passed over until a sign of life, and both are worth a new look', async (t) => {
  const routes = router();
  t.notOk(routes.takeStale(1000));
  routes.failed(2, 1000);
  routes.failed(2, 1000);
  t.ok(routes.takeStale(1000));
  t.notOk(routes.takeStale(1000));
  t.equal(routes.entry(wanted('a'), 1000), 3);
  routes.alive(2);
  t.ok(routes.takeStale(1000));
  t.equal(routes.entry(wanted('a'), 1000), 2);
  routes.failed(3, 1000);
  t.notOk(routes.takeStale(1000), 'it does not hold now, so it cannot fail');
});

t.test('when time goes back, what was over is ahead again, and worth a new look', async (t) => {
  const routes = router();
  t.ok(routes.takeStale(2_000_000));
  t.equal(routes.entry(wanted('a'), 2_000_000), undefined);
  routes.timeFell();
  t.ok(routes.takeStale(0));
  t.equal(routes.entry(wanted('a'), 0), 2);
  t.ok(routes.takeStale(10_000), 'its end, too');
});

t.test('the end of a contact of ours is worth a new look', async (t) => {
  const routes = router();
  t.equal(routes.nextEndMs(0), 10_000);
  t.equal(routes.entry(wanted('a'), 0), 2);
  t.notOk(routes.takeStale(9999));
  t.ok(routes.takeStale(10_000));
  t.equal(routes.entry(wanted('a'), 10_000), 3);
  t.equal(routes.nextEndMs(10_000), 1_000_000);
  t.equal(routes.nextEndMs(1_000_000), undefined);
});

t.test('a route is kept for what is like what it was found for, and left when it has become slow', async (t) => {
  const slow = new Router([contact(1, 2, 0, 10_000, 100), contact(2, 4, 0, 10_000, 1000), contact(1, 3, 0, 10_000, 90), contact(3, 4, 0, 10_000, 1000)], 1, new Set([2, 3]));
  const entries = Array.from({ length: 40 }, (_, index) => slow.entry(wanted(String(index)), 0));
  t.ok(entries.includes(2) && entries.includes(3), 'both are used when one has a queue');
});
