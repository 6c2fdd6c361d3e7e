/**
 * A contact plan: who can send to whom, when, how fast and how far. Nodes are numbers, as in the `ipn` scheme and in
 * every format that plans are exchanged in.
 */
import { PosternError } from '../base/errors.js';
import type { Contact } from './contact.js';

/** One direction. */
export interface PlanContact extends Contact {
  readonly from: number;
  readonly to: number;
  /** 1 for what is scheduled; less for what is only likely. */
  readonly confidence: number;
}

/** What ION has beside scheduled contacts: it plans nothing, and is kept so that an export has it again. */
export type Unscheduled = { readonly kind: 'registration'; readonly node: number } | { readonly kind: 'hypothetical'; readonly from: number; readonly to: number };

export interface ContactPlan {
  /** In order of start, then from, then to. */
  readonly contacts: readonly PlanContact[];
  readonly unscheduled: readonly Unscheduled[];
  /** What was left out or changed in reading, as sentences that name the line. */
  readonly notes: readonly string[];
}

/** What an export says, and what the format could not hold as it was. */
export interface ExportedPlan {
  readonly text: string;
  readonly notes: readonly string[];
}

/** Plans are read whole; a year of passes of a large constellation is a fraction of this. */
export const MOST_CONTACTS = 200_000;
/** Node numbers of the `ipn` scheme end below this (RFC 9758). */
export const MOST_NODE = 2 ** 32 - 1;

export function inPlanOrder(contacts: readonly PlanContact[]): PlanContact[] {
  return [...contacts].sort((a, b) => a.startMs - b.startMs || a.from - b.from || a.to - b.to || a.endMs - b.endMs);
}

/** The contacts from one node to another. */
export function contactsFromTo(plan: Pick<ContactPlan, 'contacts'>, from: number, to: number): PlanContact[] {
  return plan.contacts.filter((contact) => contact.from === from && contact.to === to);
}

export function planSyntax(file: string, line: number, found: string, expected: string): PosternError<'PLAN_SYNTAX'> {
  const shown = found.length > SHOWN_CHARACTERS ? `${found.slice(0, SHOWN_CHARACTERS)}…` : found;
  return new PosternError('PLAN_SYNTAX', `${file}, line ${line}: found ${JSON.stringify(shown)}, where ${expected} should stand.`, { file, line, found: shown, expected });
}

const SHOWN_CHARACTERS = 80;

/** To ION, two contacts or two ranges of one pair that hold at the same time contradict each other. */
export function planOverlap(file: string, line: number, otherLine: number, what: string): PosternError<'PLAN_OVERLAP'> {
  return new PosternError('PLAN_OVERLAP', `${file}, line ${line}: this ${what} overlaps the one of line ${otherLine}, of the same two nodes.`, { file, line, otherLine });
}
