import t from 'tap';
import { needsShared, readSharedText } from '../scripts/shared-vectors.js';
import { satelliteOf, tleFault } from './satellites.js';
import type { Satellite } from './satellites.js';

const ELEMENTS = 'sim-vectors/sgp4/SGP4-VER.TLE';
const POSITIONS = 'sim-vectors/sgp4/tcppver.out';

t.test('orbits are those of the published set', needsShared(POSITIONS), async (t) => {
  const satellites = new Map<string, Satellite>();
  const lines = readSharedText(ELEMENTS).split(/\r?\n/).filter((line) => /^[12] /.test(line));
  for (let index = 0; index + 1 < lines.length; index += 2) satellites.set(String(Number(lines[index]?.slice(2, 7))), satelliteOf(lines[index] ?? '', lines[index + 1] ?? ''));
  let satellite: Satellite | undefined;
  let rows = 0;
  let worstKm = 0;
  for (const line of readSharedText(POSITIONS).split(/\r?\n/)) {
    const [first = '', x = '', y = '', z = ''] = line.trim().split(/\s+/);
    if (x === 'xx') satellite = satellites.get(first);
    else if (first !== '' && satellite !== undefined) {
      const found = satellite.at(Number(first));
      // The last rows of one satellite lie below the ground, where the reference stops as well.
      if (found === undefined) continue;
      rows += 1;
      worstKm = Math.max(worstKm, Math.abs(found.x - Number(x)), Math.abs(found.y - Number(y)), Math.abs(found.z - Number(z)));
    }
  }
  t.ok(rows > 600, `${rows} positions`);
  t.ok(worstKm < 1e-6, `off by ${(worstKm * 1e6).toFixed(3)} mm at most`);
});

const LINE1 = '1 99001U 26001A   26152.00000000  .00000000  00000-0  00000-0 0    00';
const LINE2 = '2 99001  97.6000 200.0000 0010000  90.0000 270.0000 15.05000000    00';

t.test('elements with a slip are told from those without', async (t) => {
  t.match(tleFault(LINE1, LINE2), /line 1 .* checksum/);
  t.match(tleFault(LINE2, LINE1), /begins with "1 "/);
  t.match(tleFault('1 99001U', LINE2), /69 characters, not 8/);
});
