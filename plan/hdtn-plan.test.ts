import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import fc from 'fast-check';
import { inPlanOrder } from './contact-plan.js';
import type { ContactPlan, PlanContact } from './contact-plan.js';
import { writeIonPlan } from './ion-export.js';
import { readIonPlan } from './ion-plan.js';
import { readHdtnPlan, writeHdtnPlan } from './hdtn-plan.js';

const START_MS = Date.UTC(2026, 5, 1);
const read = (text: string): ContactPlan => readHdtnPlan(text, { file: 'plan.json', startMs: START_MS });
const CONTACT = { contact: 0, source: 1, dest: 2, startTime: 10, endTime: 20, rateBitsPerSec: 8000, owlt: 3 };
const planOf = (...contacts: object[]): string => JSON.stringify({ contacts }, null, 1);

t.test('times are seconds from the start, rates bits a second, light times seconds', async (t) => {
  t.same(read(planOf(CONTACT)).contacts, [{ from: 1, to: 2, startMs: START_MS + 10_000, endMs: START_MS + 20_000, rateBytesPerSec: 1000, lightTimeMs: 3000, confidence: 1 }]);
});

t.test('the old field rate is in megabits a second, and the new one wins', async (t) => {
  const { rateBitsPerSec: _, ...old } = CONTACT;
  t.match(read(planOf({ ...old, rate: 8 })).contacts, [{ rateBytesPerSec: 1_000_000 }]);
  t.match(read(planOf({ ...CONTACT, rate: 8 })).contacts, [{ rateBytesPerSec: 1000 }]);
});

t.test('a fault names the line on which its contact begins', async (t) => {
  const second = (change: object): string => `{"contacts": [\n ${JSON.stringify(CONTACT)},\n  {"note": "a ] and a {",\n ${JSON.stringify({ ...CONTACT, source: 3, ...change }).slice(1)}]}`;
  for (const change of [{ source: 'one' }, { dest: 1.5 }, { dest: -1 }, { startTime: null }, { endTime: undefined }, { rateBitsPerSec: 0 }, { rateBitsPerSec: undefined }, { owlt: -1 }, { owlt: '3' }]) {
    t.throws(() => read(second(change)), { code: 'PLAN_SYNTAX', data: { file: 'plan.json', line: 3 } }, JSON.stringify(change));
  }
  t.throws(() => read(`{"contacts": [\n${JSON.stringify(CONTACT)},\n7]}`), { code: 'PLAN_SYNTAX' });
});

t.test('what can never be used is left out, and told', async (t) => {
  const plan = read(planOf({ ...CONTACT, dest: 1 }, { ...CONTACT, endTime: 10 }));
  t.same(plan.contacts, []);
  t.match(plan.notes, [/line 3: .*itself/, /line 12: .*ends before/]);
});

t.test('what is no plan is no plan', async (t) => {
  for (const text of ['', '{', '[]', '7', 'null', '{"contacts": 7}', '{}']) t.throws(() => read(text), { code: 'PLAN_SYNTAX' }, text);
  t.throws(() => read('{\n"contacts": [\n}'), { code: 'PLAN_SYNTAX', data: { line: 3 } });
  t.same(read('{"contacts": []}').contacts, []);
});

t.test('contacts of one pair may overlap; for ION they are made to follow one another', async (t) => {
  const plan = read(planOf(CONTACT, { ...CONTACT, startTime: 15, endTime: 30 }, { ...CONTACT, startTime: 16, endTime: 18 }));
  t.equal(plan.contacts.length, 3);
  const { text, notes } = writeIonPlan(plan);
  t.same(readIonPlan(text, { file: 'plan', referenceMs: 0 }).contacts.map(({ startMs, endMs }) => [startMs - START_MS, endMs - START_MS]), [[10_000, 20_000], [20_000, 30_000]]);
  t.match(notes, [/begins after/, /left out/]);
});

t.test('what is written is read as the same plan', async () => {
  const contact = fc.record({ from: fc.integer({ min: 1, max: 4 }), to: fc.integer({ min: 1, max: 4 }), slot: fc.nat(50), lengthSec: fc.integer({ min: 1, max: 10 }), rateBytesPerSec: fc.integer({ min: 1, max: 1e9 }), lightSec: fc.nat(3000) });
  fc.assert(
    fc.property(fc.array(contact, { maxLength: 20 }), (made) => {
      const bySlot = new Map(made.filter(({ from, to }) => from !== to).map((one) => [`${one.from} ${one.to} ${one.slot}`, one]));
      const contacts = inPlanOrder([...bySlot.values()].map(({ from, to, slot, lengthSec, rateBytesPerSec, lightSec }): PlanContact => ({ from, to, startMs: START_MS + slot * 10_000, endMs: START_MS + slot * 10_000 + lengthSec * 1000, rateBytesPerSec, lightTimeMs: lightSec * 1000, confidence: 1 })));
      const { text, notes } = writeHdtnPlan({ contacts, unscheduled: [], notes: [] }, START_MS);
      return notes.length === 0 && JSON.stringify(read(text).contacts) === JSON.stringify(contacts);
    }),
  );
});

t.test('what the format cannot hold is rounded to the safe side, and told', async (t) => {
  const contact: PlanContact = { from: 1, to: 2, startMs: START_MS + 500, endMs: START_MS + 9500, rateBytesPerSec: 1000, lightTimeMs: 1200, confidence: 0.5 };
  const before = { ...contact, startMs: START_MS - 9000, endMs: START_MS - 1 };
  const { text, notes } = writeHdtnPlan({ contacts: [before, contact], unscheduled: [{ kind: 'registration', node: 1 }], notes: [] }, START_MS);
  t.match(JSON.parse(text), { contacts: [{ startTime: 1, endTime: 9, owlt: 2, rateBitsPerSec: 8000 }] });
  t.match(notes, [/left out/, /whole seconds/, /light time/, /confidence/, /registrations/]);
});

const VECTORS = join(import.meta.dirname, '../../../shared/sim-vectors/plans');

t.test('reads the plans of HDTN itself', { skip: existsSync(VECTORS) ? false : 'no ../shared/sim-vectors here' }, async (t) => {
  for (const [file, count] of [['hdtn-cgrTutorial.json', 16], ['hdtn-contactPlanLcrd.json', 6], ['hdtn-contactPlan_RoutingTest.json', 8], ['hdtn-10nodes.json', 362]] as const) {
    const contacts = read(readFileSync(join(VECTORS, file), 'utf8')).contacts;
    t.equal(contacts.length, count, file);
    t.ok(contacts.every(({ rateBytesPerSec }) => rateBytesPerSec > 0));
  }
});
