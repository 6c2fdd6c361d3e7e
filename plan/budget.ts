/**
 * What a link may cost: prices, limits by day, week and month, and the ledger of what was spent. The ledger never
 * counts less than was spent: a cost is added before it is caused (whoever keeps the ledger writes it down in
 * between), and corrected afterwards; a clock that goes back opens no new period.
 */
import { PERIODS, periodEndMs, periodStartMs } from './period.js';
import type { Period } from './period.js';

/** Money is counted in millionths of its unit, as integers, so that a month of small sums does not drift. */
const MICROS = 1_000_000;
const BYTES_PER_MEGABYTE = 1_000_000;
const MS_PER_MINUTE = 60_000;

/** In units of money, as the bill has them. All parts add up; `minimum` is the least that a session costs. */
export interface Price {
  readonly perMegabyte: number;
  readonly perMinute: number;
  readonly perSession: number;
  readonly minimum: number;
  /** Bytes are billed in steps of so many. */
  readonly stepBytes: number;
}

export interface BudgetLimit {
  readonly per: Period;
  readonly bytes?: number | undefined;
  readonly minutes?: number | undefined;
  readonly sessions?: number | undefined;
  readonly money?: number | undefined;
}

export interface BudgetTerms {
  readonly price: Price;
  readonly limits: readonly BudgetLimit[];
  /** From this share of a limit on the operator is told. */
  readonly alertPercent: number;
  readonly monthBeginsOn: number;
}

/** What is about to happen on a link, or has happened. */
export interface Cost {
  readonly bytes: number;
  readonly sessions: number;
  readonly ms: number;
}

/** How long a send takes at the most: so much for any, and so much for each byte of it. */
export interface SendTime {
  readonly atLeastMs: number;
  readonly perByteMs: number;
}

export type Measure = 'bytes' | 'minutes' | 'sessions' | 'money';

/** One limit as it stands. Minutes and money may be fractions. */
export interface BudgetLine {
  readonly per: Period;
  readonly measure: Measure;
  readonly spent: number;
  readonly limit: number;
  readonly state: 'ok' | 'alert' | 'spent';
  readonly resetsAtMs: number;
}

export type Verdict = { readonly kind: 'ok' } | { readonly kind: 'spent'; readonly line: BudgetLine };

/** What was added, to be corrected when the true cost is known. */
export interface Booking {
  readonly cost: Cost;
  readonly startsMs: Readonly<Record<Period, number>>;
}

interface Sum {
  bytes: number;
  sessions: number;
  ms: number;
  micros: number;
}

interface PeriodLedger {
  startMs: number;
  spent: Sum;
}

/** What is kept on disk. */
export interface LedgerState {
  readonly version: 1;
  readonly periods: Readonly<Record<Period, { readonly startMs: number; readonly spent: Readonly<Sum> }>>;
  readonly liftedUntilMs: number;
}

export class Budget {
  readonly terms: BudgetTerms;
  readonly #periods: Record<Period, PeriodLedger>;
  #liftedUntilMs: number;

  constructor(terms: BudgetTerms, saved?: LedgerState) {
    this.terms = terms;
    this.#liftedUntilMs = saved?.liftedUntilMs ?? 0;
    const begin = (period: Period): PeriodLedger => {
      const kept = saved?.periods[period];
      return kept === undefined ? { startMs: Number.NEGATIVE_INFINITY, spent: nothing() } : { startMs: kept.startMs, spent: { ...kept.spent } };
    };
    this.#periods = { day: begin('day'), week: begin('week'), month: begin('month') };
  }

  /** Is there room for this cost? Changes no sum. While the operator has lifted the budget there always is. */
  check(cost: Cost, nowMs: number): Verdict {
    if (this.isLifted(nowMs)) return { kind: 'ok' };
    const added = sumOf(this.terms.price, cost);
    for (const line of this.lines(nowMs)) {
      if (isBeyond(line.spent + inMeasure(added, line.measure), line.limit)) return { kind: 'spent', line: { ...line, state: 'spent' } };
    }
    return { kind: 'ok' };
  }

  /** Counts a cost as spent. The ledger has to be on stable storage before the cost is caused. */
  add(cost: Cost, nowMs: number): Booking {
    this.#turn(nowMs);
    const sum = sumOf(this.terms.price, cost);
    for (const period of PERIODS) plus(this.#periods[period].spent, sum, 1);
    return { cost, startsMs: { day: this.#periods.day.startMs, week: this.#periods.week.startMs, month: this.#periods.month.startMs } };
  }

  /** The true cost instead of the booked one. Less than was booked goes back only to the periods it was booked in. */
  correct(booking: Booking, actual: Cost, nowMs: number): void {
    this.#turn(nowMs);
    const booked = sumOf(this.terms.price, booking.cost);
    const difference = sumOf(this.terms.price, actual);
    plus(difference, booked, -1);
    for (const period of PERIODS) {
      const { startMs, spent } = this.#periods[period];
      plus(spent, startMs === booking.startsMs[period] ? difference : onlyMore(difference), 1);
    }
  }

  /** The most bytes that one more session may carry now; Infinity where nothing sets a limit. @param takes where time costs or is limited */
  leftBytes(nowMs: number, takes: SendTime = NO_TIME): number {
    if (this.isLifted(nowMs)) return Number.POSITIVE_INFINITY;
    const { price } = this.terms;
    let leftBytes = Number.POSITIVE_INFINITY;
    for (const { measure, limit, spent } of this.lines(nowMs)) {
      const left = limit - spent;
      if (measure === 'bytes') leftBytes = Math.min(leftBytes, left);
      if (measure === 'sessions' && left < 1) leftBytes = 0;
      if (measure === 'minutes') leftBytes = Math.min(leftBytes, bytesIn(takes, Math.floor(Number((left * MS_PER_MINUTE).toFixed(3)))));
      if (measure === 'money') leftBytes = Math.min(leftBytes, bytesFor(price, left, takes));
    }
    return Math.max(0, Math.floor(leftBytes));
  }

  /** The operator's word: until then no limit stops anything. What is spent is counted all the same. */
  lift(untilMs: number): void {
    this.#liftedUntilMs = untilMs;
  }

  /**
   * The time of before was wrong, and is earlier from here on. Periods that would begin in the future are those of now, with
   * all that was spent in them; how much of a lift is left nobody can say: it ends.
   */
  timeFell(nowMs: number): void {
    this.#liftedUntilMs = Math.min(this.#liftedUntilMs, nowMs);
    for (const period of PERIODS) {
      const ledger = this.#periods[period];
      ledger.startMs = Math.min(ledger.startMs, periodStartMs(period, nowMs, this.terms.monthBeginsOn));
    }
  }

  isLifted(nowMs: number): boolean {
    return nowMs < this.#liftedUntilMs;
  }

  get liftedUntilMs(): number {
    return this.#liftedUntilMs;
  }

  /** Every limit as it stands. */
  lines(nowMs: number): BudgetLine[] {
    this.#turn(nowMs);
    const { price, limits, alertPercent, monthBeginsOn } = this.terms;
    // What is left and pays for nothing is spent, too.
    const least = sumOf(price, { bytes: 1, sessions: 1, ms: 0 });
    return limits.flatMap((limit) => {
      const { startMs, spent } = this.#periods[limit.per];
      return MEASURES.flatMap((measure): BudgetLine[] => {
        const most = limit[measure];
        if (most === undefined) return [];
        const used = inMeasure(spent, measure);
        const isSpent = used >= most || isBeyond(used + inMeasure(least, measure), most);
        const state = isSpent ? 'spent' : used >= (most * alertPercent) / 100 ? 'alert' : 'ok';
        return [{ per: limit.per, measure, spent: used, limit: most, state, resetsAtMs: periodEndMs(limit.per, startMs, monthBeginsOn) }];
      });
    });
  }

  /** What was spent in a period, limits or not. */
  spent(period: Period, nowMs: number): { readonly bytes: number; readonly sessions: number; readonly minutes: number; readonly money: number } {
    this.#turn(nowMs);
    const { spent } = this.#periods[period];
    return { bytes: spent.bytes, sessions: spent.sessions, minutes: inMeasure(spent, 'minutes'), money: inMeasure(spent, 'money') };
  }

  /** For the file: a copy. */
  state(nowMs: number): LedgerState {
    this.#turn(nowMs);
    return { version: 1, periods: structuredClone(this.#periods), liftedUntilMs: this.#liftedUntilMs };
  }

  /** Opens the periods that `nowMs` has reached. Never an earlier one. */
  #turn(nowMs: number): void {
    for (const period of PERIODS) {
      const ledger = this.#periods[period];
      const startMs = periodStartMs(period, nowMs, this.terms.monthBeginsOn);
      if (startMs <= ledger.startMs) continue;
      ledger.startMs = startMs;
      ledger.spent = nothing();
    }
  }
}

const MEASURES: readonly Measure[] = ['bytes', 'minutes', 'sessions', 'money'];
const NO_TIME: SendTime = { atLeastMs: 0, perByteMs: 0 };
/** Each part of a cost is rounded up: so much is lost of what is left where time costs. */
const ROUNDING_MS = 1;
const ROUNDING_MONEY = 2 / MICROS;

/** What a cost comes to in money, in units. */
export function moneyFor(price: Price, cost: Cost): number {
  return sumOf(price, cost).micros / MICROS;
}

/** A ledger read back from disk; undefined where it is none. */
export function asLedgerState(value: unknown): LedgerState | undefined {
  if (!isObject(value) || value.version !== 1 || !isObject(value.periods) || typeof value.liftedUntilMs !== 'number') return undefined;
  const { periods } = value;
  const isWhole = PERIODS.every((period) => {
    const kept = periods[period];
    return isObject(kept) && Number.isSafeInteger(kept.startMs) && isObject(kept.spent) && (['bytes', 'sessions', 'ms', 'micros'] as const).every((key) => Number.isSafeInteger((kept.spent as Record<string, unknown>)[key]));
  });
  return isWhole ? (value as unknown as LedgerState) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function nothing(): Sum {
  return { bytes: 0, sessions: 0, ms: 0, micros: 0 };
}

/** Rounded up: of what is paid for in parts, the part begun counts. */
function sumOf(price: Price, cost: Cost): Sum {
  const bytes = Math.ceil(cost.bytes);
  const ms = Math.ceil(cost.ms);
  const billedBytes = Math.ceil(bytes / price.stepBytes) * price.stepBytes;
  const used = micros(price.perMegabyte, billedBytes / BYTES_PER_MEGABYTE) + micros(price.perMinute, ms / MS_PER_MINUTE) + micros(price.perSession, cost.sessions);
  return { bytes, sessions: cost.sessions, ms, micros: Math.max(used, micros(price.minimum, cost.sessions)) };
}

/** A price is a decimal number of at most six places; only what it is multiplied with may need rounding. */
function micros(price: number, count: number): number {
  return Math.ceil(Number((Math.round(price * MICROS) * count).toFixed(3)));
}

function bytesIn({ atLeastMs, perByteMs }: SendTime, leftMs: number): number {
  const forBytesMs = leftMs - atLeastMs - ROUNDING_MS;
  if (forBytesMs < 0) return 0;
  return perByteMs === 0 ? Number.POSITIVE_INFINITY : forBytesMs / perByteMs;
}

function bytesFor(price: Price, money: number, { atLeastMs, perByteMs }: SendTime): number {
  const perMs = price.perMinute / MS_PER_MINUTE;
  const forBytes = money - price.perSession - (perMs === 0 ? 0 : (atLeastMs + ROUNDING_MS) * perMs + ROUNDING_MONEY);
  if (forBytes < 0 || money < price.minimum) return 0;
  const perByte = price.perMegabyte / BYTES_PER_MEGABYTE + perByteMs * perMs;
  if (perByte === 0) return Number.POSITIVE_INFINITY;
  return Math.floor(Number((forBytes / perByte / price.stepBytes).toFixed(6))) * price.stepBytes;
}

function inMeasure(sum: Readonly<Sum>, measure: Measure): number {
  switch (measure) {
    case 'bytes':
      return sum.bytes;
    case 'sessions':
      return sum.sessions;
    case 'minutes':
      return sum.ms / MS_PER_MINUTE;
    case 'money':
      return sum.micros / MICROS;
  }
}

/** Minutes and money are fractions: 0.02 and 0.07 are a little more than 0.09 to a computer, and to nobody else. */
function isBeyond(sum: number, most: number): boolean {
  return Number(sum.toFixed(FRACTION_DIGITS)) > most;
}

const FRACTION_DIGITS = 9;

function plus(to: Sum, sum: Readonly<Sum>, times: 1 | -1): void {
  to.bytes += times * sum.bytes;
  to.sessions += times * sum.sessions;
  to.ms += times * sum.ms;
  to.micros += times * sum.micros;
}

function onlyMore(sum: Readonly<Sum>): Sum {
  return { bytes: Math.max(0, sum.bytes), sessions: Math.max(0, sum.sessions), ms: Math.max(0, sum.ms), micros: Math.max(0, sum.micros) };
}
