import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { ClockTrust } from './clock-trust.js';

const NOON = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;
const SYSTEM = { source: 'system', leapMs: 2 * DAY_MS } as const;

t.test('a first start believes a clock that was set', async (t) => {
  const trust = new ClockTrust(new ManualClock(NOON), SYSTEM);
  t.ok(trust.trusted);
  t.equal(trust.nowMs(), NOON);
});

t.test('a clock in 1970 is not believed, and time goes on from the high-water mark', async (t) => {
  const clock = new ManualClock(1000);
  const trust = new ClockTrust(clock, { ...SYSTEM, highWaterMs: NOON });
  t.notOk(trust.trusted);
  t.equal(trust.status().doubt, 'behind');
  clock.advance(5000);
  t.equal(trust.nowMs(), NOON + 5000);
  t.ok(trust.highWaterMs >= NOON);
});

t.test('a clock in 1970 is not believed at the very first start', async (t) => {
  t.notOk(new ClockTrust(new ManualClock(1000), SYSTEM).trusted);
});

t.test('a clock that was behind is believed again once it is set', async (t) => {
  const clock = new ManualClock(1000);
  const trust = new ClockTrust(clock, { ...SYSTEM, highWaterMs: NOON });
  clock.advance(60_000);
  clock.jumpTo(NOON + 90_000);
  t.ok(trust.trusted);
  t.equal(trust.nowMs(), NOON + 90_000);
});

t.test('a leap forward between two starts needs a second source', async (t) => {
  const clock = new ManualClock(NOON + 400 * DAY_MS);
  const trust = new ClockTrust(clock, { ...SYSTEM, highWaterMs: NOON });
  t.equal(trust.status().doubt, 'leapt');
  t.equal(trust.nowMs(), NOON);
  trust.confirm(NOON, 'shore');
  t.notOk(trust.trusted, 'a source that disagrees confirms nothing');
  trust.confirm(NOON + 400 * DAY_MS + 30_000, 'shore');
  t.ok(trust.trusted);
  t.equal(trust.status().confirmedBy, 'shore');
  t.equal(trust.nowMs(), NOON + 400 * DAY_MS);
});

t.test('a clock that leapt is believed again once it is set back to where it should be', async (t) => {
  const clock = new ManualClock(NOON);
  const trust = new ClockTrust(clock, SYSTEM);
  clock.jumpTo(NOON + 100 * DAY_MS);
  t.notOk(trust.trusted);
  clock.advance(60_000);
  clock.jumpTo(NOON + 61_000);
  t.ok(trust.trusted);
});

t.test('a leap forward while running puts the clock in doubt, and a leap back too', async (t) => {
  for (const [jumpMs, doubt] of [
    [NOON + 30 * DAY_MS, 'leapt'],
    [NOON - DAY_MS, 'behind'],
  ] as const) {
    const clock = new ManualClock(NOON);
    const trust = new ClockTrust(clock, SYSTEM);
    clock.advance(1000);
    clock.jumpTo(jumpMs);
    t.equal(trust.status().doubt, doubt);
    t.equal(trust.nowMs(), NOON + 1000);
  }
});

t.test('small steps of a time daemon and an ordinary month off are believed', async (t) => {
  const clock = new ManualClock(NOON);
  const trust = new ClockTrust(clock, { ...SYSTEM, leapMs: 60 * DAY_MS, highWaterMs: NOON - 30 * DAY_MS });
  t.ok(trust.trusted);
  clock.jumpTo(NOON - 2000);
  t.ok(trust.trusted);
});

t.test('a leap that nobody has looked for yet is not taken for the time', async (t) => {
  const clock = new ManualClock(NOON);
  const trust = new ClockTrust(clock, SYSTEM);
  clock.jumpTo(NOON + 30 * DAY_MS);
  t.equal(trust.nowMs(), NOON);
  trust.confirm(NOON + 30 * DAY_MS, 'shore');
  t.equal(trust.nowMs(), NOON + 30 * DAY_MS);
  t.notOk(trust.takeFall(), 'forward is no fall');
});

t.test('the time that is kept goes back when an earlier one is confirmed, and by nothing else', async (t) => {
  const clock = new ManualClock(NOON);
  const trust = new ClockTrust(clock, { ...SYSTEM, highWaterMs: NOON + 60 * DAY_MS });
  clock.advance(1000);
  t.equal(trust.highWaterMs, NOON + 60 * DAY_MS + 1000);
  t.notOk(trust.takeFall());
  trust.confirm(NOON + 1000, 'the operator');
  t.ok(trust.takeFall());
  t.notOk(trust.takeFall(), 'once');
  t.equal(trust.highWaterMs, NOON + 60 * DAY_MS + 1000, 'nor before all that went by the later time has been dealt with');
  trust.forgetLater();
  t.equal(trust.highWaterMs, NOON + 1000);
  t.ok(new ClockTrust(clock, { ...SYSTEM, highWaterMs: trust.highWaterMs }).trusted, 'so that a restart believes it, too');
  clock.jumpTo(NOON - 2000);
  t.equal(trust.highWaterMs, NOON - 2000, 'a step within what clocks are stepped by');
});

t.test('with source peers nothing is believed until a neighbour agrees', async (t) => {
  const trust = new ClockTrust(new ManualClock(NOON), { source: 'peers', leapMs: DAY_MS });
  t.equal(trust.status().doubt, 'unconfirmed');
  trust.confirm(NOON + 60_000, 'shore');
  t.ok(trust.trusted);
});
