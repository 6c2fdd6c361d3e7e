/** `postern doctor`: looks over an installation from the ground up, and says what would mend what it finds. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { codeOf } from '../base/durable-file.js';
import { isPosternError, messageOf } from '../base/errors.js';
import type { GatewayConfig } from '../gateway/config.js';
import { readKeyFile } from '../gateway/key-file.js';
import { readPeerBook } from '../gateway/peer-book.js';
import type { GatewayStatus } from '../gateway/status.js';
import type { SigningKey } from '../wire/keys.js';
import { askGateway } from './admin-client.js';
import { bad, fine, remark, type Finding } from './doctor-finding.js';
import { lookAtClock, lookAtDisk, lookAtFolder, lookAtPorts } from './doctor-machine.js';
import { lookAtLinks } from './doctor-links.js';
import { lookAtNetwork } from './doctor-online.js';
import { EXIT } from './exit-codes.js';
import { loadConfig } from './load-config.js';
import { formatBytes } from './output.js';
import type { CliContext, Command } from './program.js';

const OLDEST_NODE = [20, 19] as const;

export function addDoctor(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .summary('what is wrong with this installation, and how to mend it')
    .description('Looks at the configuration, the key, the links, the data folder, the disk, the ports, the clock and the store. Nothing is changed, but for what a crash has left in a store that no gateway has open: that is mended as at any start.')
    .option('--online', 'try the public address and the neighbours, too')
    .action((options: { online?: true }) => doctor(context, options.online === true));
}

async function doctor(context: CliContext, online: boolean): Promise<void> {
  const findings: Finding[] = [lookAtNode()];
  const config = await lookAtConfig(context, findings);
  if (config !== undefined) await lookAtGateway(context, config, online, findings);
  const isBad = findings.some(({ state }) => state === 'bad');
  context.output.result({ healthy: !isBad, findings }, () => `${findings.map(findingText).join('\n')}\n\n${isBad ? 'This gateway needs mending.' : 'This gateway is in order.'}`);
  if (isBad) context.exitWith(EXIT.fault);
}

const MARKS: Readonly<Record<Finding['state'], string>> = { fine: 'ok ', remark: '-- ', bad: 'BAD' };

function findingText({ what, state, found, mend }: Finding): string {
  return `${MARKS[state]} ${what}: ${found}${mend === undefined ? '' : `\n      ${mend}`}`;
}

function lookAtNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return isOld ? bad('Node', process.version, `Install Node ${OLDEST_NODE.join('.')} or newer.`) : fine('Node', process.version);
}

async function lookAtConfig(context: CliContext, findings: Finding[]): Promise<GatewayConfig | undefined> {
  try {
    const { config } = await loadConfig(context);
    findings.push(fine('configuration', context.configFile));
    return config;
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    findings.push(bad('configuration', thrown.message, thrown.code === 'CONFIG_UNREADABLE' ? 'Everything else depends on it.' : 'Correct the lines that are named; docs/operating.md explains each block.'));
    return undefined;
  }
}

async function lookAtGateway(context: CliContext, config: GatewayConfig, online: boolean, findings: Finding[]): Promise<void> {
  const key = await lookAtKey(config, findings);
  await lookAtPeers(config, findings);
  findings.push(...(await lookAtLinks(config, context.env.PATH ?? '')));
  findings.push(await lookAtFolder(config));
  const running = await lookAtDaemon(context, config, findings);
  if (running !== undefined) {
    const { trusted, doubt } = running.clock;
    findings.push(trusted ? fine('clock', 'the gateway trusts it') : bad('clock', `the gateway does not trust it: ${doubt ?? 'in doubt'}`, "Set this machine's clock, then: postern clock confirm"));
    findings.push(fine('store', `${running.store.records} records, ${formatBytes(running.store.bytes)}`), ...(await lookAtDisk(config, running.store.bytes)));
  } else {
    findings.push(...(await lookAtPorts(config)), await lookAtClock(config, context.clock.nowMs()));
    const heldBytes = await lookAtStore(context, config, findings);
    findings.push(...(await lookAtDisk(config, heldBytes)));
  }
  if (online && key !== undefined) findings.push(...(await lookAtNetwork(config, key.publicKey, running !== undefined, context.clock)));
}

async function lookAtKey({ gateway }: GatewayConfig, findings: Finding[]): Promise<SigningKey | undefined> {
  try {
    const key = await readKeyFile(gateway.keyFile);
    findings.push(fine('key', gateway.keyFile));
    return key;
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    findings.push(bad('key', thrown.message, 'Without its key a gateway cannot sign: nobody takes anything from it.'));
    return undefined;
  }
}

async function lookAtPeers(config: GatewayConfig, findings: Finding[]): Promise<void> {
  try {
    const peers = (await readPeerBook(config)).all();
    const clients = peers.filter(({ role }) => role === 'client').length;
    if (peers.length === 0) findings.push(remark('peers', 'nobody is known', 'Exchange cards: postern peer invite, postern peer add'));
    else findings.push(fine('peers', `${counted(clients, 'client')}, ${counted(peers.length - clients, 'neighbour')}`));
    if (peers.length > clients && config.routes.length === 0) findings.push(remark('routes', 'there are neighbours, and nothing goes by way of them', 'Add routes, such as "to: *, via: NAME".'));
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    findings.push(bad('peers', thrown.message, 'The gateway does not start like this.'));
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

async function lookAtDaemon(context: CliContext, config: GatewayConfig, findings: Finding[]): Promise<GatewayStatus | undefined> {
  try {
    const status = (await askGateway(context, config, { method: 'GET', path: '/status' })) as GatewayStatus;
    findings.push(fine('daemon', 'running'));
    return status;
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    if (thrown.code === 'CLI_NOT_RUNNING') findings.push(remark('daemon', 'not running', 'Start it: postern run'));
    else findings.push(bad('daemon', thrown.message, 'Look at its log.'));
    return undefined;
  }
}

/** Opens the store as the gateway would. @returns the bytes it holds */
async function lookAtStore(context: CliContext, config: GatewayConfig, findings: Finding[]): Promise<number> {
  try {
    if (!(await hasStore(config))) {
      findings.push(fine('store', 'there is none yet'));
      return 0;
    }
    const { tryStore } = await import('../gateway/at-rest.js');
    const damage: string[] = [];
    const { records, bytes } = await tryStore(config, context.clock, context.random, (event) => damage.push(JSON.stringify(event)));
    findings.push(damage.length === 0 ? fine('store', `${records} records, ${formatBytes(bytes)}`) : remark('store', `${records} records, ${formatBytes(bytes)}; ${damage.join(', ')}`, 'Look at the disk. What is left is usable.'));
    return bytes;
  } catch (thrown) {
    findings.push(bad('store', messageOf(thrown), isPosternError(thrown) && thrown.code === 'STORE_LOCKED' ? 'A gateway runs with this data folder and another admin socket.' : 'Make a copy of the data folder before anything else.'));
    return 0;
  }
}

async function hasStore({ data }: GatewayConfig): Promise<boolean> {
  try {
    return (await stat(join(data, 'store'))).isDirectory();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
