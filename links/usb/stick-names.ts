/**
 * Names on a stick. They have to be good on FAT32, exFAT and ext4 alike: no two that differ in case alone, nothing that
 * Windows reserves, nothing that comes from outside. So a file is named by its hash, and everything else is fixed.
 */

/** Our folder: a short name in capitals, which FAT keeps as it is. */
export const STICK_FOLDER = 'POSTERN';
export const NOTE_NAME = 'README.TXT';
export const IDENTITY_NAME = 'STICK.ID';

/** FAT32 knows files up to 4 GiB less one byte. */
export const LARGEST_FILE_BYTES = 2 ** 32 - 1;

export const FILE_ID_BYTES = 16;
const BUNDLE = /^[0-9a-f]{32}\.bnd$/;
const ALMOST_BUNDLE = /\.bnd$/i;
const OWNER = /^[0-9a-f]{16}$/;

/** @param id the beginning of the file's hash, in hex */
export function bundleName(id: string): string {
  return `${id}.bnd`;
}

/** ours: a name that we give. wrong: a name like ours that we never give. foreign: somebody else's business. */
export function judgeName(name: string): 'ours' | 'wrong' | 'foreign' {
  if (BUNDLE.test(name)) return 'ours';
  return ALMOST_BUNDLE.test(name) ? 'wrong' : 'foreign';
}

export function bundleIdOf(name: string): string {
  return name.slice(0, 2 * FILE_ID_BYTES);
}

/** A file on its way in carries its writer's name, so that nobody sweeps away another's. @param owner 16 hex digits */
export function temporaryName(owner: string, number: number): string {
  if (!OWNER.test(owner)) throw new TypeError(`${owner} names no owner`);
  return `tmp-${owner}-${number}.part`;
}

export function isTemporaryOf(owner: string, name: string): boolean {
  return new RegExp(`^tmp-${owner}-\\d{1,9}\\.part$`).test(name);
}
