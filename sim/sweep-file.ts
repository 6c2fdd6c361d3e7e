/**
 * Runs that are finished, a line of JSON each, as they end: a sweep that was stopped goes on from its file. The first line
 * says which scenarios they are of, since runs of another scenario under the same name would be worth nothing.
 */
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { toHex, utf8 } from '../base/bytes.js';
import { codeOf } from '../base/durable-file.js';
import { PosternError } from '../base/errors.js';
import { sha256 } from '../wire/digest.js';
import { parseScenario } from './scenario-file.js';
import type { SweepRun, Variant } from './sweep-run.js';

const FORMAT = 'postern-sim-runs/1';

export interface SweepFile {
  /** What an earlier sweep has finished. */
  readonly runs: readonly SweepRun[];
  add(run: SweepRun): Promise<void>;
}

export async function openSweepFile(file: string, variants: readonly Variant[]): Promise<SweepFile> {
  const head = JSON.stringify({ format: FORMAT, scenarios: fingerprint(variants) });
  const text = await textOf(file);
  const add = (run: SweepRun): Promise<void> => appendFile(file, `${JSON.stringify(run)}\n`);
  if (text === undefined || text === '') {
    await writeFile(file, `${head}\n`);
    return { runs: [], add };
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const [first, ...lines] = whole.split('\n').slice(0, -1);
  if (first !== head) throw new PosternError('SIM_RESULTS', `${file} holds something other than runs of this scenario as it is now. Name another file, or delete it.`, { file });
  // The line that was being written when the machine stopped.
  if (whole.length < text.length) await truncate(file, utf8(whole).length);
  return { runs: lines.map((line) => runOf(line, file)), add };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function runOf(line: string, file: string): SweepRun {
  try {
    return JSON.parse(line) as SweepRun;
  } catch (cause) {
    throw new PosternError('SIM_RESULTS', `${file} is damaged: "${line.slice(0, 40)}" is no run. Delete it, or name another file.`, { file }, { cause });
  }
}

/** Of the scenarios with the traces they name; what is changed in them stands in each run. */
function fingerprint(variants: readonly Variant[]): string {
  const scenarios = new Set(variants.map(({ text, file }) => JSON.stringify(parseScenario(text, file))));
  return toHex(sha256(utf8([...scenarios].join('\n'))));
}
