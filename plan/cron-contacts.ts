/**
 * Contacts by the rules of a crontab, in a time zone. The door to croner, of which only the calendar is used: it
 * never sets a timer here and never asks what time it is.
 */
import { Cron } from 'croner';
import type { Contact, ContactSource, ContactTerms } from './contact.js';

export interface CronRule {
  /** Five fields, or six with seconds in front. */
  readonly cron: string;
  /** An IANA name: `Europe/Berlin`, `UTC`. */
  readonly timeZone: string;
  readonly durationMs: number;
}

export function scheduled(rule: CronRule, terms: ContactTerms): ContactSource {
  const calendar = calendarOf(rule);
  const from = (start: Date | null | undefined): Contact | undefined => (start === null || start === undefined ? undefined : { ...terms, startMs: start.getTime(), endMs: start.getTime() + rule.durationMs });
  // Asking the calendar takes a good part of a millisecond, and the same question comes with every tick.
  let known: { readonly last: Contact | undefined; readonly next: Contact | undefined } | undefined;
  const around = (ms: number): { readonly last: Contact | undefined; readonly next: Contact | undefined } => {
    if (known !== undefined && (known.last?.startMs ?? Number.POSITIVE_INFINITY) <= ms && ms < (known.next?.startMs ?? Number.POSITIVE_INFINITY)) return known;
    // It looks strictly back and strictly ahead, in whole seconds.
    const last = from(calendar.previousRuns(1, new Date(Math.floor(ms / 1000) * 1000 + 1000))[0]);
    known = { last, next: from(calendar.nextRun(new Date(ms))) };
    return known;
  };
  return {
    at(ms) {
      const { last } = around(ms);
      return last !== undefined && ms < last.endMs ? last : undefined;
    },
    next: (afterMs) => around(afterMs).next,
  };
}

/** What is wrong with a rule, in croner's words; undefined where nothing is. */
export function cronFault({ cron, timeZone }: Pick<CronRule, 'cron' | 'timeZone'>): string | undefined {
  try {
    // A zone that does not exist is found out at the first use only.
    return calendarOf({ cron, timeZone }).nextRun(new Date(0)) === null ? 'this never comes' : undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

function calendarOf({ cron, timeZone }: Pick<CronRule, 'cron' | 'timeZone'>): Cron {
  return new Cron(cron, { timezone: timeZone, paused: true });
}
