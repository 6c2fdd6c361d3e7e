import t from 'tap';
import { ALWAYS, contactPlan, except, listed, periodic } from './windows.js';
import type { Windows } from './windows.js';

const spans = (windows: Windows, untilUs: number): [number, number][] => {
  const found: [number, number][] = [];
  for (let window = windows(0); window !== undefined && window.startUs < untilUs; window = windows(window.endUs)) found.push([window.startUs, window.endUs]);
  return found;
};

t.test('a timetable repeats, and drifts', async (t) => {
  t.same(spans(periodic({ firstUs: 10, everyUs: 100, openUs: 20 }), 250), [[10, 30], [110, 130], [210, 230]]);
  t.same(spans(periodic({ firstUs: 10, everyUs: 100, openUs: 20, driftUs: -4 }), 250), [[10, 30], [106, 126], [202, 222]]);
  t.equal(periodic({ firstUs: 10, everyUs: 100, openUs: 20 })(29)?.startUs, 10, 'one that is under way');
});

t.test('a list is looked at from any time', async (t) => {
  const windows = listed([{ startUs: 5, endUs: 8 }, { startUs: 9, endUs: 12 }]);
  t.equal(windows(10)?.startUs, 9);
  t.equal(windows(0)?.startUs, 5, 'and from an earlier one again');
  t.equal(windows(12), undefined);
});

t.test('darkness cuts windows, and swallows those that lie in it', async (t) => {
  const dark = listed([{ startUs: 15, endUs: 40 }, { startUs: 112, endUs: 114 }]);
  const lit = except(periodic({ firstUs: 10, everyUs: 100, openUs: 20 }), dark);
  t.same(spans(lit, 250), [[10, 15], [110, 112], [114, 130], [210, 230]]);
  t.same(spans(except(listed([{ startUs: 20, endUs: 30 }, { startUs: 50, endUs: 60 }]), dark), 100), [[50, 60]]);
  t.same(except(ALWAYS, dark)(20), { startUs: 40, endUs: 112 });
});

t.test('a gateway is told the same windows in wall-clock time', async (t) => {
  const plan = contactPlan(periodic({ firstUs: 10_000, everyUs: 100_000, openUs: 20_000 }), { startMs: 1_000_000, bitsPerSec: 8000, delayUs: () => 5_000_000 });
  t.equal(plan.at(1_000_009), undefined);
  t.same(plan.at(1_000_010), { startMs: 1_000_010, endMs: 1_000_030, rateBytesPerSec: 1000, lightTimeMs: 5000 });
  t.equal(plan.at(1_000_030), undefined, 'the end is no part of it');
  t.equal(plan.next(1_000_010)?.startMs, 1_000_110);
});
