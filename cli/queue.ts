/** `postern queue`: what waits here and, as far as they have told, at neighbours; and the operator's orders about it. */
import { PosternError } from '../base/errors.js';
import type { Fetching, NoticeEntry, NoticeSelection } from '../gateway/notice-orders.js';
import type { QueueOrder, QueueSelection } from '../gateway/queue-orders.js';
import type { QueueEntry } from '../gateway/status.js';
import type { QueueStatus } from '../store/store.js';
import { askGateway } from './admin-client.js';
import { askYesNo } from './ask.js';
import { EXIT } from './exit-codes.js';
import { loadConfig } from './load-config.js';
import { formatBytes, formatDuration, formatTable } from './output.js';
import type { CliContext, Command } from './program.js';

interface RecordOptions {
  readonly to?: string;
  readonly record?: string;
}

interface SelectionOptions extends RecordOptions {
  readonly queue?: string;
  readonly yes?: true;
}

interface FetchOptions extends RecordOptions {
  readonly from?: string;
}

const ORDERS: Readonly<Record<QueueOrder, string>> = {
  hold: 'keep records back until they are released',
  release: 'let held records go on',
  raise: 'send records before all others',
  send: 'send records now: before all others, held-back large ones too, and without waiting for the next try of a link',
  drop: 'give records up: they are deleted, and nobody is told',
};

const DONE: Readonly<Record<QueueOrder, string>> = { hold: 'held', release: 'released', raise: 'raised', send: 'first in line now', drop: 'dropped' };

export function addQueue(program: Command, context: CliContext): void {
  const queue = program.command('queue').summary('look at what waits, hold it, release it, raise it, drop it');
  queue
    .command('list')
    .summary('show the queues, or what waits in one of them')
    .argument('[queue]', 'such as peer:shore, served:example.org, parked, hold:peer:shore')
    .option('--limit <count>', 'at most so many', '100')
    .action((target: string | undefined, options: { limit: string }) => list(context, target, options.limit));
  for (const [order, summary] of Object.entries(ORDERS) as [QueueOrder, string][]) {
    const command = queue
      .command(order)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}. Give at least one of the three; records that fit all that are given are taken.`)
      .option('--queue <queue>', 'all of a queue')
      .option('--to <domain>', 'all for a destination')
      .option('--record <hex>', 'one record, by the beginning of its name (8 digits or more)');
    if (order === 'drop') command.option('--yes', 'do not ask');
    command.action((options: SelectionOptions) => carryOut(context, order, options));
  }
  queue
    .command('notices')
    .summary('show what neighbours have told of and keep for a cheaper link')
    .action(() => notices(context));
  queue
    .command('fetch')
    .summary('ask neighbours for what they have told of, by whatever link goes next')
    .description('Asks neighbours for large records that they have told of and keep for a cheaper link: they send them by whatever link goes next, at its price. Give at least one of the three; records that fit all that are given are asked for.')
    .option('--from <neighbour>', 'all that a neighbour has told of')
    .option('--to <domain>', 'all for a destination')
    .option('--record <hex>', 'one record, by the beginning of its name (8 digits or more)')
    .action((options: FetchOptions) => fetchNoticed(context, options));
}

async function list(context: CliContext, target: string | undefined, limit: string): Promise<void> {
  const { config } = await loadConfig(context);
  if (target === undefined) {
    const queues = (await askGateway(context, config, { method: 'GET', path: '/queue' })) as QueueStatus[];
    return context.output.result(queues, () => (queues.length === 0 ? 'Nothing waits.' : queuesText(queues)));
  }
  const query = new URLSearchParams({ target, limit });
  const entries = (await askGateway(context, config, { method: 'GET', path: `/queue?${query.toString()}` })) as QueueEntry[];
  context.output.result(entries, () => (entries.length === 0 ? `Nothing waits in ${target}.` : entriesText(entries, context.clock.nowMs())));
}

function queuesText(queues: readonly QueueStatus[]): string {
  return formatTable<QueueStatus>(
    [
      { title: 'QUEUE', text: ({ target }) => target },
      { title: 'COUNT', align: 'right', text: ({ records }) => String(records) },
      { title: 'SIZE', align: 'right', text: ({ bytes }) => formatBytes(bytes) },
    ],
    queues,
  );
}

function entriesText(entries: readonly QueueEntry[], nowMs: number): string {
  return formatTable<QueueEntry>(
    [
      { title: 'RECORD', text: ({ record }) => record },
      { title: 'TO', text: ({ destination }) => destination },
      { title: 'FROM', text: ({ from }) => from },
      { title: 'SIZE', align: 'right', text: ({ bytes }) => formatBytes(bytes) },
      { title: 'HELD', align: 'right', text: ({ heldAtMs }) => formatDuration(nowMs - heldAtMs) },
      { title: 'EXPIRES', align: 'right', text: ({ expiryMs }) => `in ${formatDuration(expiryMs - nowMs)}` },
      { title: 'TRIES', align: 'right', text: ({ attempts }) => String(attempts ?? 0) },
    ],
    entries,
  );
}

async function notices(context: CliContext): Promise<void> {
  const { config } = await loadConfig(context);
  const entries = (await askGateway(context, config, { method: 'GET', path: '/notices' })) as NoticeEntry[];
  context.output.result(entries, () => (entries.length === 0 ? 'No neighbour has told of anything that waits there.' : noticesText(entries, context.clock.nowMs())));
}

function noticesText(entries: readonly NoticeEntry[], nowMs: number): string {
  return formatTable<NoticeEntry>(
    [
      { title: 'RECORD', text: ({ record }) => record },
      { title: 'AT', text: ({ from }) => from },
      { title: 'TO', text: ({ destination }) => destination },
      { title: 'SIZE', align: 'right', text: ({ bytes }) => formatBytes(bytes) },
      { title: 'TOLD', align: 'right', text: ({ toldMs }) => `${formatDuration(nowMs - toldMs)} ago` },
      { title: 'EXPIRES', align: 'right', text: ({ expiryMs }) => `in ${formatDuration(expiryMs - nowMs)}` },
      { title: 'ASKED FOR', align: 'right', text: ({ askedMs }) => (askedMs === undefined ? '-' : `${formatDuration(nowMs - askedMs)} ago`) },
    ],
    entries,
  );
}

async function fetchNoticed(context: CliContext, { from, ...records }: FetchOptions): Promise<void> {
  const selection: NoticeSelection = { ...(from !== undefined && { from }), ...recordsOf(records) };
  if (Object.keys(selection).length === 0) throw new PosternError('CLI_USAGE', 'Say which records: give --from, --to or --record.', { found: 'fetch' });
  const { config } = await loadConfig(context);
  const fetching = (await askGateway(context, config, { method: 'POST', path: '/notices/fetch', body: selection })) as Fetching;
  const noRoom = fetching.noRoom === 0 ? '' : ` For ${fetching.noRoom} there is no room here.`;
  context.output.result(fetching, () => `${fetching.asked === 1 ? '1 record is' : `${fetching.asked} records are`} asked for.${noRoom}`);
}

function recordsOf({ to, record }: RecordOptions): { destination?: string; record?: string } {
  return { ...(to !== undefined && { destination: to }), ...(record !== undefined && { record: record.toLowerCase() }) };
}

async function carryOut(context: CliContext, order: QueueOrder, { queue, yes, ...records }: SelectionOptions): Promise<void> {
  const selection: QueueSelection = { ...(queue !== undefined && { target: queue }), ...recordsOf(records) };
  if (Object.keys(selection).length === 0) throw new PosternError('CLI_USAGE', 'Say which records: give --queue, --to or --record.', { found: order });
  const { config } = await loadConfig(context);
  if (order === 'drop' && yes !== true && !(await askYesNo(context, 'What is dropped is gone, and nobody is told. Go on?', '--yes'))) return context.exitWith(EXIT.refused);
  const { changed } = (await askGateway(context, config, { method: 'POST', path: `/queue/${order}`, body: selection })) as { changed: number };
  context.output.result({ order, changed }, () => (changed === 1 ? `1 record is ${DONE[order]}.` : `${changed} records are ${DONE[order]}.`));
}
