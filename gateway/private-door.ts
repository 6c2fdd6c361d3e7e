/**
 * A door for the commands of this machine: HTTP with JSON on a unix socket that only its owner can open. Who can open it
 * may see and do everything, so faults of a request are told in full.
 */
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { asBuffer, utf8 } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { isPosternError, messageOf, PosternError } from '../base/errors.js';
import { readSmallBody } from './http-body.js';
import type { HttpReply, HttpRequest, HttpRoute } from './http-route.js';
import { type HttpListener, listenHttp } from './http-server.js';

export interface PrivateDoorOptions {
  readonly socketPath: string;
  /** What names the socket, for messages. */
  readonly setting: string;
  readonly routes: readonly HttpRoute[];
  readonly clock: Clock;
  readonly onFault: (thrown: unknown) => void;
}

/** The longest path of a socket is 108 bytes on Linux and 104 elsewhere, its end mark included. */
const SOCKET_PATH_BYTES = 100;
const BODY_LIMIT_BYTES = 65_536;

/** Throws GATEWAY_SOCKET_PATH for a path that is too long, GATEWAY_LISTEN when another process has the socket. */
export async function openPrivateDoor({ socketPath, setting, routes, clock, onFault }: PrivateDoorOptions): Promise<HttpListener> {
  if (utf8(socketPath).length > SOCKET_PATH_BYTES) {
    throw new PosternError(
      'GATEWAY_SOCKET_PATH',
      `${socketPath} is too long for a socket: ${SOCKET_PATH_BYTES} bytes at most. Set ${setting} to a shorter path, such as /run/postern/admin.sock.`,
      { path: socketPath, limitBytes: SOCKET_PATH_BYTES },
    );
  }
  await clearStaleSocket(socketPath, setting);
  return await listenHttp({ listen: { socketPath }, routes, clock, onFault });
}

/** Answers 200 with what the handler gives; 400 with the code and the message of what it refuses. Anything else is a fault, and a 500. */
export function jsonRoute(method: 'GET' | 'POST', path: string, handle: (request: HttpRequest) => Promise<unknown>): HttpRoute {
  return { methods: [method], path, handle: (request) => answerJson(() => handle(request)) };
}

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

export async function readJson(body: AsyncIterable<Uint8Array>): Promise<Readonly<Record<string, unknown>>> {
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

export function badRequest(found: string): PosternError {
  return new PosternError('GATEWAY_ADMIN_REQUEST', `The request cannot be used: ${found}.`, { found });
}

/** A process that was killed leaves its socket behind; one that runs answers on it. */
async function clearStaleSocket(socketPath: string, setting: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw taken(socketPath, 'EEXIST', `there is a file which is no socket. Move it away, or set ${setting} to another path`);
  if (await isAnswered(socketPath)) throw taken(socketPath, 'EADDRINUSE', 'another process answers there: a gateway on the same data folder, for example. Stop it first');
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
