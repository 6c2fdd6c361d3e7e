import t from 'tap';
import { needsShared, readSharedTable } from '../scripts/shared-vectors.js';
import { conjunctions } from './conjunction.js';
import type { Window, Windows } from './windows.js';

const CONJUNCTIONS = 'sim-vectors/mars-solar-conjunctions-2011-2017.csv';
const HOUR_US = 3600e6;
const START_MS = Date.UTC(2010, 0, 1);
/** The table draws lines between samples two days apart. */
const TOLERANCE_HOURS = 2;

function all(windows: Windows, untilMs: number): Window[] {
  const found: Window[] = [];
  for (let window = windows(0); window !== undefined && START_MS + window.startUs / 1000 < untilMs; window = windows(window.endUs)) found.push(window);
  return found;
}

t.test('Mars goes behind the Sun when JPL says it does', needsShared(CONJUNCTIONS), async (t) => {
  const rows = readSharedTable(CONJUNCTIONS);
  for (const deg of [2, 3, 5]) {
    const wanted = rows.filter((row) => Number(row['sep_threshold_deg']) === deg);
    const found = all(conjunctions({ from: 'mars', to: 'earth' }, deg, START_MS), Date.UTC(2018, 0, 1));
    t.equal(found.length, wanted.length, `${deg} degrees: ${found.length} conjunctions`);
    for (const [index, { startUs, endUs }] of found.entries()) {
      const row = wanted[index] ?? {};
      // The table is of what is seen from Earth, where it arrives up to 23 minutes later than it left.
      for (const [us, name] of [[startUs, 'enter'], [endUs, 'exit']] as const) {
        const offHours = (START_MS + us / 1000 - Date.parse(row[name] ?? '')) / 3_600_000;
        t.ok(Math.abs(offHours) < TOLERANCE_HOURS + 0.5, `${row[name] ?? ''} ${name}: ${offHours.toFixed(2)} h`);
      }
    }
  }
});

t.test('up and down are dark at nearly the same time: Mars moves a little between light that comes and light that goes', async (t) => {
  const [up] = all(conjunctions({ from: 'earth', to: 'mars' }, 2, START_MS), Date.UTC(2012, 0, 1));
  const [down] = all(conjunctions({ from: 'mars', to: 'earth' }, 2, START_MS), Date.UTC(2012, 0, 1));
  t.ok(up !== undefined && down !== undefined);
  t.ok(Math.abs((up?.startUs ?? 0) - (down?.startUs ?? 0)) < 2 * HOUR_US);
  t.ok(Math.abs((up?.endUs ?? 0) - (down?.endUs ?? 0)) < 2 * HOUR_US);
});

t.test('a run that starts in the middle of one begins in the dark', async (t) => {
  const windows = conjunctions({ from: 'earth', to: 'mars' }, 2, Date.UTC(2015, 5, 14));
  t.equal(windows(0)?.startUs, 0);
  t.ok(Math.abs((windows(0)?.endUs ?? 0) / 86_400e6 - 7.48) < 0.2, 'until 21 June');
});

t.test('planets that never come so near to the Sun have none', async (t) => {
  // In 20 years Pluto, far from the ecliptic, passes at more than a degree.
  t.equal(conjunctions({ from: 'earth', to: 'pluto' }, 0.5, Date.UTC(2026, 0, 1))(0), undefined);
});
