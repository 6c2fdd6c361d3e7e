/** `postern peer list | remove | invite`: whom this gateway knows, and how others come to know it. `peer add` has a file of its own. */
import { fromBase64url, utf8 } from '../base/bytes.js';
import { codeOf, writeDurably } from '../base/durable-file.js';
import { messageOf, PosternError } from '../base/errors.js';
import type { GatewayConfig, PeerConfig } from '../gateway/config.js';
import { readKeyFile } from '../gateway/key-file.js';
import { formatCard, makeGatewayCard } from '../wire/card.js';
import { keyForPeople } from './card-file.js';
import { editConfig, LEARNED_AT_START } from './edit-config.js';
import { loadConfig } from './load-config.js';
import { formatTable } from './output.js';
import { addPeerAdd } from './peer-add.js';
import type { CliContext, Command } from './program.js';

export function addPeer(program: Command, context: CliContext): void {
  const peer = program.command('peer').summary('pair with neighbours and domains').description('Whom this gateway knows: clients (domains it serves) and neighbours (other gateways).');
  addPeerAdd(peer, context);
  peer.command('list').summary('show who is known').action(() => list(context));
  peer.command('remove').summary('forget a peer, and the routes by way of it').argument('<name>').action((name: string) => remove(context, name));
  peer
    .command('invite')
    .summary('print the card that others need to know this gateway')
    .description('Prints the card of this gateway, for a neighbour ("postern peer add") or a domain ("postern domain gateway add"). A card is no secret; what counts is that the other side reads the same words.')
    .option('--out <file>', 'write the card to a file, and print the words only')
    .action((options: { out?: string }) => invite(context, options.out));
}

async function list(context: CliContext): Promise<void> {
  const { config } = await loadConfig(context);
  const rows = config.peers.map((peer) => ({
    name: peer.name,
    role: peer.role,
    enabled: peer.enabled,
    links: peer.links.map((link) => link.kind),
    routes: config.routes.filter((route) => route.via === peer.name).map((route) => route.to),
    ...keyOf(peer),
  }));
  context.output.result(rows, () => {
    if (rows.length === 0) return 'Nobody is known yet. Exchange cards: "postern peer invite" makes ours, "postern peer add" takes theirs.';
    return formatTable<(typeof rows)[number]>(
      [
        { title: 'NAME', text: ({ name }) => name },
        { title: 'ROLE', text: ({ role, enabled }) => (enabled ? role : `${role} (off)`) },
        { title: 'LINKS', text: ({ links }) => links.join(', ') || '-' },
        { title: 'ROUTES', text: ({ routes }) => routes.join(', ') || '-' },
        { title: 'KEY', text: ({ words }) => words },
      ],
      rows,
    );
  });
}

async function remove(context: CliContext, name: string): Promise<void> {
  const loaded = await loadConfig(context);
  const index = loaded.config.peers.findIndex((peer) => peer.name === name);
  if (index < 0) throw new PosternError('CLI_USAGE', `There is no peer named ${name}.`, { found: name });
  const routes = routesVia(loaded.config, name);
  // Last first: taking one out moves those behind it.
  const edits = [...routes.reverse().map((route) => ['routes', route]), ['peers', index]];
  await editConfig(loaded, edits.map((path) => ({ kind: 'remove', path })))();
  context.output.result({ removed: name, routes: routes.length }, () => `${name} is forgotten${routes.length === 0 ? '' : `, and ${routes.length} routes by way of it`}. ${LEARNED_AT_START}`);
}

function routesVia(config: GatewayConfig, name: string): number[] {
  return config.routes.flatMap((route, index) => (route.via === name ? [index] : []));
}

async function invite(context: CliContext, out: string | undefined): Promise<void> {
  const { config } = await loadConfig(context);
  const key = await readKeyFile(config.gateway.keyFile);
  const { name, publicUrl: url, nodeId } = config.gateway;
  const tcpclPort = config.listen.tcpcl?.port;
  const card = makeGatewayCard(key, { name, url, createdSec: Math.floor(context.clock.nowMs() / 1000), nodeId, ...(tcpclPort !== undefined && tcpclPort > 0 && { tcpclPort }) });
  const text = formatCard(card);
  const shown = keyForPeople(key.publicKey);
  if (out !== undefined) await writeCard(out, text);
  context.output.result({ name, url, nodeId, ...shown, ...(out === undefined ? { card: text } : { file: out }) }, () => (out === undefined ? text : `The card of ${name} is in ${out}.`));
  context.output.note(`Its key, to read aloud to the other side: ${shown.words}`);
}

async function writeCard(file: string, text: string): Promise<void> {
  try {
    await writeDurably(file, utf8(text), 0o644);
  } catch (thrown) {
    const reason = codeOf(thrown);
    if (reason === undefined) throw thrown;
    throw new PosternError('CLI_FILE', `The card cannot be written to ${file}: ${messageOf(thrown)}.`, { path: file, reason }, { cause: thrown });
  }
}

function keyOf(peer: PeerConfig): ReturnType<typeof keyForPeople> {
  return keyForPeople(fromBase64url(peer.key) ?? new Uint8Array());
}
