/** Reads the cases of spec/vectors/ for the tests: header lines, a blank line, hex. */
import { readdirSync, readFileSync } from 'node:fs';
import { fromHex } from '../base/bytes.js';

export interface SpecVector {
  readonly name: string;
  /** `ok`, or the code of the fault. */
  readonly expect: string;
  readonly note: string;
  readonly bytes: Uint8Array;
  /** The lines of the head, by name: for cases that need more than their bytes. */
  readonly fields: ReadonlyMap<string, string>;
}

const FOLDER = new URL('../../spec/vectors/', import.meta.url);

/** All cases of one kind of object, by name. */
export function readSpecVectors(object: string): SpecVector[] {
  const vectors: SpecVector[] = [];
  for (const file of readdirSync(FOLDER).sort()) {
    if (!file.endsWith('.txt')) continue;
    const [head = '', ...body] = readFileSync(new URL(file, FOLDER), 'utf8').split('\n\n');
    const fields = new Map(head.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
    if (fields.get('object') !== object) continue;
    const bytes = fromHex(body.join('').replaceAll(/\s/g, ''));
    const [name, expect, note] = [fields.get('name'), fields.get('expect'), fields.get('note')];
    if (bytes === undefined || name === undefined || expect === undefined || note === undefined) throw new Error(`${file} is not a vector`);
    vectors.push({ name, expect, note, bytes, fields });
  }
  return vectors;
}
