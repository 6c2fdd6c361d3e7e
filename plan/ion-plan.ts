/**
 * Contact plans of ION: the contact and range commands of an ionrc file. Rates are bytes a second, `+n` counts from
 * the reference that `@` sets (itself relative to the one before), and a range from a smaller node number to a larger
 * one holds in both directions unless the other direction has one of its own. Other commands of ionadmin are passed
 * over. What a contact has no range for is left out, as ION itself finds no route over it.
 */
import { inPlanOrder, MOST_CONTACTS, MOST_NODE, planOverlap, planSyntax } from './contact-plan.js';
import type { ContactPlan, Unscheduled } from './contact-plan.js';
import { parseIonTime } from './ion-time.js';
import { contactsWithLight } from './ion-ranges.js';
import type { BareContact, Range } from './ion-ranges.js';
import { PairTimes } from './pair-times.js';

export interface IonReading {
  /** For messages. */
  readonly file: string;
  /** What `+n` counts from before the first `@`: for ION the start of ionadmin. */
  readonly referenceMs: number;
}

interface Line {
  readonly number: number;
  readonly words: readonly string[];
}

/** Commands of ionadmin that say nothing about contacts. */
const PASSED_OVER = new Set(['m', 's', '1', 'e', 'v', 'h', '?', 'i', 'l', 'x', 'q', 'w', 'r', 't']);

export function readIonPlan(text: string, { file, referenceMs }: IonReading): ContactPlan {
  const state = new IonState(file, referenceMs);
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const words = raw.trim().split(/\s+/);
    const [command = ''] = words;
    if (command === '' || command.startsWith('#')) continue;
    state.take({ number: index + 1, words });
  }
  return state.plan();
}

class IonState {
  readonly #file: string;
  #referenceMs: number;
  readonly #contacts = new PairTimes<BareContact>();
  readonly #ranges = new PairTimes<Range & { readonly line: number }>();
  readonly #unscheduled: Unscheduled[] = [];
  readonly #notes: string[] = [];
  readonly #regions = new Set<string>();

  constructor(file: string, referenceMs: number) {
    this.#file = file;
    this.#referenceMs = referenceMs;
  }

  take(line: Line): void {
    const [command = '', object = ''] = line.words;
    if (command === '@') this.#referenceMs = this.#time(line, 1);
    else if (command === '^') this.#regions.add(String(this.#number(line, 1, 'a region number', 0)));
    else if (command === 'a' && object === 'contact') this.#addContact(line);
    else if (command === 'a' && object === 'range') this.#addRange(line);
    else if (command === 'c' && object === 'contact') this.#changeContact(line);
    else if (command === 'd' && object === 'contact') this.#deleteContact(line);
    else if (command === 'd' && object === 'range') this.#deleteRange(line);
    else if (!PASSED_OVER.has(command)) throw planSyntax(this.#file, line.number, line.words.join(' '), 'a command of ionadmin');
  }

  plan(): ContactPlan {
    if (this.#regions.size > 1) this.#notes.push(`contacts of ${this.#regions.size} regions (${[...this.#regions].join(', ')}) are read as one plan`);
    const { contacts, notes } = contactsWithLight(this.#contacts.all(), this.#ranges);
    return { contacts: inPlanOrder(contacts), unscheduled: this.#unscheduled, notes: [...this.#notes, ...notes] };
  }

  #addContact(line: Line): void {
    const [, , start = '', stop = ''] = line.words;
    this.#lengths(line, 7, 8);
    const [from, to] = [this.#node(line, 4), this.#node(line, 5)];
    if (start === '-1') {
      if (from !== to) throw planSyntax(this.#file, line.number, `${from} ${to}`, 'the same node twice, for a registration');
      this.#unscheduled.push({ kind: 'registration', node: from });
      return;
    }
    if (stop === '0') {
      if (from === to) throw planSyntax(this.#file, line.number, `${from} ${to}`, 'two nodes, for a hypothetical contact');
      this.#unscheduled.push({ kind: 'hypothetical', from, to });
      this.#notes.push(`line ${line.number}: a hypothetical contact (stop 0) plans nothing and is left out`);
      return;
    }
    const [startMs, endMs] = this.#interval(line);
    const contact: BareContact = { from, to, startMs, endMs, rateBytesPerSec: this.#number(line, 6, 'bytes a second', 1), confidence: this.#confidence(line, 7), line: line.number };
    if (from === to) {
      this.#notes.push(`line ${line.number}: a contact of node ${from} with itself is left out`);
      return;
    }
    const other = this.#contacts.overlapping(contact);
    if (other !== undefined) throw planOverlap(this.#file, line.number, other.line, 'contact');
    if (this.#contacts.count === MOST_CONTACTS) throw planSyntax(this.#file, line.number, 'one more contact', `an end after ${MOST_CONTACTS} contacts`);
    this.#contacts.add(contact);
  }

  #addRange(line: Line): void {
    this.#lengths(line, 7, 7);
    const [startMs, endMs] = this.#interval(line);
    const [from, to] = [this.#node(line, 4), this.#node(line, 5)];
    const range = { from, to, startMs, endMs, lightTimeMs: this.#number(line, 6, 'light seconds', 0) * 1000, line: line.number };
    const other = this.#ranges.overlapping(range);
    if (other !== undefined) throw planOverlap(this.#file, line.number, other.line, 'range');
    this.#ranges.add(range);
  }

  #changeContact(line: Line): void {
    this.#lengths(line, 6, 7);
    const startMs = this.#time(line, 2);
    const [from, to] = [this.#node(line, 3), this.#node(line, 4)];
    const changed = { rateBytesPerSec: this.#number(line, 5, 'bytes a second', 1), ...(line.words.length === 7 && { confidence: this.#confidence(line, 6) }) };
    const found = this.#contacts.replace({ from, to }, startMs, (contact) => ({ ...contact, ...changed }));
    if (found === 0) this.#notes.push(`line ${line.number}: there is no such contact to change`);
  }

  #deleteContact(line: Line): void {
    this.#lengths(line, 5, 5);
    const [, , start = ''] = line.words;
    const [from, to] = [this.#node(line, 3), this.#node(line, 4)];
    if (start === '-1' || start === '0') return this.#deleteUnscheduled(start === '-1' ? { kind: 'registration', node: from } : { kind: 'hypothetical', from, to });
    const startMs = start === '*' ? undefined : this.#time(line, 2);
    if (this.#contacts.replace({ from, to }, startMs, () => undefined) === 0) this.#notes.push(`line ${line.number}: there is no such contact to delete`);
  }

  #deleteUnscheduled(gone: Unscheduled): void {
    const text = JSON.stringify(gone);
    const index = this.#unscheduled.findIndex((one) => JSON.stringify(one) === text);
    if (index >= 0) this.#unscheduled.splice(index, 1);
  }

  #deleteRange(line: Line): void {
    this.#lengths(line, 5, 5);
    const startMs = line.words[2] === '*' ? undefined : this.#time(line, 2);
    if (this.#ranges.replace({ from: this.#node(line, 3), to: this.#node(line, 4) }, startMs, () => undefined) === 0) this.#notes.push(`line ${line.number}: there is no such range to delete`);
  }

  #interval(line: Line): [startMs: number, endMs: number] {
    const [startMs, endMs] = [this.#time(line, 2), this.#time(line, 3)];
    if (endMs <= startMs) throw planSyntax(this.#file, line.number, line.words[3] ?? '', `a time after ${line.words[2] ?? ''}`);
    return [startMs, endMs];
  }

  #time(line: Line, index: number): number {
    const word = line.words[index] ?? '';
    const ms = parseIonTime(word, this.#referenceMs);
    if (ms === undefined) throw planSyntax(this.#file, line.number, word, 'a time, +seconds or yyyy/mm/dd-hh:mm:ss,');
    return ms;
  }

  #node(line: Line, index: number): number {
    const node = this.#number(line, index, 'a node number', 0);
    if (!Number.isInteger(node) || node > MOST_NODE) throw planSyntax(this.#file, line.number, line.words[index] ?? '', 'a node number');
    return node;
  }

  #confidence(line: Line, index: number): number {
    const confidence = line.words[index] === undefined ? 1 : this.#number(line, index, 'a confidence', 0);
    if (confidence === 0 || confidence > 1) throw planSyntax(this.#file, line.number, line.words[index] ?? '', 'a confidence above 0, up to 1,');
    return confidence;
  }

  #number(line: Line, index: number, what: string, least: number): number {
    const word = line.words[index] ?? '';
    const number = Number(word);
    if (!/^\d{1,15}(\.\d{1,9})?$/.test(word) || number < least) throw planSyntax(this.#file, line.number, word, `${what}${least > 0 ? `, ${least} or more,` : ''}`);
    return number;
  }

  #lengths(line: Line, least: number, most: number): void {
    if (line.words.length < least || line.words.length > most) throw planSyntax(this.#file, line.number, line.words.join(' '), `a command of ${least === most ? least : `${least} or ${most}`} words`);
  }
}
