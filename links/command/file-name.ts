/**
 * The names of the files that carry bundles: `postern-<16 hex digits>-<size>.bundle`. The size stands in the name, so
 * that whoever finds a file knows whether all of it is there, however the program that brought it writes its files.
 */
import { toHex } from '../../base/bytes.js';
import type { Random } from '../../base/random.js';

const NAME = /^postern-[0-9a-f]{16}-(0|[1-9][0-9]{0,14})\.bundle$/;
const ID_BYTES = 8;

export function newFileName(random: Random, bytes: number): string {
  return `postern-${toHex(random.bytes(ID_BYTES))}-${bytes}.bundle`;
}

/** How many bytes the file of this name has once it is complete; undefined for a file that is none of ours. */
export function bytesByName(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
