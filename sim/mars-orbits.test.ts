import t from 'tap';
import { marsOrbiter, nodeDrift } from './mars-orbits.js';
import { passes } from './passes.js';
import type { Window } from './windows.js';

const DAY_US = 86_400e6;
const START_MS = Date.UTC(2026, 5, 1);
const BASE = { latitude: 18.4, longitude: 77.5, heightKm: 0 };
/** That of Mars Reconnaissance Orbiter, about: 255 by 320 km, 92.7 degrees, 112 minutes; in step with the Sun. */
const ORBIT = { height: 288, inclinationDeg: 92.7, nodeDeg: 0, phaseDeg: 0 };
const DEG = Math.PI / 180;

t.test('the plane of an orbit like that of MRO goes around once in a year of Mars', async (t) => {
  const degPerDay = (nodeDrift(ORBIT) / DEG) * 86_400;
  t.ok(Math.abs(degPerDay - 360 / 686.98) < 0.03, `${degPerDay.toFixed(4)} degrees a day`);
});

t.test('it comes over a pole once in each turn of 112 to 114 minutes, straight overhead where the orbit is polar', async (t) => {
  const orbiter = marsOrbiter({ ...ORBIT, inclinationDeg: 90 });
  const pole = { latitude: 90, longitude: 0, heightKm: 0 };
  const tops: number[] = [];
  let [before, here] = [-90, -90];
  for (let minute = 0; minute < 600; minute += 0.05) {
    const { elevationDeg } = orbiter.look(pole, START_MS + minute * 60_000) ?? { elevationDeg: -90 };
    if (here > before && here > elevationDeg) {
      tops.push(minute);
      t.ok(here > 88, 'overhead');
    }
    [before, here] = [here, elevationDeg];
  }
  t.ok(tops.length === 5 || tops.length === 6);
  for (const [index, minute] of tops.slice(1).entries()) t.ok(Math.abs(minute - (tops[index] ?? 0) - 113) < 1);
});

t.test('passes are all there are: as a look every ten seconds finds them, none longer than geometry allows', async (t) => {
  const satellite = marsOrbiter(ORBIT);
  const windows = passes({ satellite, station: BASE, startMs: START_MS }, 10);
  const found: Window[] = [];
  for (let window = windows(0); window !== undefined && window.startUs < 4 * DAY_US; window = windows(window.endUs)) found.push(window);
  t.ok(found.length >= 6 && found.length <= 14, `${found.length} passes in four days`);
  const halfDeg = Math.acos((3396 / 3684) * Math.cos(10 * DEG)) / DEG - 10;
  for (const { startUs, endUs } of found) t.ok((endUs - startUs) / 1e6 < (2 * halfDeg) / (satellite.degPerSec - 2 * 350.892 / 86_400));
  for (let us = 0; us < 4 * DAY_US; us += 10e6) {
    const isUp = (satellite.look(BASE, START_MS + us / 1000)?.elevationDeg ?? -90) > 10;
    if (found.some(({ startUs, endUs }) => us >= startUs && us < endUs) !== isUp) t.fail(`${us} us: ${isUp ? 'in sight' : 'out of sight'}`);
  }
});
