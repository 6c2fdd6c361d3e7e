/** `postern plan`: when the links work; and contact plans of other makes, read, checked, converted and asked for routes. */
import { PosternError } from '../base/errors.js';
import { contactsOf } from '../gateway/link-contacts.js';
import { isLive } from '../gateway/link-schema.js';
import { plannedContacts, readOwnPlan } from '../gateway/plan-file.js';
import { contactsBetween } from '../plan/contact.js';
import type { Contact } from '../plan/contact.js';
import type { ContactPlan, ExportedPlan } from '../plan/contact-plan.js';
import { readHdtnPlan, writeHdtnPlan } from '../plan/hdtn-plan.js';
import { writeIonPlan } from '../plan/ion-export.js';
import { readIonPlan } from '../plan/ion-plan.js';
import { contactGraph } from '../plan/route.js';
import type { Route } from '../plan/route.js';
import { routesTo } from '../plan/route-list.js';
import { loadConfig } from './load-config.js';
import { formatBytes, formatDuration, formatTable } from './output.js';
import type { CliContext, Command } from './program.js';
import { readText, writeText } from './text-file.js';

type Format = 'ion' | 'hdtn';

interface ReadingOptions {
  readonly from?: string;
  readonly start?: string;
}

export function addPlan(program: Command, context: CliContext): void {
  const plan = program.command('plan').summary('when links work; read, check and convert contact plans');
  plan
    .command('show')
    .summary('the next contacts of the links of this gateway')
    .argument('[link]', 'only those of a neighbour, or of one of its links: shore, shore/tcpcl')
    .option('--days <count>', 'so many days ahead', '7')
    .action((link: string | undefined, options: { days: string }) => show(context, link, number(options.days, '--days', 0.001, 3660)));
  reading(plan.command('check').summary('is a contact plan right, and what is in it'))
    .action((file: string, options: ReadingOptions) => check(context, file, options));
  reading(plan.command('convert').summary('a contact plan in the format of another make'))
    .requiredOption('--to <format>', 'ion or hdtn')
    .option('--out <file>', 'write it there instead of to standard output')
    .option('--milliseconds', 'ion: with decimals in its times, for versions that read them')
    .action((file: string, options: ReadingOptions & { to: string; out?: string; milliseconds?: true }) => convert(context, file, options));
  reading(plan.command('route').summary('the routes from one node to another, the preferred first'))
    .argument('<from>', 'a node number')
    .argument('<to>', 'a node number')
    .option('--bytes <count>', 'for something of this size', '0')
    .option('--at <time>', 'ready to leave then (default: the start)')
    .option('--count <count>', 'at most so many', '10')
    .action((file: string, from: string, to: string, options: ReadingOptions & { bytes: string; at?: string; count: string }) => route(context, file, [from, to], options));
}

function reading(command: Command): Command {
  return command
    .argument('<file>', 'an ionrc file of ION, or a JSON contact plan of HDTN')
    .option('--from <format>', 'ion or hdtn (default: by what is in the file)')
    .option('--start <time>', 'what relative times in the file count from, such as 2026-12-24T18:00:00Z (default: now)');
}

async function show(context: CliContext, wanted: string | undefined, days: number): Promise<void> {
  const { config } = await loadConfig(context);
  const nowMs = context.clock.nowMs();
  const plan = await readOwnPlan(config, nowMs, (note) => context.output.note(note));
  const links = config.peers.flatMap((peer) => peer.links.filter(isLive).map((link) => ({ name: `${peer.name}/${link.kind}`, peer: peer.name, link })));
  const chosen = links.filter(({ name, peer }) => wanted === undefined || name === wanted || peer === wanted);
  if (chosen.length === 0 && wanted !== undefined) throw new PosternError('GATEWAY_NO_LINK', `There is no link ${wanted}. There is ${links.map(({ name }) => name).join(', ') || 'none at all'}.`, { link: wanted });
  const planned = chosen.map(({ name, peer, link }) => ({ link: name, contacts: link.contacts === undefined ? 'always' : contactsBetween(contactsOf(link, plannedContacts(plan, peer)), nowMs, nowMs + days * DAY_MS, MOST_SHOWN).map(shown) }));
  context.output.result(planned, () => (planned.length === 0 ? 'There are no links.' : planned.map((one) => contactsText(one.link, one.contacts, nowMs)).join('\n')));
}

const DAY_MS = 86_400_000;
const MOST_SHOWN = 1000;

interface ShownContact {
  readonly start: string;
  readonly end: string;
  readonly seconds: number;
  readonly lightTimeMs: number;
  /** Absent where nobody has said how fast the link is. */
  readonly bytes?: number;
}

function shown({ startMs, endMs, rateBytesPerSec, lightTimeMs }: Contact): ShownContact {
  const seconds = (endMs - startMs) / 1000;
  return { start: timeText(startMs), end: timeText(endMs), seconds, lightTimeMs, ...(Number.isFinite(rateBytesPerSec) && { bytes: Math.floor(seconds * rateBytesPerSec) }) };
}

function contactsText(link: string, contacts: string | readonly ShownContact[], nowMs: number): string {
  if (typeof contacts === 'string') return `${link}: at any time\n`;
  if (contacts.length === 0) return `${link}: no contact in this time\n`;
  const table = formatTable<ShownContact>(
    [
      { title: 'BEGINS', text: ({ start }) => start },
      { title: 'IN', align: 'right', text: ({ start }) => (Date.parse(start) <= nowMs ? 'now' : formatDuration(Date.parse(start) - nowMs)) },
      { title: 'LASTS', align: 'right', text: ({ seconds }) => formatDuration(seconds * 1000) },
      { title: 'CARRIES', align: 'right', text: ({ bytes }) => (bytes === undefined ? '-' : formatBytes(bytes)) },
      { title: 'LIGHT', align: 'right', text: ({ lightTimeMs }) => formatDuration(lightTimeMs) },
    ],
    contacts,
  );
  return `${link}\n${table}`;
}

async function check(context: CliContext, file: string, options: ReadingOptions): Promise<void> {
  const plan = await readPlan(context, file, options);
  const { contacts, notes } = plan;
  const nodes = [...new Set(contacts.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
  const found = {
    contacts: contacts.length,
    nodes,
    ...(contacts[0] !== undefined && { begins: timeText(contacts[0].startMs), ends: timeText(Math.max(...contacts.map(({ endMs }) => endMs))) }),
    bytes: contacts.reduce((sum, { startMs, endMs, rateBytesPerSec }) => sum + ((endMs - startMs) * rateBytesPerSec) / 1000, 0),
    notes,
  };
  context.output.result(found, () => {
    const span = found.begins === undefined ? '' : `, from ${found.begins} to ${found.ends ?? ''}`;
    return [`${file}: ${contacts.length} contacts among ${nodes.length} nodes (${nodes.slice(0, 20).join(', ')}${nodes.length > 20 ? ', …' : ''})${span}; ${formatBytes(found.bytes)} in all.`, ...notes].join('\n');
  });
}

async function convert(context: CliContext, file: string, options: ReadingOptions & { to: string; out?: string; milliseconds?: true }): Promise<void> {
  const to = formatNamed(options.to, '--to');
  const plan = await readPlan(context, file, options);
  const startMs = startOf(context, options);
  const exported: ExportedPlan = to === 'ion' ? writeIonPlan(plan, options.milliseconds === true) : writeHdtnPlan(plan, startMs);
  for (const note of [...plan.notes, ...exported.notes]) context.output.note(note);
  if (options.out === undefined) return context.output.result({ format: to, text: exported.text, notes: exported.notes }, () => exported.text);
  await writeText(options.out, exported.text);
  context.output.result({ format: to, file: options.out, notes: exported.notes }, () => `${options.out ?? ''} is written.`);
}

async function route(context: CliContext, file: string, [from, to]: [string, string], options: ReadingOptions & { bytes: string; at?: string; count: string }): Promise<void> {
  const plan = await readPlan(context, file, options);
  const readyMs = options.at === undefined ? startOf(context, options) : timeOf(options.at, '--at');
  const journey = { from: number(from, 'from', 0, MOST_NUMBER), to: number(to, 'to', 0, MOST_NUMBER), readyMs, bytes: number(options.bytes, '--bytes', 0, MOST_NUMBER), expiryMs: Number.POSITIVE_INFINITY };
  const routes = routesTo(contactGraph(plan.contacts), journey, number(options.count, '--count', 1, 1000));
  const found = routes.map((one) => ({ nodes: nodesOf(one), leaves: timeText(one.leavesMs), arrives: timeText(one.arrivesMs), usableUntil: timeText(one.endsMs) }));
  context.output.result(found, () => {
    if (found.length === 0) return `There is no route from ${from} to ${to}.`;
    return formatTable<(typeof found)[number]>(
      [
        { title: 'BY', text: ({ nodes }) => nodes.join(' > ') },
        { title: 'LEAVES', text: ({ leaves }) => leaves },
        { title: 'ARRIVES', text: ({ arrives }) => arrives },
        { title: 'USABLE UNTIL', text: ({ usableUntil }) => usableUntil },
      ],
      found,
    );
  });
}

const MOST_NUMBER = 2 ** 40;

function nodesOf({ contacts }: Route): number[] {
  return [...contacts.slice(0, 1).map(({ from }) => from), ...contacts.map(({ to }) => to)];
}

async function readPlan(context: CliContext, file: string, options: ReadingOptions): Promise<ContactPlan> {
  const text = await readText(file);
  const startMs = startOf(context, options);
  const format = options.from === undefined ? formatIn(text) : formatNamed(options.from, '--from');
  return format === 'hdtn' ? readHdtnPlan(text, { file, startMs }) : readIonPlan(text, { file, referenceMs: startMs });
}

/** No command of ionadmin begins with a brace. */
function formatIn(text: string): Format {
  return text.trimStart().startsWith('{') ? 'hdtn' : 'ion';
}

function formatNamed(name: string, option: string): Format {
  if (name === 'ion' || name === 'hdtn') return name;
  throw new PosternError('CLI_USAGE', `${option} is ion or hdtn, not ${name}.`, { found: name });
}

function startOf(context: CliContext, { start }: ReadingOptions): number {
  return start === undefined ? context.clock.nowMs() : timeOf(start, '--start');
}

function timeOf(text: string, option: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new PosternError('CLI_USAGE', `${option} takes a time such as 2026-12-24T18:00:00Z, not ${text}.`, { found: text });
  return ms;
}

function number(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) throw new PosternError('CLI_USAGE', `${option} takes a number from ${least} to ${most}, not ${text}.`, { found: text });
  return value;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
