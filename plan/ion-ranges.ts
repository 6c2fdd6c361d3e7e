/** What ION's ranges say of the light time in each contact. A contact over which it changes becomes several, one after the other. */
import type { PlanContact } from './contact-plan.js';
import type { PairTimes } from './pair-times.js';

/** A contact as it stands in the file: it learns its light time from the ranges. */
export type BareContact = Omit<PlanContact, 'lightTimeMs'> & { readonly line: number };

export interface Range {
  readonly from: number;
  readonly to: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly lightTimeMs: number;
}

export function contactsWithLight(contacts: readonly BareContact[], ranges: PairTimes<Range & { readonly line: number }>): { readonly contacts: PlanContact[]; readonly notes: string[] } {
  const notes: string[] = [];
  const lit = contacts.flatMap(({ line, ...contact }) => {
    // Said from the smaller node number to the larger one, it holds for the way back where nothing else is said.
    const implied = contact.from > contact.to ? ranges.of({ from: contact.to, to: contact.from }) : [];
    const parts = partsOf(contact, ranges.of(contact), implied);
    if (parts.dark) notes.push(`line ${line}: there is no range for ${parts.lit.length === 0 ? 'this contact' : 'a part of this contact'}, which is left out`);
    return parts.lit;
  });
  return { contacts: lit, notes };
}

function partsOf(contact: Omit<PlanContact, 'lightTimeMs'>, stated: readonly Range[], implied: readonly Range[]): { readonly lit: PlanContact[]; readonly dark: boolean } {
  const within = (ms: number): boolean => contact.startMs < ms && ms < contact.endMs;
  const cuts = [...stated, ...implied].flatMap((range) => [range.startMs, range.endMs]).filter(within);
  const times = [...new Set([contact.startMs, ...cuts, contact.endMs])].sort((a, b) => a - b);
  const lit: PlanContact[] = [];
  let dark = false;
  for (const [index, startMs] of times.slice(0, -1).entries()) {
    const endMs = times[index + 1] as number;
    const range = covering(stated, startMs) ?? covering(implied, startMs);
    const last = lit.at(-1);
    if (range === undefined) dark = true;
    else if (last !== undefined && last.endMs === startMs && last.lightTimeMs === range.lightTimeMs) lit[lit.length - 1] = { ...last, endMs };
    else lit.push({ ...contact, startMs, endMs, lightTimeMs: range.lightTimeMs });
  }
  return { lit, dark };
}

function covering(ranges: readonly Range[], ms: number): Range | undefined {
  return ranges.find((range) => range.startMs <= ms && ms < range.endMs);
}
