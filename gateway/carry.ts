/**
 * Carry: files between other gateways go on from here, unopened, on our next sticks. Nobody's custody changes by it: the
 * writer keeps what it wrote until its receipt comes, and we keep no more than the quota and the file's own time allow.
 */
import { toHex } from '../base/bytes.js';
import type { Stick, StickFile } from '../links/usb/stick.js';
import type { StickReader } from '../links/usb/stick-disk.js';
import type { StickFreight } from '../links/usb/stick-transfer.js';
import { badSignature } from '../wire/faults.js';
import { verifyStickManifest } from '../wire/stick-manifest.js';
import type { StickManifest } from '../wire/stick-manifest.js';
import { readManifestOf, vouchedBytesOf } from './stick-file.js';
import type { StickVisit } from './stick-parts.js';

/** Takes a copy of a file that is for another gateway; false when it is left to the stick. */
export async function carryIn(visit: StickVisit, file: StickFile, reader: StickReader, manifest: StickManifest, meter: (bytes: number) => void): Promise<boolean> {
  const { context, ledger, spool } = visit;
  const { book, trust, config } = context;
  if (ledger.carried().some(({ id }) => id === file.id)) return false;
  const [from, to] = [book.byKid(manifest.from), book.byKid(manifest.to)];
  // Files between strangers would let anybody fill the spool.
  if (from === undefined && to === undefined) return false;
  if (from !== undefined && !verifyStickManifest(manifest, from.key)) throw badSignature('stick/manifest');
  if (trust.trusted && manifest.untilSec * 1000 <= trust.nowMs()) return false;
  const heldBytes = ledger.carried().reduce((sum, { bytes }) => sum + bytes, 0);
  if (heldBytes + file.bytes > config.stick.carryBytes) return false;
  // Read once before a byte of it is kept: a file that is damaged is of no use to anybody.
  for await (const _ of vouchedBytesOf(reader, manifest, meter));
  if (!(await copy(spool, reader, file.id, manifest, meter))) return false;
  await ledger.carry({ id: file.id, bytes: file.bytes, untilMs: manifest.untilSec * 1000, on: [] });
  return true;
}

/** Puts what is carried on a stick that does not have it. @returns how many files, and how many bytes were written */
export async function carryOut(visit: StickVisit, roomBytes: number): Promise<{ readonly files: number; readonly bytes: number }> {
  const { context, ledger, stick, spool } = visit;
  let [files, leftBytes] = [0, roomBytes];
  for (const carried of [...ledger.carried()].sort((a, b) => a.untilMs - b.untilMs)) {
    if (context.trust.trusted && carried.untilMs <= context.trust.nowMs()) {
      // Only what we put on this stick may go from it; the copies on others stay until nobody knows them any more.
      if (stickIds(visit).some((id) => carried.on.includes(id))) await stick.remove(carried.id);
      await spool.remove(carried.id);
      await ledger.carryNoMore(carried.id);
      continue;
    }
    if (carried.bytes > leftBytes || (await stick.has(carried.id))) continue;
    const reader = await spool.open(carried.id);
    try {
      const manifest = await readManifestOf(carried.id, reader);
      if (!(await copy(stick, reader, carried.id, manifest, () => undefined))) continue;
      await ledger.carry({ ...carried, on: [...carried.on, ...stickIds(visit)] });
      files += 1;
      leftBytes -= carried.bytes;
    } finally {
      await reader.close();
    }
  }
  return { files, bytes: roomBytes - leftBytes };
}

async function copy(to: Stick, reader: StickReader, id: string, manifest: StickManifest, meter: (bytes: number) => void): Promise<boolean> {
  const freight: StickFreight = {
    headBytes: manifest.bytes.length,
    bodyBytes: manifest.sealedBytes,
    body: () => vouchedBytesOf(reader, manifest, meter),
    complete: () => ({ id, head: manifest.bytes, bodyHash: manifest.sealedHash }),
  };
  const put = await to.put(freight, () => undefined, () => Promise.resolve());
  return put.kind === 'written';
}

function stickIds({ stick }: StickVisit): string[] {
  return stick.id === undefined ? [] : [toHex(stick.id)];
}
