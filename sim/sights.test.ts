import t from 'tap';
import { elevationDeg, lightTimes } from './planets.js';
import type { Line } from './planets.js';
import { sights } from './sights.js';
import type { Window, Windows } from './windows.js';

const HOUR_US = 3600e6;
const DAY_US = 24 * HOUR_US;
const START_MS = Date.UTC(2027, 1, 15);
const GOLDSTONE = { latitude: 35.4, longitude: -116.9, heightKm: 1 };

function seen(line: Line, station = GOLDSTONE, maskDeg = 10): Windows {
  return sights({ line, station, startMs: START_MS, lightUs: lightTimes(line, START_MS) }, maskDeg);
}

function all(windows: Windows, untilUs: number): Window[] {
  const found: Window[] = [];
  for (let window = windows(0); window !== undefined && window.startUs < untilUs; window = windows(window.endUs)) found.push(window);
  return found;
}

t.test('a planet in opposition is in sight around midnight, and stands highest then', async (t) => {
  // Opposition of 2027-02-19; midnight by the sun at this longitude is 07:48 UT, and 14 minutes later in February.
  const midnightUs = 4 * DAY_US + 8.03 * HOUR_US;
  const night = all(seen({ from: 'earth', to: 'mars' }), 6 * DAY_US).find(({ startUs, endUs }) => startUs < midnightUs && endUs > midnightUs);
  t.ok(night !== undefined);
  t.ok(Math.abs(((night?.startUs ?? 0) + (night?.endUs ?? 0)) / 2 - midnightUs) < 0.25 * HOUR_US);
});

t.test('sights are all there are: as a look every ten minutes finds them', async (t) => {
  const found = all(seen({ from: 'earth', to: 'mars' }), 5 * DAY_US);
  for (let us = 0; us < 5 * DAY_US; us += 600e6) {
    const isUp = elevationDeg('mars', GOLDSTONE, START_MS + us / 1000) > 10;
    if (found.some(({ startUs, endUs }) => us >= startUs && us < endUs) !== isUp) t.fail(`${us} us: ${isUp ? 'up' : 'down'}`);
  }
  for (const { endUs } of found) t.ok(Math.abs(elevationDeg('mars', GOLDSTONE, START_MS + endUs / 1000) - 10) < 1e-4);
});

t.test('what comes to the Earth has left a light time before it can be heard', async (t) => {
  const up = all(seen({ from: 'earth', to: 'mars' }), 3 * DAY_US);
  const down = all(seen({ from: 'mars', to: 'earth' }), 3 * DAY_US);
  const lightUs = lightTimes({ from: 'mars', to: 'earth' }, START_MS);
  const [, sent] = up;
  const heard = down.find(({ endUs }) => endUs > (sent?.startUs ?? 0));
  t.ok(Math.abs((heard?.startUs ?? 0) + lightUs(heard?.startUs ?? 0) - (sent?.startUs ?? 0)) < 5000);
});

t.test('what never rises gives no window, and what never sets one', async (t) => {
  // In February 2027 Mars stands 18 degrees north of the equator.
  t.equal(seen({ from: 'earth', to: 'mars' }, { ...GOLDSTONE, latitude: -85 }, 60)(0), undefined);
  const [always] = all(seen({ from: 'earth', to: 'mars' }, { ...GOLDSTONE, latitude: 89 }, 5), DAY_US);
  t.equal(always?.startUs, 0);
  t.ok((always?.endUs ?? 0) > 60 * DAY_US);
});
