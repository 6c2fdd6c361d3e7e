/**
 * Scenarios from what is given to netem, such as `delay 100ms 10ms loss gemodel 1% 25% rate 1mbit`. In tc's units,
 * where `bps` and `mbps` are bytes a second, and `gemodel p r 1-h 1-k` has the loss in bad times before that in good ones.
 */
import { planSyntax } from '../../plan/contact-plan.js';
import { rateText } from './imported.js';
import type { Imported } from './imported.js';
import { linkScenario } from './link-scenario.js';

const TIME_US: Readonly<Record<string, number>> = { s: 1e6, sec: 1e6, secs: 1e6, ms: 1e3, msec: 1e3, msecs: 1e3, us: 1, usec: 1, usecs: 1 };
const RATE_BITS: Readonly<Record<string, number>> = {
  '': 1, bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12, kibit: 2 ** 10, mibit: 2 ** 20, gibit: 2 ** 30,
  bps: 8, kbps: 8e3, mbps: 8e6, gbps: 8e9, kibps: 8 * 2 ** 10, mibps: 8 * 2 ** 20,
};
const SHARE = /^\d+(\.\d+)?%?$/;

export function importNetem(text: string): Imported {
  const netem = new NetemReader(text.trim().split(/\s+/));
  const link = netem.read();
  return { scenario: linkScenario({ name: 'netem', about: `As netem does with: ${text.trim()}`, ends: ['a', 'b'], lasts: '1 d', link }), notes: netem.notes };
}

class NetemReader {
  readonly notes: string[] = [];
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    // A whole command of tc is as good as its end.
    this.#words = words.slice(words.indexOf('netem') + 1);
  }

  read(): Record<string, unknown> {
    const link: Record<string, unknown> = {};
    while (this.#at < this.#words.length) Object.assign(link, this.#option(this.#words[this.#at++] ?? '', link));
    return link;
  }

  #option(name: string, link: Readonly<Record<string, unknown>>): Record<string, unknown> {
    switch (name) {
      case 'delay':
      case 'latency':
        return this.#delay();
      case 'loss':
      case 'drop':
        return { loss: this.#loss() };
      case 'corrupt':
        return { corrupt: this.#shareAlone(name) };
      case 'duplicate':
        return { duplicate: this.#shareAlone(name), ...this.#unreliable('duplicates are seen') };
      case 'reorder':
        return this.#reorder(link);
      case 'rate':
        return this.#rate();
      case 'distribution':
        this.#left(`distribution ${this.#take('a distribution')}`, 'a jitter here is even');
        return {};
      case 'limit':
      case 'gap':
      case 'seed':
        this.#left(`${name} ${this.#take('a number')}`, 'a link here has no such thing');
        return {};
      case 'ecn':
        this.#left(name, 'a link here has no such thing');
        return {};
      default:
        throw this.#wrong(name, 'delay, loss, corrupt, duplicate, reorder or rate');
    }
  }

  /** A delay with jitter: even between one that much shorter and one that much longer, and units pass each other. */
  #delay(): Record<string, unknown> {
    const delayUs = this.#time('a delay');
    if (!/^\d/.test(this.#peek())) return { delay: `${delayUs} us` };
    const jitterUs = this.#time('a jitter');
    if (SHARE.test(this.#peek())) this.#left(`correlation ${this.#take('a share')}`, 'each delay is drawn for itself');
    if (jitterUs === 0) return { delay: `${delayUs} us` };
    return { delay: `${Math.max(0, delayUs - jitterUs)} us`, reorder: { probability: 1, by: `${2 * jitterUs} us` } };
  }

  #loss(): Record<string, unknown> {
    const kind = this.#peek();
    if (kind === 'random') this.#at += 1;
    if (kind === 'gemodel') {
      this.#at += 1;
      const [toBad, toGood, lostInBad, lostInGood] = this.#shares();
      return { toBad: share(toBad ?? 0), toGood: share(toGood ?? 1 - (toBad ?? 0)), lostInBad: share(lostInBad ?? 1), lostInGood: share(lostInGood ?? 0) };
    }
    if (kind === 'state') {
      this.#at += 1;
      const [toBad, toGood, ...more] = this.#shares();
      if (more.some((value) => value > 0)) throw this.#wrong('loss state with p32, p23 or p14', 'two states: p13 and p31, or gemodel');
      return { toBad: share(toBad ?? 0), toGood: share(toGood ?? 1 - (toBad ?? 0)) };
    }
    return { probability: this.#shareAlone('loss') };
  }

  /** Those that do not wait pass the others; here those that are held up are passed. */
  #reorder(link: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const probability = this.#shareAlone('reorder');
    if (link.delay === undefined) throw this.#wrong('reorder without delay', 'a delay before it');
    if (link.reorder !== undefined) {
      this.#left(`reorder ${probability}`, 'the jitter reorders already');
      return {};
    }
    this.notes.push('reorder: netem lets some pass the delay of the others; here as many are held up by as much');
    return { reorder: { probability, by: link.delay } };
  }

  #rate(): Record<string, unknown> {
    const word = this.#take('a rate').toLowerCase();
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(word) ?? [];
    const factor = RATE_BITS[unit];
    if (number === '' || factor === undefined) throw this.#wrong(word, 'a rate such as 1mbit (bits) or 125kbps (bytes)');
    let overheads = 0;
    for (; /^-?\d+$/.test(this.#peek()); this.#at += 1) overheads += 1;
    if (overheads > 0) this.#left('the overheads of rate', 'a link here has none');
    return { rate: rateText(Number(number) * factor) };
  }

  #unreliable(why: string): Record<string, unknown> {
    this.notes.push(`the link is made unreliable, so that ${why}`);
    return { reliable: false };
  }

  #shareAlone(name: string): string {
    const [value, ...correlations] = this.#shares();
    if (value === undefined) throw this.#wrong(this.#peek(), `${name} and a share such as 1%`);
    if (correlations.length > 0) this.#left(`the correlation of ${name}`, 'each is drawn for itself');
    return share(value);
  }

  /** With or without its sign, tc reads percent. */
  #shares(): number[] {
    const values: number[] = [];
    for (; SHARE.test(this.#peek()); this.#at += 1) {
      const value = Number.parseFloat(this.#peek()) / 100;
      if (value > 1) throw this.#wrong(this.#peek(), 'at most 100%');
      values.push(value);
    }
    return values;
  }

  #time(what: string): number {
    const word = this.#take(what);
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(word) ?? [];
    const factor = TIME_US[unit.toLowerCase()];
    // Without a unit one version of tc reads microseconds and another nanoseconds.
    if (number === '' || factor === undefined) throw this.#wrong(word, `${what} with its unit, such as 100ms`);
    return Math.round(Number(number) * factor);
  }

  #left(what: string, why: string): void {
    this.notes.push(`${what} is left out: ${why}`);
  }

  #peek(): string {
    return this.#words[this.#at] ?? '';
  }

  #take(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw this.#wrong('the end', what);
    this.#at += 1;
    return word;
  }

  #wrong(found: string, expected: string): Error {
    return planSyntax('the arguments of netem', 1, found, expected);
  }
}

function share(value: number): string {
  return `${Number((value * 100).toFixed(6))} %`;
}
