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
  money: number;
}

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

  /** A unit is on its way, and costs. */
  sent(bytes: number, nowMs: number): void {
    const { budget } = this.#options;
    if (budget === undefined) return;
    const money = moneyFor(budget.price, { bytes, sessions: 1, ms: 0 });
    for (const period of PERIODS) {
      const spent = this.#spent[period];
      const startMs = periodStartMs(period, nowMs, budget.monthBeginsOn);
      // A clock that goes back opens no new period.
      if (startMs > spent.startMs) Object.assign(spent, nothing(), { startMs });
      spent.bytes += bytes;
      spent.sessions += 1;
      spent.money += money;
    }
    this.#compare(budget);
  }

  #compare({ limits }: BudgetTerms): void {
    const { node, link, checks } = this.#options;
    for (const limit of limits) {
      const spent = this.#spent[limit.per];
      for (const measure of ['bytes', 'sessions', 'money'] as const) {
        const most = limit[measure];
        if (most !== undefined && spent[measure] > most + (measure === 'money' ? MONEY_SLACK : 0)) checks.violated('over-budget', node, `${link} has spent ${spent[measure]} of ${most} ${measure} per ${limit.per}`);
      }
    }
  }
}

function nothing(): Spent {
  return { startMs: Number.NEGATIVE_INFINITY, bytes: 0, sessions: 0, money: 0 };
}
