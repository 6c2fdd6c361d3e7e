/**
 * Contacts: the windows of time in which a link works. Where they come from (a list, a rule, a crontab, a plan of
 * another make) is hidden behind one face. A contact holds from its start, inclusive, to its end, exclusive; what
 * is sent in it has to leave before its end and may arrive after it.
 */

export interface Contact {
  readonly startMs: number;
  /** Infinity: it does not end. */
  readonly endMs: number;
  /** Infinity: as fast as the link goes, which nobody has said. */
  readonly rateBytesPerSec: number;
  /** One way. */
  readonly lightTimeMs: number;
}

export interface ContactSource {
  /** The contact that holds at this time. Of several, the fastest, then the longest. */
  at(ms: number): Contact | undefined;
  /** The first contact that starts after this time. */
  next(afterMs: number): Contact | undefined;
}

/** What every contact of a rule has in common. */
export type ContactTerms = Pick<Contact, 'rateBytesPerSec' | 'lightTimeMs'>;

/** The bytes that still fit between `ms` and the end. */
export function volumeLeft(contact: Contact, ms: number): number {
  const leftMs = contact.endMs - Math.max(ms, contact.startMs);
  return leftMs <= 0 ? 0 : Math.floor((leftMs * contact.rateBytesPerSec) / 1000);
}

/** How long the sender is busy with so many bytes. */
export function sendingMs(contact: Pick<Contact, 'rateBytesPerSec'>, bytes: number): number {
  return (bytes * 1000) / contact.rateBytesPerSec;
}

/** The first time at or after `ms` at which a contact holds; undefined where there will be none. */
export function nextTimeIn(source: ContactSource, ms: number): number | undefined {
  return source.at(ms) === undefined ? source.next(ms)?.startMs : ms;
}

/** A link that always works. */
export function always(terms: ContactTerms): ContactSource {
  const contact: Contact = { ...terms, startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
  return { at: () => contact, next: () => undefined };
}

/** A list, in any order. */
export function listed(contacts: readonly Contact[]): ContactSource {
  const inOrder = [...contacts].sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  // The latest end of all contacts up to each: where it has passed, nothing before it holds either.
  let latestMs = Number.NEGATIVE_INFINITY;
  const latestEnds = inOrder.map((contact) => (latestMs = Math.max(latestMs, contact.endMs)));
  return {
    at(ms) {
      let found: Contact | undefined;
      for (let index = firstAfter(inOrder, ms) - 1; index >= 0 && (latestEnds[index] as number) > ms; index -= 1) {
        const contact = inOrder[index] as Contact;
        if (contact.endMs > ms) found = better(found, contact);
      }
      return found;
    },
    next: (afterMs) => inOrder[firstAfter(inOrder, afterMs)],
  };
}

/** A contact again and again: each day at the same time, or four minutes earlier each day (`everyMs` of 23 h 56 min). */
export interface Repeat {
  readonly firstMs: number;
  readonly everyMs: number;
  readonly durationMs: number;
  /** No contact starts at or after this time. */
  readonly untilMs?: number | undefined;
}

export function repeated({ firstMs, everyMs, durationMs, untilMs = Number.POSITIVE_INFINITY }: Repeat, terms: ContactTerms): ContactSource {
  const contact = (number: number): Contact | undefined => {
    const startMs = firstMs + number * everyMs;
    return number < 0 || startMs >= untilMs ? undefined : { ...terms, startMs, endMs: startMs + durationMs };
  };
  const last = Math.ceil((untilMs - firstMs) / everyMs) - 1;
  return {
    at(ms) {
      // Where contacts are longer than their distance, the latest of those that hold ends last.
      const found = contact(Math.min(Math.floor((ms - firstMs) / everyMs), last));
      return found !== undefined && found.startMs <= ms && ms < found.endMs ? found : undefined;
    },
    next: (afterMs) => contact(Math.max(0, Math.floor((afterMs - firstMs) / everyMs) + 1)),
  };
}

/** Several sources of one link. */
export function anyOf(sources: readonly ContactSource[]): ContactSource {
  if (sources.length === 1) return sources[0] as ContactSource;
  return {
    at: (ms) => sources.reduce<Contact | undefined>((found, source) => better(found, source.at(ms)), undefined),
    next: (afterMs) => sources.reduce<Contact | undefined>((found, source) => earlier(found, source.next(afterMs)), undefined),
  };
}

/** The contacts that touch [fromMs, untilMs), in order of their start: for people, and for plans. At most `limit`. */
export function contactsBetween(source: ContactSource, fromMs: number, untilMs: number, limit: number): Contact[] {
  const found: Contact[] = [];
  let contact = source.at(fromMs) ?? source.next(fromMs);
  while (contact !== undefined && contact.startMs < untilMs && found.length < limit) {
    found.push(contact);
    contact = source.next(Math.max(contact.startMs, fromMs));
  }
  return found;
}

function better(a: Contact | undefined, b: Contact | undefined): Contact | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.rateBytesPerSec !== b.rateBytesPerSec) return a.rateBytesPerSec > b.rateBytesPerSec ? a : b;
  return a.endMs >= b.endMs ? a : b;
}

function earlier(a: Contact | undefined, b: Contact | undefined): Contact | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.startMs < a.startMs ? b : a;
}

/** The index of the first contact that starts after `ms`. */
function firstAfter(inOrder: readonly Contact[], ms: number): number {
  let low = 0;
  let high = inOrder.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((inOrder[middle] as Contact).startMs <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
