import t from 'tap';
import { parseYaml } from '../gateway/yaml-file.js';
import { changedScenario, parseChanges } from '../sim/change-scenario.js';
import { overThreads } from '../sim/run-threads.js';
import { sweepRun } from '../sim/sweep-run.js';
import type { SweepRun, Variant } from '../sim/sweep-run.js';
import { jobsOf } from '../sim/sweep.js';
import { readLibrary } from './sim-library.js';

t.setTimeout(300_000);
const never = new AbortController().signal;
const STORIES = ['antarctic-station', 'broadcast-down', 'earth-mars-conjunction', 'earth-mars-year', 'isp-two-boxes', 'mission-with-relay', 'mission-without-relay', 'orbiter-between', 'reboots-every-hour', 'ship-two-links', 'village-courier'];

t.test('every story of the library ends as it says', async (t) => {
  const library = await readLibrary(true);
  t.same(library.map(({ name }) => name), STORIES);
  const runs: SweepRun[] = [];
  await overThreads({ jobs: jobsOf(library, [1]), threads: 2, signal: never, onDone: async (run) => void runs.push(run) });
  for (const { variant, passed, violations, missed, figures } of runs) t.ok(passed && figures.sent > 10, `${variant}: ${violations} rules broken, missed: ${missed.join('; ')}`);
  t.equal(runs.length, STORIES.length);
});

t.test('a story expects something beyond deliveries, and tells itself', async (t) => {
  for (const { name, text, file } of await readLibrary(false)) {
    const { about, expect } = changedScenario(parseYaml(text, file), []);
    t.ok(about.length > 80, `${name} is told`);
    const { everythingStillAliveArrives: _, deliveredAtLeast, ...more } = expect;
    t.ok(deliveredAtLeast !== undefined && Object.values(more).some((wanted) => wanted !== undefined), `${name} expects enough`);
  }
});

t.test('a story whose world is another one fails', async (t) => {
  const ship = (await readLibrary(true)).find(({ name }) => name === 'ship-two-links') as Variant;
  const rich = { ...ship, changes: [...ship.changes, ...parseChanges('links.satellite.budget.limits=[]')] };
  const run = await sweepRun({ variant: rich, seed: 1 });
  t.match(run, { passed: false, violations: 0, missed: ['99 % of delays, beyond'] }, 'without a budget nothing waits for the port');
});
