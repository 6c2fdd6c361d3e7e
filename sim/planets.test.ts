/** Light time and the Sun's place against JPL's figures, which are given for the time at which light arrives on Earth. */
import t from 'tap';
import { needsShared, readSharedTable } from '../scripts/shared-vectors.js';
import { lightTimes, lightTimeSec, sunAngleDeg } from './planets.js';
import type { Line } from './planets.js';

const UP: Line = { from: 'earth', to: 'mars' };
const DOWN: Line = { from: 'mars', to: 'earth' };
const TOLERANCE_SEC = 0.02;

/** When what arrives at this time has left. */
function leaving(line: Line, arrivesMs: number): number {
  let leavesMs = arrivesMs;
  for (let round = 0; round < 5; round += 1) leavesMs = arrivesMs - 1000 * lightTimeSec(line, leavesMs);
  return leavesMs;
}

for (const file of ['sim-vectors/owlt-mars-2010-2019.csv', 'sim-vectors/owlt-mars-extrema.csv']) {
  t.test(`Mars is as far as JPL says: ${file}`, needsShared(file), async (t) => {
    let worstSec = 0;
    let worstDeg = 0;
    const rows = readSharedTable(file);
    for (const row of rows) {
      const leavesMs = leaving(DOWN, Date.parse(row['utc'] ?? ''));
      worstSec = Math.max(worstSec, Math.abs(lightTimeSec(DOWN, leavesMs) - Number(row['owlt_s'])));
      worstDeg = Math.max(worstDeg, Math.abs(sunAngleDeg(DOWN, leavesMs) - Number(row['sun_earth_body_angle_deg'])));
    }
    t.ok(rows.length > 9, `${rows.length} dates`);
    t.ok(worstSec < TOLERANCE_SEC, `light time off by ${worstSec.toFixed(4)} s at most`);
    t.ok(worstDeg < 0.03, `angle to the Sun off by ${worstDeg.toFixed(4)} degrees at most`);
  });
}

t.test('the nearest and the farthest of the decade: 192.116 s and 1,334.994 s', async (t) => {
  for (const [date, seconds] of [['2018-08-01', 192.116], ['2019-08-28', 1334.994]] as const) {
    const found = lightTimeSec(DOWN, leaving(DOWN, Date.parse(`${date}T00:00:00Z`)));
    t.ok(Math.abs(found - seconds) < TOLERANCE_SEC, `${date}: ${found.toFixed(3)} s`);
  }
});

t.test('there and back to Mars as the Deep Space Network saw it: 547.5 s and 827.5 s', async (t) => {
  for (const [at, seconds, seen] of [['2022-12-07T13:18:53Z', 547.536, 547.5], ['2022-09-23T06:33:20Z', 827.44, 827.5]] as const) {
    const arrivesMs = Date.parse(at);
    const turnsMs = leaving(DOWN, arrivesMs);
    const twice = 2 * lightTimeSec(DOWN, turnsMs);
    t.ok(Math.abs(twice - seconds) < 2 * TOLERANCE_SEC, `${at}: twice the way down is ${twice.toFixed(3)} s, ${seconds} s by ephemeris`);
    const roundTrip = (arrivesMs - leaving(UP, turnsMs)) / 1000;
    t.ok(Math.abs(roundTrip - seen) < 0.05, `up and down are ${roundTrip.toFixed(3)} s; ${seen} s on the screen, of four digits`);
  }
});

t.test('one way differs from the other, since both planets move while the light is under way', async (t) => {
  // Mid-2011, Mars comes nearer by 10 km/s: the light meets it.
  const leavesMs = Date.parse('2011-09-01T00:00:00Z');
  const difference = lightTimeSec(UP, leavesMs) - lightTimeSec(DOWN, leavesMs);
  t.ok(Math.abs(difference) > 0.001, `${(1000 * difference).toFixed(1)} ms`);
});

t.test('the curve of a run is within a millisecond of what the ephemeris says', async (t) => {
  const startMs = Date.parse('2026-06-01T00:00:00Z');
  for (const line of [UP, DOWN, { from: 'earth', to: 'moon' }, { from: 'jupiter', to: 'earth' }, { from: 'mercury', to: 'earth' }] as const) {
    const curve = lightTimes(line, startMs);
    let worstMs = 0;
    for (let hours = 0; hours < 90 * 24; hours += 31.7) worstMs = Math.max(worstMs, Math.abs(curve(hours * 3600e6) / 1000 - 1000 * lightTimeSec(line, startMs + hours * 3_600_000)));
    t.ok(worstMs < 1, `${line.from} to ${line.to}: ${worstMs.toFixed(6)} ms`);
  }
});

t.test('the Moon is a bit more than a light second away', async (t) => {
  for (let day = 0; day < 30; day += 1) {
    const seconds = lightTimeSec({ from: 'earth', to: 'moon' }, Date.UTC(2026, 5, 1 + day));
    t.ok(seconds > 1.18 && seconds < 1.36, `${seconds}`);
  }
});
