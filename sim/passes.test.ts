import t from 'tap';
import { needsShared, readShared } from '../scripts/shared-vectors.js';
import { passes, rangeLightTimes } from './passes.js';
import { checksum, satelliteOf } from './satellites.js';
import type { Satellite, Station } from './satellites.js';
import type { Window, Windows } from './windows.js';

const PASSES = 'sim-vectors/passes.json';
const DAY_US = 86_400e6;

interface Published {
  readonly cases: readonly { readonly name: string; readonly line1: string; readonly line2: string; readonly lat: number; readonly lon: number; readonly height_m: number; readonly t0: string; readonly t1: string; readonly mask_deg: number; readonly expect: readonly (readonly [what: string, at: string])[] }[];
  readonly look: { readonly at: string; readonly alt_deg: number; readonly az_deg: number; readonly range_km: number };
  readonly range_series: { readonly from: string; readonly step_s: number; readonly range_km: readonly number[] };
}

function all(windows: Windows, untilUs: number): Window[] {
  const found: Window[] = [];
  for (let window = windows(0); window !== undefined && window.startUs < untilUs; window = windows(window.endUs)) found.push(window);
  return found;
}

t.test('passes are as published, within 2 s', needsShared(PASSES), async (t) => {
  const { cases, look, range_series: series } = readShared(PASSES) as Published;
  for (const { name, line1, line2, lat, lon, height_m, t0, t1, mask_deg, expect } of cases) {
    const sky = { satellite: satelliteOf(line1, line2), station: { latitude: lat, longitude: lon, heightKm: height_m / 1000 }, startMs: Date.parse(t0) };
    const found = all(passes(sky, mask_deg), (Date.parse(t1) - Date.parse(t0)) * 1000);
    const top = ({ startUs, endUs }: Window): number => {
      let best = { us: startUs, deg: -90 };
      for (let us = startUs; us < endUs; us += 100_000) {
        const deg = sky.satellite.look(sky.station, sky.startMs + us / 1000)?.elevationDeg ?? -90;
        if (deg > best.deg) best = { us, deg };
      }
      return best.us;
    };
    const events = found.flatMap((pass) => [['rise', pass.startUs], ['culminate', top(pass)], ['set', pass.endUs]] as const);
    t.equal(events.length, expect.length, `${name}: ${found.length} passes`);
    for (const [index, [what, us]] of events.entries()) {
      const [wanted, at = ''] = expect[index] ?? [];
      t.equal(what, wanted);
      const offSec = (sky.startMs + us / 1000 - Date.parse(at)) / 1000;
      t.ok(Math.abs(offSec) <= 2, `${what} ${at}: ${offSec.toFixed(2)} s`);
    }
    const seen = sky.satellite.look(sky.station, Date.parse(look.at));
    t.ok(Math.abs((seen?.elevationDeg ?? 0) - look.alt_deg) < 0.05 && Math.abs((seen?.azimuthDeg ?? 0) - look.az_deg) < 0.05, `${seen?.elevationDeg} ${seen?.azimuthDeg}`);
    t.ok(Math.abs((seen?.rangeKm ?? 0) - look.range_km) < 1, `${seen?.rangeKm} km`);
    const light = rangeLightTimes(sky);
    for (const [index, km] of series.range_km.entries()) {
      const us = (Date.parse(series.from) + 1000 * series.step_s * index - sky.startMs) * 1000;
      t.ok(Math.abs((light(us) / 1e6) * 299_792.458 - km) < 1, `${km} km`);
    }
  }
});

/** A satellite that never was: 550 km up, nearly over the poles. */
const OURS = ['1 99001U 26001A   26152.00000000  .00000000  00000-0  00000-0 0    0', '2 99001  97.6000 200.0000 0010000  90.0000 270.0000 15.05000000    0'] as const;
/** As far from the Earth as a day is long: it stands still in the sky. */
const STILL = ['1 99002U 26002A   26152.00000000  .00000000  00000-0  00000-0 0    0', '2 99002   0.0500  90.0000 0001000   0.0000   0.0000  1.00273791    0'] as const;
/** Half a day around, far out over the north. */
const HIGH = ['1 99003U 26003A   26152.00000000  .00000000  00000-0  00000-0 0    0', '2 99003  63.4000 120.0000 7200000 270.0000   0.0000  2.00600000    0'] as const;
const STATION: Station = { latitude: 52.4, longitude: 13.1, heightKm: 0.05 };
const START_MS = Date.UTC(2026, 5, 1);

function made([line1, line2]: readonly [string, string]): Satellite {
  return satelliteOf(`${line1}${checksum(line1)}`, `${line2}${checksum(line2)}`);
}

/** Every second: slow, and nothing can be overlooked. */
function plainly(satellite: Satellite, maskDeg: number, untilUs: number): [number, number][] {
  const found: [number, number][] = [];
  let sinceUs: number | undefined;
  for (let us = 0; us < untilUs; us += 1e6) {
    const isUp = (satellite.look(STATION, START_MS + us / 1000)?.elevationDeg ?? -90) > maskDeg;
    if (isUp && sinceUs === undefined) sinceUs = us;
    if (!isUp && sinceUs !== undefined) {
      found.push([sinceUs, us]);
      sinceUs = undefined;
    }
  }
  return found;
}

for (const [name, lines, maskDeg, days] of [['low', OURS, 5, 3], ['low, over a high mask', OURS, 60, 6], ['on a long ellipse', HIGH, 10, 3]] as const) {
  t.test(`no pass of a satellite ${name} is overlooked`, async (t) => {
    const satellite = made(lines);
    const wanted = plainly(satellite, maskDeg, days * DAY_US);
    const found = all(passes({ satellite, station: STATION, startMs: START_MS }, maskDeg), days * DAY_US);
    t.ok(wanted.length > 2, `${wanted.length} passes`);
    for (const [index, [startUs, endUs]] of wanted.entries()) {
      t.ok(Math.abs((found[index]?.startUs ?? 0) - startUs) <= 1e6 && Math.abs((found[index]?.endUs ?? 0) - endUs) <= 1e6, `${startUs / 1e6} to ${endUs / 1e6} s`);
    }
  });
}

t.test('a satellite that stands still never sets, or is never seen', async (t) => {
  const satellite = made(STILL);
  const below = satellite.look({ latitude: 0, longitude: 0, heightKm: 0 }, START_MS);
  const sees = (longitude: number): Window | undefined => passes({ satellite, station: { latitude: 40, longitude, heightKm: 0 }, startMs: START_MS }, 10)(0);
  const longitudes = [0, 60, 120, 180, 240, 300].map(sees);
  t.ok(below !== undefined);
  t.ok(longitudes.some((window) => window?.startUs === 0 && window.endUs === Number.MAX_SAFE_INTEGER), 'somewhere for ever');
  t.ok(longitudes.some((window) => window === undefined), 'elsewhere never');
});

t.test('light to a low satellite takes milliseconds', async (t) => {
  const satellite = made(OURS);
  const sky = { satellite, station: STATION, startMs: START_MS };
  const [first] = all(passes(sky, 5), DAY_US);
  const us = rangeLightTimes(sky)(first?.startUs ?? 0);
  t.ok(us > 1800 && us < 8000, `${us} us`);
});
