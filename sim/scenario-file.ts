/** A scenario from its file, or from text: strict, and a fault is told with its line. */
import { parseYaml, readYamlFile } from '../gateway/yaml-file.js';
import type { YamlText } from '../gateway/yaml-file.js';
import { invalidConfig } from '../gateway/faulty-config.js';
import { scenarioSchema } from './scenario-schema.js';
import type { Scenario } from './scenario-schema.js';

export async function readScenario(file: string): Promise<Scenario> {
  return scenarioOf(await readYamlFile(file));
}

/** @param file for messages only */
export function parseScenario(text: string, file: string): Scenario {
  return scenarioOf(parseYaml(text, file));
}

function scenarioOf({ value, file, lineOf }: YamlText): Scenario {
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) throw invalidConfig(parsed.error, value, file, lineOf);
  return parsed.data;
}
