/** The contacts of a link, from what its configuration says. */
import { always, anyOf, listed, repeated } from '../plan/contact.js';
import type { Contact, ContactSource, ContactTerms } from '../plan/contact.js';
import { scheduled } from '../plan/cron-contacts.js';
import type { ContactRule, PlannedLink } from './contact-schema.js';

/** @param plan what the contact plan has for this link, where it follows it */
export function contactsOf(link: PlannedLink, plan: readonly Contact[]): ContactSource {
  const terms: ContactTerms = { rateBytesPerSec: link.rateBytesPerSec ?? Number.POSITIVE_INFINITY, lightTimeMs: link.lightTimeMs };
  if (link.contacts === undefined) return always(terms);
  return anyOf(link.contacts.map((rule) => (rule.plan === true ? listed(plan) : ruled(rule, { rateBytesPerSec: rule.rateBytesPerSec ?? terms.rateBytesPerSec, lightTimeMs: rule.lightTimeMs ?? terms.lightTimeMs }))));
}

/** The schema has seen to it that each rule is whole. */
function ruled(rule: ContactRule, terms: ContactTerms): ContactSource {
  const { cron, timeZone, from = 0, until, everyMs, driftMs, durationMs = 0 } = rule;
  if (cron !== undefined) return scheduled({ cron, timeZone, durationMs }, terms);
  if (everyMs !== undefined) return repeated({ firstMs: from, everyMs: everyMs + driftMs, durationMs, untilMs: until }, terms);
  return listed([{ ...terms, startMs: from, endMs: until ?? from }]);
}
