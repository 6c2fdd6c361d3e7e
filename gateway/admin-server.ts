/**
 * The door for the commands of this machine: HTTP with JSON on a unix socket that only its owner can
 * open. Who can open it may see and do everything, so faults of a request are told in full.
 */
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { isAbsolute } from 'node:path';
import { asBuffer, utf8 } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { isPosternError, messageOf, PosternError } from '../base/errors.js';
import { readSmallBody } from './http-body.js';
import type { HttpReply, HttpRequest, HttpRoute } from './http-route.js';
import { type HttpListener, listenHttp } from './http-server.js';
import type { QueueOrder, QueueSelection } from './queue-orders.js';
import type { StickErrand } from './stick-status.js';

/** Each returns what becomes JSON. A coded error goes to whoever asked, with its code. */
export interface AdminHandlers {
  status(): Promise<unknown>;
  /** The queues, or what waits in one of them. */
  queue(query: { readonly target?: string; readonly limit: number }): Promise<unknown>;
  order(order: QueueOrder, selection: QueueSelection): Promise<unknown>;
  testLink(test: { readonly link: string; readonly bytes: number }): Promise<unknown>;
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

/** The longest path of a socket is 108 bytes on Linux and 104 elsewhere, its end mark included. */
const SOCKET_PATH_BYTES = 100;
const BODY_LIMIT_BYTES = 65_536;
const LISTED_BY_DEFAULT = 100;
const LISTED_AT_MOST = 10_000;
const TESTED_AT_MOST_BYTES = 256 << 20;
/** A budget lifted for ever is no budget. */
const LIFTED_AT_MOST_MS = 31 * 86_400_000;
const ERRANDS: readonly StickErrand[] = ['import', 'export', 'visit'];
const ORDERS: readonly QueueOrder[] = ['hold', 'release', 'drop', 'raise', 'send'];

/** Throws GATEWAY_SOCKET_PATH for a path that is too long, GATEWAY_LISTEN when another gateway has the socket. */
export async function listenAdmin({ socketPath, handlers, clock, onFault }: AdminServerOptions): Promise<HttpListener> {
  if (utf8(socketPath).length > SOCKET_PATH_BYTES) {
    throw new PosternError(
      'GATEWAY_SOCKET_PATH',
      `${socketPath} is too long for a socket: ${SOCKET_PATH_BYTES} bytes at most. Set adminSocket to a shorter path, such as /run/postern/admin.sock.`,
      { path: socketPath, limitBytes: SOCKET_PATH_BYTES },
    );
  }
  await clearStaleSocket(socketPath);
  return await listenHttp({ listen: { socketPath }, routes: adminRoutes(handlers), clock, onFault });
}

function adminRoutes(handlers: AdminHandlers): HttpRoute[] {
  const json = (handle: (request: HttpRequest) => Promise<unknown>): HttpRoute['handle'] => (request) => answerJson(() => handle(request));
  return [
    { methods: ['GET'], path: '/status', handle: json(() => handlers.status()) },
    { methods: ['GET'], path: '/queue', handle: json(({ url }) => handlers.queue(queueQueryOf(url))) },
    ...ORDERS.map((order): HttpRoute => ({ methods: ['POST'], path: `/queue/${order}`, handle: json(async ({ body }) => handlers.order(order, selectionOf(await readJson(body)))) })),
    { methods: ['POST'], path: '/clock/confirm', handle: json(() => handlers.confirmClock()) },
    { methods: ['POST'], path: '/link-test', handle: json(async ({ body }) => handlers.testLink(linkTestOf(await readJson(body)))) },
    { methods: ['POST'], path: '/budget-lift', handle: json(async ({ body }) => handlers.liftBudget(liftOf(await readJson(body)))) },
    { methods: ['GET'], path: '/stick', handle: json(() => handlers.stickJob()) },
    { methods: ['POST'], path: '/stick', handle: json(async ({ body }) => handlers.startStick(stickOrderOf(await readJson(body)))) },
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

/** 200 with what the handler gives; 400 with the code and the message of what it refuses. Anything else is a fault, and a 500. */
async function answerJson(handle: () => Promise<unknown>): Promise<HttpReply> {
  try {
    return jsonReply(200, await handle());
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    return jsonReply(400, { code: thrown.code, message: thrown.message, data: thrown.data });
  }
}

function jsonReply(status: number, value: unknown): HttpReply {
  return { status, headers: { 'content-type': 'application/json' }, body: utf8(JSON.stringify(value)) };
}

async function readJson(body: AsyncIterable<Uint8Array>): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readSmallBody(body, BODY_LIMIT_BYTES);
  if (bytes === undefined) throw badRequest(`the body has more than ${BODY_LIMIT_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(asBuffer(bytes).toString('utf8'));
  } catch (thrown) {
    throw badRequest(`the body is no JSON (${messageOf(thrown)})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('the body is no JSON object');
  return value as Readonly<Record<string, unknown>>;
}

function queueQueryOf(url: string): { target?: string; limit: number } {
  const query = new URL(url, 'http://postern').searchParams;
  const target = query.get('target');
  const limit = Number(query.get('limit') ?? LISTED_BY_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LISTED_AT_MOST) throw badRequest(`limit is a number from 1 to ${LISTED_AT_MOST}`);
  return { limit, ...(target !== null && { target }) };
}

/** An order for everything at once must not come about by a slip: at least one of the three is given. */
function selectionOf(value: Readonly<Record<string, unknown>>): QueueSelection {
  const { target, destination, record, ...rest } = value;
  if (Object.keys(rest).length > 0) throw badRequest(`there is no "${Object.keys(rest)[0] ?? ''}" to select by: target, destination and record are`);
  if (target === undefined && destination === undefined && record === undefined) throw badRequest('nothing is selected: give a target, a destination or a record');
  if (target !== undefined && typeof target !== 'string') throw badRequest('target is the name of a queue');
  if (destination !== undefined && typeof destination !== 'string') throw badRequest('destination is a domain');
  if (record !== undefined && (typeof record !== 'string' || !/^[0-9a-f]{8,64}$/.test(record))) throw badRequest('record is the beginning of its hash, 8 to 64 hex digits');
  return { ...(target !== undefined && { target }), ...(destination !== undefined && { destination }), ...(record !== undefined && { record }) };
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

function badRequest(found: string): PosternError {
  return new PosternError('GATEWAY_ADMIN_REQUEST', `The request cannot be used: ${found}.`, { found });
}

/** A gateway that was killed leaves its socket behind; one that runs answers on it. */
async function clearStaleSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw taken(socketPath, 'EEXIST', 'there is a file which is no socket. Move it away, or set adminSocket to another path');
  if (await isAnswered(socketPath)) throw taken(socketPath, 'EADDRINUSE', 'another gateway runs on this data folder. Stop it first');
  await unlink(socketPath);
}

function taken(address: string, systemCode: string, advice: string): PosternError {
  return new PosternError('GATEWAY_LISTEN', `Cannot listen on ${address}: ${advice}.`, { address, systemCode });
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // A queue that is full, or a socket of somebody else, is no stale one.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
