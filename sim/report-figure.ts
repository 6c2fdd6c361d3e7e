/** The frame of every chart: drawn for a wide page and for a phone, named for those who cannot see it, with its numbers in a table behind it. */
import { html, Markup } from './markup.js';
import type { Part } from './markup.js';

/** In units of the drawing, which are points of the screen where it is shown at its own width. */
export const WIDE = 760;
export const NARROW = 340;

export interface Figure {
  readonly title: string;
  /** What it shows, in a sentence. */
  readonly says: string;
  readonly height: number | ((width: number) => number);
  readonly draw: (width: number) => Part;
  /** Above the drawing: what the colours mean. */
  readonly legend?: Part;
  /** Below the legend: what takes the place of the drawing where scripts run. */
  readonly live?: Part;
  readonly table: Part;
}

export function figure({ title, says, height, draw, legend, live, table }: Figure): Markup {
  const drawing = (width: number, shown: string): Markup => {
    const high = typeof height === 'number' ? height : height(width);
    return html`<svg class="${shown}" viewBox="0 0 ${width} ${high}" role="img" aria-label="${title}. ${says}">${draw(width)}</svg>`;
  };
  return html`<figure><figcaption>${says}</figcaption>${legend}${live}${drawing(WIDE, 'wide')}${drawing(NARROW, 'narrow')}<details><summary>The numbers</summary>${table}</details></figure>`;
}

export interface TableColumn<Row> {
  readonly title: string;
  readonly isText?: boolean;
  of(row: Row): Part;
}

/** Wider than the page: it is moved by itself, and can be reached by keyboard for that. */
export function table<Row>(caption: string, columns: readonly TableColumn<Row>[], rows: readonly Row[]): Markup {
  const kind = (column: TableColumn<Row>): string => (column.isText === true ? 'text' : 'number');
  const head = columns.map((column) => html`<th scope="col" class="${kind(column)}">${column.title}</th>`);
  const body = rows.map((row) => html`<tr>${columns.map((column) => html`<td class="${kind(column)}">${column.of(row)}</td>`)}</tr>`);
  return html`<div class="table" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Colours that people who see few of them tell apart, by number from 0. */
export function colour(index: number): string {
  return `var(--c${(index % COLOURS) + 1})`;
}

const COLOURS = 8;

export function legend(entries: readonly { readonly text: string; readonly colour: string }[]): Markup {
  return html`<ul class="legend">${entries.map((entry) => html`<li><i style="background:${entry.colour}"></i>${entry.text}</li>`)}</ul>`;
}

/** With two places behind the point, which is finer than any screen. */
export function place(value: number): number {
  return Math.round(value * 100) / 100;
}

export function line(x1: number, y1: number, x2: number, y2: number, kind: string): Markup {
  return html`<line x1="${place(x1)}" y1="${place(y1)}" x2="${place(x2)}" y2="${place(y2)}" class="${kind}"/>`;
}

/** `port ship>office` as people read it. */
export function wayText(way: string): string {
  return way.replace('>', ' → ');
}

/** `1 time`, `2 times`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

export function label(x: number, y: number, text: string, kind = ''): Markup {
  return html`<text x="${place(x)}" y="${place(y)}" class="${kind}">${text}</text>`;
}
