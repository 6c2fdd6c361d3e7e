/**
 * The door for the commands of this machine, through which they may see and do everything: its routes, and what a request
 * has to look like. Who may open it, and how, is the matter of private-door.ts.
 */
import { isAbsolute } from 'node:path';
import { utf8 } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import type { HttpRoute } from './http-route.js';
import type { HttpListener } from './http-server.js';
import type { NoticeSelection } from './notice-orders.js';
import { badRequest, jsonRoute, openPrivateDoor, readJson } from './private-door.js';
import type { QueueOrder, QueueSelection } from './queue-orders.js';
import type { StickErrand } from './stick-status.js';
import { isTarget } from './target.js';

/** Each returns what becomes JSON. A coded error goes to whoever asked, with its code. */
export interface AdminHandlers {
  status(): Promise<unknown>;
  /** The queues, or what waits in one of them. */
  queue(query: { readonly target?: string; readonly limit: number }): Promise<unknown>;
  order(order: QueueOrder, selection: QueueSelection): Promise<unknown>;
  /** What neighbours have told of, whose blobs wait there. */
  notices(): Promise<unknown>;
  fetchNoticed(selection: NoticeSelection): Promise<unknown>;
  /** Gives up when `signal` aborts: whoever asked has gone. */
  testLink(test: { readonly link: string; readonly bytes: number }, signal?: AbortSignal): Promise<unknown>;
  /** Lifts the budget of a link for so long; 0 puts it back. */
  liftBudget(order: { readonly link: string; readonly forMs: number }): Promise<unknown>;
  /** Begins to serve a stick; `stickJob` tells how it goes. */
  startStick(order: { readonly errand: StickErrand; readonly dir: string }): Promise<unknown>;
  stickJob(): Promise<unknown>;
  /** The operator vouches for this machine's clock. */
  confirmClock(): Promise<unknown>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

export interface AdminServerOptions {
  readonly socketPath: string;
  readonly handlers: AdminHandlers;
  readonly clock: Clock;
  readonly onFault: (thrown: unknown) => void;
}

const LISTED_BY_DEFAULT = 100;
const LISTED_AT_MOST = 10_000;
const TESTED_AT_MOST_BYTES = 256 << 20;
/** A budget lifted for ever is no budget. */
const LIFTED_AT_MOST_MS = 31 * 86_400_000;
const ERRANDS: readonly StickErrand[] = ['import', 'export', 'visit'];
const ORDERS: readonly QueueOrder[] = ['hold', 'release', 'drop', 'raise', 'send'];

/** Throws GATEWAY_SOCKET_PATH for a path that is too long, GATEWAY_LISTEN when another gateway has the socket. */
export function listenAdmin({ socketPath, handlers, clock, onFault }: AdminServerOptions): Promise<HttpListener> {
  return openPrivateDoor({ socketPath, setting: 'adminSocket', routes: adminRoutes(handlers), clock, onFault });
}

function adminRoutes(handlers: AdminHandlers): HttpRoute[] {
  return [
    jsonRoute('GET', '/status', () => handlers.status()),
    jsonRoute('GET', '/queue', ({ url }) => handlers.queue(queueQueryOf(url))),
    ...ORDERS.map((order) => jsonRoute('POST', `/queue/${order}`, async ({ body }) => handlers.order(order, selectionOf(await readJson(body))))),
    jsonRoute('GET', '/notices', () => handlers.notices()),
    jsonRoute('POST', '/notices/fetch', async ({ body }) => handlers.fetchNoticed(noticeSelectionOf(await readJson(body)))),
    jsonRoute('POST', '/clock/confirm', () => handlers.confirmClock()),
    jsonRoute('POST', '/link-test', async ({ body, signal }) => handlers.testLink(linkTestOf(await readJson(body)), signal)),
    jsonRoute('POST', '/budget-lift', async ({ body }) => handlers.liftBudget(liftOf(await readJson(body)))),
    jsonRoute('GET', '/stick', () => handlers.stickJob()),
    jsonRoute('POST', '/stick', async ({ body }) => handlers.startStick(stickOrderOf(await readJson(body)))),
    metricsRoute(handlers),
  ];
}

/** Figures for Prometheus: here, and where `listen.metrics` says. */
export function metricsRoute(handlers: Pick<AdminHandlers, 'metrics'>): HttpRoute {
  return {
    methods: ['GET'],
    path: '/metrics',
    handle: async () => ({ status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: utf8(await handlers.metrics()) }),
  };
}

function queueQueryOf(url: string): { target?: string; limit: number } {
  const query = new URL(url, 'http://postern').searchParams;
  const target = query.get('target');
  const limit = Number(query.get('limit') ?? LISTED_BY_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LISTED_AT_MOST) throw badRequest(`limit is a number from 1 to ${LISTED_AT_MOST}`);
  return { limit, ...(target !== null && { target: targetOf(target) }) };
}

/** An order for everything at once must not come about by a slip: at least one of the three is given. */
function selectionOf(value: Readonly<Record<string, unknown>>): QueueSelection {
  const { target, ...rest } = value;
  const named = target === undefined ? undefined : targetOf(target);
  return { ...(named !== undefined && { target: named }), ...recordsOf(rest, 'target', named) };
}

function targetOf(target: unknown): string {
  if (typeof target !== 'string' || !isTarget(target)) throw badRequest('target is parked, peer:NAME, served:DOMAIN, or one of these after hold:');
  return target;
}

function noticeSelectionOf(value: Readonly<Record<string, unknown>>): NoticeSelection {
  const { from, ...rest } = value;
  if (from !== undefined && typeof from !== 'string') throw badRequest('from is the name of a neighbour');
  return { ...(from !== undefined && { from }), ...recordsOf(rest, 'from', from) };
}

function recordsOf({ destination, record, ...rest }: Readonly<Record<string, unknown>>, whose: string, given: string | undefined): { destination?: string; record?: string } {
  if (Object.keys(rest).length > 0) throw badRequest(`there is no "${Object.keys(rest)[0] ?? ''}" to select by: ${whose}, destination and record are`);
  if (given === undefined && destination === undefined && record === undefined) throw badRequest(`nothing is selected: give a ${whose}, a destination or a record`);
  if (destination !== undefined && typeof destination !== 'string') throw badRequest('destination is a domain');
  if (record !== undefined && (typeof record !== 'string' || !/^[0-9a-f]{8,64}$/.test(record))) throw badRequest('record is the beginning of its hash, 8 to 64 hex digits');
  return { ...(destination !== undefined && { destination }), ...(record !== undefined && { record }) };
}

function linkTestOf({ link, bytes }: Readonly<Record<string, unknown>>): { link: string; bytes: number } {
  if (typeof link !== 'string') throw badRequest('link is the name of a link, such as shore/https');
  if (typeof bytes !== 'number' || !Number.isInteger(bytes) || bytes < 0 || bytes > TESTED_AT_MOST_BYTES) throw badRequest(`bytes is a number from 0 to ${TESTED_AT_MOST_BYTES}`);
  return { link, bytes };
}

function liftOf({ link, forMs }: Readonly<Record<string, unknown>>): { link: string; forMs: number } {
  if (typeof link !== 'string') throw badRequest('link is the name of a link, such as shore/burst');
  if (typeof forMs !== 'number' || !(forMs >= 0 && forMs <= LIFTED_AT_MOST_MS)) throw badRequest(`forMs is a number from 0 to ${LIFTED_AT_MOST_MS}`);
  return { link, forMs };
}

function stickOrderOf({ errand, dir }: Readonly<Record<string, unknown>>): { errand: StickErrand; dir: string } {
  const known = ERRANDS.find((candidate) => candidate === errand);
  if (known === undefined) throw badRequest(`errand is one of ${ERRANDS.join(', ')}`);
  if (typeof dir !== 'string' || !isAbsolute(dir)) throw badRequest('dir is the whole path of the folder where the stick is mounted');
  return { errand: known, dir };
}
