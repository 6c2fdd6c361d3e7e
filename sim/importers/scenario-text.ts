/** A scenario as a file that people go on to edit: short things on one line, notes as remarks at its head. */

const LINE_CHARACTERS = 150;
const MOST_REMARKS = 40;
/** Words that YAML takes for something else. */
const NO_WORDS = /^(true|false|null|yes|no|on|off|y|n|~)$/i;
const PLAIN = /^[A-Za-z][A-Za-z0-9 ./-]*[A-Za-z0-9.]$|^[A-Za-z]$/;
const QUANTITY = /^-?\d+(\.\d+)?(e-?\d+)? ?[A-Za-z%/]+$/;

/** @param value what the scenario's schema reads; undefined fields are left out */
export function scenarioText(value: Readonly<Record<string, unknown>>, remarks: readonly string[]): string {
  const shown = remarks.length > MOST_REMARKS ? [...remarks.slice(0, MOST_REMARKS), `and ${remarks.length - MOST_REMARKS} more.`] : remarks;
  const head = shown.map((remark) => `# ${remark.replaceAll('\n', ' ')}\n`).join('');
  return `${head}${block(value, '')}`;
}

function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) return value.map((entry) => `${indent}- ${after(entry, `${indent}  `, true)}`).join('');
  return fieldsOf(value).map(([name, inner]) => `${indent}${scalar(name)}: ${after(inner, `${indent}  `, false)}`.replace(/: \n/, ':\n')).join('');
}

/** What follows a dash or a name: on the same line where it fits. */
function after(value: unknown, indent: string, isEntry: boolean): string {
  if (typeof value === 'string' && value.includes('\n')) return `|\n${value.replace(/\n$/, '').replace(/^(?=.)/gm, indent)}\n`;
  const line = flow(value);
  if (typeof value !== 'object' || value === null || (line.length <= LINE_CHARACTERS && !hasLines(value))) return `${line}\n`;
  const below = block(value, indent);
  // The first field of an entry stands behind its dash.
  return isEntry && !Array.isArray(value) ? below.slice(indent.length) : `\n${below}`;
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = fieldsOf(value).map(([name, inner]) => `${scalar(name)}: ${flow(inner)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  return scalar(value);
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return (PLAIN.test(value) && !NO_WORDS.test(value)) || QUANTITY.test(value) ? value : JSON.stringify(value);
}

function hasLines(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\n');
  return typeof value === 'object' && value !== null && Object.values(value).some(hasLines);
}

function fieldsOf(value: unknown): [string, unknown][] {
  return Object.entries(value as Record<string, unknown>).filter(([, inner]) => inner !== undefined);
}
