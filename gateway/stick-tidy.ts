/** Tidy: files of ours on a stick that came home. Who has its receipts needs no copy; a file that is gone from the stick, or is not all there, is gone. */
import { toHex } from '../base/bytes.js';
import type { UsbLinkConfig } from './usb-schema.js';
import { makeDue } from './make-due.js';
import type { OutFile } from './stick-ledger.js';
import type { StickVisit } from './stick-parts.js';
import { heldTarget, peerTarget } from './target.js';

/** Removes what is confirmed, and makes due again what somebody has wiped. */
export async function tidyStick(visit: StickVisit): Promise<{ readonly removed: number; readonly missing: number }> {
  const { context, ledger, stick } = visit;
  const stickId = stick.id === undefined ? '' : toHex(stick.id);
  const nowMs = Math.round(context.trust.nowMs());
  let [removed, missing] = [0, 0];
  for (const file of ledger.outFiles()) {
    if (file.stick !== stickId) continue;
    const { peer, records, bytes } = file;
    const foundBytes = await stick.bytesOf(file.id);
    const isDone = foundBytes !== undefined && (await isConfirmed(visit, file, nowMs));
    if (!isDone && foundBytes === file.bytes) continue;
    // Pulled out in the instant of its naming, a file on FAT is there and empty.
    if (foundBytes !== undefined) await stick.remove(file.id);
    if (isDone) removed += 1;
    else {
      await makeDue(context, peer, (await ledger.batchesOf(file.id)).flatMap(({ rids }) => rids));
      missing += 1;
    }
    await ledger.tell(stickId, { atMs: nowMs, kind: isDone ? 'removed' : 'missing', peer, records, bytes });
    await ledger.forget(file.id);
  }
  if (removed + missing > 0) await stick.settle();
  return { removed, missing };
}

/** None of its records waits for this peer's receipt any more. A file of controls alone is done when it was taken, or is old. */
async function isConfirmed({ context, ledger }: StickVisit, file: OutFile, nowMs: number): Promise<boolean> {
  if (file.records === 0) {
    const link = context.book.byName(file.peer)?.config.links.find((candidate): candidate is UsbLinkConfig => candidate.kind === 'usb');
    return file.taken || link === undefined || nowMs > file.createdMs + link.lostAfterMs;
  }
  const queue = peerTarget(file.peer);
  for (const { rids } of await ledger.batchesOf(file.id)) {
    for (const rid of rids) {
      const target = (await context.store.find(rid))?.schedule?.target;
      if (target === queue || target === heldTarget(queue)) return false;
    }
  }
  return true;
}
