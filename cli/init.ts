/** `postern init`: a signing key, a commented configuration and an empty data folder. Nothing that exists is replaced. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { utf8 } from '../base/bytes.js';
import { codeOf, createDurably } from '../base/durable-file.js';
import { messageOf, PosternError } from '../base/errors.js';
import { makeFolder } from '../base/make-folder.js';
import { parseConfig } from '../gateway/config.js';
import { createKeyFile, readKeyFile } from '../gateway/key-file.js';
import { parseYaml } from '../gateway/yaml-file.js';
import { keyForPeople } from './card-file.js';
import { configTemplate } from './config-template.js';
import { shellQuoted } from './output.js';
import type { CliContext, Command } from './program.js';

interface InitOptions {
  readonly name?: string;
  readonly url?: string;
  readonly port: string;
  readonly nodeId?: string;
}

const SEED_BYTES = 32;
const NAME_CHARACTERS = 32;
const MOST_PORT = 65_535;

export function addInit(program: Command, context: CliContext): void {
  program
    .command('init')
    .summary('make the key and the configuration of a new gateway')
    .description('Makes gateway.key, a commented postern.yaml and an empty data folder in DIR (default: here). Nothing that exists is replaced.')
    .argument('[dir]', 'the folder of the gateway', '.')
    .option('--name <name>', 'what the gateway is called (default: the name of this machine)')
    .option('--url <url>', 'where destinations reach it, such as https://gateway.example.org:8443 (default: the name of this machine)')
    .option('--port <port>', 'where it listens for HTTPS', '8443')
    .option('--node-id <id>', 'its id in the delay-tolerant network (default: dtn://NAME/)')
    .action((dir: string, options: InitOptions) => init(context, dir, options));
}

async function init(context: CliContext, dir: string, options: InitOptions): Promise<void> {
  const name = options.name ?? nameOfMachine();
  const httpsPort = Number(options.port);
  if (!/^\d+$/.test(options.port) || httpsPort > MOST_PORT) throw new PosternError('CLI_USAGE', `--port takes a number from 0 to ${MOST_PORT}, not "${options.port}".`, { found: options.port });
  const text = configTemplate({ name, nodeId: options.nodeId ?? `dtn://${name}/`, publicUrl: options.url ?? `https://${hostname().toLowerCase()}:${httpsPort}`, httpsPort });
  const files = { config: resolve(dir, 'postern.yaml'), key: resolve(dir, 'gateway.key'), data: resolve(dir, 'data') };
  // A bad name or address is found before anything is made.
  parseConfig(parseYaml(text, files.config).value, files.config);
  if (await exists(files.config)) throw alreadyThere(files.config);
  try {
    await makeFolder(dir);
    await makeFolder(files.data, 0o700);
    // A key without a configuration was left by an init that was cut short: it goes on with that key.
    await createKeyFile(files.key, context.random.bytes(SEED_BYTES));
    const { publicKey } = await readKeyFile(files.key);
    if (!(await createDurably(files.config, utf8(text), 0o644))) throw alreadyThere(files.config);
    const shown = keyForPeople(publicKey);
    context.output.result({ ...files, name, ...shown }, () => {
      const here = dir === '.' ? '' : ` --config ${shellQuoted(join(dir, 'postern.yaml'))}`;
      return [
        `A new gateway "${name}":`,
        `  ${files.config}  what it does; read it through once`,
        `  ${files.key}  who it is; keep a copy in a safe place and show it to nobody`,
        `  ${files.data}  what it holds for others`,
        `Its key, to read aloud: ${shown.words}`,
        `Next: postern${here} doctor, postern${here} peer invite, postern${here} run`,
      ].join('\n');
    });
  } catch (thrown) {
    const reason = codeOf(thrown);
    if (reason === undefined || thrown instanceof PosternError) throw thrown;
    throw new PosternError('CLI_FILE', `${dir} cannot hold a gateway: ${messageOf(thrown)}. Give a folder that can be written.`, { path: dir, reason }, { cause: thrown });
  }
}

function alreadyThere(path: string): PosternError<'CLI_EXISTS'> {
  return new PosternError('CLI_EXISTS', `There is a gateway already: ${path}.`, { path });
}

/** The first label of the host name, as far as it makes a name. */
function nameOfMachine(): string {
  const label = hostname().toLowerCase().split('.')[0] ?? '';
  return label.replace(/[^a-z0-9-]/g, '-').replace(/^-+/, '').slice(0, NAME_CHARACTERS) || 'gateway';
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return false;
    throw thrown;
  }
}
