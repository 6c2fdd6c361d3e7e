/** HTML and SVG from parts: whatever is put in is text, unless it is markup already. */

/** Markup, as opposed to text: what has been escaped is not escaped again. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type Part = Markup | string | number | undefined | readonly Part[];

/** `html\`<b>${name}</b>\``: every value is escaped, and fit for an attribute in double quotes as well. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.reduce((text, string, index) => text + markupOf(parts[index - 1]) + string));
}

export function escapeMarkup(text: string): string {
  return text.replace(UNPRINTABLE, '\u{fffd}').replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** For a script element of data: nothing in it can end the element. */
export function jsonForPage(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replace(/[<>&\u2028-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** Neither XML nor HTML has room for these; those that turn the direction of text around could make it lie. */
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]/gu;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function markupOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escapeMarkup(part);
  return part.map(markupOf).join('');
}
