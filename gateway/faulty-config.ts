/** A file that its schema refuses, as an answer people can use: the line, the path in the file, what was found, what would do. */
import type { ZodError } from 'zod';
import { PosternError } from '../base/errors.js';

export type LineOf = (path: readonly PropertyKey[]) => number | undefined;
type Issue = ZodError['issues'][number];

export function invalidConfig(error: ZodError, value: unknown, file: string, lineOf?: LineOf): PosternError<'CONFIG_INVALID'> {
  const faults = error.issues.map((issue) => describe(issue, value, lineOf));
  const text = `${file} cannot be used:\n${faults.map((line) => `  ${line}`).join('\n')}`;
  return new PosternError('CONFIG_INVALID', text, { file, path: pathText(error.issues[0]?.path ?? []), faults });
}

function describe(issue: Issue, value: unknown, lineOf?: LineOf): string {
  // An unknown setting is reported of the block it stands in; people look for the setting itself.
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const line = lineOf?.(path);
  const where = `${line === undefined ? '' : `line ${line}, `}${pathText(path) || 'the file'}`;
  return `${where}: ${unknown === undefined ? issue.message : 'there is no such setting'} (found ${foundText(value, path)})`;
}

function pathText(parts: readonly PropertyKey[]): string {
  return parts
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

const FOUND_CHARACTERS = 60;

function foundText(value: unknown, parts: readonly PropertyKey[]): string {
  let found = value;
  for (const part of parts) found = typeof found === 'object' && found !== null ? (found as Record<PropertyKey, unknown>)[part] : undefined;
  if (found === undefined) return 'nothing';
  // Another file altogether, a key perhaps: what is in it is nobody's business.
  if (parts.length === 0 && typeof found !== 'object') return typeof found;
  const text = JSON.stringify(found);
  return text.length > FOUND_CHARACTERS ? `${text.slice(0, FOUND_CHARACTERS)}…` : text;
}
