/**
 * Scenarios from contact plans of A-SABR: words with any white space between them, nodes numbered from 0, bytes and
 * seconds. A marker (eto, evl, qd) before rate and delay says how A-SABR books volume, which here the gateways do. With
 * `seg`, rate and delay change within a contact, as light time does.
 */
import { planSyntax } from '../../plan/contact-plan.js';
import { contactsScenario } from './contacts-scenario.js';
import { Names } from './imported.js';
import type { Imported, ImportedContact, ImportInput } from './imported.js';

interface Word {
  readonly text: string;
  readonly line: number;
}

interface Segment {
  readonly startSec: number;
  readonly endSec: number;
  readonly value: number;
}

const KEYWORDS = new Set(['node', 'vnode', 'enode', 'contact']);
const MARKERS = new Set(['eto', 'evl', 'qd']);
const BITS_PER_BYTE = 8;

export function importAsabr({ text, file }: ImportInput): Imported {
  const reader = new AsabrReader(wordsOf(text), file);
  const { contacts, nodes, notes } = reader.read();
  return contactsScenario({ name: 'a-sabr', about: `From the contact plan ${file} of A-SABR.`, contacts, nodes, notes });
}

function wordsOf(text: string): Word[] {
  return text.split(/\r?\n/).flatMap((line, index) => (line.replace(/#.*/, '').match(/[[\],]|[^\s[\],]+/g) ?? []).map((word) => ({ text: word, line: index + 1 })));
}

class AsabrReader {
  readonly #words: readonly Word[];
  readonly #file: string;
  readonly #names = new Names();
  readonly #nodes = new Map<number, string>();
  readonly #contacts: ImportedContact[] = [];
  readonly #notes: string[] = [];
  #at = 0;

  constructor(words: readonly Word[], file: string) {
    this.#words = words;
    this.#file = file;
  }

  read(): { readonly contacts: ImportedContact[]; readonly nodes: string[]; readonly notes: string[] } {
    while (this.#at < this.#words.length) {
      const { text, line } = this.#take('node or contact');
      if (text === 'contact') this.#contact(line);
      else if (KEYWORDS.has(text)) this.#node(text, line);
      else throw planSyntax(this.#file, line, text, 'node, vnode, enode or contact');
    }
    if (this.#contacts.length === 0) throw planSyntax(this.#file, 1, 'no contact', 'a plan with contacts');
    return { contacts: this.#contacts, nodes: [...this.#nodes.values()], notes: this.#notes };
  }

  #node(kind: string, line: number): void {
    const id = this.#number('a node number');
    if (this.#nodes.has(id)) throw planSyntax(this.#file, line, String(id), 'a node number that no other node has');
    this.#nodes.set(id, this.#names.of(this.#take('a name').text));
    if (kind !== 'node') this.#notes.push(`line ${line}: ${kind} ${id} is taken for a node`);
    // What a manager of a node is told is no concern of a link.
    while (this.#at < this.#words.length && !KEYWORDS.has(this.#words[this.#at]?.text ?? '')) this.#at += 1;
  }

  #contact(line: number): void {
    const [from, to] = [this.#place(line), this.#place(line)];
    const [startSec, endSec] = [this.#number('a start'), this.#number('an end')];
    if (endSec <= startSec) throw planSyntax(this.#file, line, String(endSec), `an end after ${startSec}`);
    const next = this.#words[this.#at]?.text ?? '';
    if (next === 'seg') {
      this.#at += 1;
      this.#contacts.push(...this.#segmented({ from, to, startSec, endSec }));
      return;
    }
    if (MARKERS.has(next)) this.#at += 1;
    const [bytesPerSec, delaySec] = [this.#number('a rate in bytes a second'), this.#number('a delay in seconds')];
    this.#contacts.push({ from, to, startSec, endSec, bitsPerSec: bytesPerSec * BITS_PER_BYTE, delaySec });
  }

  #segmented(contact: Omit<ImportedContact, 'bitsPerSec' | 'delaySec'>): ImportedContact[] {
    let rates: readonly Segment[] | undefined;
    let delays: readonly Segment[] | undefined;
    while (rates === undefined || delays === undefined) {
      const { text, line } = this.#take('rate or delay');
      if (text === 'rate' && rates === undefined) rates = this.#segments();
      else if (text === 'delay' && delays === undefined) delays = this.#segments();
      else throw planSyntax(this.#file, line, text, 'rate [start end value, …] and delay [start end value, …], each once');
    }
    const times = [...new Set([contact.startSec, contact.endSec, ...[...rates, ...delays].flatMap(({ startSec, endSec }) => [startSec, endSec])])].filter((sec) => sec >= contact.startSec && sec <= contact.endSec).sort((a, b) => a - b);
    return times.slice(0, -1).flatMap((startSec, index) => {
      const [rate, delay] = [at(rates, startSec), at(delays, startSec)];
      return rate === undefined || delay === undefined ? [] : [{ ...contact, startSec, endSec: times[index + 1] as number, bitsPerSec: rate * BITS_PER_BYTE, delaySec: delay }];
    });
  }

  #segments(): Segment[] {
    const segments: Segment[] = [];
    const { text, line } = this.#take('[');
    if (text !== '[') throw planSyntax(this.#file, line, text, '[');
    for (;;) {
      if (this.#words[this.#at]?.text === ']') break;
      segments.push({ startSec: this.#number('a start'), endSec: this.#number('an end'), value: this.#number('a value') });
      const separator = this.#take(', or ]');
      if (separator.text === ']') return segments;
      if (separator.text !== ',') throw planSyntax(this.#file, separator.line, separator.text, 'a comma, or the bracket that closes');
    }
    this.#at += 1;
    return segments;
  }

  /** A node by its number; one that was not named has its number for a name. */
  #place(line: number): string {
    const id = this.#number('a node number');
    const known = this.#nodes.get(id);
    if (known !== undefined) return known;
    if (this.#nodes.size > 0) throw planSyntax(this.#file, line, String(id), 'the number of a node above');
    return this.#names.of(`n${id}`);
  }

  #number(what: string): number {
    const { text, line } = this.#take(what);
    if (!/^\d{1,15}(\.\d{1,9})?$/.test(text)) throw planSyntax(this.#file, line, text, what);
    return Number(text);
  }

  #take(what: string): Word {
    const word = this.#words[this.#at];
    if (word === undefined) throw planSyntax(this.#file, this.#words.at(-1)?.line ?? 1, 'the end of the file', what);
    this.#at += 1;
    return word;
  }
}

function at(segments: readonly Segment[], sec: number): number | undefined {
  return segments.find(({ startSec, endSec }) => startSec <= sec && sec < endSec)?.value;
}
