/** Sizes and durations as people read them, on a terminal and on a page. */

/** `1.4 GiB`: three figures at most, in powers of 1024. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit > 0 && value < 100 ? value.toFixed(1) : value.toFixed(0)} ${BYTE_UNITS[unit] ?? ''}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `3 d 4 h`, `12 min`, `0.8 s`: the two largest units that say something. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const largest = DURATION_UNITS.findIndex(([unitMs]) => ms >= unitMs);
  const [[unitMs, name], next] = [DURATION_UNITS[largest] ?? [MINUTE_MS, 'min'], DURATION_UNITS[largest + 1]];
  const rest = next === undefined ? 0 : Math.floor((ms % unitMs) / next[0]);
  return `${Math.floor(ms / unitMs)} ${name}${rest > 0 && next !== undefined ? ` ${rest} ${next[1]}` : ''}`;
}

const MINUTE_MS = 60_000;
const DURATION_UNITS: readonly (readonly [ms: number, name: string])[] = [
  [24 * 60 * MINUTE_MS, 'd'],
  [60 * MINUTE_MS, 'h'],
  [MINUTE_MS, 'min'],
];

/** `99.98 %`: two places at most. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
