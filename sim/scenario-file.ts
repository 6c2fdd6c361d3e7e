/** A scenario from its file, or from text, with the files that it names: strict, and a fault is told with its line. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PosternError, messageOf } from '../base/errors.js';
import { parseYaml, readYamlFile } from '../gateway/yaml-file.js';
import type { YamlText } from '../gateway/yaml-file.js';
import { invalidConfig } from '../gateway/faulty-config.js';
import { planSyntax } from '../plan/contact-plan.js';
import { readEvents } from './event-file.js';
import { readLinkTrace } from './link-trace.js';
import { scenarioSchema } from './scenario-schema.js';
import type { Scenario } from './scenario-schema.js';

export async function readScenario(file: string): Promise<Scenario> {
  return scenarioOf(await readYamlFile(file));
}

/** @param file for messages, and to find what the scenario names beside itself */
export function parseScenario(text: string, file: string): Scenario {
  return scenarioOf(parseYaml(text, file));
}

/** From a file that was read, and perhaps changed since. @param shownAs for messages */
export function scenarioOf({ value, file, lineOf }: YamlText, shownAs = file): Scenario {
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) throw invalidConfig(parsed.error, value, shownAs, lineOf);
  return withTexts(parsed.data, dirname(file));
}

/** A scenario goes to other threads, and is run again: what it names is read once, and looked at before anything runs. */
function withTexts(scenario: Scenario, folder: string): Scenario {
  const homes = new Set(Object.values(scenario.nodes).flatMap(({ serves }) => serves));
  for (const link of scenario.links) {
    for (const { trace } of [link, link.there, link.back]) {
      if (trace === undefined) continue;
      trace.text ??= textOf(trace.file, folder);
      readLinkTrace(trace);
    }
  }
  for (const mail of scenario.events) {
    mail.text ??= textOf(mail.file, folder);
    const name = mail.file ?? 'the events of the scenario';
    for (const { line, from, to } of readEvents(mail.text, name)) {
      for (const end of [from, to]) if (!homes.has(end)) throw planSyntax(name, line, end, 'a domain that a node serves');
    }
  }
  return scenario;
}

function textOf(file: string | undefined, folder: string): string {
  const path = resolve(folder, file ?? '');
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new PosternError('CONFIG_UNREADABLE', `${path}, which the scenario names, cannot be read: ${messageOf(thrown)}.`, { file: path, reason: messageOf(thrown) }, { cause: thrown });
  }
}
