/** A file for bytes that have no room in memory. It has no name once it is open, so that nothing of it outlives the process. */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../base/bytes.js';
import type { Random } from '../../base/random.js';
import type { SpillFile } from './block-buffer.js';

const NAME_BYTES = 8;

/** Throws where the folder takes no file. */
export function openSpillFile(folder: string, random: Random): SpillFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `block-${toHex(random.bytes(NAME_BYTES))}`);
  const handle = openSync(file, 'wx+', 0o600);
  rmSync(file, { force: true });
  return {
    // Segments come one by one, at the pace of the contact: a write into the system's cache each.
    write(offset, bytes) {
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at, bytes.length - at, offset + at);
    },
    read(offset, into) {
      for (let at = 0; at < into.length; ) {
        const count = readSync(handle, into, at, into.length - at, offset + at);
        // A hole at the end: bytes nobody has written are zeros.
        if (count === 0) return;
        at += count;
      }
    },
    close: () => closeSync(handle),
  };
}
