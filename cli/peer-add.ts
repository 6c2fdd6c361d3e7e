/** `postern peer add CARD`: pairing. The key is taken from the card, and people compare it by a way that nobody else controls. */
import { dirname, join, resolve } from 'node:path';
import { equalBytes, toBase64url } from '../base/bytes.js';
import { codeOf, writeDurably } from '../base/durable-file.js';
import { messageOf, PosternError } from '../base/errors.js';
import { makeFolder } from '../base/make-folder.js';
import { readKeyFile } from '../gateway/key-file.js';
import type { YamlEdit } from '../gateway/yaml-file.js';
import type { GatewayCard } from '../wire/card.js';
import type { DomainRecord } from '../wire/domain-record.js';
import { askYesNo } from './ask.js';
import { keyForPeople, readCard } from './card-file.js';
import { editConfig, LEARNED_AT_START } from './edit-config.js';
import { EXIT } from './exit-codes.js';
import { loadConfig } from './load-config.js';
import { collect, type CliContext, type Command } from './program.js';

interface AddOptions {
  readonly name?: string;
  readonly link?: readonly string[];
  readonly route?: readonly string[];
  readonly words?: string;
  readonly yes?: true;
}

const LINK_KINDS = ['https', 'tcpcl', 'usb'];
/** Records of served domains, beside the configuration that names them. */
const RECORD_FOLDER = 'peers';
const MOST_NAME_CHARACTERS = 32;

export function addPeerAdd(peer: Command, context: CliContext): void {
  peer
    .command('add')
    .summary('pair with a gateway or a domain by its card')
    .description('The card of a gateway makes a neighbour; the card of a domain makes a client, which this gateway serves. Compare the words with the other side before you say yes.')
    .argument('<card>', 'the file with the card')
    .option('--name <name>', 'what to call it here (default: what it calls itself)')
    .option('--link <kind>', `how to reach a neighbour: ${LINK_KINDS.join(', ')}; may be given again (default: https)`, collect)
    .option('--route <to>', 'what goes by way of a neighbour: a domain, "*.domain", or "*" for the rest; may be given again', collect)
    .option('--words <words>', 'the words that the other side has read to you, instead of the question')
    .option('--yes', 'the words have been compared already')
    .action((file: string, options: AddOptions) => add(context, file, options));
}

async function add(context: CliContext, file: string, options: AddOptions): Promise<void> {
  const loaded = await loadConfig(context);
  const card = await readCard(file);
  const key = card.kind === 'gateway' ? card.key : card.domain.signingKey;
  const name = options.name ?? (card.kind === 'gateway' ? card.name : nameOfDomain(card.domain.domain));
  const shown = { name, role: card.kind === 'gateway' ? 'neighbour' : 'client', from: card.kind === 'gateway' ? card.url : card.domain.domain, ...keyForPeople(key) };
  const own = await readKeyFile(loaded.config.gateway.keyFile);
  if (equalBytes(own.publicKey, key)) throw new PosternError('CLI_CARD', `${file} is the card of this gateway itself: the other side takes it, and this one takes theirs.`, { path: file });
  if (!(await isCompared(context, shown, options))) {
    context.output.result({ added: false, ...shown }, () => `${options.words === undefined ? '' : 'These are not the words of the key on the card: it is another key, or somebody has misheard. '}Nothing was changed.`);
    context.exitWith(EXIT.refused);
    return;
  }
  const entry = { name, role: shown.role, key: toBase64url(key), ...(card.kind === 'gateway' ? neighbourOf(card, options.link ?? ['https']) : { domainRecordFile: recordFile(name) }) };
  const edits: YamlEdit[] = [{ kind: 'append', list: ['peers'], value: entry }];
  for (const to of options.route ?? []) edits.push({ kind: 'append', list: ['routes'], value: { to, via: name } });
  const save = editConfig(loaded, edits);
  if (card.kind === 'domain') await keepRecord(resolve(dirname(loaded.yaml.file), recordFile(name)), card.domain);
  await save();
  context.output.result({ added: true, ...shown, routes: options.route ?? [] }, () => `${name} is known now. ${LEARNED_AT_START}`);
}

/** Whether a person vouches for the key: by its words, by having said so, or by answering. */
async function isCompared(context: CliContext, shown: { name: string; role: string; from: string; words: string; fingerprint: string }, options: AddOptions): Promise<boolean> {
  if (options.words !== undefined) return normal(options.words) === normal(shown.words);
  if (options.yes === true) return true;
  context.output.note(`${shown.name}, a ${shown.role}: ${shown.from}\nIts key: ${shown.words}\n         ${shown.fingerprint}`);
  return askYesNo(context, 'Does the other side read the same words?', '--words, or --yes once you have compared them');
}

function normal(words: string): string {
  return words.toLowerCase().split(/[^a-z]+/).filter(Boolean).join(' ');
}

function neighbourOf(card: GatewayCard, kinds: readonly string[]): object {
  return { ...(card.nodeId !== undefined && { nodeId: card.nodeId }), links: kinds.map((kind) => linkOf(card, kind)) };
}

function linkOf(card: GatewayCard, kind: string): object {
  if (kind === 'https') return { kind, url: card.url };
  if (kind === 'usb') return { kind };
  if (kind !== 'tcpcl') throw new PosternError('CLI_USAGE', `There is no link of the kind "${kind}": use ${LINK_KINDS.join(', ')}.`, { found: kind });
  if (card.tcpclPort === undefined || card.nodeId === undefined) {
    throw new PosternError('CLI_USAGE', `The card of ${card.name} names no port for tcpcl: it does not listen for it.`, { found: kind });
  }
  return { kind, host: new URL(card.url).hostname.replace(/^\[|\]$/g, ''), port: card.tcpclPort };
}

/** The name of a domain as the name of a peer, which has no dots. */
function nameOfDomain(domain: string): string {
  return domain.replace(/[^a-z0-9-]/g, '-').slice(0, MOST_NAME_CHARACTERS);
}

function recordFile(name: string): string {
  return join(RECORD_FOLDER, `${name}.record`);
}

async function keepRecord(file: string, record: DomainRecord): Promise<void> {
  try {
    await makeFolder(dirname(file));
    await writeDurably(file, record.bytes, 0o644);
  } catch (thrown) {
    const reason = codeOf(thrown);
    if (reason === undefined) throw thrown;
    throw new PosternError('CLI_FILE', `The domain record cannot be written to ${file}: ${messageOf(thrown)}.`, { path: file, reason }, { cause: thrown });
  }
}
