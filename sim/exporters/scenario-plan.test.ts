import t from 'tap';
import { readHdtnPlan } from '../../plan/hdtn-plan.js';
import { readIonPlan } from '../../plan/ion-plan.js';
import { importScenario } from '../importers/import-scenario.js';
import { lightTimeSec } from '../planets.js';
import { parseScenario } from '../scenario-file.js';
import { exportScenario, planOf } from './scenario-plan.js';

const START_MS = Date.UTC(2026, 5, 1);
const SCENARIO = `name: three
starts: 2026-06-01T00:00:00Z
lasts: 2 d
settles: 1 d
nodes: { earth: {}, n1: {}, mars: {}, town: {} }
links:
  - { between: [earth, mars], delay: { from: earth, to: mars }, windows: { first: 2 h, every: 1 d, open: 90 min }, rate: 8 kbit/s }
  - { between: [earth, n1], rate: 1 Mbit/s, delay: 2 s }
couriers:
  - { between: [n1, town], first: 6 h, every: 1 d, travel: 3 h, loading: 10 min, capacity: 6 MB, lost: 0.25 }
`;

t.test('links and couriers become contacts, and nodes get numbers', async (t) => {
  const plan = planOf(parseScenario(SCENARIO, 'three.yaml'));
  t.same([...plan.numbers], [['n1', 1], ['earth', 2], ['mars', 3], ['town', 4]]);
  const of = (from: number, to: number) => plan.contacts.filter((contact) => contact.from === from && contact.to === to);
  t.match(of(2, 1), [{ startMs: START_MS, endMs: START_MS + 3 * 86_400_000, rateBytesPerSec: 125_000, lightTimeMs: 2000, confidence: 1 }], 'one that does not change is one contact');
  t.match(of(1, 4), [0, 1, 2].map((day) => ({ startMs: START_MS + day * 86_400_000 + 6 * 3_600_000 - 600_000, rateBytesPerSec: 10_000, lightTimeMs: 3 * 3_600_000, confidence: 0.75 })));
  t.same(of(4, 1), [], 'nothing goes back');
  const mars = of(2, 3);
  t.equal(mars.length, 6, 'three contacts of 90 minutes, in parts of an hour');
  for (const { startMs, lightTimeMs } of mars) t.equal(lightTimeMs, Math.ceil(1000 * lightTimeSec({ from: 'earth', to: 'mars' }, startMs)));
});

t.test('only so many days, where that is wanted', async (t) => {
  const plan = planOf(parseScenario(SCENARIO, 'three.yaml'), 1);
  t.ok(plan.contacts.every(({ endMs }) => endMs <= START_MS + 86_400_000));
});

t.test('ION and HDTN read what is written for them', async (t) => {
  const scenario = parseScenario(SCENARIO, 'three.yaml');
  const { contacts } = planOf(scenario);
  const ion = readIonPlan(exportScenario(scenario, 'ion', { milliseconds: true }).text, { file: 'out', referenceMs: 0 });
  t.equal(ion.contacts.length, contacts.length);
  t.match(ion.contacts.map(({ startMs, endMs, from, to }) => ({ startMs, endMs, from, to })), contacts.map(({ startMs, endMs, from, to }) => ({ startMs, endMs, from, to })));
  const exported = exportScenario(scenario, 'hdtn', {});
  t.equal(readHdtnPlan(exported.text, { file: 'out', startMs: START_MS }).contacts.length, contacts.length);
  t.ok(exported.notes.includes('node 3 is mars'));
  t.match(exportScenario(scenario, 'ion', {}).text, /^# node 1 is n1\n/);
});

t.test('a plan that was taken in goes out as it came', async (t) => {
  const text = 'a range +0 +600 1 2 5\na contact +0 +60 1 2 1000\na contact +100 +160 1 2 1000\na contact +30 +90 2 1 500\n';
  const scenario = parseScenario(importScenario('ion', [{ file: 'in', text }], { startMs: START_MS }).text, 'in');
  const back = readIonPlan(exportScenario(scenario, 'ion', {}).text, { file: 'out', referenceMs: 0 });
  t.same(back.contacts, readIonPlan(text, { file: 'in', referenceMs: START_MS }).contacts);
});

t.test('of several links at the same time the fastest counts', async (t) => {
  const text = 'name: two\nlasts: 1 h\nsettles: 1 h\nnodes: { a: {}, b: {} }\nlinks:\n  - { between: [a, b], name: slow, rate: 8 kbit/s }\n  - { between: [a, b], name: fast, rate: 80 kbit/s, windows: { list: [[10 min, 20 min]] } }\n';
  const plan = planOf(parseScenario(text, 'two.yaml'));
  const rates = plan.contacts.filter(({ from }) => from === 1).map(({ startMs, rateBytesPerSec }) => [(startMs - START_MS) / 60_000, rateBytesPerSec]);
  t.same(rates, [[0, 1000], [10, 10_000], [20, 1000]]);
  t.ok(plan.notes.some((note) => /the fastest counts/.test(note)));
});
