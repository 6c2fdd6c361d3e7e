/**
 * Import: what lies on a stick for us becomes ours, each file whole or not at all. Everything is checked before anything is
 * taken: name, size, manifest, hash, seal, every batch and every blob. Nothing is written to the stick, and
 * nothing is removed from it: a stick that is read-only imports like any other.
 */
import { equalBytes, toHex } from '../base/bytes.js';
import { isPosternError, messageOf } from '../base/errors.js';
import type { StickFile, StickListing } from '../links/usb/stick.js';
import type { StickReader } from '../links/usb/stick-disk.js';
import { bundleName } from '../links/usb/stick-names.js';
import { badSeal, badSignature } from '../wire/faults.js';
import { verifyStickManifest } from '../wire/stick-manifest.js';
import type { StickManifest } from '../wire/stick-manifest.js';
import { carryIn } from './carry.js';
import type { GatewayContext } from './context.js';
import { makeDue } from './make-due.js';
import type { Peer } from './peer-book.js';
import { eachBatch, readManifestOf, sealedBytesOf, vouchedBytesOf } from './stick-file.js';
import type { StickVisit } from './stick-parts.js';

export interface Imported {
  /** Files taken now. */
  readonly files: number;
  readonly records: number;
  readonly bytes: number;
  /** Records in them that were not taken, and why is told to their sender: full, over quota, expired. */
  readonly refusedRecords: number;
  /** Files that had been taken before. */
  readonly known: number;
  /** Files between other gateways that are carried on from here. */
  readonly carried: number;
  /** Files for other gateways that are left to the stick. */
  readonly passedBy: number;
  readonly quarantined: readonly Quarantined[];
}

export interface Quarantined {
  readonly name: string;
  readonly reason: string;
  /** It was refused before, and has not changed since: it was not read again. */
  readonly before: boolean;
}

type Tally = { -readonly [Key in keyof Imported]: Imported[Key] extends number ? number : Quarantined[] };

export async function importFromStick(visit: StickVisit): Promise<Imported> {
  const { stick, context, ledger } = visit;
  const listing = await stick.files();
  const tally: Tally = { files: 0, records: 0, bytes: 0, refusedRecords: 0, known: 0, carried: 0, passedBy: 0, quarantined: [] };
  for (const { name, reason } of listing.refused) await setAside(visit, tally, { name, bytes: 0, changedMs: 0 }, reason);
  const meter = meterOf(visit, listing);
  for (const file of listing.files) await importFile(visit, file, tally, meter);
  if (stick.id !== undefined && tally.files + tally.quarantined.length > 0) {
    const nowMs = Math.round(context.trust.nowMs());
    await ledger.tell(toHex(stick.id), { atMs: nowMs, kind: 'in', records: tally.records, bytes: tally.bytes, files: tally.files });
  }
  return tally;
}

async function importFile(visit: StickVisit, file: StickFile, tally: Tally, meter: (bytes: number) => void): Promise<void> {
  const { stick, ledger, context } = visit;
  if (ledger.outFile(file.id) !== undefined) return;
  if (ledger.wasTaken(file.id)) {
    tally.known += 1;
    return;
  }
  const name = bundleName(file.id);
  const before = ledger.badReason({ ...file, name });
  if (before !== undefined) {
    tally.quarantined.push({ name, reason: before, before: true });
    return;
  }
  let sender: Peer | undefined;
  try {
    const reader = await stick.open(file.id);
    try {
      const manifest = await readManifestOf(file.id, reader);
      if (equalBytes(manifest.from, context.kid)) return;
      if (!equalBytes(manifest.to, context.kid)) {
        tally[(await carryIn(visit, file, reader, manifest, meter)) ? 'carried' : 'passedBy'] += 1;
        return;
      }
      sender = senderOf(context, manifest);
      await checkWhole(visit, reader, manifest, sender, meter);
      await listenTo(visit, sender, manifest);
      await takeWhole(visit, reader, manifest, tally, meter);
      await ledger.took(sender.name, file.id, Math.round(context.trust.nowMs()), manifest.untilSec * 1000);
      tally.files += 1;
      tally.bytes += file.bytes;
    } finally {
      await reader.close();
    }
  } catch (thrown) {
    if (!isPosternError(thrown) || thrown.code.startsWith('STORE_')) throw thrown;
    // A stick that was pulled out ends the visit, and nothing is held against the file; a file that cannot be read ends only its own.
    if (thrown.code === 'LINK_STICK' && !(await stick.answers())) throw thrown;
    if (!(await stick.has(file.id))) throw thrown;
    if (sender !== undefined) await ledger.foundDamaged(sender.name, file.id);
    const reason = `${thrown.code}: ${messageOf(thrown)}`;
    // What could not be read may be readable the next time; what was read and is wrong stays wrong.
    if (thrown.code === 'LINK_STICK') tally.quarantined.push({ name, reason, before: false });
    else await setAside(visit, tally, { ...file, name }, reason);
  }
}

/** The peer whose signature the manifest bears. */
function senderOf({ book }: GatewayContext, manifest: StickManifest): Peer {
  const peer = book.byKid(manifest.from);
  if (peer === undefined || peer.role !== 'neighbour') throw badSeal('stick/manifest/from', 'from a gateway that is not known here');
  if (!verifyStickManifest(manifest, peer.key)) throw badSignature('stick/manifest');
  return peer;
}

async function checkWhole({ context, doors }: StickVisit, reader: StickReader, manifest: StickManifest, sender: Peer, meter: (bytes: number) => void): Promise<void> {
  await eachBatch(vouchedBytesOf(reader, manifest, meter), manifest, context.key, async (batch) => {
    const read = await doors.check(batch);
    if (read.kind === 'bad') throw read.error;
    if (read.kind === 'stranger' || read.peer !== sender) throw badSeal('stick/batch', 'a batch that its sender has not signed');
  });
}

async function takeWhole({ context, doors }: StickVisit, reader: StickReader, manifest: StickManifest, tally: Tally, meter: (bytes: number) => void): Promise<void> {
  // The seal says again that every byte is the sender's, and the store that a blob is what its record names.
  await eachBatch(sealedBytesOf(reader, manifest, meter), manifest, context.key, async (batch) => {
    const answer = await doors.take(batch);
    if (answer.kind === 'bad') throw answer.error;
    if (answer.kind === 'stranger') throw badSeal('stick/batch', 'a batch that has changed since it was checked');
    tally.records += answer.taken.rids.length;
    tally.refusedRecords += answer.taken.refusals.length;
  });
}

/** What the manifest says of our own files: these came whole, those came damaged and are due again. */
async function listenTo({ context, ledger }: StickVisit, sender: Peer, manifest: StickManifest): Promise<void> {
  for (const id of manifest.taken) {
    if (ledger.outFile(toHex(id))?.peer === sender.name) await ledger.markTaken(toHex(id));
  }
  for (const id of manifest.damaged) {
    const file = ledger.outFile(toHex(id));
    if (file?.peer !== sender.name) continue;
    await makeDue(context, sender.name, (await ledger.batchesOf(file.id)).flatMap(({ rids }) => rids));
    await ledger.tell(file.stick, { atMs: Math.round(context.trust.nowMs()), kind: 'damaged', peer: sender.name, records: file.records });
    await ledger.giveUp(file.id);
  }
}

async function setAside({ context, ledger }: StickVisit, tally: Tally, file: { readonly name: string; readonly bytes: number; readonly changedMs: number }, reason: string): Promise<void> {
  const { name, bytes, changedMs } = file;
  tally.quarantined.push({ name, reason, before: false });
  context.log.warn('a file on a stick was refused', { reason });
  await ledger.quarantine({ name, bytes, changedMs, reason, atMs: Math.round(context.trust.nowMs()) });
}

/** Every file is read twice: checked, then taken. */
function meterOf({ progress }: StickVisit, { files }: StickListing): (bytes: number) => void {
  const totalBytes = 2 * files.reduce((sum, file) => sum + file.bytes, 0);
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes;
    progress({ phase: 'import', doneBytes, totalBytes });
  };
}
