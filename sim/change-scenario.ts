/** Settings of a scenario that are changed from outside: `links[0].rate=2 kbit/s`. What the path names is checked with the rest of the scenario afterwards. */
import { PosternError } from '../base/errors.js';
import { parseYaml } from '../gateway/yaml-file.js';
import type { YamlText } from '../gateway/yaml-file.js';
import { scenarioOf } from './scenario-file.js';
import type { Scenario } from './scenario-schema.js';

export interface Change {
  /** `nodes.earth.capacity`, `links[0].there.rate`, or `links.earth-relay.rate` by the link's name or ends. */
  readonly path: string;
  /** As YAML. */
  readonly text: string;
}

/** `path=a,b,c`: one change for each value. Commas inside brackets and quotes belong to a value. */
export function parseChanges(argument: string): Change[] {
  const [, path, values] = /^([A-Za-z0-9_.[\]-]+)=(.*)$/s.exec(argument) ?? [];
  if (path === undefined || values === undefined || values.trim() === '') throw new PosternError('SIM_CHANGE', `"${argument}" changes nothing: use path=value, such as "links[0].rate=2 kbit/s".`, { path: argument });
  return split(values).map((text) => ({ path, text }));
}

export function changeText({ path, text }: Change): string {
  return `${path}=${text}`;
}

/** The scenario with the changes made, checked whole. */
export function changedScenario(yaml: YamlText, changes: readonly Change[]): Scenario {
  const value = structuredClone(yaml.value);
  for (const change of changes) apply(value, change);
  return scenarioOf({ ...yaml, value }, changes.length === 0 ? yaml.file : `${yaml.file} with ${changes.map(changeText).join(', ')}`);
}

/** What the scenario itself changes for a run that has to be quick. */
export function shortChanges(yaml: YamlText): Change[] {
  return scenarioOf(yaml).short.flatMap(parseChanges);
}

function split(values: string): string[] {
  const parts: string[] = [];
  let [part, depth, quote] = ['', 0, ''];
  for (const character of values) {
    if (quote === '' && depth === 0 && character === ',') {
      parts.push(part);
      part = '';
      continue;
    }
    if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (quote === character) quote = '';
    if (quote === '' && '[{'.includes(character)) depth += 1;
    if (quote === '' && ']}'.includes(character)) depth -= 1;
    part += character;
  }
  return [...parts, part].map((value) => value.trim());
}

function apply(value: unknown, change: Change): void {
  const steps = change.path.split(/\.|(?=\[)/).map((step) => /^\[(\d+)\]$/.exec(step)?.[1] ?? step);
  let holder = value;
  for (const step of steps.slice(0, -1)) holder = inside(holder, step, change);
  const last = keyIn(holder, steps.at(-1) ?? '', change);
  Reflect.set(holder as object, last, parseYaml(change.text, changeText(change)).value);
}

/** What a step leads to; a block that is not there yet is begun. */
function inside(holder: unknown, step: string, change: Change): unknown {
  const key = keyIn(holder, step, change);
  const found: unknown = Reflect.get(holder as object, key);
  if (found !== undefined) return found;
  const begun = {};
  Reflect.set(holder as object, key, begun);
  return begun;
}

function keyIn(holder: unknown, step: string, change: Change): string {
  const nowhere = (why: string): PosternError => new PosternError('SIM_CHANGE', `The scenario has no ${change.path}: ${why}.`, { path: change.path });
  if (typeof holder !== 'object' || holder === null) throw nowhere(`nothing can stand below a single value, and "${step}" would`);
  if (!Array.isArray(holder)) {
    if (step === '' || step === '__proto__') throw nowhere(`"${step}" is no name`);
    if (!Object.hasOwn(holder, step) && Reflect.get(holder, step) !== undefined) throw nowhere(`"${step}" is no name`);
    return step;
  }
  const entries: readonly unknown[] = holder;
  const index = /^\d+$/.test(step) ? Number(step) : entries.findIndex((entry) => nameOf(entry) === step);
  if (index < 0 || index >= entries.length) throw nowhere(`its list has ${entries.length} entries, and none is ${step}`);
  return String(index);
}

/** A link or a courier is called by its name, or after its ends. */
function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { name, between } = entry as { name?: unknown; between?: unknown };
  if (typeof name === 'string') return name;
  return Array.isArray(between) ? between.join('-') : undefined;
}
