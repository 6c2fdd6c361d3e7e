/** `postern sim relay`, and the commands that look at a relay which runs and change its links. */
import { once } from 'node:events';
import { isPosternError, PosternError } from '../base/errors.js';
import { Relay } from '../sim/relay.js';
import type { RelayOptions } from '../sim/relay.js';
import { openRelayControl } from '../sim/relay-control.js';
import { parseDoor } from '../sim/relay-door.js';
import type { Door } from '../sim/relay-door.js';
import type { RelayReport, WayReport } from '../sim/relay-report.js';
import { sizeBytes } from '../sim/quantity-schema.js';
import { readScenario } from '../sim/scenario-file.js';
import { askSocket } from './admin-client.js';
import { formatBytes, formatDuration, formatTable } from './output.js';
import { collect, type CliContext, type Command } from './program.js';

interface RelayWishes {
  readonly tcp?: readonly string[];
  readonly udp?: readonly string[];
  readonly scale: string;
  readonly seed: string;
  readonly begins?: string;
  readonly control?: string;
  readonly queue?: string;
  readonly line?: string;
}

interface ChangeWishes {
  readonly control: string;
  readonly towards?: string;
  readonly rate?: string;
  readonly delay?: string;
  readonly loss?: string;
  readonly corrupt?: string;
  readonly duplicate?: string;
  readonly windows?: string;
}

const MOST_SCALE = 1e6;
const A_RELAY = 'The relay';

export function addSimRelay(sim: Command, context: CliContext): void {
  sim
    .command('relay')
    .summary('impose the links of a scenario on real daemons')
    .description('Stands between real daemons and imposes delay, rate, loss, windows and cuts of the links of a scenario on what they send, in real time or so many times faster, until Ctrl-C; then it reports, its own lateness included. Needs no rights.')
    .argument('<scenario>', 'a scenario file')
    .option('--tcp <door>', 'LINK:NODE=LISTEN,TARGET: who connects to LISTEN (host:port, or a port here) is taken over the link to the node at TARGET; may be given again', collect)
    .option('--udp <door>', 'the same for datagrams; give it for both nodes of a link for traffic both ways', collect)
    .option('--scale <times>', 'so many seconds of the scenario in one', '1')
    .option('--seed <number>', 'chance, as in a simulated run', '1')
    .option('--begins <time>', 'when the scenario begins, such as 2026-06-01T12:00:00Z (default: now)')
    .option('--control <socket>', 'take changes here, from relay-change and relay-cut')
    .option('--queue <size>', 'datagrams that wait to leave, each way; those beyond it are dropped (default: 1 MiB)')
    .option('--line <size>', 'all that is held of one way, under way included (default: 64 MiB)')
    .action((file: string, wishes: RelayWishes) => relay(context, file, wishes));
  const control = (name: string, summary: string): Command => sim.command(name).summary(summary).requiredOption('--control <socket>', 'the socket of the relay');
  control('relay-status', 'what a relay has done so far').action((wishes: { control: string }) => ask(context, wishes.control, 'GET', '/status'));
  control('relay-change', 'change a link while a relay runs')
    .argument('<link>', 'a link of the scenario')
    .option('--towards <node>', 'this way only')
    .option('--rate <rate>', 'such as "2 kbit/s"')
    .option('--delay <duration>', 'such as "20 min"')
    .option('--loss <probability>', 'such as "2 %"')
    .option('--corrupt <probability>', 'of a datagram to arrive with a wrong bit')
    .option('--duplicate <probability>', 'of a datagram to arrive twice')
    .option('--windows <always>', 'open it at any time')
    .action((link: string, wishes: ChangeWishes) => ask(context, wishes.control, 'POST', '/change', changeOf(link, wishes)));
  control('relay-cut', 'cut a link: connections break, datagrams are lost')
    .argument('<link>', 'a link of the scenario')
    .option('--towards <node>', 'close this way only: connections stand and nothing moves on them')
    .option('--for <duration>', 'for so much of the scenario; until relay-restore otherwise')
    .action((link: string, { control: socket, ...rest }: { control: string; towards?: string; for?: string }) => ask(context, socket, 'POST', '/cut', { link, ...rest }));
  control('relay-restore', 'put a link back as the scenario has it')
    .argument('<link>', 'a link of the scenario')
    .option('--towards <node>', 'this way only')
    .action((link: string, { control: socket, ...rest }: { control: string; towards?: string }) => ask(context, socket, 'POST', '/restore', { link, ...rest }));
}

async function relay(context: CliContext, file: string, wishes: RelayWishes): Promise<void> {
  const { clock, output, signal } = context;
  const doors = [...(wishes.tcp ?? []).map((text) => doorOf('tcp', text)), ...(wishes.udp ?? []).map((text) => doorOf('udp', text))];
  if (doors.length === 0) throw usage('Give at least one --tcp or --udp: where to listen, and whom to hand on to.', 'no door');
  const scale = numberOf('--scale', wishes.scale, MOST_SCALE);
  const seed = numberOf('--seed', wishes.seed, Number.MAX_SAFE_INTEGER);
  const beginsMs = wishes.begins === undefined ? undefined : timeOf(wishes.begins);
  const [queueBytes, lineBytes] = [sizeOf('--queue', wishes.queue), sizeOf('--line', wishes.line)];
  const scenario = await readScenario(file);
  const running = await startRelay({
    scenario,
    doors,
    clock,
    scale,
    seed,
    ...(beginsMs !== undefined && { beginsMs }),
    ...(queueBytes !== undefined && { queueBytes }),
    ...(lineBytes !== undefined && { lineBytes }),
    onLine: (line) => output.event({ event: 'link', text: line }, () => line),
  });
  try {
    const control = wishes.control === undefined ? undefined : await openRelayControl({ socketPath: wishes.control, relay: running, clock, onFault: (thrown) => output.note(String(thrown)) });
    const up = running.report();
    output.result({ up: true, ...up, ...(wishes.control !== undefined && { control: wishes.control }) }, () => upText(up));
    if (!signal.aborted) await once(signal, 'abort');
    const report = running.report();
    await control?.stop(0);
    output.result({ up: false, ...report }, () => reportText(report));
  } finally {
    await running.stop();
  }
}

/** A link that the scenario does not have is wrong usage here. */
async function startRelay(options: RelayOptions): Promise<Relay> {
  try {
    return await Relay.start(options);
  } catch (thrown) {
    if (isPosternError(thrown) && thrown.code === 'GATEWAY_NO_LINK') throw usage(thrown.message, thrown.message);
    throw thrown;
  }
}

async function ask(context: CliContext, socketPath: string, method: 'GET' | 'POST', path: string, body?: unknown): Promise<void> {
  const report = (await askSocket(context, socketPath, A_RELAY, { method, path, ...(body !== undefined && { body }) })) as RelayReport;
  context.output.result(report, () => reportText(report));
}

function changeOf(link: string, { towards, rate, delay, loss, corrupt, duplicate, windows }: ChangeWishes): Record<string, unknown> {
  const change = Object.entries({ rate, delay, corrupt, duplicate, windows, loss: loss === undefined ? undefined : { probability: loss } }).filter(([, value]) => value !== undefined);
  if (change.length === 0) throw usage('Give what is to change: --rate, --delay, --loss, --corrupt, --duplicate or --windows.', 'no change');
  return { link, ...(towards !== undefined && { towards }), ...Object.fromEntries(change) };
}

function doorOf(kind: Door['kind'], text: string): Door {
  const door = parseDoor(kind, text);
  if (door === undefined) throw usage(`--${kind} takes LINK:NODE=LISTEN,TARGET, such as mars-earth:earth=4701,127.0.0.1:4556, and not "${text}".`, text);
  return door;
}

function numberOf(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= most)) throw usage(`${option} takes a number above 0, up to ${most}.`, text);
  return value;
}

function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw usage('--begins takes a time such as 2026-06-01T12:00:00Z.', text);
  return ms;
}

function sizeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = sizeBytes.safeParse(text);
  if (!parsed.success) throw usage(`${option} takes a size such as "64 KiB".`, text);
  return parsed.data;
}

function usage(message: string, found: string): PosternError<'CLI_USAGE'> {
  return new PosternError('CLI_USAGE', message, { found });
}

function upText({ relay: name, scale, begins, doors, notImposed }: RelayReport): string {
  return [
    `The links of ${name} from ${begins} on${scale === 1 ? '' : `, ${scale} times as fast as the clock`}. Ctrl-C ends it, with a report.`,
    ...doors.map(({ kind, link, towards, listens, target }) => `  ${kind} ${listens} over ${link} to ${towards} at ${target}`),
    ...(notImposed.length === 0 ? [] : [`  not imposed, since no relay can: ${notImposed.join(', ')}`]),
  ].join('\n');
}

const WAY_COLUMNS = [
  { title: 'WAY', text: ({ link, towards }: WayReport) => `${link} to ${towards}` },
  { title: 'STATE', text: stateText },
  { title: 'DELAY', align: 'right', text: ({ delaySec }: WayReport) => formatDuration(delaySec * 1000) },
  { title: 'BIT/S', align: 'right', text: ({ bitsPerSec }: WayReport) => String(Math.round(bitsPerSec)) },
  { title: 'IN', align: 'right', text: ({ bytes }: WayReport) => formatBytes(bytes) },
  { title: 'OUT', align: 'right', text: ({ arrivedBytes }: WayReport) => formatBytes(arrivedBytes) },
  { title: 'HELD', align: 'right', text: ({ heldBytes }: WayReport) => formatBytes(heldBytes) },
  { title: 'DATAGRAMS', text: datagramsText },
  { title: 'CONNECTIONS', text: ({ connections, brokenConnections }: WayReport) => (connections === 0 ? '' : `${connections}, ${brokenConnections} broken`) },
] as const;

export function reportText({ relay: name, scale, nowSec, ways, cuts, late }: RelayReport): string {
  const lateText = ({ count, p50Ms, p99Ms, maxMs }: RelayReport['late']['handedOn']): string => (count === 0 ? 'nothing yet' : `${count} times, half within ${p50Ms} ms, 99 % within ${p99Ms} ms, at most ${maxMs} ms${scale === 1 ? '' : ` (${formatDuration(maxMs * scale)} of the scenario)`}`);
  return [
    `${name}, ${formatDuration(nowSec * 1000)} after its beginning; ${cuts} cuts`,
    formatTable(WAY_COLUMNS, ways).trimEnd(),
    `late in handing on: ${lateText(late.handedOn)}`,
    `late in noticing:   ${lateText(late.noticed)}`,
  ].join('\n');
}

function stateText({ open, cut, opensSec, changed }: WayReport): string {
  const state = open ? 'open' : cut ? 'cut' : opensSec === undefined ? 'closed' : `closed until ${formatDuration(opensSec * 1000)}`;
  return changed.length === 0 ? state : `${state}, changed`;
}

function datagramsText(way: WayReport): string {
  if (way.datagrams === 0) return '';
  const notes = Object.entries({ lost: way.lostDatagrams, 'no contact': way.closedDatagrams, cut: way.cutDatagrams, dropped: way.droppedDatagrams, corrupted: way.corruptedDatagrams, duplicated: way.duplicatedDatagrams, 'held up': way.reorderedDatagrams });
  return [`${way.arrivedDatagrams} of ${way.datagrams}`, ...notes.filter(([, count]) => count > 0).map(([what, count]) => `${what} ${count}`)].join(', ');
}
