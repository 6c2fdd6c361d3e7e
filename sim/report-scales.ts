/** From values to places on a chart, and the round values that stand at its edge. */

export interface Scale {
  /** Where a value stands. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
/** Steps at which a clock or a calendar is read. */
const TIME_STEPS = [1e-3, 1e-2, 0.1, 0.25, SECOND, 5, 10, 30, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 182 * DAY, 365 * DAY, 730 * DAY, 1825 * DAY];
/** One place on a scale of powers: readable durations, a factor of two to ten apart. */
const DURATIONS = [1e-4, 1e-3, 1e-2, 0.1, SECOND, 10, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 182 * DAY, 365 * DAY, 3650 * DAY];

/** Seconds from `from` to `to`, drawn from `left` to `right`. */
export function timeScale([from, to]: readonly [number, number], [left, right]: readonly [number, number], mostTicks: number): Scale {
  const span = Math.max(to - from, 1e-6);
  const step = TIME_STEPS.find((candidate) => span / candidate <= mostTicks) ?? span / mostTicks;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step * 1e-6; tick += step) ticks.push(tick);
  return { at: (sec) => left + ((sec - from) / span) * (right - left), ticks };
}

/** Durations by powers: from milliseconds to years on one scale. Both ends are above 0. */
export function powerScale([from, to]: readonly [number, number], [left, right]: readonly [number, number], mostTicks: number): Scale {
  const [first, span] = [Math.log(from), Math.max(Math.log(to) - Math.log(from), 1e-6)];
  const inside = DURATIONS.filter((tick) => tick >= from && tick <= to);
  const every = Math.max(1, Math.ceil(inside.length / mostTicks));
  return { at: (sec) => left + ((Math.log(sec) - first) / span) * (right - left), ticks: inside.filter((_, index) => index % every === 0) };
}

/** Counts and sizes from 0 to a round value above `most`. @param base 1000 for counts, 1024 for bytes */
export function countScale(most: number, [low, high]: readonly [number, number], base = 1000): Scale {
  const unit = base ** Math.max(0, Math.floor(Math.log(Math.max(most, 1)) / Math.log(base)));
  const power = 10 ** Math.floor(Math.log10(Math.max(most / unit, 1e-9)));
  const step = [0.25, 0.5, 1, 2, 2.5, 5].map((factor) => factor * power * unit).find((candidate) => most / candidate <= 4) ?? most / 4;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return { at: (value) => low + (value / (count * step)) * (high - low), ticks: Array.from({ length: count + 1 }, (_, index) => index * step) };
}
