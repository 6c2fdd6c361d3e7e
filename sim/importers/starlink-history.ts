/**
 * Scenarios from the history that a Starlink dish gives (get_history): fifteen minutes in seconds, in rings whose oldest
 * entry stands at `current` modulo their length. Pings go both ways: each way gets half the latency, and a loss of its
 * own that together make that of the ping. Throughput is what was used, not what there is, and is left out.
 */
import { planSyntax } from '../../plan/contact-plan.js';
import { lineOfFault } from '../../plan/json-lines.js';
import { PRESETS } from '../presets.js';
import { linkScenario } from './link-scenario.js';
import type { Imported, ImportInput } from './imported.js';

const MOST_DEPTH = 4;

export function importStarlink({ text, file }: ImportInput): Imported {
  const history = historyIn(text, file);
  const ring = (field: string, most: number): readonly number[] => {
    const values: unknown = history[field];
    if (!Array.isArray(values) || values.length < 2) throw planSyntax(file, lineOf(text, field), String(values), `${field}, a list of seconds`);
    const wrong = values.findIndex((value) => typeof value !== 'number' || !(value <= most));
    if (wrong >= 0) throw planSyntax(file, lineOf(text, field), `${field}[${wrong}]: ${JSON.stringify(values[wrong])}`, `a number up to ${most}`);
    return values as number[];
  };
  const drops = ring('popPingDropRate', 1);
  const latencies = ring('popPingLatencyMs', Number.MAX_SAFE_INTEGER);
  if (drops.length !== latencies.length) throw planSyntax(file, lineOf(text, 'popPingLatencyMs'), `${latencies.length} latencies`, `as many as drop rates, ${drops.length},`);
  // The counter of seconds since the dish began is a 64-bit number, which JSON writes as a string.
  const current = Number(history.current);
  if (!Number.isSafeInteger(current) || current < 1) throw planSyntax(file, lineOf(text, 'current'), `current: ${JSON.stringify(history.current) ?? 'nothing'}`, 'the count of seconds so far, 1 or more,');
  const seconds = Math.min(current, drops.length);
  const notes: string[] = ['throughput in the history is what was used, not what there is: the rates are those of the preset starlink'];
  if (seconds < drops.length) notes.push(`the dish had been up for ${seconds} s only: the rest of its rings is empty and left out`);
  const rows: string[] = [];
  let delayMs = usualDelayMs(latencies);
  for (let age = seconds; age > 0; age -= 1) {
    const index = (((current - age) % drops.length) + drops.length) % drops.length;
    const [drop, latency] = [Math.max(0, drops[index] ?? 0), latencies[index] ?? 0];
    // Where every ping was lost there is no latency: it is as before.
    if (latency > 0) delayMs = latency / 2;
    rows.push(`${seconds - age},${round(1 - Math.sqrt(1 - drop), 6)},${round(delayMs, 4)}`);
  }
  const { there, back } = PRESETS.starlink?.fields ?? {};
  const link = { there, back, trace: { text: `seconds,loss,delayMs\n${rows.join('\n')}\n` } };
  return { scenario: linkScenario({ name: 'starlink', about: `A dish as in ${file}, ${seconds} s again and again.`, ends: ['dish', 'internet'], lasts: '6 h', link }), notes };
}

function usualDelayMs(latencies: readonly number[]): number {
  const known = latencies.filter((latency) => latency > 0).sort((a, b) => a - b);
  return (known[known.length >> 1] ?? 0) / 2;
}

/** The answer of the dish, or what some program has wrapped it in. */
function historyIn(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw planSyntax(file, lineOfFault(text, thrown), thrown instanceof Error ? thrown.message : String(thrown), 'JSON');
  }
  const find = (inside: unknown, depth: number): Record<string, unknown> | undefined => {
    if (typeof inside !== 'object' || inside === null || depth > MOST_DEPTH) return undefined;
    if (isHistory(inside)) return inside;
    for (const deeper of Object.values(inside)) {
      const found = find(deeper, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const found = find(value, 0);
  if (found === undefined) throw planSyntax(file, 1, text.slice(0, 40), 'a history with popPingDropRate');
  return found;
}

function isHistory(value: object): value is Record<string, unknown> {
  return 'popPingDropRate' in value;
}

function lineOf(text: string, field: string): number {
  const at = text.indexOf(`"${field}"`);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
