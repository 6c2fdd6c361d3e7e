/**
 * Contact plans of HDTN: JSON, seconds after a start that is not in the file, bits a second. The older field `rate`
 * is in megabits a second; where both stand, `rateBitsPerSec` counts. Light times are whole seconds. Contacts of one
 * pair may overlap, as they do in plans that HDTN is tested with.
 */
import { inPlanOrder, MOST_CONTACTS, MOST_NODE, planSyntax } from './contact-plan.js';
import type { ContactPlan, ExportedPlan, PlanContact } from './contact-plan.js';
import { elementLines, lineOfFault } from './json-lines.js';

export interface HdtnReading {
  readonly file: string;
  /** What the times of the file count from. */
  readonly startMs: number;
}

const BITS_PER_BYTE = 8;
const BITS_PER_MEGABIT = 1_000_000;

export function readHdtnPlan(text: string, { file, startMs }: HdtnReading): ContactPlan {
  const entries = contactsIn(text, file);
  const lines = elementLines(text, 'contacts');
  const contacts: PlanContact[] = [];
  const notes: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const line = lines[index] ?? 1;
    const contact = readContact(entry, { file, line, startMs });
    if (contact.from === contact.to) notes.push(`line ${line}: a contact of node ${contact.from} with itself is left out`);
    else if (contact.endMs <= contact.startMs) notes.push(`line ${line}: a contact that ends before it begins is left out`);
    else contacts.push(contact);
  }
  return { contacts: inPlanOrder(contacts), unscheduled: [], notes };
}

/** @param startMs what the times in the file will count from */
export function writeHdtnPlan(plan: ContactPlan, startMs: number): ExportedPlan {
  const notes: string[] = [];
  const contacts: object[] = [];
  for (const [index, contact] of plan.contacts.entries()) {
    const name = `contact ${index + 1}, ${contact.from} to ${contact.to}`;
    const startTime = Math.max(0, Math.ceil((contact.startMs - startMs) / 1000));
    const endTime = Math.floor((contact.endMs - startMs) / 1000);
    if (endTime <= startTime) {
      notes.push(`${name}: over before the start, or shorter than a second, and left out`);
      continue;
    }
    if (startTime * 1000 !== contact.startMs - startMs || endTime * 1000 !== contact.endMs - startMs) notes.push(`${name}: cut to whole seconds from the start on`);
    const owlt = Math.ceil(contact.lightTimeMs / 1000);
    if (owlt * 1000 !== contact.lightTimeMs) notes.push(`${name}: light time ${contact.lightTimeMs} ms rounded up to ${owlt} s`);
    if (contact.confidence !== 1) notes.push(`${name}: its confidence of ${contact.confidence} has no place in this format`);
    contacts.push({ contact: contacts.length, source: contact.from, dest: contact.to, startTime, endTime, rateBitsPerSec: Math.floor(contact.rateBytesPerSec * BITS_PER_BYTE), owlt });
  }
  if (plan.unscheduled.length > 0) notes.push('registrations and hypothetical contacts have no place in this format');
  return { text: `${JSON.stringify({ contacts }, null, 2)}\n`, notes };
}

function contactsIn(text: string, file: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw planSyntax(file, lineOfFault(text, thrown), thrown instanceof Error ? thrown.message : String(thrown), 'JSON');
  }
  const contacts = isObject(value) ? value.contacts : undefined;
  if (!Array.isArray(contacts)) throw planSyntax(file, 1, JSON.stringify(value), 'an object with a list of "contacts"');
  if (contacts.length > MOST_CONTACTS) throw planSyntax(file, 1, `${contacts.length} contacts`, `at most ${MOST_CONTACTS}`);
  return contacts as readonly unknown[];
}

function readContact(entry: unknown, { file, line, startMs }: HdtnReading & { readonly line: number }): PlanContact {
  if (!isObject(entry)) throw planSyntax(file, line, JSON.stringify(entry), 'a contact');
  const number = (field: string, least: number, most: number): number => {
    const found = entry[field];
    if (typeof found !== 'number' || !(found >= least && found <= most)) throw planSyntax(file, line, `${field}: ${JSON.stringify(found)}`, `a number from ${least} to ${most}`);
    return found;
  };
  const node = (field: string): number => {
    const found = number(field, 0, MOST_NODE);
    if (!Number.isInteger(found)) throw planSyntax(file, line, `${field}: ${found}`, 'a node number');
    return found;
  };
  const [startSec, endSec] = [number('startTime', 0, MOST_SEC), number('endTime', 0, MOST_SEC)];
  const bits = entry.rateBitsPerSec === undefined && entry.rate !== undefined ? number('rate', Number.MIN_VALUE, MOST_BITS) * BITS_PER_MEGABIT : number('rateBitsPerSec', 1, MOST_BITS);
  return {
    from: node('source'),
    to: node('dest'),
    startMs: startMs + Math.round(startSec * 1000),
    endMs: startMs + Math.round(endSec * 1000),
    rateBytesPerSec: bits / BITS_PER_BYTE,
    lightTimeMs: Math.round(number('owlt', 0, MOST_SEC) * 1000),
    confidence: 1,
  };
}

/** A thousand years. */
const MOST_SEC = 31_557_600_000;
const MOST_BITS = 1e15;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
