/** When each way was open, and how much of that time it was used. A year of contacts is drawn in columns, each of several contacts. */
import { formatBytes, formatDuration, formatShare } from '../base/figure-text.js';
import { html } from './markup.js';
import type { Markup, Part } from './markup.js';
import type { ContactReport } from './report-contacts.js';
import { counted, figure, label, line, place, table, wayText } from './report-figure.js';
import { timeScale } from './report-scales.js';

interface Row {
  readonly way: string;
  readonly contacts: readonly ContactReport[];
}

const [ROW, BAR, BOTTOM] = [58, 28, 26];
/** A contact that is narrower than this is drawn together with its neighbours. */
const LEAST_WIDTH = 4;

/** Undefined where every way is always open. */
export function contactsFigure(contacts: readonly ContactReport[], runSec: number): Markup | undefined {
  const rows = [...new Set(contacts.map(({ way }) => way))].map((way): Row => ({ way, contacts: contacts.filter((contact) => contact.way === way) }));
  if (rows.length === 0) return undefined;
  const used = contacts.filter(({ units }) => units > 0).length;
  return figure({
    title: 'Contacts and how they were filled',
    says: `${counted(contacts.length, 'contact')}, ${used} of them used. A bar is as high as the share of its contact in which something was being sent; a mark at its foot says that anything was.`,
    height: rows.length * ROW + BOTTOM,
    draw: (width) => [axis(rows.length * ROW, runSec, width), rows.map((row, index) => drawRow(row, index * ROW, runSec, width))],
    table: table('Contacts by way', [
      { title: 'way', isText: true, of: ({ way }: Row) => wayText(way) },
      { title: 'contacts', of: (row) => row.contacts.length },
      { title: 'used', of: (row) => row.contacts.filter(({ units }) => units > 0).length },
      { title: 'open', of: (row) => formatDuration(sum(row, ({ startSec, endSec }) => endSec - startSec) * 1000) },
      { title: 'in use', of: (row) => formatShare(sum(row, ({ startSec, endSec, busy }) => busy * (endSec - startSec)) / Math.max(1e-9, sum(row, ({ startSec, endSec }) => endSec - startSec))) },
      { title: 'fullest', of: (row) => formatShare(row.contacts.reduce((most, { busy }) => Math.max(most, busy), 0)) },
      { title: 'sent', of: (row) => formatBytes(sum(row, ({ bytes }) => bytes)) },
    ], rows),
  });
}

function drawRow({ way, contacts }: Row, top: number, runSec: number, width: number): Part {
  const used = contacts.filter(({ units }) => units > 0).length;
  const foot = top + 20 + BAR;
  return [
    label(0, top + 13, wayText(way), 'strong'),
    label(width, top + 13, `${used} of ${contacts.length} used`, 'end'),
    columns(contacts, runSec, width).map(({ x, wide, busy, isUsed }) => [
      html`<rect x="${place(x)}" y="${top + 20}" width="${place(wide)}" height="${BAR}" class="open"/>`,
      busy > 0 ? html`<rect x="${place(x)}" y="${place(foot - Math.max(1, busy * BAR))}" width="${place(wide)}" height="${place(Math.max(1, busy * BAR))}" class="filled"/>` : undefined,
      isUsed ? html`<rect x="${place(x)}" y="${foot + 2}" width="${place(wide)}" height="3" class="filled"/>` : undefined,
    ]),
  ];
}

interface Column {
  readonly x: number;
  readonly wide: number;
  readonly busy: number;
  readonly isUsed: boolean;
}

function columns(contacts: readonly ContactReport[], runSec: number, width: number): Column[] {
  const found: Column[] = [];
  const scale = width / runSec;
  for (let index = 0; index < contacts.length; ) {
    const first = contacts[index] as ContactReport;
    let [openSec, busySec, isUsed, endSec] = [0, 0, false, first.endSec];
    for (; index < contacts.length; index += 1) {
      const contact = contacts[index] as ContactReport;
      if (openSec > 0 && (contact.startSec - first.startSec) * scale >= LEAST_WIDTH) break;
      openSec += contact.endSec - contact.startSec;
      busySec += contact.busy * (contact.endSec - contact.startSec);
      isUsed ||= contact.units > 0;
      ({ endSec } = contact);
    }
    found.push({ x: first.startSec * scale, wide: Math.max(LEAST_WIDTH - 1, (Math.min(endSec, runSec) - first.startSec) * scale), busy: Math.min(1, busySec / Math.max(openSec, 1e-9)), isUsed });
  }
  return found;
}

function axis(bottom: number, runSec: number, width: number): Part {
  const x = timeScale([0, runSec], [0, width], width > 500 ? 12 : 5);
  return x.ticks.map((tick) => [line(x.at(tick), 18, x.at(tick), bottom, 'grid'), label(x.at(tick), bottom + 17, tick === 0 ? '0' : formatDuration(tick * 1000), tick === 0 ? '' : width - x.at(tick) < 20 ? 'end' : 'middle')]);
}

function sum({ contacts }: Row, pick: (contact: ContactReport) => number): number {
  return contacts.reduce((total, contact) => total + pick(contact), 0);
}
