/** Changes postern.yaml for people who would rather not: checked whole before anything is written, comments kept. */
import { isPosternError, PosternError, type ErrorData } from '../base/errors.js';
import { parseConfig } from '../gateway/config.js';
import { editYaml, parseYaml, writeYamlFile, type YamlEdit } from '../gateway/yaml-file.js';
import type { LoadedConfig } from './load-config.js';

/** Said after each change. */
export const LEARNED_AT_START = 'A gateway that is running learns it when it is started anew.';

/** Throws CONFIG_INVALID when the file would not be a usable configuration afterwards. @returns what writes it */
export function editConfig({ yaml }: LoadedConfig, edits: readonly YamlEdit[]): () => Promise<void> {
  const text = editYaml(yaml, edits);
  try {
    const edited = parseYaml(text, yaml.file);
    parseConfig(edited.value, yaml.file, edited.lineOf);
  } catch (thrown) {
    if (!isPosternError(thrown) || thrown.code !== 'CONFIG_INVALID') throw thrown;
    throw new PosternError('CONFIG_INVALID', `Nothing was changed, because afterwards ${thrown.message}`, thrown.data as ErrorData['CONFIG_INVALID'], { cause: thrown });
  }
  return () => writeYamlFile(yaml.file, text);
}
