/** Mail that is sent at set times: a line for each message, with the seconds after the start, who sends, who gets it, and its size in bytes. */
import { planSyntax } from '../plan/contact-plan.js';

export interface MailEvent {
  readonly line: number;
  readonly atUs: number;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

const MOST_EVENTS = 1_000_000;
const MOST_BYTES = 2 ** 40;

/** @param file for messages */
export function readEvents(text: string, file: string): MailEvent[] {
  const events: MailEvent[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [seconds = '', from = '', to = '', bytes = '', ...rest] = line.split(/\s+/);
    const [atUs, size] = [Math.round(Number(seconds) * 1e6), Number(bytes)];
    if (!/^\d/.test(seconds) || !Number.isSafeInteger(atUs) || !/^\d+$/.test(bytes) || !(size <= MOST_BYTES) || rest.length > 0) throw planSyntax(file, index + 1, line, 'seconds, sender, addressee and bytes, such as "90.5 a.example b.example 2048",');
    if (events.length === MOST_EVENTS) throw planSyntax(file, index + 1, line, `an end after ${MOST_EVENTS} messages`);
    events.push({ line: index + 1, atUs, from, to, bytes: size });
  }
  return events.sort((a, b) => a.atUs - b.atUs || a.line - b.line);
}
