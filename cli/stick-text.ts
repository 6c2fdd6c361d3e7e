/** Sticks in words for people: what an errand has done, and what is known of the sticks that come and go. */
import type { Exported } from '../gateway/export.js';
import type { Imported } from '../gateway/import.js';
import type { StickEvent } from '../gateway/stick-schema.js';
import type { StickOutcome, StickStatus, WatchStatus } from '../gateway/stick-status.js';
import { formatBytes, formatDuration, formatTable, printable } from './output.js';

/** Enough to tell sticks apart. */
const SHOWN_DIGITS = 8;

export function outcomeText({ stick, imported, exported, removed, missing, readOnly }: StickOutcome): string {
  const lines = [`stick ${stick === undefined ? 'without a name yet' : stickName(stick)}`];
  if (imported !== undefined) lines.push(...importedLines(imported));
  if (removed > 0) lines.push(`  ${removed} of our files are confirmed: removed`);
  if (missing > 0) lines.push(`  ${missing} of our files have gone from it: what was in them goes out again`);
  if (exported !== undefined) lines.push(...exportedLines(exported));
  if (readOnly) lines.push('  it is read-only: nothing was written');
  lines.push('Safe to remove.');
  return lines.join('\n');
}

function importedLines({ files, records, bytes, refusedRecords, known, carried, passedBy, quarantined }: Imported): string[] {
  const lines = [`  in:  ${files === 0 ? 'nothing new' : `${records} records in ${files === 1 ? '1 file' : `${files} files`}, ${formatBytes(bytes)}`}`];
  if (refusedRecords > 0) lines.push(`       ${refusedRecords} records were not taken; their sender is told why`);
  if (known > 0) lines.push(`       ${known} files were here before`);
  if (carried > 0) lines.push(`       ${carried} files for others are carried on from here`);
  if (passedBy > 0) lines.push(`       ${passedBy} files are for others`);
  for (const { name, reason, before } of quarantined) lines.push(`       NOT TAKEN ${printable(name)}: ${printable(reason)}${before ? ' (as before)' : ''}`);
  return lines;
}

function exportedLines({ peers, carried }: Exported): string[] {
  const lines = peers.map(({ peer, files, records, controls, bytes, left }) => {
    const what = files === 0 ? 'nothing' : `${records} records and ${controls} receipts and other controls, ${formatBytes(bytes)}`;
    return `  out: for ${peer}: ${what}${left === 0 ? '' : `; STICK FULL: ${left} records wait on`}`;
  });
  if (carried > 0) lines.push(`       ${carried} files between other gateways`);
  return lines;
}

/** The part of `postern status` about sticks; nothing where none was ever seen and none is watched for. */
export function sticksText({ known, under, quarantined, carried, watch }: StickStatus, nowMs: number): string[] {
  const watched = watch === undefined ? [] : watchText(watch);
  if (known.length === 0) return watched;
  const table = formatTable<StickStatus['known'][number]>(
    [
      { title: 'STICK', text: ({ id }) => stickName(id) },
      { title: 'LAST HERE', align: 'right', text: ({ lastMs }) => `${formatDuration(nowMs - lastMs)} ago` },
      { title: 'UNDER WAY', align: 'right', text: ({ id }) => String(under.filter(({ stick }) => stick === id).reduce((sum, { records }) => sum + records, 0)) },
      { title: 'HISTORY', text: ({ events }) => events.slice(-SHOWN_EVENTS).map(eventText).join(', ') },
    ],
    known.slice(0, SHOWN_STICKS),
  );
  const lines = [...watched, '', table.trimEnd()];
  if (carried.files > 0) lines.push(`carried for others: ${carried.files} files, ${formatBytes(carried.bytes)} of ${formatBytes(carried.limitBytes)}`);
  if (quarantined.length > 0) lines.push(`refused: ${quarantined.length} files; the latest: ${printable(quarantined.at(-1)?.reason ?? '')}`);
  return lines;
}

const WATCHED: Readonly<Record<WatchStatus['sticks'][number]['state'], string>> = { new: 'has just come', serving: 'IS BEING SERVED: leave it in', served: 'safe to remove', failed: 'COULD NOT BE SERVED' };

function watchText({ folders, missing, sticks }: WatchStatus): string[] {
  const lines = ['', `sticks are awaited in ${folders.join(', ')}${missing.length === 0 ? '' : ` (not there: ${missing.join(', ')})`}`];
  for (const { dir, state, code } of sticks) lines.push(`  ${printable(dir)}: ${WATCHED[state]}${code === undefined ? '' : ` (${code})`}`);
  return lines;
}

const SHOWN_STICKS = 12;
const SHOWN_EVENTS = 4;

const EVENTS: Readonly<Record<StickEvent['kind'], string>> = { out: 'went out', in: 'brought', receipt: 'receipt', removed: 'confirmed', missing: 'wiped', damaged: 'damaged' };

/** `went out 3 May (shore, 120)` */
function eventText({ kind, atMs, peer, records }: StickEvent): string {
  const about = [peer, records].filter((part) => part !== undefined).join(', ');
  return `${EVENTS[kind]} ${dayText(atMs)}${about === '' ? '' : ` (${about})`}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayText(atMs: number): string {
  const date = new Date(atMs);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''}`;
}

function stickName(id: string): string {
  return id.slice(0, SHOWN_DIGITS);
}
