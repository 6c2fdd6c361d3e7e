import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runScenario } from './run-scenario.js';
import { parseScenario, readScenario } from './scenario-file.js';
import type { Report } from './report.js';

const SCENARIOS = join(import.meta.dirname, '../../sim/scenarios');

/** Everything at once, small: windows, light time, bursts of loss, a courier, a retraction, every kind of fault. */
const TEXT = `
name: small
lasts: 8 h
settles: 16 h
nodes:
  earth: { serves: [earth.example], routes: [{ to: mars.example, via: relay }, { to: village.example, via: village }] }
  relay: { routes: [{ to: mars.example, via: mars }, { to: earth.example, via: earth }], clock: { offset: 2 s, driftPpm: 40 } }
  mars: { serves: [mars.example], routes: [{ to: earth.example, via: relay }] }
  village: { serves: [village.example], routes: [{ to: earth.example, via: earth }] }
links:
  - { between: [earth, relay], rate: 200 kbit/s, delay: 8 min, windows: { first: 30 min, every: 3 h, open: 2 h }, loss: { toBad: 0.01, toGood: 0.25 } }
  - { between: [relay, mars], reliable: false, rate: 100 kbit/s, delay: 20 ms, duplicate: 0.2, corrupt: 0.1, reorder: { probability: 0.2, by: 5 s } }
couriers:
  - { between: [earth, village], first: 1 h, every: 4 h, travel: 40 min, lost: 0.2, returnsAfter: 30 min }
traffic:
  - { from: earth.example, to: mars.example, perDay: 30, size: [500 B, 6 KiB], lifetime: 4 d, retracted: 0.2 }
  - { from: mars.example, to: earth.example, perDay: 20, size: 1 KiB, lifetime: 4 d }
  - { from: village.example, to: earth.example, perDay: 12, kind: constant, size: 1 KiB, lifetime: 4 d }
faults:
  - { kind: crash, node: relay, every: 3 h, down: 4 min }
  - { kind: crash, node: mars, at: 2 h, down: 20 min, power: false }
  - { kind: reboot, node: earth, at: 4 h, down: 3 min }
  - { kind: disk-full, node: relay, at: 5 h, lasts: 20 min }
  - { kind: slow-disk, node: mars, at: 3 h, lasts: 1 h, sync: 300 ms }
  - { kind: clock-jump, node: mars, at: 6 h, by: 90 s, lasts: 30 min }
  - { kind: cut, link: earth-relay, every: 2 h, lasts: 3 min }
`;

t.setTimeout(120_000);
const scenario = parseScenario(TEXT, 'small.yaml');
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
