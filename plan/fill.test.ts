import t from 'tap';
import fc from 'fast-check';
import { fill, inOrder, PRIORITIES } from './fill.js';
import type { Priority, Room, Waiting } from './fill.js';

const HOUR_MS = 3_600_000;
const NOW_MS = 1000 * HOUR_MS;
const ROOM: Room = { nowMs: NOW_MS, contact: { rateBytesPerSec: 1000, lightTimeMs: 0 }, loadBytes: 10_000, leftBytes: 10_000, reservePercent: 0, ageingMs: 24 * HOUR_MS };

function waiting(name: string, more: Partial<Waiting> = {}): Waiting & { readonly name: string } {
  const bytes = more.bytes ?? 1000;
  return { name, bytes, wholeBytes: bytes, priority: 'normal', raised: false, heldAtMs: NOW_MS, expiryMs: NOW_MS + 100 * HOUR_MS, ...more };
}

const names = (chosen: readonly { readonly name: string }[]): string => chosen.map(({ name }) => name).join('');

t.test('by priority, then expiry, then age, then size', async (t) => {
  const all = [
    waiting('h', { bytes: 2000 }),
    waiting('g'),
    waiting('f', { heldAtMs: NOW_MS - HOUR_MS }),
    waiting('e', { expiryMs: NOW_MS + HOUR_MS }),
    waiting('i', { priority: 'bulk' }),
    waiting('d', { priority: 'high' }),
    waiting('c', { priority: 'urgent' }),
    waiting('b', { raised: true, priority: 'bulk' }),
  ];
  t.equal(names(fill(all, ROOM).chosen), 'bcdefghi');
});

t.test('fills up to the last byte, and passes over what does not fit', async (t) => {
  const all = [waiting('a', { bytes: 6000, priority: 'high' }), waiting('b', { bytes: 5000 }), waiting('c', { bytes: 4000, priority: 'bulk' }), waiting('d', { bytes: 1, priority: 'bulk', expiryMs: Number.POSITIVE_INFINITY })];
  const { chosen, heldBack } = fill(all, ROOM);
  t.equal(names(chosen), 'ac');
  t.same(heldBack, { late: 0, noRoom: 2, reserved: 0 });
});

t.test('what waits for the next load is not held back', async (t) => {
  t.same(fill([waiting('a', { bytes: 600 }), waiting('b', { bytes: 600 })], { ...ROOM, loadBytes: 1000 }).heldBack, { late: 0, noRoom: 0, reserved: 0 });
});

t.test('never begins what would arrive at its expiry or later', async (t) => {
  const light = { ...ROOM, contact: { rateBytesPerSec: 1000, lightTimeMs: 5000 } };
  t.equal(names(fill([waiting('a', { bytes: 2000, expiryMs: NOW_MS + 7001 })], light).chosen), 'a');
  const late = fill([waiting('a', { bytes: 2000, expiryMs: NOW_MS + 7000 })], light);
  t.same([names(late.chosen), late.heldBack.late], ['', 1]);
  t.equal(fill([waiting('a', { bytes: 100, wholeBytes: 9000, expiryMs: NOW_MS + 8000 })], ROOM).heldBack.late, 1, 'all its pieces count');
  const queue = fill([waiting('a', { bytes: 5000, priority: 'high' }), waiting('b', { expiryMs: NOW_MS + 5500 })], ROOM);
  t.same([names(queue.chosen), queue.heldBack.late], ['a', 1], 'what goes first takes its time');
  t.equal(names(fill([waiting('a', { expiryMs: Number.POSITIVE_INFINITY })], light).chosen), 'a', 'without a trusted clock nothing is late');
});

t.test('keeps a reserve for what is urgent', async (t) => {
  const room = { ...ROOM, reservePercent: 20 };
  const bulk = Array.from({ length: 10 }, (_, index) => waiting(String(index)));
  t.equal(fill(bulk, room).chosen.length, 8);
  t.equal(fill(bulk, room).heldBack.reserved, 2);
  t.equal(names(fill([...bulk, waiting('u', { bytes: 2000, priority: 'urgent' })], room).chosen), 'u012345');
  t.equal(fill(bulk.map((one) => ({ ...one, raised: true })), room).chosen.length, 10);
});

t.test('what waits long rises, but not among what is urgent', async (t) => {
  const old = waiting('o', { priority: 'bulk', heldAtMs: NOW_MS - 48 * HOUR_MS, expiryMs: NOW_MS + 500 * HOUR_MS });
  t.equal(names(inOrder([waiting('n'), old], ROOM)), 'on');
  t.equal(names(inOrder([waiting('h', { priority: 'high' }), old], ROOM)), 'ho', 'among the high ones the expiry counts');
  t.equal(names(inOrder([waiting('u', { priority: 'urgent' }), { ...old, heldAtMs: 0 }], ROOM)), 'uo');
});

const any = fc.record({
  bytes: fc.integer({ min: 1, max: 3000 }),
  more: fc.nat(2000),
  priority: fc.constantFrom<Priority>(...PRIORITIES),
  raised: fc.boolean(),
  agoMs: fc.nat(100 * HOUR_MS),
  inMs: fc.integer({ min: 1, max: 20_000 }),
});
const anyRoom = fc.record({ loadBytes: fc.nat(12_000), leftBytes: fc.nat(12_000), reservePercent: fc.nat(90), lightTimeMs: fc.nat(2000) });

t.test('whatever waits: nothing beyond the room, nothing late, the reserve untouched, nothing lost or twice', async () => {
  fc.assert(
    fc.property(fc.array(any, { maxLength: 25 }), anyRoom, (made, { loadBytes, leftBytes, reservePercent, lightTimeMs }) => {
      const room: Room = { ...ROOM, loadBytes, leftBytes, reservePercent, contact: { rateBytesPerSec: 1000, lightTimeMs } };
      const all = made.map(({ bytes, more, priority, raised, agoMs, inMs }, index) => waiting(`${index} `, { bytes, wholeBytes: bytes + more, priority, raised, heldAtMs: NOW_MS - agoMs, expiryMs: NOW_MS + inMs }));
      const { chosen, heldBack } = fill(all, room);
      let sumBytes = 0;
      for (const one of chosen) {
        if (NOW_MS + sumBytes + one.wholeBytes + lightTimeMs >= one.expiryMs) return false;
        sumBytes += one.bytes;
        if (one.priority !== 'urgent' && !one.raised && sumBytes > (leftBytes * (100 - reservePercent)) / 100) return false;
      }
      const ordered = inOrder(all, room);
      return sumBytes <= Math.min(loadBytes, leftBytes) && new Set(chosen).size === chosen.length && chosen.length + heldBack.late + heldBack.noRoom + heldBack.reserved <= all.length && ordered.length === all.length && new Set(ordered).size === all.length;
    }),
    { numRuns: 1000 },
  );
});

t.test('bulk is never starved: in a contact a day, always overfull with new traffic, it goes within its ageing', async (t) => {
  let stale = [waiting('old', { priority: 'bulk', bytes: 3000, expiryMs: NOW_MS + 1000 * HOUR_MS })];
  let days = 0;
  for (; stale.length > 0 && days < 10; days += 1) {
    const nowMs = NOW_MS + days * 24 * HOUR_MS;
    const fresh = Array.from({ length: 12 }, (_, index) => waiting(`new ${index}`, { heldAtMs: nowMs, expiryMs: nowMs + 2000 * HOUR_MS }));
    const { chosen } = fill([...fresh, ...stale], { ...ROOM, nowMs });
    stale = stale.filter((one) => !chosen.includes(one));
  }
  t.ok(days <= 3, `${days} days`);
});
