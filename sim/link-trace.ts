/**
 * What somebody has measured on a real link, to be had again: rate, loss and delay over time. A table has a line for
 * each step, with the columns that its head names; a trace of Mahimahi has a line for each packet that may leave.
 */
import { planSyntax } from '../plan/contact-plan.js';
import { lastAtOrBelow, steppedPace } from './pace.js';
import type { Pace } from './pace.js';
import type { TracePlan } from './scenario-schema.js';

export interface LinkTrace {
  readonly lengthUs: number;
  /** Each only where the trace tells of it. */
  readonly pace?: Pace;
  readonly loss?: (atUs: number) => number;
  readonly delayUs?: (atUs: number) => number;
}


/** The columns of a table. The first is the time at which a step begins; the last step is as long as the one before it. */
export const COLUMNS = ['seconds', 'bitsPerSec', 'loss', 'delayMs'] as const;
type Column = (typeof COLUMNS)[number];

const US_PER_SEC = 1e6;
const US_PER_MS = 1000;
const BITS_PER_PACKET = 8 * 1500;
/** Eleven days of seconds. */
const MOST_STEPS = 1_000_000;

export function readLinkTrace({ text = '', file = 'the trace in the scenario', format, repeats }: TracePlan): LinkTrace {
  const lines = text.split(/\r?\n/).flatMap((line, index) => (line.trim() === '' || line.startsWith('#') ? [] : [{ number: index + 1, text: line.trim() }]));
  if (lines.length > MOST_STEPS) throw planSyntax(file, MOST_STEPS, `${lines.length} lines`, `at most ${MOST_STEPS}`);
  return format === 'mahimahi' ? readPackets(lines, file) : readTable(lines, repeats, file);
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Packets of a millisecond leave within it. The trace begins again where its last line says that it ends. */
function readPackets(lines: readonly Line[], file: string): LinkTrace {
  const packets: number[] = [];
  let lastMs = 0;
  for (const { number, text } of lines) {
    const ms = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (!(ms >= lastMs)) throw planSyntax(file, number, text, `a whole number of milliseconds, ${lastMs} or more,`);
    lastMs = ms;
    packets.push(ms);
  }
  if (lastMs === 0) throw planSyntax(file, lines.at(-1)?.number ?? 1, lines.at(-1)?.text ?? '', 'a time after 0, at which the trace begins again,');
  if (lastMs > MOST_TRACE_MS) throw planSyntax(file, lines.at(-1)?.number ?? 1, String(lastMs), `at most ${MOST_TRACE_MS} ms`);
  const perMs = new Uint32Array(lastMs);
  for (const ms of packets) perMs[ms % lastMs]! += 1;
  const steps = [{ fromUs: 0, bitsPerSec: 0 }];
  for (const [ms, count] of perMs.entries()) {
    const bitsPerSec = count * BITS_PER_PACKET * 1000;
    if (ms === 0) steps[0] = { fromUs: 0, bitsPerSec };
    else if (steps.at(-1)?.bitsPerSec !== bitsPerSec) steps.push({ fromUs: ms * US_PER_MS, bitsPerSec });
  }
  return { lengthUs: lastMs * US_PER_MS, pace: steppedPace(steps, lastMs * US_PER_MS, true) };
}

/** A day. */
const MOST_TRACE_MS = 86_400_000;

function readTable(lines: readonly Line[], repeats: boolean, file: string): LinkTrace {
  const [head, ...rows] = lines;
  const columns = head?.text.split(/\s*,\s*/) ?? [];
  const at = (column: Column): number => columns.indexOf(column);
  const strange = columns.find((column) => !COLUMNS.includes(column as Column));
  if (head === undefined || strange !== undefined || at('seconds') < 0 || columns.length < 2 || new Set(columns).size < columns.length) throw planSyntax(file, head?.number ?? 1, head?.text ?? '', `a head such as "${COLUMNS.join(',')}"`);
  if (rows.length < 2) throw planSyntax(file, head.number, `${rows.length} steps`, 'a table of two steps or more');
  const table = rows.map((row) => readRow(row, columns, file));
  const column = (name: Column): number[] => table.map((row) => row[at(name)] as number);
  const seconds = column('seconds');
  for (const [index, second] of seconds.entries()) {
    const before = seconds[index - 1];
    if (before === undefined ? second !== 0 : second <= before) throw planSyntax(file, rows[index]?.number ?? 1, String(second), before === undefined ? '0, the time of the first step,' : `a time after ${before}`);
  }
  const [last, previous] = [seconds.at(-1) ?? 0, seconds.at(-2) ?? 0];
  const lengthUs = (2 * last - previous) * US_PER_SEC;
  const starts = Float64Array.from(seconds, (second) => second * US_PER_SEC);
  const lookUp = (name: Column, factor: number): ((us: number) => number) => {
    const values = column(name);
    return (us) => factor * (values[lastAtOrBelow(starts, repeats ? us % lengthUs : us)] ?? 0);
  };
  return {
    lengthUs,
    ...(at('bitsPerSec') >= 0 && { pace: steppedPace(column('bitsPerSec').map((bitsPerSec, index) => ({ fromUs: starts[index] ?? 0, bitsPerSec })), lengthUs, repeats) }),
    ...(at('loss') >= 0 && { loss: lookUp('loss', 1) }),
    ...(at('delayMs') >= 0 && { delayUs: lookUp('delayMs', US_PER_MS) }),
  };
}

function readRow({ number, text }: Line, columns: readonly string[], file: string): number[] {
  const cells = text.split(/\s*,\s*/);
  if (cells.length !== columns.length) throw planSyntax(file, number, text, `${columns.length} numbers`);
  return cells.map((cell, index) => {
    const value = cell === '' ? Number.NaN : Number(cell);
    const most = columns[index] === 'loss' ? 1 : Number.MAX_SAFE_INTEGER;
    if (!(value >= 0 && value <= most)) throw planSyntax(file, number, cell, `${columns[index] ?? ''}, a number from 0 to ${most},`);
    return value;
  });
}
