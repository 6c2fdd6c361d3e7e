/** What was sent on each way, and for what: the blobs themselves, and everything that is the price of getting them there. */
import { formatBytes } from '../base/figure-text.js';
import { html } from './markup.js';
import type { Markup, Part } from './markup.js';
import { figure, label, legend, place, table, wayText } from './report-figure.js';
import type { LinkReport, OverheadReport } from './report.js';

type Cause = keyof OverheadReport['causes'];

/** In the order in which they are drawn. */
const CAUSES: readonly (readonly [cause: Cause, text: string, colour: string])[] = [
  ['payload', 'blobs', 'var(--c1)'],
  ['again', 'sent again by gateways', 'var(--c2)'],
  ['repeatedByLink', 'repeated by the link', 'var(--c3)'],
  ['receipts', 'receipts', 'var(--c4)'],
  ['openings', 'openings', 'var(--c5)'],
  ['records', 'records', 'var(--c6)'],
  ['wants', 'wants and haves', 'var(--c7)'],
  ['refusals', 'refusals', 'var(--c8)'],
  ['framing', 'bundles and offers', 'var(--c9)'],
];
const [TOP, ROW, BAR] = [4, 42, 15];

export function bytesFigure(links: readonly LinkReport[], overhead: OverheadReport): Markup {
  const used = links.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  const seen = CAUSES.filter(([cause]) => overhead.causes[cause] > 0);
  const again = overhead.causes.again + overhead.causes.repeatedByLink;
  return figure({
    title: 'Bytes on each way, by cause',
    says: `${formatBytes(overhead.linkBytes)} were sent for ${formatBytes(overhead.payloadBytes)} that arrived; ${formatBytes(again)} of them more than once.`,
    height: TOP + ROW * Math.max(1, used.length),
    draw: (width) => used.map((link, row) => bar(link, TOP + row * ROW, width, used[0]?.bytes ?? 1)),
    legend: legend(seen.map(([, text, colour]) => ({ text, colour }))),
    table: table('Bytes by cause', [{ title: 'way', isText: true, of: ({ name }: LinkReport) => wayText(name) }, ...seen.map(([cause, text]) => ({ title: text, of: (link: LinkReport) => formatBytes(causeOf(link, cause)) })), { title: 'all', of: ({ bytes }) => formatBytes(bytes) }], used),
  });
}

function bar(link: LinkReport, top: number, width: number, most: number): Part {
  const long = width - 2;
  let x = 0;
  return [
    label(0, top + 13, wayText(link.name), 'strong'),
    label(width, top + 13, formatBytes(link.bytes), 'end'),
    CAUSES.map(([cause, text, colour]) => {
      const bytes = causeOf(link, cause);
      const wide = (bytes / most) * long;
      if (wide < 0.2) return undefined;
      const part = html`<rect x="${place(x)}" y="${top + 19}" width="${place(wide)}" height="${BAR}" style="fill:${colour}"><title>${text}: ${formatBytes(bytes)}</title></rect>`;
      x += wide;
      return part;
    }),
  ];
}

function causeOf(link: LinkReport, cause: Cause): number {
  return cause === 'repeatedByLink' ? link.repeatedBytes : link.causes[cause];
}
