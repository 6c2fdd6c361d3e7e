/**
 * The budget of one link with its ledger on disk: what is about to be spent is written down and synced before it
 * may be spent, so that after a kill or a power cut the ledger may have counted too much and never too little.
 */
import { utf8 } from '../base/bytes.js';
import { PosternError, messageOf } from '../base/errors.js';
import type { Outlay, Purse, Spending } from '../links/purse.js';
import { asLedgerState, Budget, moneyFor } from '../plan/budget.js';
import type { BudgetLine, BudgetTerms, Cost, SendTime } from '../plan/budget.js';
import type { Log } from './log.js';

/** Where a ledger is kept: a small file, or whatever the simulator takes for one. */
export interface LedgerFile {
  readonly name: string;
  /** Undefined where there is none yet. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the bytes are on stable storage in place of the old ones. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface BudgetStatus {
  readonly lines: readonly BudgetLine[];
  readonly month: { readonly bytes: number; readonly sessions: number; readonly minutes: number; readonly money: number };
  readonly currency: string;
  readonly liftedUntilMs?: number;
}

/** A ledger that cannot be written is asked for again after this long. */
const LEDGER_RETRY_MS = 60_000;

export class BudgetKeeper implements Purse {
  readonly #link: string;
  readonly #currency: string;
  readonly #budget: Budget;
  readonly #file: LedgerFile;
  readonly #nowMs: () => number;
  readonly #log: Log;
  /** Limits the operator was told of, so that it is told once. */
  readonly #told = new Set<string>();
  #writing: Promise<void> = Promise.resolve();
  /** The write that has not begun yet: it will carry whatever is in the ledger by then. */
  #waiting: Promise<void> | undefined;

  private constructor(link: string, currency: string, budget: Budget, file: LedgerFile, nowMs: () => number, log: Log) {
    this.#link = link;
    this.#currency = currency;
    this.#budget = budget;
    this.#file = file;
    this.#nowMs = nowMs;
    this.#log = log;
  }

  /** Reads the ledger. One that is damaged is a fault: to begin anew would forget what was spent. */
  static async open(options: { readonly link: string; readonly terms: BudgetTerms; readonly currency: string; readonly file: LedgerFile; readonly nowMs: () => number; readonly log: Log }): Promise<BudgetKeeper> {
    const { link, terms, currency, file, nowMs, log } = options;
    const bytes = await file.read();
    const state = bytes === undefined ? undefined : asLedgerState(parsed(bytes));
    if (bytes !== undefined && state === undefined) {
      throw new PosternError('GATEWAY_LEDGER', `${file.name}, the ledger of what ${link} has cost, is damaged. Delete it only if the link may start again from nothing spent.`, { link, file: file.name });
    }
    return new BudgetKeeper(link, currency, new Budget(terms, state), file, nowMs, log);
  }

  async spend(outlay: Outlay): Promise<Spending> {
    const cost = costOf(outlay);
    const nowMs = this.#nowMs();
    const verdict = this.#budget.check(cost, nowMs);
    if (verdict.kind === 'spent') {
      const { line } = verdict;
      this.#tell(line, 'a budget is spent');
      return { kind: 'refused', reason: `the ${line.per}'s ${line.measure} are spent: ${figure(line.spent)} of ${figure(line.limit)}`, retryAfterMs: Math.max(0, line.resetsAtMs - nowMs) };
    }
    const booking = this.#budget.add(cost, nowMs);
    try {
      await this.#save();
    } catch (thrown) {
      this.#budget.correct(booking, NOTHING, this.#nowMs());
      this.#log.error('the ledger cannot be written', { link: this.#link, reason: messageOf(thrown) });
      return { kind: 'refused', reason: 'the ledger cannot be written', retryAfterMs: LEDGER_RETRY_MS };
    }
    for (const line of this.#budget.lines(nowMs)) if (line.state === 'alert') this.#tell(line, 'a budget is nearly spent');
    let settled = false;
    const settle = async (actual: Outlay): Promise<void> => {
      if (settled) return;
      settled = true;
      this.#budget.correct(booking, costOf(actual), this.#nowMs());
      // What the file says until the next write is the booking, which the operator was told of as well.
      await this.#save().catch((thrown: unknown) => this.#log.error('the ledger cannot be written', { link: this.#link, reason: messageOf(thrown) }));
    };
    return { kind: 'allowed', settle };
  }

  /** Time costs, or is limited. */
  get countsTime(): boolean {
    const { price, limits } = this.#budget.terms;
    return price.perMinute > 0 || limits.some((limit) => limit.minutes !== undefined);
  }

  /** The most bytes one more send may carry. */
  leftBytes(takes?: SendTime): number {
    return this.#budget.leftBytes(this.#nowMs(), takes);
  }

  /** When the limit that leaves no room for one more session of so long is reset; undefined while there is room. */
  spentUntilMs(leastMs = 0): number | undefined {
    const nowMs = this.#nowMs();
    const verdict = this.#budget.check({ bytes: 1, sessions: 1, ms: leastMs }, nowMs);
    return verdict.kind === 'ok' ? undefined : verdict.line.resetsAtMs;
  }

  /** The operator lifts every limit until then, durably. A time that has passed puts them back. */
  async lift(untilMs: number): Promise<void> {
    this.#budget.lift(untilMs);
    this.#told.clear();
    await this.#save();
    this.#log.warn('a budget was lifted by the operator', { link: this.#link, ms: Math.max(0, untilMs - this.#nowMs()) });
  }

  /** An earlier time than that of before was confirmed. */
  async timeFell(): Promise<void> {
    this.#budget.timeFell(this.#nowMs());
    await this.#save().catch((thrown: unknown) => this.#log.error('the ledger cannot be written', { link: this.#link, reason: messageOf(thrown) }));
  }

  /** What these come to together: `0.35 EUR`. */
  costText(costs: readonly Cost[]): string {
    const money = costs.reduce((sum, cost) => sum + moneyFor(this.#budget.terms.price, cost), 0);
    return `${money.toFixed(2)} ${this.#currency}`;
  }

  status(): BudgetStatus {
    const nowMs = this.#nowMs();
    return {
      lines: this.#budget.lines(nowMs),
      month: this.#budget.spent('month', nowMs),
      currency: this.#currency,
      ...(this.#budget.isLifted(nowMs) && { liftedUntilMs: this.#budget.liftedUntilMs }),
    };
  }

  #tell(line: BudgetLine, event: string): void {
    const key = `${event}/${line.per}/${line.measure}/${line.resetsAtMs}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#log.warn(event, { link: this.#link, reason: `${line.measure} per ${line.per}: ${figure(line.spent)} of ${figure(line.limit)}` });
  }

  /** Writes what the ledger holds now. Callers that come while a write is under way share the next one. */
  #save(): Promise<void> {
    if (this.#waiting !== undefined) return this.#waiting;
    const begin = (): Promise<void> => {
      this.#waiting = undefined;
      return this.#file.write(utf8(`${JSON.stringify(this.#budget.state(this.#nowMs()))}\n`));
    };
    const write = this.#writing.then(begin, begin);
    this.#waiting = write;
    this.#writing = write.catch(() => undefined);
    return write;
  }
}

const NOTHING: Cost = { bytes: 0, sessions: 0, ms: 0 };

function costOf({ bytes, sessions = 0, ms = 0 }: Outlay): Cost {
  return { bytes, sessions, ms };
}

function figure(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
