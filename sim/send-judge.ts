/**
 * Watches one end of a link: nothing is sent outside a contact, nor beyond a budget. It goes by what the gateway itself takes for the time, and keeps
 * books of its own for the whole run, so that a gateway which forgets what it has spent when it stops is found out.
 */
import { moneyFor } from '../plan/budget.js';
import type { BudgetTerms } from '../plan/budget.js';
import type { ContactSource } from '../plan/contact.js';
import { PERIODS, periodStartMs } from '../plan/period.js';
import type { Period } from '../plan/period.js';
import type { Checks } from './checks.js';

export interface SendJudgeOptions {
  readonly node: string;
  readonly link: string;
  readonly contacts: ContactSource;
  readonly budget: BudgetTerms | undefined;
  readonly checks: Checks;
}

/** A slow disk may stand between the look at the plan and the first byte. */
const CONTACT_SLACK_MS = 60_000;
/** Sums of money are rounded to millionths on their way into the gateway's ledger. */
const MONEY_SLACK = 0.001;

interface Spent {
  startMs: number;
  bytes: number;
  sessions: number;
  minutes: number;
  money: number;
}

const MEASURES = ['bytes', 'sessions', 'minutes', 'money'] as const;
const MS_PER_MINUTE = 60_000;

export class SendJudge {
  readonly #options: SendJudgeOptions;
  readonly #spent: Record<Period, Spent> = { day: nothing(), week: nothing(), month: nothing() };

  constructor(options: SendJudgeOptions) {
    this.#options = options;
  }

  /** The gateway hands a unit to the link, whatever becomes of it. @param nowMs what the gateway takes for the time */
  attempted(nowMs: number): void {
    const { node, link, contacts, checks } = this.#options;
    if (contacts.at(nowMs) !== undefined || contacts.at(nowMs - CONTACT_SLACK_MS) !== undefined) return;
    checks.violated('out-of-contact', node, `a send on ${link} at ${new Date(nowMs).toISOString()} by its own clock, when no contact is planned`);
  }

  /**
   * A unit is on its way, and costs; its minutes are counted when its send is over, in the periods in which it began.
   * @returns what hears how long it took: until there was an answer, or it was cut off, or the machine stopped
   */
  sent(bytes: number, nowMs: number): (ms: number) => void {
    const { budget } = this.#options;
    if (budget === undefined) return () => undefined;
    const cost = { bytes, sessions: 1, ms: 0 };
    const spent = { day: this.#of('day', budget, nowMs), week: this.#of('week', budget, nowMs), month: this.#of('month', budget, nowMs) };
    this.#spend(budget, spent, { bytes, sessions: 1, minutes: 0, money: moneyFor(budget.price, cost) });
    return (ms) => this.#spend(budget, spent, { bytes: 0, sessions: 0, minutes: ms / MS_PER_MINUTE, money: moneyFor(budget.price, { ...cost, ms }) - moneyFor(budget.price, cost) });
  }

  #of(period: Period, { monthBeginsOn }: BudgetTerms, nowMs: number): Spent {
    const startMs = periodStartMs(period, nowMs, monthBeginsOn);
    // A clock that goes back opens no new period.
    if (startMs > this.#spent[period].startMs) this.#spent[period] = { ...nothing(), startMs };
    return this.#spent[period];
  }

  #spend({ limits }: BudgetTerms, spent: Readonly<Record<Period, Spent>>, more: Omit<Spent, 'startMs'>): void {
    for (const period of PERIODS) for (const measure of MEASURES) spent[period][measure] += more[measure];
    const { node, link, checks } = this.#options;
    for (const limit of limits) {
      for (const measure of MEASURES) {
        const most = limit[measure];
        if (most !== undefined && spent[limit.per][measure] > most + (measure === 'money' ? MONEY_SLACK : 0)) checks.violated('over-budget', node, `${link} has spent ${spent[limit.per][measure]} of ${most} ${measure} per ${limit.per}`);
      }
    }
  }
}

function nothing(): Spent {
  return { startMs: Number.NEGATIVE_INFINITY, bytes: 0, sessions: 0, minutes: 0, money: 0 };
}
