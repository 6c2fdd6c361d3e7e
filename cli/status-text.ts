/** The status of a gateway, for people: one screen, no record and no message named in it. */
import type { BudgetStatus } from '../gateway/budget-keeper.js';
import type { LaneStatus } from '../gateway/lane.js';
import type { RefusedStatus } from '../gateway/refusals.js';
import type { GatewayStatus } from '../gateway/status.js';
import type { LinkLimit } from '../links/link.js';
import type { BudgetLine } from '../plan/budget.js';
import type { HeldBack } from '../plan/fill.js';
import { formatBytes, formatDuration, formatTable } from './output.js';
import { sticksText } from './stick-text.js';

export function statusText(status: GatewayStatus): string {
  return [heading(status), clockText(status), storeText(status), ...turnedAwayText(status), '', queuesText(status), ...linksText(status), ...noticesText(status), ...tooLargeText(status), ...sticksText(status.sticks, status.clock.nowMs)].join('\n');
}

function heading({ gateway, nodeId, upForMs, fingerprint }: GatewayStatus): string {
  return `${gateway} (${nodeId}), up for ${formatDuration(upForMs)}\nkey    ${fingerprint}`;
}

const DOUBTS: Readonly<Record<NonNullable<GatewayStatus['clock']['doubt']>, string>> = {
  behind: "this machine's clock is behind a time that was known before",
  leapt: "this machine's clock has leapt ahead",
  unconfirmed: 'no neighbour has confirmed the time yet',
};

function clockText({ clock }: GatewayStatus): string {
  if (clock.trusted) return `clock  trusted${clock.confirmedBy === undefined ? '' : `, confirmed by ${clock.confirmedBy}`}`;
  const doubt = clock.doubt === undefined ? 'in doubt' : DOUBTS[clock.doubt];
  return `clock  NOT TRUSTED: ${doubt}; nothing expires. It goes by ${timeText(clock.nowMs)}, the machine says ${timeText(clock.wallMs)}.\n       Set the machine's clock, then "postern clock confirm".`;
}

function storeText({ store }: GatewayStatus): string {
  const free = Math.max(0, store.capacityBytes - store.reserveBytes - store.bytes);
  return `store  ${store.records} records, ${formatBytes(store.bytes)} held, room for ${formatBytes(free)}${store.incoming === 0 ? '' : `, ${store.incoming} on their way in`}`;
}

/** Of what is always touched a little, such as connections, only what has turned somebody away, or soon will. */
const NEAR = 0.8;

function turnedAwayText({ limits, refusals, counters: { strangers, batchesBad }, clock }: GatewayStatus): string[] {
  const near = limits.filter(({ used, most, refused }) => refused > 0 || used >= NEAR * most).map(limitText);
  const words: Readonly<Record<RefusedStatus['way'], string>> = { given: 'was refused', got: 'refuses' };
  const refused = refusals.map(({ peer, way, code, count, lastMs }) => `${peer} ${words[way]} ${count} records: ${code}, last ${formatDuration(clock.nowMs - lastMs)} ago`);
  return [...near, ...refused, ...(strangers + batchesBad > 0 ? [`${strangers} batches of strangers and ${batchesBad} bad ones TURNED AWAY`] : [])];
}

function queuesText({ queues, clock }: GatewayStatus): string {
  if (queues.length === 0) return 'Nothing waits.';
  return formatTable<GatewayStatus['queues'][number]>(
    [
      { title: 'QUEUE', text: ({ target }) => target },
      { title: 'COUNT', align: 'right', text: ({ records }) => String(records) },
      { title: 'SIZE', align: 'right', text: ({ bytes }) => formatBytes(bytes) },
      { title: 'OLDEST', align: 'right', text: ({ oldestHeldAtMs }) => (oldestHeldAtMs === undefined ? '-' : formatDuration(clock.nowMs - oldestHeldAtMs)) },
      { title: 'NEXT TRY', align: 'right', text: ({ target, nextDueMs }) => (isWaiting(target) ? '-' : inText(nextDueMs, clock.nowMs)) },
    ],
    queues,
  );
}

/** Without a way, or held by the operator: there is no next try. */
function isWaiting(target: string): boolean {
  return target === 'parked' || target.startsWith('hold:');
}

function linksText({ neighbours, clock }: GatewayStatus): string[] {
  const links = neighbours.flatMap((neighbour) => neighbour.links);
  if (links.length === 0) return [];
  const table = formatTable<(typeof links)[number]>(
    [
      { title: 'LINK', text: ({ link }) => link },
      { title: 'STATE', text: ({ state, sending }) => (sending > 0 ? `sending ${sending}` : state) },
      { title: 'LAST CONTACT', align: 'right', text: ({ lastContactMs }) => (lastContactMs === undefined ? 'never' : `${formatDuration(clock.wallMs - lastContactMs)} ago`) },
      { title: 'NEXT TRY', align: 'right', text: ({ attempts, notBeforeMs }) => (attempts === 0 ? '-' : inText(notBeforeMs, clock.nowMs)) },
      { title: 'CONTACT', text: ({ contact }) => contactText(contact, clock.nowMs) },
      { title: 'SENT', align: 'right', text: ({ sentBytes }) => formatBytes(sentBytes) },
      { title: 'RECEIVED', align: 'right', text: ({ receivedBytes }) => formatBytes(receivedBytes) },
      { title: 'TROUBLE', text: ({ attempts, lastError }) => (attempts === 0 ? '' : (lastError ?? '')) },
    ],
    links,
  );
  const large = links.flatMap(({ link, heldLarge }) => (heldLarge === undefined ? [] : [`${link} leaves ${heldLarge} large ones to another link (postern queue send)`]));
  const stays = links.flatMap(({ link, heldBack }) => (heldBack === undefined ? [] : [`${link} leaves ${heldBackText(heldBack)}`]));
  const limits = links.flatMap(({ link, limits: found }) => limitsText(link, found));
  return [table, ...limits, ...large, ...stays, ...links.flatMap(({ link, budget }) => (budget === undefined ? [] : [budgetText(link, budget, clock.nowMs)]))];
}

function noticesText({ neighbours }: GatewayStatus): string[] {
  const told = neighbours.flatMap(({ name, told: found }) => (found === undefined ? [] : [`${name} tells of ${found.records} large ones (${formatBytes(found.bytes)}) that wait there (postern queue notices)`]));
  return [...neighbours.flatMap(({ name, limits }) => limitsText(name, limits)), ...told];
}

/** A limit is shown once it is touched; the JSON has all of them. */
function limitsText(whose: string, limits: readonly LinkLimit[]): string[] {
  return limits.filter(({ used, refused }) => used > 0 || refused > 0).map((limit) => `${whose}: ${limitText(limit)}`);
}

function limitText({ name, unit, used, most, refused }: LinkLimit): string {
  const [taken, limit] = unit === 'bytes' ? [formatBytes(used), formatBytes(most)] : [String(used), String(most)];
  return `${name} ${taken} of ${limit}${refused === 0 ? '' : `, ${refused} TURNED AWAY`}`;
}

function heldBackText({ late, noRoom, reserved }: HeldBack): string {
  const reasons = [late > 0 && `${late} that would come after their expiry`, noRoom > 0 && `${noRoom} larger than what is left`, reserved > 0 && `${reserved} that only the reserve would hold`];
  return reasons.filter((reason) => reason !== false).join(', ');
}

function contactText(contact: LaneStatus['contact'], nowMs: number): string {
  if (contact === undefined) return 'always';
  if (contact.endsMs !== undefined) return `for ${formatDuration(contact.endsMs - nowMs)}${contact.leftBytes === undefined ? '' : `, ${formatBytes(contact.leftBytes)}`}`;
  return contact.nextMs === undefined ? 'none planned' : inText(contact.nextMs, nowMs);
}

function budgetText(link: string, { lines, month, currency, liftedUntilMs }: BudgetStatus, nowMs: number): string {
  const lifted = liftedUntilMs === undefined ? '' : `, LIFTED by the operator for ${formatDuration(liftedUntilMs - nowMs)}`;
  const title = `budget of ${link}: this month ${moneyText(month.money, currency)}, ${formatBytes(month.bytes)}, ${month.sessions} sessions${lifted}`;
  return [title, ...lines.map((line) => `  ${budgetLineText(line, currency, nowMs)}`)].join('\n');
}

const BUDGET_STATES: Readonly<Record<BudgetLine['state'], string>> = { ok: '', alert: ', NEARLY SPENT', spent: ', SPENT' };

function budgetLineText({ per, measure, spent, limit, state, resetsAtMs }: BudgetLine, currency: string, nowMs: number): string {
  const figures = measure === 'money' ? [moneyText(spent, currency), moneyText(limit, currency)] : measure === 'bytes' ? [formatBytes(spent), formatBytes(limit)] : [`${Math.ceil(spent)}`, `${limit} ${measure}`];
  return `${figures[0]} of ${figures[1]} a ${per}${BUDGET_STATES[state]}, anew ${inText(resetsAtMs, nowMs)}`;
}

function moneyText(money: number, currency: string): string {
  return `${money.toFixed(2)} ${currency}`;
}

function tooLargeText({ neighbours }: GatewayStatus): string[] {
  return neighbours.flatMap(({ name, tooLarge }) =>
    tooLarge === undefined ? [] : [`${tooLarge.records} for ${name} (${formatBytes(tooLarge.bytes)}) are too large for its links: they wait for another one, or for their expiry.`],
  );
}

function inText(dueMs: number | undefined, nowMs: number): string {
  if (dueMs === undefined) return '-';
  return dueMs <= nowMs ? 'now' : `in ${formatDuration(dueMs - nowMs)}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
