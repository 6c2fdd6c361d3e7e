/**
 * Scenarios from time-varying graphs of dtn-tvg-util, in its three generations: contacts without direction and with a
 * probability alone; contacts from one to the other with volumes; and such with rates and delays that change within them.
 */
import { planSyntax } from '../../plan/contact-plan.js';
import { elementLines, lineOfFault } from '../../plan/json-lines.js';
import { contactsScenario } from './contacts-scenario.js';
import { Names } from './imported.js';
import type { Imported, ImportedContact, ImportInput } from './imported.js';

/** Times above this are Unix times, not seconds after a start. */
const LATEST_RELATIVE_SEC = 1e9;

export function importTvg({ text, file }: ImportInput): Imported {
  const graph = graphIn(text, file);
  const lines = elementLines(text, 'edges');
  const names = new Names();
  const nodes = graph.vertices.map((vertex) => names.of(vertex));
  const contacts = graph.edges.flatMap((edge, index) => new EdgeReader(file, lines[index] ?? 1, names).read(edge));
  if (contacts.length === 0) throw planSyntax(file, 1, 'no contact', 'edges with contacts');
  const firstSec = contacts.reduce((least, { startSec }) => Math.min(least, startSec), Number.POSITIVE_INFINITY);
  const beginsSec = firstSec > LATEST_RELATIVE_SEC ? Math.floor(firstSec) : 0;
  const shifted = contacts.map((contact) => ({ ...contact, startSec: contact.startSec - beginsSec, endSec: contact.endSec - beginsSec }));
  return contactsScenario({ name: 'tvg', about: `From the graph ${file} of dtn-tvg-util.`, startMs: beginsSec === 0 ? undefined : beginsSec * 1000, contacts: shifted, nodes, notes: [] });
}

function graphIn(text: string, file: string): { readonly vertices: string[]; readonly edges: readonly unknown[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw planSyntax(file, lineOfFault(text, thrown), thrown instanceof Error ? thrown.message : String(thrown), 'JSON');
  }
  const { vertices, edges } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  // A list of names, or names with their neighbours.
  const named = Array.isArray(vertices) ? (vertices as unknown[]) : typeof vertices === 'object' && vertices !== null ? Object.keys(vertices) : undefined;
  if (named?.every((name): name is string => typeof name === 'string') !== true || !Array.isArray(edges)) throw planSyntax(file, 1, text.slice(0, 40), 'an object with vertices and edges');
  return { vertices: named, edges: edges as unknown[] };
}

class EdgeReader {
  readonly #file: string;
  readonly #line: number;
  readonly #names: Names;

  constructor(file: string, line: number, names: Names) {
    this.#file = file;
    this.#line = line;
    this.#names = names;
  }

  read(edge: unknown): ImportedContact[] {
    const { vertices, contacts } = (typeof edge === 'object' && edge !== null ? edge : {}) as Record<string, unknown>;
    if (!Array.isArray(vertices) || vertices.length !== 2 || !Array.isArray(contacts)) throw this.#wrong(edge, 'an edge of two vertices with contacts');
    const [a, b] = [this.#name(vertices[0]), this.#name(vertices[1])];
    return (contacts as unknown[]).flatMap((contact) => {
      if (!Array.isArray(contact)) throw this.#wrong(contact, 'a list');
      return typeof contact[0] === 'number' ? this.#undirected(contact, a, b) : this.#directed(contact);
    });
  }

  /** [start, end, probability] */
  #undirected(contact: readonly unknown[], a: string, b: string): ImportedContact[] {
    const when = this.#interval(contact[0], contact[1], contact);
    const lost = 1 - this.#share(contact[2] ?? 1, contact);
    return [{ from: a, to: b, ...when, lost }, { from: b, to: a, ...when, lost }];
  }

  /** [from, to, start, end, what was foretold, probability, delay]: of what was foretold the latest counts. */
  #directed(contact: readonly unknown[]): ImportedContact[] {
    const [from, to] = [this.#name(contact[0]), this.#name(contact[1])];
    const when = this.#interval(contact[2], contact[3], contact);
    const foretold: unknown = Array.isArray(contact[4]) ? contact[4].at(-1) : undefined;
    if (!Array.isArray(foretold)) throw this.#wrong(contact, '[from, to, start, end, [[…]]]');
    if (Array.isArray(foretold[2])) return this.#stepped({ from, to, ...when, lost: 1 - this.#share(foretold[1], contact) }, foretold[2] as unknown[]);
    const bits = this.#number(foretold[1], 'a volume in bits', contact);
    return [{ from, to, ...when, bitsPerSec: bits / (when.endSec - when.startSec), delaySec: this.#number(contact[6] ?? 0, 'a delay', contact), lost: 1 - this.#share(contact[5] ?? 1, contact) }];
  }

  /** [[time, bits a second, delay], …] */
  #stepped(contact: ImportedContact, steps: readonly unknown[]): ImportedContact[] {
    return steps.flatMap((step, index) => {
      if (!Array.isArray(step)) throw this.#wrong(step, '[time, bits a second, delay]');
      const next = steps[index + 1];
      const startSec = index === 0 ? contact.startSec : Math.max(contact.startSec, this.#number(step[0], 'a time', step));
      const endSec = Array.isArray(next) ? Math.min(contact.endSec, this.#number(next[0], 'a time', next)) : contact.endSec;
      return endSec <= startSec ? [] : [{ ...contact, startSec, endSec, bitsPerSec: this.#number(step[1], 'bits a second', step), delaySec: this.#number(step[2], 'a delay', step) }];
    });
  }

  #interval(start: unknown, end: unknown, where: unknown): { startSec: number; endSec: number } {
    const [startSec, endSec] = [this.#number(start, 'a start', where), this.#number(end, 'an end', where)];
    if (endSec <= startSec) throw this.#wrong(where, 'a contact that ends after it begins');
    return { startSec, endSec };
  }

  #share(value: unknown, where: unknown): number {
    const share = this.#number(value, 'a probability', where);
    if (share > 1) throw this.#wrong(where, 'a probability up to 1');
    return share;
  }

  #number(value: unknown, what: string, where: unknown): number {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw this.#wrong(where, what);
    return value;
  }

  #name(value: unknown): string {
    if (typeof value !== 'string') throw this.#wrong(value, 'the name of a vertex');
    return this.#names.of(value);
  }

  #wrong(found: unknown, expected: string): Error {
    return planSyntax(this.#file, this.#line, JSON.stringify(found) ?? '', expected);
  }
}
