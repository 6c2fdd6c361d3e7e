/** DTN time: milliseconds since 2000-01-01 00:00 UTC, leap seconds left out (RFC 9171 §4.2.6). */
import type { Uint64 } from './bundle-cbor.js';

/** Stands for a time that its writer did not know. */
export const UNKNOWN_DTN_TIME = 0;

const DTN_EPOCH_UNIX_MS = Date.UTC(2000, 0, 1);

/** DTN time of a Unix time; unknown for a clock that stands before the epoch, as one without a battery does. */
export function toDtnTimeMs(unixMs: number): number {
  return Math.max(UNKNOWN_DTN_TIME, Math.floor(unixMs - DTN_EPOCH_UNIX_MS));
}

/** Unix time of a DTN time; undefined where it is unknown or further away than a number can tell. */
export function fromDtnTimeMs(dtnMs: Uint64): number | undefined {
  return dtnMs === UNKNOWN_DTN_TIME || typeof dtnMs === 'bigint' ? undefined : dtnMs + DTN_EPOCH_UNIX_MS;
}
