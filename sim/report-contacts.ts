/** How each contact of a direction was used: those in which nothing was sent are listed, too. */
import type { Channel } from './channel.js';
import { round, seconds } from './report-figures.js';
import type { WayLedger } from './way-ledger.js';

export interface ContactReport {
  readonly way: string;
  readonly startSec: number;
  readonly endSec: number;
  readonly units: number;
  readonly bytes: number;
  /** Share of the contact in which something was being sent. */
  readonly busy: number;
}

/** Of one direction. What comes later is not listed. */
const MOST_CONTACTS = 4000;

/** A direction that is always open has none. */
export function contactsOf(channel: Channel, ledger: WayLedger | undefined, runEndUs: number): ContactReport[] {
  const contacts: ContactReport[] = [];
  let window = channel.model.windows(0);
  while (window !== undefined && window.startUs < runEndUs && window.endUs !== Number.MAX_SAFE_INTEGER && contacts.length < MOST_CONTACTS) {
    const { startUs, endUs } = window;
    const use = ledger?.contacts.get(endUs);
    contacts.push({ way: channel.name, startSec: seconds(startUs), endSec: seconds(endUs), units: use?.units ?? 0, bytes: use?.bytes ?? 0, busy: round((use?.busyUs ?? 0) / Math.max(1, endUs - startUs)) });
    window = channel.model.windows(endUs);
  }
  return contacts;
}
