/** Words and bytes that must not get out, and the search for them in whatever form they may have taken. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { asBuffer } from '../base/bytes.js';

export class Canaries {
  readonly #forms: { readonly name: string; readonly bytes: Buffer }[] = [];

  /** A secret of at least 12 bytes, as itself, in hex of either case, in both base64 alphabets at any alignment, and backwards. */
  addBytes(name: string, bytes: Uint8Array): this {
    const buffer = asBuffer(bytes);
    const forms = new Set([buffer.toString('hex'), buffer.toString('hex').toUpperCase(), ...base64Cores(buffer)]);
    this.#forms.push({ name: `${name} raw`, bytes: buffer }, { name: `${name} backwards`, bytes: Buffer.from(buffer).reverse() });
    for (const text of forms) this.#forms.push({ name: `${name} as ${text.slice(0, 8)}…`, bytes: Buffer.from(text) });
    return this;
  }

  /** Words, in UTF-8 and UTF-16 too, and as escaped in a URL. */
  addText(name: string, text: string): this {
    this.addBytes(name, Buffer.from(text));
    this.#forms.push({ name: `${name} in UTF-16`, bytes: Buffer.from(text, 'utf16le') }, { name: `${name} in a URL`, bytes: Buffer.from(encodeURIComponent(text)) });
    return this;
  }

  addAll(others: Canaries): this {
    this.#forms.push(...others.#forms);
    return this;
  }

  /** The names of those that stand in these bytes. */
  in(bytes: Uint8Array): string[] {
    const buffer = asBuffer(bytes);
    return this.#forms.filter((form) => buffer.includes(form.bytes)).map(({ name }) => name);
  }

  /** The same in every file below a folder, and in the names of files. */
  below(folder: string): string[] {
    return filesBelow(folder).flatMap(({ name, file }) => [
      ...this.in(Buffer.from(name)).map((canary) => `${canary} in the name ${name}`),
      ...this.in(readFileSync(file)).map((canary) => `${canary} in ${name}`),
    ]);
  }
}

/** The part of a base64 text that does not depend on what stands around the bytes, for each of the three alignments, in both alphabets. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replaceAll('=', '');
    const core = text.slice(shift === 0 ? 0 : 4, text.length - (text.length % 4 === 0 ? 0 : 1));
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function filesBelow(folder: string): { name: string; file: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => ({ name, file: path.join(folder, name) }))
    .filter(({ file }) => lstatSync(file).isFile());
}
