/** What every importer is given, and what it gives. */

export interface ImportInput {
  /** As people named it: for messages, and for what the scenario says of itself. */
  readonly file: string;
  readonly text: string;
}

export interface ImportTerms {
  /** What relative times count from. */
  readonly startMs: number;
  /** For formats that say nothing of rates: as in a scenario, such as "250 kB/s". */
  readonly rate?: string | undefined;
}

export interface Imported {
  /** What the schema of a scenario reads. */
  readonly scenario: Readonly<Record<string, unknown>>;
  /** What was left out or changed, as sentences. */
  readonly notes: readonly string[];
}

/** One direction, between nodes by their names in the scenario. Seconds count from the start of the scenario. */
export interface ImportedContact {
  readonly from: string;
  readonly to: string;
  readonly startSec: number;
  readonly endSec: number;
  /** Absent: nobody has said. */
  readonly bitsPerSec?: number;
  readonly delaySec?: number;
  /** The chance that nothing of it arrives. */
  readonly lost?: number;
}

export function seconds(value: number): string {
  return `${Math.round(value * 1e6) / 1e6} s`;
}

export function rateText(bitsPerSec: number): string {
  return `${Math.round(bitsPerSec * 1000) / 1000} bit/s`;
}

/** Names as people gave them, as names that a scenario takes: each its own. */
export class Names {
  readonly #known = new Map<string, string>();
  readonly #taken = new Set<string>();

  of(given: string): string {
    const known = this.#known.get(given);
    if (known !== undefined) return known;
    const plain = given.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, MOST_CHARACTERS);
    const base = /^\d/.test(plain) || plain === '' ? `n${plain}` : plain;
    let name = base;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${base}-${number}`;
    this.#taken.add(name);
    this.#known.set(given, name);
    return name;
  }
}

/** Leaves room for a number within the 32 of a scenario. */
const MOST_CHARACTERS = 24;
