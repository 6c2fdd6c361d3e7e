/** Quantities as people write them in a scenario, with their unit: `20 min`, `64 MiB`, `2 kbit/s`. The values are microseconds, bytes, bits per second and kilometres. */
import { z } from 'zod';
import { KM_PER_AU } from './planets.js';

const US_PER_MS = 1e3;
const DURATION_US: Readonly<Record<string, number>> = { us: 1, ms: US_PER_MS, s: 1e6, min: 60e6, h: 3600e6, d: 86_400e6, y: 365.25 * 86_400e6 };
const SIZE_BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const RATE_BITS: Readonly<Record<string, number>> = { 'bit/s': 1, 'kbit/s': 1e3, 'Mbit/s': 1e6, 'Gbit/s': 1e9, 'B/s': 8, 'kB/s': 8e3, 'MB/s': 8e6 };
const DISTANCE_KM: Readonly<Record<string, number>> = { m: 1e-3, km: 1, au: KM_PER_AU };

export const durationUs = quantity(DURATION_US, 'a duration with its unit (us, ms, s, min, h, d, y), such as "20 min"');
export const sizeBytes = quantity(SIZE_BYTES, 'a size with its unit (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB), such as "64 KiB"');
export const rateBits = quantity(RATE_BITS, 'a rate with its unit (bit/s, kbit/s, Mbit/s, Gbit/s, B/s, kB/s, MB/s), such as "2 kbit/s"');

export const distanceKm = quantity(DISTANCE_KM, 'a distance with its unit (m, km, au), such as "1.5 au"');

/** A duration that may be negative. */
export const signedDurationUs = quantity(DURATION_US, 'a duration with its unit, such as "-4 min"', true);

export const probability = z.union([z.number().min(0).max(1), z.string().regex(/^\d+(\.\d+)?\s*%$/).transform((text) => Number.parseFloat(text) / 100)], { error: 'use a probability from 0 to 1, or a percentage such as "2 %"' }).pipe(z.number().min(0).max(1));

export const instantMs = z
  .union([z.string(), z.date()])
  .transform((value) => (typeof value === 'string' ? Date.parse(value) : value.getTime()))
  .refine((value) => Number.isSafeInteger(value), 'use a time such as 2026-06-01T00:00:00Z');

function quantity(units: Readonly<Record<string, number>>, wanted: string, signed = false) {
  return z.string({ error: `use ${wanted}` }).transform((text, context) => {
    const [, number, unit] = /^\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*([A-Za-z/]+)\s*$/.exec(text) ?? [];
    const factor = unit === undefined ? undefined : Object.hasOwn(units, unit) ? units[unit] : undefined;
    const value = factor === undefined ? Number.NaN : Math.round(Number(number) * factor);
    if (!Number.isSafeInteger(value) || (value < 0 && !signed)) {
      context.addIssue({ code: 'custom', message: `use ${wanted}` });
      return z.NEVER;
    }
    return value;
  });
}
