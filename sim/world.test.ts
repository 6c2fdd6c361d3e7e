import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runScenario } from './run-scenario.js';
import { parseScenario, readScenario } from './scenario-file.js';
import type { Report } from './report.js';
import { SMALL_SCENARIO } from './small-scenario-test-helper.js';

const SCENARIOS = join(import.meta.dirname, '../../sim/scenarios');

t.setTimeout(120_000);
const scenario = parseScenario(SMALL_SCENARIO, 'small.yaml');
let first: Report;

t.test('keeps every rule through every kind of fault, and everything arrives when they stop', async (t) => {
  first = await runScenario(scenario, { seed: 1 });
  t.same(first.violations, []);
  t.ok(first.delivery.sent > 10 && first.delivery.delivered + first.delivery.retracted >= first.delivery.sent, `${first.delivery.delivered} of ${first.delivery.sent} delivered`);
  t.equal(first.delivery.inLimbo, 0);
  for (const kind of ['crash', 'reboot', 'disk-full', 'slow-disk', 'clock-jump', 'cut']) t.ok((first.faults[kind] ?? 0) > 0, `${kind} happened`);
  t.ok(first.passed);
});

t.test('the same seed gives the same run, event by event; another seed another', async (t) => {
  t.same(await runScenario(scenario, { seed: 1 }), first);
  t.not((await runScenario(scenario, { seed: 2 })).trace.hash, first.trace.hash);
});

t.test('whoever reaches past what it was handed is found out', async (t) => {
  const report = await runScenario(scenario, { seed: 1, plant: { link: (link) => (Date.now() > 0 ? link : link) } });
  t.match(report.violations[0], { rule: 'fault', text: /Date|now was used inside a simulation/ });
  t.ok(Date.now() > 0, 'and the machine is open again');
});

t.test('every scenario of the library can be read', async (t) => {
  for (const file of (await readdir(SCENARIOS)).filter((name) => name.endsWith('.yaml'))) {
    const { name, about } = await readScenario(join(SCENARIOS, file));
    t.equal(`${name}.yaml`, file);
    t.ok(about.length > 40, `${file} tells its story`);
  }
});
