/**
 * What a command says: its result on stdout, for people or as JSON, and remarks on stderr. With --json
 * stdout holds JSON documents only, one a line, and remarks are left out.
 */
export { formatBytes, formatDuration } from '../base/figure-text.js';

export type Json = null | boolean | number | string | object;

export interface Output {
  /** The result, or one of several as they come. `text` is asked for only when people read it. */
  result(value: Json, text: () => string): void;
  /** Something on the way to the result: a document for scripts, a remark for people. */
  event(value: Json, text: () => string): void;
  /** A remark for people. */
  note(text: string): void;
}

export function makeOutput(stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream, isJson: () => boolean): Output {
  return {
    result: (value, text) => void stdout.write(isJson() ? `${JSON.stringify(value)}\n` : withLineEnd(text())),
    event: (value, text) => void (isJson() ? stdout.write(`${JSON.stringify(value)}\n`) : stderr.write(withLineEnd(text()))),
    note: (text) => void (isJson() || stderr.write(withLineEnd(text))),
  };
}

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  text(row: Row): string;
}

/** Rows under a line of titles, columns two spaces apart. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map((column) => column.title), ...rows.map((row) => columns.map((column) => printable(column.text(row))))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const padded = lines.map((line) =>
    line.map((cell, index) => (columns[index]?.align === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0))).join('  '),
  );
  return padded.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Names come from outside: nothing in them may move a terminal's cursor. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

/** A word as a shell reads it back. */
export function shellQuoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function withLineEnd(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
