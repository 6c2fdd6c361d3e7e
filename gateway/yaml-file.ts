/**
 * postern.yaml as text: read into plain values with the line each came from, and changed in place so that the
 * operator's comments and order stay.
 */
import { readFile, stat } from 'node:fs/promises';
import { isCollection, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { codeOf, writeDurably } from '../base/durable-file.js';
import { utf8 } from '../base/bytes.js';
import { messageOf, PosternError } from '../base/errors.js';

export interface YamlText {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  /** The line on which the value at `path` stands, or the nearest one above it that exists. */
  readonly lineOf: (path: readonly PropertyKey[]) => number | undefined;
}

export type YamlEdit = { readonly kind: 'append'; readonly list: readonly PropertyKey[]; readonly value: unknown } | { readonly kind: 'remove'; readonly path: readonly PropertyKey[] };

/** A configuration is written by hand; beyond this it is some other file. */
const MOST_BYTES = 16 * 1024 * 1024;

/** @param whenMissing what would do where there is no such file, a sentence */
export async function readYamlFile(file: string, whenMissing?: string): Promise<YamlText> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw new PosternError('CONFIG_SYNTAX', `${file} has ${size} bytes: that is no configuration.`, { file, line: 1, column: 1 });
    return parseYaml(await readFile(file, 'utf8'), file);
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === undefined || thrown instanceof PosternError) throw thrown;
    const message = code === 'ENOENT' ? `There is no ${file}.${whenMissing === undefined ? '' : ` ${whenMissing}`}` : `${file} cannot be read: ${messageOf(thrown)}.`;
    throw new PosternError('CONFIG_UNREADABLE', message, { file, reason: code }, { cause: thrown });
  }
}

/** @param file for messages only */
export function parseYaml(text: string, file: string): YamlText {
  const lines = new LineCounter();
  const document = documentOf(text, file, lines);
  return { file, text, value: valueOf(document, file), lineOf: (path) => lineOf(document, lines, path) };
}

/** The text with the edits made, everything else left as it is. */
export function editYaml(yaml: YamlText, edits: readonly YamlEdit[]): string {
  const document = documentOf(yaml.text, yaml.file, new LineCounter());
  for (const edit of edits) {
    if (edit.kind === 'remove') document.deleteIn(edit.path);
    else append(document, edit.list, edit.value);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** Replaces the file; its mode stays. */
export async function writeYamlFile(file: string, text: string): Promise<void> {
  const { mode } = await stat(file);
  await writeDurably(file, utf8(text), mode & 0o777);
}

function documentOf(text: string, file: string, lineCounter: LineCounter): Document {
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const { line, col } = lineCounter.linePos(fault.pos[0]);
    throw new PosternError('CONFIG_SYNTAX', `${file}, line ${line}, column ${col}: ${fault.message}.`, { file, line, column: col }, { cause: fault });
  }
  return document;
}

/** Aliases may be used, but not to blow a small file up: the library counts them. */
function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (thrown) {
    throw new PosternError('CONFIG_SYNTAX', `${file}: ${messageOf(thrown)}.`, { file, line: 1, column: 1 }, { cause: thrown });
  }
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const start = startOf(node);
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const start: unknown = node.range[0];
  return typeof start === 'number' ? start : undefined;
}

function append(document: Document, list: readonly PropertyKey[], value: unknown): void {
  const node: unknown = document.getIn(list, true);
  if (!isSeq(node)) {
    document.setIn(list, document.createNode([value]));
    return;
  }
  // `peers: []` grows into a block, one entry a line; a list that somebody wrote in brackets stays in brackets.
  if (isCollection(node) && node.items.length === 0) node.flow = false;
  node.add(document.createNode(value));
}
