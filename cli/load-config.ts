/** The configuration that a command works with: the file named by --config, with --data in place of its data folder. */
import { resolve } from 'node:path';
import { parseConfig, type GatewayConfig } from '../gateway/config.js';
import { readYamlFile, type YamlText } from '../gateway/yaml-file.js';
import type { CliContext } from './program.js';

export interface LoadedConfig {
  readonly yaml: YamlText;
  readonly config: GatewayConfig;
}

export async function loadConfig(context: CliContext): Promise<LoadedConfig> {
  const yaml = await readYamlFile(context.configFile, 'Make one with "postern init", or name another with --config.');
  const config = parseConfig(yaml.value, yaml.file, yaml.lineOf);
  return { yaml, config: context.dataDir === undefined ? config : { ...config, data: resolve(context.dataDir) } };
}
