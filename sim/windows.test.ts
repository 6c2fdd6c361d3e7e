import t from 'tap';
import { slowPace } from './pace.js';
import { ALWAYS, contactPlan, except, listed, looped, periodic, sought } from './windows.js';
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
  const plan = contactPlan({ windows: periodic({ firstUs: 10_000, everyUs: 100_000, openUs: 20_000 }), bitsPerSec: 8000, delayUs: () => 5_000_000 }, 1_000_000);
  t.equal(plan.at(1_000_009), undefined);
  t.same(plan.at(1_000_010), { startMs: 1_000_010, endMs: 1_000_030, rateBytesPerSec: 1000, lightTimeMs: 5000 });
  t.equal(plan.at(1_000_030), undefined, 'the end is no part of it');
  t.equal(plan.next(1_000_010)?.startMs, 1_000_110);
});

t.test('a gateway is told of light time and rate as they are when it asks', async (t) => {
  const plan = contactPlan({ windows: ALWAYS, bitsPerSec: 8000, pace: slowPace((us) => 8000 + us / 1000), delayUs: (leavesUs) => leavesUs }, 1_000_000);
  t.same(plan.at(1_008_000), { startMs: 1_000_000, endMs: Number.POSITIVE_INFINITY, rateBytesPerSec: 2000, lightTimeMs: 8000 });
});

t.test('a list is gone through again and again', async (t) => {
  const windows = looped([{ startUs: 5, endUs: 8 }, { startUs: 9, endUs: 12, bitsPerSec: 7 }], 20);
  t.same(spans(windows, 50), [[5, 8], [9, 12], [25, 28], [29, 32], [45, 48], [49, 52]]);
  t.same(windows(29), { startUs: 29, endUs: 32, bitsPerSec: 7 }, 'what else there is to say of a window stays');
  t.equal(windows(13)?.startUs, 25);
});

t.test('windows that have to be looked for are looked for once', async (t) => {
  const asked: number[] = [];
  const windows = sought((fromUs) => {
    asked.push(fromUs);
    return fromUs < 250 ? { startUs: fromUs + 50, endUs: fromUs + 100 } : undefined;
  });
  t.same(spans(windows, 1000), [[50, 100], [150, 200], [250, 300]]);
  t.equal(windows(0)?.startUs, 50, 'and from an earlier time again');
  t.equal(windows(299)?.startUs, 250);
  t.equal(windows(300), undefined);
  t.same(asked, [0, 100, 200, 300], 'none twice');
});
