/** Scenarios from contact plans of ION and HDTN, which postern reads for its gateways, too. */
import { planSyntax } from '../../plan/contact-plan.js';
import type { ContactPlan } from '../../plan/contact-plan.js';
import { readHdtnPlan } from '../../plan/hdtn-plan.js';
import { readIonPlan } from '../../plan/ion-plan.js';
import { contactsScenario } from './contacts-scenario.js';
import type { Imported, ImportInput, ImportTerms } from './imported.js';

const BITS_PER_BYTE = 8;
/** A plan that begins so much later than the start that was given has times of its own. */
const OWN_TIMES_MS = 30 * 86_400_000;

export function importIon({ text, file }: ImportInput, { startMs }: ImportTerms): Imported {
  return planScenario(readIonPlan(text, { file, referenceMs: startMs }), file, startMs, 'ion');
}

export function importHdtn({ text, file }: ImportInput, { startMs }: ImportTerms): Imported {
  return planScenario(readHdtnPlan(text, { file, startMs }), file, startMs, 'hdtn');
}

function planScenario(plan: ContactPlan, file: string, startMs: number, name: string): Imported {
  const [first] = plan.contacts;
  if (first === undefined) throw planSyntax(file, 1, 'no contact', 'a plan with contacts');
  const isOwn = first.startMs < startMs || first.startMs > startMs + OWN_TIMES_MS;
  const beginsMs = isOwn ? Math.floor(first.startMs / 1000) * 1000 : startMs;
  const contacts = plan.contacts.map(({ from, to, startMs: fromMs, endMs, rateBytesPerSec, lightTimeMs, confidence }) => ({
    from: `n${from}`,
    to: `n${to}`,
    startSec: (fromMs - beginsMs) / 1000,
    endSec: (endMs - beginsMs) / 1000,
    bitsPerSec: rateBytesPerSec * BITS_PER_BYTE,
    delaySec: lightTimeMs / 1000,
    lost: 1 - confidence,
  }));
  return contactsScenario({ name, about: `From the contact plan ${file}: node 5 is n5.`, startMs: beginsMs, contacts, notes: plan.notes });
}
