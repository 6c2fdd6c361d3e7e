/** When a link works and what it may cost, in postern.yaml: the part that every kind of link has in common. */
import { z } from 'zod';
import { cronFault } from '../plan/cron-contacts.js';
import { DAY_MS, MIB, SECOND_MS, bytes, durationMs } from './value-schema.js';

/** With its zone, so that nobody has to guess: 2026-12-24T18:00:00Z. */
export const time = z.iso.datetime({ offset: true, error: 'use a time with its zone, such as 2026-12-24T18:00:00Z' }).transform((text) => Date.parse(text));
const rate = z.int().min(1);
const money = z.number().min(0).max(1e9);

/** One of four: the plan, a crontab's rule, one contact with its two ends, or a contact that comes again. */
const contactRule = z
  .strictObject({
    /** What the contact plan says of this gateway and the neighbour. */
    plan: z.literal(true).optional(),
    cron: z.string().min(1).max(200).optional(),
    timeZone: z.string().min(1).max(64).default('UTC'),
    from: time.optional(),
    until: time.optional(),
    everyMs: durationMs.min(60 * SECOND_MS).optional(),
    /** Each contact comes so much later than everyMs after the one before; earlier when negative. */
    driftMs: z.int().min(-DAY_MS).max(DAY_MS).default(0),
    durationMs: durationMs.min(SECOND_MS).optional(),
    /** For this contact instead of the link's. */
    rateBytesPerSec: rate.optional(),
    lightTimeMs: durationMs.optional(),
  })
  .superRefine((rule, context) => {
    const refuse = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message });
    const fault = rule.cron === undefined ? undefined : cronFault({ cron: rule.cron, timeZone: rule.timeZone });
    if (fault !== undefined) refuse('cron', fault);
    if (rule.plan === true) {
      if (rule.cron !== undefined || rule.from !== undefined || rule.durationMs !== undefined || rule.rateBytesPerSec !== undefined || rule.lightTimeMs !== undefined) refuse('plan', 'the plan says all there is to say');
      return;
    }
    if ((rule.cron === undefined) === (rule.from === undefined)) refuse('cron', 'give a cron rule, or from with until, or from with everyMs');
    const comesAgain = rule.cron !== undefined || rule.everyMs !== undefined;
    if (comesAgain && rule.durationMs === undefined) refuse('durationMs', 'say how long each contact lasts');
    if (!comesAgain && rule.durationMs !== undefined) refuse('durationMs', 'a single contact ends at its until');
    if (rule.cron !== undefined && (rule.everyMs !== undefined || rule.until !== undefined)) refuse('cron', 'a cron rule has a duration and nothing else of its own');
    if (rule.from !== undefined && rule.everyMs === undefined && rule.until === undefined) refuse('until', 'say when this contact ends, or how often it comes (everyMs)');
    if (rule.from !== undefined && rule.until !== undefined && rule.until <= rule.from) refuse('until', 'use a time after from');
    if (rule.everyMs === undefined ? rule.driftMs !== 0 : rule.everyMs + rule.driftMs < 60 * SECOND_MS) refuse('driftMs', 'use it with an everyMs that it leaves at least a minute of');
  });

const price = z.strictObject({
  perMegabyte: money.default(0),
  perMinute: money.default(0),
  perSession: money.default(0),
  /** The least that a session costs. */
  minimum: money.default(0),
  /** Bytes are billed in steps of so many. */
  stepBytes: z.int().min(1).max(MIB).default(1),
});

const budgetLimit = z
  .strictObject({ per: z.enum(['day', 'week', 'month']), bytes: bytes.optional(), minutes: z.number().min(0).optional(), sessions: z.int().min(0).optional(), money: money.optional() })
  .refine(({ per: _, ...measures }) => Object.values(measures).some((most) => most !== undefined), 'limit something: bytes, minutes, sessions or money');

const budget = z.strictObject({
  currency: z.string().min(1).max(8).default('EUR'),
  price: price.prefault({}),
  limits: z.array(budgetLimit).max(12).default([]),
  /** From this share of a limit on the operator is told. */
  alertPercent: z.int().min(1).max(100).default(80),
  monthBeginsOn: z.int().min(1).max(28).default(1),
});

/** Spread into the schema of each kind of link. */
export const planned = {
  /** Absent: the link works at any time. */
  contacts: z.array(contactRule).min(1).max(256).optional(),
  /** What the link carries in a second. Absent: nobody knows, and a contact is filled until it ends. */
  rateBytesPerSec: rate.optional(),
  lightTimeMs: durationMs.default(0),
  budget: budget.optional(),
  /** The share of a contact, and of what is left of a budget, that is kept for what is urgent. */
  reservePercent: z.int().min(0).max(90).default(0),
  /** Blobs of this size and more wait for another link of the neighbour, unless an operator sends or raises them. */
  holdLargeBytes: bytes.min(1).optional(),
};

export type ContactRule = z.infer<typeof contactRule>;
export type BudgetConfig = z.infer<typeof budget>;

/** What the fields above come to. */
export interface PlannedLink {
  readonly contacts?: readonly ContactRule[] | undefined;
  readonly rateBytesPerSec?: number | undefined;
  readonly lightTimeMs: number;
  readonly budget?: BudgetConfig | undefined;
  readonly reservePercent: number;
  readonly holdLargeBytes?: number | undefined;
}

/** What is wrong with the fields together; a message per field. */
export function planFaults({ rateBytesPerSec, budget: found }: PlannedLink): { readonly field: (string | number)[]; readonly message: string }[] {
  if (found === undefined || rateBytesPerSec !== undefined) return [];
  const message = 'a budget that counts minutes needs the rateBytesPerSec of the link: how long a transfer will take has to be known before it starts';
  const inMinutes = found.limits.findIndex((limit) => limit.minutes !== undefined);
  return [...(inMinutes >= 0 ? [{ field: ['budget', 'limits', inMinutes, 'minutes'], message }] : []), ...(found.price.perMinute > 0 ? [{ field: ['budget', 'price', 'perMinute'], message }] : [])];
}
