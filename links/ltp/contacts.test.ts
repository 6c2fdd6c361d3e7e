import t from 'tap';
import { ManualClock } from '../../base/clock.js';
import { ALWAYS_OPEN, Light, type ContactSource } from './contacts.js';
import { Pace } from './pace.js';

const START_MS = 1_800_000_000_000;

/** Open from `from` to `to`, after the start. */
function between(...windows: readonly (readonly [from: number, to: number])[]): ContactSource {
  const edges = windows.flat().map((ms) => ms + START_MS);
  return {
    isOpen: (atMs) => windows.some(([from, to]) => atMs >= START_MS + from && atMs < START_MS + to),
    nextChangeMs: (afterMs) => edges.find((edge) => edge > afterMs),
  };
}

function light(clock: ManualClock, contacts: ContactSource): Light {
  return new Light({ clock, contacts, rateBytesPerSec: 1000, lightTimeMs: 1000, marginMs: 100 });
}

t.test('an answer takes the light time twice, and a margin', async (t) => {
  const clock = new ManualClock(START_MS);
  t.equal(light(clock, ALWAYS_OPEN).answerDueMs(5000), 7100);
  clock.jumpTo(START_MS + 86_400_000);
  t.equal(light(clock, ALWAYS_OPEN).answerDueMs(5000), 7100, 'whatever the wall clock says');
});

t.test('and the time until the far end may speak', async (t) => {
  const clock = new ManualClock(START_MS);
  const inWindows = light(clock, between([0, 5000], [20_000, 30_000]));
  t.equal(inWindows.answerDueMs(3000), 5100, 'it gets there in time');
  t.equal(inWindows.answerDueMs(4500), 21_100, 'it gets there too late');
  t.equal(inWindows.answerDueMs(29_500), 3_600_000, 'no contact is planned: the plan is asked again');
});

t.test('the window that holds, and the next change', async (t) => {
  const clock = new ManualClock(START_MS);
  const inWindows = light(clock, { ...between([500, 1500]), termsAt: (ms) => (ms < START_MS + 800 ? undefined : { rateBytesPerSec: 7, lightTimeMs: 1 }) });
  t.same([inWindows.isOpen(), inWindows.nextChangeMs()], [false, 500]);
  clock.advance(500);
  t.same([inWindows.isOpen(), inWindows.rateBytesPerSec, inWindows.nextChangeMs()], [true, 1000, 1500]);
  clock.advance(1000);
  t.same([inWindows.isOpen(), inWindows.rateBytesPerSec, inWindows.nextChangeMs()], [false, 7, 1500 + 3_600_000]);
  clock.jumpTo(START_MS + 600);
  t.ok(inWindows.isOpen(), 'a clock that goes back is believed');
});

t.test('a pace is kept, in bursts of a moment', async (t) => {
  const pace = new Pace(1000, 0);
  t.equal(pace.waitMs(1000, 10_000, 0), 0);
  pace.spend(1000);
  t.equal(pace.waitMs(1000, 10_000, 0), 100);
  t.equal(pace.waitMs(1000, 10_000, 60), 40);
  t.equal(pace.waitMs(1000, 10_000, 100_000), 0, 'silence earns no more than a burst');
  pace.spend(1000);
  t.equal(pace.waitMs(1000, 10_000, 100_000), 100);
});
