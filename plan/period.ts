/** Days, weeks and months as budgets count them, in UTC: weeks begin on Monday, months on the day the bill names. */

export type Period = 'day' | 'week' | 'month';
export const PERIODS: readonly Period[] = ['day', 'week', 'month'];

const DAY_MS = 86_400_000;
/** 1 January 1970 was a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;

/** When the period that holds `nowMs` began. `monthBeginsOn` is a day from 1 to 28, so that every month has it. */
export function periodStartMs(period: Period, nowMs: number, monthBeginsOn = 1): number {
  switch (period) {
    case 'day':
      return Math.floor(nowMs / DAY_MS) * DAY_MS;
    case 'week':
      return Math.floor((nowMs - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS;
    case 'month':
      return monthStartMs(nowMs, monthBeginsOn, 0);
  }
}

/** When the period that began at `startMs` ends. */
export function periodEndMs(period: Period, startMs: number, monthBeginsOn = 1): number {
  switch (period) {
    case 'day':
      return startMs + DAY_MS;
    case 'week':
      return startMs + WEEK_MS;
    case 'month':
      return monthStartMs(startMs, monthBeginsOn, 1);
  }
}

function monthStartMs(nowMs: number, beginsOn: number, monthsLater: number): number {
  const now = new Date(nowMs);
  const back = now.getUTCDate() < beginsOn ? 1 : 0;
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back + monthsLater, beginsOn);
}
