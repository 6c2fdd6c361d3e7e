import t from 'tap';
import type { PlanContact } from './contact-plan.js';
import { bestRoute, contactGraph } from './route.js';
import type { Route } from './route.js';
import { VolumeBook } from './volume-book.js';

function contact(from: number, to: number, startSec: number, endSec: number): PlanContact {
  return { from, to, startMs: startSec * 1000, endMs: endSec * 1000, rateBytesPerSec: 1000, lightTimeMs: 0, confidence: 1 };
}

t.test('what is promised of a contact is not there for the next, on the whole way, until it is given back', async (t) => {
  const quick = contact(1, 2, 0, 10);
  const far = contact(2, 4, 0, 100);
  const graph = contactGraph([quick, contact(1, 3, 0, 100), far, contact(3, 4, 50, 100)]);
  const book = new VolumeBook();
  const route = (): Route => {
    const found = bestRoute(graph, { from: 1, to: 4, readyMs: 0, bytes: 5000, expiryMs: Number.POSITIVE_INFINITY }, { used: book.used });
    if (found === undefined) throw new Error('no route');
    return found;
  };
  for (const [key, entry] of [['a', 2], ['b', 2], ['c', 3]] as const) {
    t.equal(route().entry, entry, key);
    book.book(key, route(), 5000);
  }
  t.same([book.used(quick), book.used(far)], [10_000, 10_000]);
  book.book('a', route(), 5000);
  t.same([book.used(quick), book.used(far)], [5000, 5000], 'booked again, the old place is free');
  t.equal(route().entry, 2);
  book.leave('b');
  book.release('b');
  t.same([book.used(quick), book.used(far)], [5000, 5000], 'what has left keeps its place');
  book.forgetBefore(10_000);
  t.same([book.used(quick), book.used(far)], [0, 5000]);
  t.notOk(book.release('nobody'));
  book.clear();
  t.equal(book.used(far), 5000, 'what has left is not there to be given back');
});
