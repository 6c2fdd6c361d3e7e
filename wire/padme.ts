/**
 * Padmé: sizes rounded up so that a size tells little, at a cost of at most 12 % (Nikitin et al.,
 * "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS 2019, algorithm 1).
 */
import assert from 'node:assert';

/** The padded size of `bytes`: a floating point number with no more bits of mantissa than of exponent. */
export function padmeBytes(bytes: number): number {
  assert(Number.isSafeInteger(bytes) && bytes >= 0, 'a size is a safe, non-negative integer');
  if (bytes < 2) return bytes;
  const exponent = floorLog2(bytes);
  const mantissaBits = floorLog2(exponent) + 1;
  const unit = 2 ** (exponent - mantissaBits);
  return Math.ceil(bytes / unit) * unit;
}

/** Exact for every positive safe integer, where Math.log2 is not. */
function floorLog2(value: number): number {
  return value.toString(2).length - 1;
}
