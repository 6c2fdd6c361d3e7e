/** One item of state, one JSON file: checked by its schema when read, durable when written. */
import { readFile } from 'node:fs/promises';
import { utf8 } from '../base/bytes.js';
import { codeOf, createDurably, writeDurably } from '../base/durable-file.js';
import { PosternError, messageOf } from '../base/errors.js';

/** What is needed of a schema of state-schema.ts. */
export interface StateSchema<T> {
  decode(value: unknown): T;
  encode(value: T): unknown;
}

/** The item, or undefined where there is no such file. */
export async function readState<T>(file: string, schema: StateSchema<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return undefined;
    throw unreadable(file, thrown);
  }
  try {
    return schema.decode(JSON.parse(text));
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

export async function writeState<T>(file: string, schema: StateSchema<T>, value: T): Promise<void> {
  await writeDurably(file, encodeState(schema, value));
}

/** Like `writeState`, for items that are written once: false where somebody was first. */
export async function createState<T>(file: string, schema: StateSchema<T>, value: T): Promise<boolean> {
  return createDurably(file, encodeState(schema, value));
}

function encodeState<T>(schema: StateSchema<T>, value: T): Uint8Array {
  return utf8(`${JSON.stringify(schema.encode(value), undefined, 2)}\n`);
}

function unreadable(file: string, cause: unknown): PosternError<'DOMAIN_STATE'> {
  return new PosternError('DOMAIN_STATE', `${file} cannot be read: ${messageOf(cause)}`, { file }, { cause });
}
