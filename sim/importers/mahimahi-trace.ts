/** Scenarios from traces of Mahimahi: one file for both ways, or one up and one down. */
import { readLinkTrace } from '../link-trace.js';
import { linkScenario } from './link-scenario.js';
import type { Imported, ImportInput } from './imported.js';

export function importMahimahi(inputs: readonly ImportInput[]): Imported {
  const [up, down] = inputs.map(traceOf);
  const link = { delay: '20 ms', ...(down === undefined ? { trace: up } : { there: { trace: up }, back: { trace: down } }) };
  const file = inputs.map((input) => input.file).join(' and ');
  return {
    scenario: linkScenario({ name: 'mahimahi', about: `A link as in ${file}; the first end sends ${down === undefined ? 'and gets' : 'by the first trace and gets by the second'}.`, ends: ['mobile', 'network'], lasts: '1 h', link }),
    notes: ['a trace of Mahimahi tells of rates alone: the delay of 20 ms is an example'],
  };
}

/** Looked at here, so that a fault is told of the file and its line; the numbers are taken over without remarks. */
function traceOf({ text, file }: ImportInput): Readonly<Record<string, unknown>> {
  readLinkTrace({ text, file, format: 'mahimahi', repeats: true });
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return { format: 'mahimahi', text: `${lines.join('\n')}\n` };
}
