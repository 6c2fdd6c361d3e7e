/**
 * A contact plan as an ionrc file: absolute times, a range of its own for each contact. ION's light times are whole
 * seconds and its rates whole bytes; what does not fit is rounded to the safe side, and told.
 */
import type { ContactPlan, ExportedPlan, Unscheduled } from './contact-plan.js';
import { formatIonTime } from './ion-time.js';

/** @param milliseconds newer versions of ION read times with three decimals; older ones read none, and contacts are made shorter for them */
export function writeIonPlan(plan: ContactPlan, milliseconds = false): ExportedPlan {
  const notes: string[] = [];
  const latestEnds = new Map<string, number>();
  const lines = ['# Contact plan, written by postern. Times are UTC, rates bytes a second, ranges light seconds.'];
  for (const [index, contact] of plan.contacts.entries()) {
    const freeMs = Math.max(contact.startMs, latestEnds.get(`${contact.from} ${contact.to}`) ?? contact.startMs);
    const startMs = milliseconds ? freeMs : Math.ceil(freeMs / 1000) * 1000;
    const endMs = milliseconds ? contact.endMs : Math.floor(contact.endMs / 1000) * 1000;
    const name = `contact ${index + 1}, ${contact.from} to ${contact.to}`;
    if (endMs <= startMs) {
      notes.push(`${name}: shorter than a second, or within another one, and left out`);
      continue;
    }
    latestEnds.set(`${contact.from} ${contact.to}`, endMs);
    if (freeMs !== contact.startMs) notes.push(`${name}: begins after the one that it overlaps`);
    else if (startMs !== contact.startMs || endMs !== contact.endMs) notes.push(`${name}: cut to whole seconds`);
    const lightSec = Math.ceil(contact.lightTimeMs / 1000);
    if (lightSec * 1000 !== contact.lightTimeMs) notes.push(`${name}: light time ${contact.lightTimeMs} ms rounded up to ${lightSec} s`);
    const rate = Math.max(1, Math.floor(contact.rateBytesPerSec));
    if (rate !== contact.rateBytesPerSec) notes.push(`${name}: rate rounded to ${rate} bytes a second`);
    const [start, end] = [formatIonTime(startMs), formatIonTime(endMs)];
    lines.push(`a range   ${start} ${end} ${contact.from} ${contact.to} ${lightSec}`);
    lines.push(`a contact ${start} ${end} ${contact.from} ${contact.to} ${rate}${contact.confidence === 1 ? '' : ` ${contact.confidence}`}`);
  }
  return { text: `${[...lines, ...plan.unscheduled.map(unscheduledLine)].join('\n')}\n`, notes };
}

function unscheduledLine(one: Unscheduled): string {
  return one.kind === 'registration' ? `a contact -1 -1 ${one.node} ${one.node} 0` : `a contact 0 0 ${one.from} ${one.to} 0`;
}
