/** One item of state, one JSON file: checked by its schema when read, durable when written. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { utf8 } from '../base/bytes.js';
import { PosternError, messageOf } from '../base/errors.js';
import { codeOf, createDurably, writeDurably } from '../base/durable-file.js';

/** The item, or undefined where there is no such file. */
export async function readState<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return undefined;
    throw unreadable(file, thrown);
  }
  try {
    return z.decode(schema, JSON.parse(text) as z.input<S>);
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

export async function writeState<S extends z.ZodType>(file: string, schema: S, value: z.output<S>): Promise<void> {
  await writeDurably(file, encodeState(schema, value));
}

/** Like `writeState`, for items that are written once: false where somebody was first. */
export async function createState<S extends z.ZodType>(file: string, schema: S, value: z.output<S>): Promise<boolean> {
  return createDurably(file, encodeState(schema, value));
}

export function encodeState<S extends z.ZodType>(schema: S, value: z.output<S>): Uint8Array {
  return utf8(`${JSON.stringify(z.encode(schema, value), undefined, 2)}\n`);
}

function unreadable(file: string, cause: unknown): PosternError<'DOMAIN_STATE'> {
  return new PosternError('DOMAIN_STATE', `${file} cannot be read: ${messageOf(cause)}`, { file }, { cause });
}
