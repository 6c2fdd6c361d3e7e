/** `postern sim presets`: links and couriers as they are found in the world. */
import { PRESETS } from '../sim/presets.js';
import type { CliContext, Command } from './program.js';

export function addSimPresets(sim: Command, context: CliContext): void {
  sim
    .command('presets')
    .summary('links and couriers to begin a scenario with')
    .description('Lists what "preset: NAME" in a link or a courier of a scenario stands for, with its numbers and where they come from. Fields of the scenario itself count.')
    .action(() => {
      const presets = Object.entries(PRESETS).map(([name, preset]) => ({ name, ...preset }));
      context.output.result(presets, () => presets.map(({ name, kind, about, sources, fields }) => [`${name} (${kind})`, `  ${about}`, ...fieldLines(fields), `  from: ${sources}`].join('\n')).join('\n\n'));
    });
}

function fieldLines(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).map(([name, value]) => `    ${name}: ${valueText(value)}`);
}

/** As it would stand in a scenario. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value).map(([name, inner]) => `${name}: ${valueText(inner)}`).join(', ')} }`;
}
