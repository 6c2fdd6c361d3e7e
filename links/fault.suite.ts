/**
 * What the world does to a link, tried in the same way on every kind: cut in the middle, copies, another order, either end
 * killed and started anew, a neighbour that is gone for a month. A kind gives the bench, with a medium that does as it is
 * told; what it cannot suffer it names with the reason: `runFaultSuite(t, makeBench, { 'fault': 'why not' })`.
 */
import type { Test } from 'tap';
import type { Timer } from '../base/clock.js';
import type { Deliver, Freight, Link, Outcome } from './link.js';
import { collector, freightOf } from './link.suite.js';

/** Two started ends, and the time in which they live. */
export interface FaultBench {
  /** The end that sends: another one after it was killed. */
  readonly near: Pick<Link, 'send' | 'supports'>;
  /** The size of a unit that takes a while, and is no multiple of what the medium takes at once. */
  readonly unitBytes: number;
  readonly clock: { timer(delayMs: number, run: () => void): Timer };
  /** Lets time pass until something holds. */
  until(condition: () => boolean): Promise<void>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Breaks the medium off, whatever is on it, and nobody says so who would not in earnest. */
  cut(): void;
  mend(): void;
  /** Kills an end, which says nothing any more, and starts another from what is left on its disk. */
  restart(end: 'near' | 'far'): Promise<void>;
  /** Where the far end can be gone while the medium works. Otherwise the medium is cut. */
  vanish?(): void;
  appear?(): Promise<void>;
  /** How long a break lasts that a unit under way meets. */
  readonly breakMs: number;
  /** How long the gateway waits before it tries again. */
  readonly retryMs: number;
  /** What this kind sends beyond a unit, one break included, as a share of it: heads, and the piece that was cut. */
  readonly overhead: number;
  /** How often this kind may knock, in a month, at a medium that is cut, 60 attempts of the gateway included. */
  readonly triesAMonth: number;
}

/** Makes a bench, started, whose far end hands over to `deliver`; what it opened goes into `t.teardown`. */
export type MakeFaultBench = (t: Test, deliver: Deliver, medium: FaultMedium) => Promise<FaultBench>;

export type Fault = keyof typeof CASES;

export function runFaultSuite(t: Test, makeBench: MakeFaultBench, skips: Partial<Record<Fault, string>> = {}): void {
  for (const [name, run] of Object.entries(CASES)) {
    const skip = skips[name as Fault];
    t.test(name, { timeout: 60_000, ...(skip === undefined ? {} : { skip }) }, async (t) => {
      const medium = new FaultMedium();
      const taken: Taken[] = [];
      const deliver: Deliver = async (arrival) => {
        const whole = collector();
        const result = await whole.deliver(arrival);
        for (const digest of whole.digests) taken.push({ digest, arrivedBytes: medium.arrivedBytes });
        return result;
      };
      const bench = await makeBench(t, deliver, medium);
      await run(t, { bench, medium, taken, digests: () => taken.map(({ digest }) => digest), freight: (seed) => freightOf(bench.unitBytes - seed) });
    });
  }
}

interface Taken {
  readonly digest: string;
  /** What had come across by then. */
  readonly arrivedBytes: number;
}

interface Tried {
  readonly bench: FaultBench;
  readonly medium: FaultMedium;
  readonly taken: readonly Taken[];
  digests(): string[];
  freight(seed: number): ReturnType<typeof freightOf>;
}

/** What lies between the ends. A kind asks it of every piece that goes from near to far. */
export class FaultMedium {
  /** Bytes that came across; what was lost does not count. */
  arrivedBytes = 0;
  /** How often the near end has knocked, in vain or not. */
  tries = 0;
  isCut = false;
  /** Every piece comes twice. */
  copies = false;
  /** Pieces overtake one another. */
  shuffles = false;
  #nextBytes = Number.POSITIVE_INFINITY;
  #then: () => void = () => undefined;

  /** How often a piece of so many bytes goes on. */
  passes(bytes: number): 0 | 1 | 2 {
    this.tries += 1;
    if (this.isCut) return 0;
    this.arrivedBytes += bytes;
    if (this.arrivedBytes >= this.#nextBytes) {
      this.#nextBytes = Number.POSITIVE_INFINITY;
      this.#then();
    }
    return this.copies ? 2 : 1;
  }

  /** Does something once so many more bytes are across, within the piece that brings the last of them. */
  after(bytes: number, then: () => void): void {
    this.#nextBytes = this.arrivedBytes + bytes;
    this.#then = then;
  }
}

const HOUR_MS = 3_600_000;
const DAYS = 30;
const ATTEMPTS_A_DAY = 2;
/** What is offered to a neighbour that is gone. */
const SMALL_BYTES = 1000;
/** More than any back-off takes. */
const MOST_TRIES = 100;

const CASES = {
  async 'what is cut in the middle comes whole afterwards, and once'(t: Test, { bench, medium, freight, digests }: Tried) {
    let cuts = 0;
    for (const [index, share] of [0.1, 0.5, 0.8].entries()) {
      const unit = freight(index);
      medium.after(Math.floor(share * unit.bytes), () => {
        cuts += 1;
        breakOff(bench);
      });
      await bring(bench, unit, digests);
    }
    t.equal(cuts, 3);
    t.same(digests(), [0, 1, 2].map((index) => freight(index).digest));
  },

  async 'what came across before a cut is not sent again'(t: Test, { bench, medium, taken, digests, freight }: Tried) {
    const unit = freight(0);
    let cuts = 0;
    medium.after(Math.floor(unit.bytes / 2), () => {
      cuts += 1;
      breakOff(bench);
    });
    const before = medium.arrivedBytes;
    await bring(bench, unit, digests);
    t.equal(cuts, 1);
    const arrived = (taken.at(-1)?.arrivedBytes ?? Number.NaN) - before;
    t.ok(arrived <= unit.bytes * (1 + bench.overhead), `${arrived} bytes came across for ${unit.bytes}`);
  },

  async 'copies of everything bring nothing twice'(t: Test, { bench, medium, digests, freight }: Tried) {
    medium.copies = true;
    for (let index = 0; index < 3; index++) await bring(bench, freight(index), digests);
    await bench.pass(HOUR_MS);
    t.same(digests(), [0, 1, 2].map((index) => freight(index).digest));
  },

  async 'what overtakes something on the way harms nothing'(t: Test, { bench, medium, digests, freight }: Tried) {
    medium.shuffles = true;
    const units = Array.from({ length: Math.min(3, bench.near.supports.parallel) }, (_, index) => freight(index));
    for (const unit of units) void bench.near.send(unit, new AbortController().signal);
    await bench.until(() => digests().length >= units.length);
    t.same(digests().sort(), units.map(({ digest }) => digest).sort());
  },

  async 'the far end is killed in the middle, and what it was getting comes whole and once'(t: Test, tried: Tried) {
    await killInTheMiddle(t, tried, 'far');
  },

  async 'the near end is killed in the middle, and what it was sending comes whole and once'(t: Test, tried: Tried) {
    await killInTheMiddle(t, tried, 'near');
  },

  async 'a neighbour that is gone for a month costs little, and is found again'(t: Test, { bench, medium, digests, freight }: Tried) {
    await bring(bench, freight(0), digests);
    if (bench.vanish === undefined) bench.cut();
    else bench.vanish();
    const before = medium.tries;
    for (let attempt = 0; attempt < DAYS * ATTEMPTS_A_DAY; attempt++) {
      const outcome = await attemptAt(bench, freightOf(SMALL_BYTES));
      if (outcome.kind === 'confirmed') t.fail('nobody was there');
      await bench.pass((24 / ATTEMPTS_A_DAY) * HOUR_MS);
    }
    t.same(digests(), [freight(0).digest]);
    const tries = medium.tries - before;
    t.ok(tries <= bench.triesAMonth, `${tries} tries in ${DAYS} days`);
    if (bench.appear === undefined) bench.mend();
    else await bench.appear();
    await bring(bench, freight(2), digests);
    t.ok(digests().includes(freight(2).digest));
  },
};

async function killInTheMiddle(t: Test, { bench, medium, digests, freight }: Tried, end: 'near' | 'far'): Promise<void> {
  const [before, unit] = [freight(0), freight(1)];
  await bring(bench, before, digests);
  let killed: Promise<void> | undefined;
  medium.after(Math.floor(unit.bytes / 2), () => (killed = bench.restart(end)));
  await bring(bench, unit, digests);
  t.ok(killed !== undefined, 'it was killed');
  await killed;
  t.same(digests(), [before.digest, unit.digest]);
}

function breakOff(bench: FaultBench): void {
  bench.cut();
  bench.clock.timer(bench.breakMs, () => bench.mend());
}

/** Sends a unit as the gateway does: again while nobody was there. Resolves when the far end has taken it. */
async function bring(bench: FaultBench, freight: Freight & { readonly digest: string }, digests: () => string[]): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { kind } = await attemptAt(bench, freight);
    if (kind === 'confirmed' || kind === 'written') break;
    await bench.pass(bench.retryMs);
  }
  await bench.until(() => digests().includes(freight.digest));
}

/** One attempt. Of one whose link is killed nobody hears what became of it. */
async function attemptAt(bench: FaultBench, freight: Freight): Promise<Outcome> {
  const { near } = bench;
  let outcome: Outcome | undefined;
  void near.send(freight, new AbortController().signal).then((found) => (outcome = found));
  await bench.until(() => outcome !== undefined || bench.near !== near);
  return outcome ?? { kind: 'unreachable', reason: 'killed' };
}
