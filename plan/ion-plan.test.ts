import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import fc from 'fast-check';
import type { ContactPlan, PlanContact } from './contact-plan.js';
import { inPlanOrder } from './contact-plan.js';
import { writeIonPlan } from './ion-export.js';
import { readIonPlan } from './ion-plan.js';
import { formatIonTime, parseIonTime } from './ion-time.js';

const REFERENCE_MS = Date.UTC(2026, 5, 1);
const read = (text: string): ContactPlan => readIonPlan(text, { file: 'plan.ionrc', referenceMs: REFERENCE_MS });
const RANGE = 'a range +0 +100000 1 2 3\n';

/** Seconds after the reference. */
const windows = ({ contacts }: ContactPlan): [from: number, to: number, startSec: number, endSec: number, lightSec: number][] =>
  contacts.map(({ from, to, startMs, endMs, lightTimeMs }) => [from, to, (startMs - REFERENCE_MS) / 1000, (endMs - REFERENCE_MS) / 1000, lightTimeMs / 1000]);

const same = (a: readonly PlanContact[], b: readonly PlanContact[]): boolean => JSON.stringify(a.map(fields)) === JSON.stringify(b.map(fields));
const fields = ({ from, to, startMs, endMs, rateBytesPerSec, lightTimeMs, confidence }: PlanContact): number[] => [from, to, startMs, endMs, rateBytesPerSec, lightTimeMs, confidence];

t.test('a rate is in bytes a second', async (t) => {
  t.match(read(`${RANGE}a contact +0 +60 1 2 125000`).contacts, [{ from: 1, to: 2, rateBytesPerSec: 125_000, confidence: 1 }]);
  t.match(read(`${RANGE}a contact +0 +60 1 2 125000 0.5`).contacts, [{ confidence: 0.5 }]);
});

t.test('a reference may be relative to the one before: they add up', async (t) => {
  const plan = read(`${RANGE}@ +100\na contact +0 +10 1 2 1000\n@ +100\na contact +0 +10 1 2 1000\n@ 2026/06/01-01:00:00\na contact +0 +10 1 2 1000\n`);
  t.same(windows(plan), [[1, 2, 100, 110, 3], [1, 2, 200, 210, 3], [1, 2, 3600, 3610, 3]]);
});

t.test('times are absolute or relative, with decimals, and dates that do not exist are none', async (t) => {
  t.equal(parseIonTime('+90', 1000), 91_000);
  t.equal(parseIonTime('+0.25', 1000), 1250);
  t.equal(parseIonTime('2026/06/01-12:30:15', 0), Date.UTC(2026, 5, 1, 12, 30, 15));
  t.equal(parseIonTime('2026/06/01-12:30:15.125', 0), Date.UTC(2026, 5, 1, 12, 30, 15, 125));
  for (const bad of ['90', '-1', '+', '+1e3', '2026/06/31-00:00:00', '2026/6/1-00:00:00', '2026/06/01-25:00:00', '2026-06-01T00:00:00Z', '']) t.equal(parseIonTime(bad, 0), undefined, bad);
  for (const ms of [0, REFERENCE_MS, REFERENCE_MS + 125]) t.equal(parseIonTime(formatIonTime(ms), 0), ms);
});

t.test('a range from the smaller number holds both ways, unless the way back has its own', async (t) => {
  const both = 'a contact +0 +60 1 2 1000\na contact +0 +60 2 1 1000\n';
  t.same(windows(read(`a range +0 +60 1 2 5\n${both}`)), [[1, 2, 0, 60, 5], [2, 1, 0, 60, 5]]);
  t.same(windows(read(`a range +0 +60 1 2 5\na range +0 +60 2 1 7\n${both}`)), [[1, 2, 0, 60, 5], [2, 1, 0, 60, 7]]);
  const oneWay = read(`a range +0 +60 2 1 7\n${both}`);
  t.same(windows(oneWay), [[2, 1, 0, 60, 7]], 'from the larger one it says nothing of the other way');
  t.match(oneWay.notes, [/line 2: there is no range/]);
});

t.test('light time that changes within a contact makes it several', async (t) => {
  const plan = read('a range +0 +30 1 2 5\na range +30 +40 1 2 6\na range +40 +50 1 2 6\na contact +10 +60 1 2 1000\n');
  t.same(windows(plan), [[1, 2, 10, 30, 5], [1, 2, 30, 50, 6]]);
  t.match(plan.notes, [/a part of this contact/]);
});

t.test('contacts of one pair must not overlap; touching is no overlap, nor is the other way', async (t) => {
  t.throws(() => read(`${RANGE}a contact +0 +60 1 2 1000\na contact +59 +90 1 2 1000\n`), { code: 'PLAN_OVERLAP', data: { file: 'plan.ionrc', line: 3, otherLine: 2 } });
  t.throws(() => read('a range +0 +60 1 2 1\na range +30 +90 1 2 1\n'), { code: 'PLAN_OVERLAP', data: { line: 2, otherLine: 1 } });
  t.equal(read(`${RANGE}a contact +0 +60 1 2 1000\na contact +60 +90 1 2 1000\na contact +0 +60 2 1 1000\n`).contacts.length, 3);
  t.throws(() => read(`${RANGE}a contact +80 +90 1 2 1000\na contact +0 +10 1 2 1000\na contact +5 +20 1 2 1000\n`), { code: 'PLAN_OVERLAP', data: { line: 4, otherLine: 3 } }, 'out of order, too');
});

t.test('a wildcard deletes all contacts of a pair, and of no other', async (t) => {
  const plan = read(`${RANGE}a contact +0 +10 1 2 1000\na contact +20 +30 1 2 1000\na contact +0 +10 2 1 1000\nd contact * 1 2\na contact +5 +15 1 2 2000\n`);
  t.same(windows(plan), [[2, 1, 0, 10, 3], [1, 2, 5, 15, 3]]);
  const one = read(`${RANGE}a contact +0 +10 1 2 1000\na contact +20 +30 1 2 1000\nd contact +20 1 2\nd contact +21 1 2\n`);
  t.same(windows(one), [[1, 2, 0, 10, 3]]);
  t.match(one.notes, [/line 5: there is no such contact/]);
});

t.test('a contact may be changed', async (t) => {
  t.match(read(`${RANGE}a contact +0 +10 1 2 1000\nc contact +0 1 2 500 0.5\n`).contacts, [{ rateBytesPerSec: 500, confidence: 0.5 }]);
});

t.test('a start of -1 is a registration and a stop of 0 a hypothetical contact: neither is a window', async (t) => {
  const plan = read('a contact -1 -1 7 7 0\na contact +0 0 1 2 0\na contact 0 0 2 1 0\n');
  t.same(plan.contacts, []);
  t.same(plan.unscheduled, [{ kind: 'registration', node: 7 }, { kind: 'hypothetical', from: 1, to: 2 }, { kind: 'hypothetical', from: 2, to: 1 }]);
  t.equal(read('a contact -1 -1 7 7 0\nd contact -1 7 7\n').unscheduled.length, 0);
  t.throws(() => read('a contact -1 -1 7 8 0'), { code: 'PLAN_SYNTAX', data: { line: 1 } });
  t.throws(() => read('a contact +0 0 7 7 0'), { code: 'PLAN_SYNTAX', data: { line: 1 } });
});

t.test('a contact of a node with itself is left out, and so is what is no business of a plan', async (t) => {
  const plan = read('# a comment\n1 7 ionconfig\ns\nm horizon +0\nm clockerr 1\n^ 1\na contact +0 +10 1 1 1000\n\r\n  a range +0 +10 1 2 0\r\n');
  t.same(plan.contacts, []);
  t.match(plan.notes, [/itself/]);
});

t.test('a fault names its line, what was found and what should stand there', async (t) => {
  const faults: [text: string, line: number, found: string][] = [
    [`${RANGE}a contact +0 +60 1 2`, 2, 'a contact +0 +60 1 2'],
    ['a contact soon +60 1 2 1000', 1, 'soon'],
    ['a contact +60 +60 1 2 1000', 1, '+60'],
    ['a contact +0 +60 one 2 1000', 1, 'one'],
    ['a contact +0 +60 1.5 2 1000', 1, '1.5'],
    ['a contact +0 +60 1 4294967296 1000', 1, '4294967296'],
    ['a contact +0 +60 1 2 0', 1, '0'],
    ['a contact +0 +60 1 2 -5', 1, '-5'],
    ['a contact +0 +60 1 2 1000 2', 1, '2'],
    ['a contact +0 +60 1 2 1000 0', 1, '0'],
    ['\n\na range +0 +60 1 2 near', 3, 'near'],
    ['@', 1, ''],
    ['^ x', 1, 'x'],
    ['b contact +0 +60 1 2 1000', 1, 'b contact +0 +60 1 2 1000'],
    [`a contact ${'9'.repeat(200)} +60 1 2 1000`, 1, `${'9'.repeat(80)}…`],
  ];
  for (const [text, line, found] of faults) t.throws(() => read(text), { code: 'PLAN_SYNTAX', data: { file: 'plan.ionrc', line, found } }, text.slice(0, 40));
});

t.test('what is written is read as the same plan', async () => {
  const contact = fc.record({ from: fc.integer({ min: 1, max: 4 }), to: fc.integer({ min: 1, max: 4 }), slot: fc.nat(50), lengthMs: fc.integer({ min: 1, max: 9_999 }), rateBytesPerSec: fc.integer({ min: 1, max: 1e9 }), lightSec: fc.nat(3000), confidence: fc.constantFrom(1, 0.5) });
  fc.assert(
    fc.property(fc.array(contact, { maxLength: 20 }), (made) => {
      const bySlot = new Map(made.filter(({ from, to }) => from !== to).map((one) => [`${one.from} ${one.to} ${one.slot}`, one]));
      const contacts = inPlanOrder([...bySlot.values()].map(({ from, to, slot, lengthMs, rateBytesPerSec, lightSec, confidence }): PlanContact => ({ from, to, startMs: REFERENCE_MS + slot * 10_000, endMs: REFERENCE_MS + slot * 10_000 + lengthMs, rateBytesPerSec, lightTimeMs: lightSec * 1000, confidence })));
      const plan: ContactPlan = { contacts, unscheduled: [{ kind: 'registration', node: 3 }, { kind: 'hypothetical', from: 1, to: 2 }], notes: [] };
      const { text, notes } = writeIonPlan(plan, true);
      const again = read(text);
      return notes.length === 0 && same(again.contacts, contacts) && JSON.stringify(again.unscheduled) === JSON.stringify(plan.unscheduled);
    }),
  );
});

t.test('what the format cannot hold is rounded to the safe side, and told', async (t) => {
  const contact: PlanContact = { from: 1, to: 2, startMs: REFERENCE_MS + 500, endMs: REFERENCE_MS + 9500, rateBytesPerSec: 1000.5, lightTimeMs: 1200, confidence: 1 };
  const { text, notes } = writeIonPlan({ contacts: [contact, { ...contact, startMs: REFERENCE_MS + 100, endMs: REFERENCE_MS + 900 }], unscheduled: [], notes: [] });
  t.match(read(text).contacts, [{ startMs: REFERENCE_MS + 1000, endMs: REFERENCE_MS + 9000, rateBytesPerSec: 1000, lightTimeMs: 2000 }]);
  t.match(notes, [/whole seconds/, /light time/, /rate/, /left out/]);
});

const VECTORS = join(import.meta.dirname, '../../../shared/sim-vectors/plans');

t.test('reads the plans of ION itself', { skip: existsSync(VECTORS) ? false : 'no ../shared/sim-vectors here' }, async (t) => {
  const counts: [file: string, contacts: number][] = [
    ['ion-bench-cgr-diamond.ionrc', 8],
    ['ion-critical-diamond.ionrc', 8],
  ];
  for (const [file, count] of counts) t.equal(read(readFileSync(join(VECTORS, file), 'utf8')).contacts.length, count, file);
  const mars = read(readFileSync(join(VECTORS, 'ion-cgr-test-mars-relay.ionrc'), 'utf8'));
  // Its ranges end after ten hours, its contacts go on.
  t.ok(mars.notes.every((note) => note.includes('there is no range')));
  // The third block stands after three times "@ +1200".
  t.ok(mars.contacts.some(({ from, to, startMs, lightTimeMs }) => from === 5 && to === 2 && startMs === REFERENCE_MS + 3_600_000 && lightTimeMs === 324_000), 'references add up');
});
