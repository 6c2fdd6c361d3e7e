/**
 * A listener for HTTP: limits on what one connection and one address may take, TLS 1.3, one answer to
 * everything unknown, and a stop that lets work in hand finish. It writes no log, because the paths of
 * the public listener are capabilities; faults go to `onFault` without the request they belong to.
 */
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.js';
import { isPosternError, messageOf, PosternError } from '../base/errors.js';
import { isLoopbackHost } from '../base/peer-address.js';
import type { TlsIdentity } from '../base/tls-identity.js';
import type { Bounds } from './bounds.js';
import { RequestBody } from './http-body.js';
import { type ConnectionLimits, guardConnections, guardRequests } from './http-guards.js';
import { DEFAULT_PACE, Pace, type PaceLimits } from './http-pace.js';
import { writeReply } from './http-reply.js';
import { type HttpRoute, NOT_FOUND } from './http-route.js';

export interface HttpServerOptions {
  readonly listen: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly tls?: TlsIdentity;
  /** Plain HTTP for other machines: for networks that are protected by other means. */
  readonly allowPlainHttp?: boolean;
  readonly routes: readonly HttpRoute[];
  readonly limits?: Partial<HttpServerLimits>;
  readonly clock: Clock;
  readonly onFault: (thrown: unknown) => void;
  /** Where its bounds are asked for. */
  readonly bounds?: Bounds;
}

export interface HttpServerLimits extends ConnectionLimits {
  readonly headerBytes: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
  readonly pace: PaceLimits;
}

const DEFAULT_LIMITS: HttpServerLimits = {
  connections: 512,
  connectionsPerAddress: 64,
  requestsPerConnection: 4,
  headerBytes: 8192,
  headersMs: 15_000,
  keepAliveMs: 65_000,
  pace: DEFAULT_PACE,
};

/** How long the rest of a request that has its answer already is read away. */
const LINGER_MS = 2000;
const HEADERS_CHECK_MS = 2000;
/** What stands before the path when a proxy asks with a whole URL (RFC 9112 §3.2.2). */
const ORIGIN = /^https?:\/\/[^/]*/i;
const TLS_HANDSHAKE_MS = 15_000;

export interface HttpListener {
  /** The port that was given, or found when that was 0; 0 on a unix socket. */
  readonly port: number;
  /** Takes no new connection, lets requests in hand finish for so long, then closes what is left. Safe to call twice. */
  stop(graceMs: number): Promise<void>;
}

/** Throws GATEWAY_LISTEN or GATEWAY_PLAIN_HTTP when it cannot, or must not, listen there. */
export async function listenHttp(options: HttpServerOptions): Promise<HttpListener> {
  const { listen } = options;
  if ('host' in listen && options.tls === undefined && options.allowPlainHttp !== true && !isLoopbackHost(listen.host)) {
    const address = addressOf(listen);
    throw new PosternError('GATEWAY_PLAIN_HTTP', `${address} would be plain HTTP for other machines. Use TLS, listen on 127.0.0.1, or allow plain HTTP where the network itself is protected.`, { address });
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const atWork = new Set<Promise<void>>();
  const { server, ready } = makeServer(options, limits, atWork);
  const { sockets, limit } = guardConnections(server, limits);
  options.bounds?.add(() => [limit()]);
  await ready;
  await startListening(server, listen);
  const address = server.address() as AddressInfo | string;
  let stopped: Promise<void> | undefined;
  return {
    port: typeof address === 'string' ? 0 : address.port,
    stop: (graceMs) => (stopped ??= stop(server, sockets, atWork, graceMs, options.clock)),
  };
}

function makeServer(options: HttpServerOptions, limits: HttpServerLimits, atWork: Set<Promise<void>>): { server: Server; ready: PromiseLike<unknown> } {
  const { tls } = options;
  const shared = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: HEADERS_CHECK_MS,
    keepAliveTimeout: limits.keepAliveMs,
    // How long a body may take is a matter of its pace, not of the clock.
    requestTimeout: 0,
    requireHostHeader: false,
  };
  const server = tls === undefined ? createServer(shared) : createTlsServer({ ...shared, ...tlsOptionsOf(tls) });
  const answer = (route: HttpRoute | undefined, request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    const work = serve(route, request.raw, reply.raw, { options, limits, server });
    atWork.add(work);
    void work.finally(() => atWork.delete(work));
  };
  const app = Fastify({
    serverFactory(listener) {
      const guarded = guardRequests(listener, limits);
      // An expectation we do not know is no reason for another kind of answer.
      return server.on('request', guarded).on('checkExpectation', guarded);
    },
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    // What is not HTTP gets no answer.
    clientErrorHandler: (_error, socket) => void socket.destroy(),
    frameworkErrors: (_error, request, reply) => answer(undefined, request, reply),
  });
  // Bodies are read by the routes, whatever type they claim to have.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  for (const route of options.routes) {
    app.route({ method: [...route.methods], url: route.path, handler: (request, reply) => answer(route, request, reply) });
  }
  app.setNotFoundHandler((request, reply) => answer(undefined, request, reply));
  app.setErrorHandler((_error, request, reply) => answer(undefined, request, reply));
  return { server, ready: app.ready() };
}

function tlsOptionsOf(tls: TlsIdentity): TlsOptions {
  return { cert: tls.certPem, key: tls.keyPem, minVersion: 'TLSv1.3', handshakeTimeout: TLS_HANDSHAKE_MS };
}

interface Surroundings {
  readonly options: HttpServerOptions;
  readonly limits: HttpServerLimits;
  readonly server: Server;
}

async function serve(route: HttpRoute | undefined, request: IncomingMessage, response: ServerResponse, { options, limits, server }: Surroundings): Promise<void> {
  const { socket } = request;
  const pace = new Pace(options.clock, limits.pace, () => socket.destroy());
  const body = new RequestBody(request, pace);
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  socket.once('close', leave);
  if (socket.destroyed) leave();
  let reply = NOT_FOUND;
  try {
    const { method = '', headers, url = '' } = request;
    if (route !== undefined) reply = await route.handle({ method, headers, address: request.socket.remoteAddress ?? '', url: url.replace(ORIGIN, ''), body, signal: gone.signal });
  } catch (thrown) {
    reply = { status: 500 };
    // Whose body breaks off is gone: nothing of ours has failed.
    if (!isPosternError(thrown) || thrown.code !== 'GATEWAY_BODY_BROKEN') options.onFault(thrown);
  }
  // The last answer of a connection says so, and the peer makes another when it needs one.
  if (!server.listening) response.shouldKeepAlive = false;
  const whole = await writeReply(request, response, reply, pace, gone.signal).catch((thrown: unknown) => {
    options.onFault(thrown);
    return false;
  });
  try {
    reply.over?.(whole);
  } catch (thrown) {
    options.onFault(thrown);
  }
  await linger(request, body, options.clock);
  socket.off('close', leave);
}

/** A connection that is closed while the peer still sends may take the answer with it. */
async function linger(request: IncomingMessage, body: RequestBody, clock: Clock): Promise<void> {
  if (request.complete) return;
  const timer = clock.timer(LINGER_MS, () => request.socket.destroy());
  await body.drain();
  timer.cancel();
}

const LISTEN_ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there. Stop it, or choose another port',
  EACCES: 'this user may not listen there. Choose a port above 1023 (or a socket in a folder of its own), or grant CAP_NET_BIND_SERVICE',
  ENOENT: 'the folder of the socket does not exist. Make it, or choose another',
  EADDRNOTAVAIL: 'this machine has no such address. Choose one of its own, or 0.0.0.0 for all',
  ENOTFOUND: 'this name is not known. Give an address',
};

async function startListening(server: Server, listen: HttpServerOptions['listen']): Promise<void> {
  try {
    if ('host' in listen) server.listen({ host: listen.host, port: listen.port });
    else listenPrivately(server, listen.socketPath);
    await once(server, 'listening');
    if ('socketPath' in listen) await chmod(listen.socketPath, 0o600);
  } catch (thrown) {
    throw listenFault(addressOf(listen), thrown);
  }
}

/** @param address where it was to listen @param thrown what the system said */
export function listenFault(address: string, thrown: unknown): PosternError {
  const { code = '' } = thrown as NodeJS.ErrnoException;
  return new PosternError('GATEWAY_LISTEN', `Cannot listen on ${address}: ${LISTEN_ADVICE[code] ?? messageOf(thrown)}.`, { address, systemCode: code }, { cause: thrown });
}

/** A unix socket is its owner's alone from its first moment on; a folder that is made in that moment still works. */
function listenPrivately(server: Server, path: string): void {
  const umask = process.umask(0o077);
  try {
    server.listen({ path });
  } finally {
    process.umask(umask);
  }
}

function addressOf(listen: HttpServerOptions['listen']): string {
  return 'host' in listen ? `${listen.host}:${listen.port}` : listen.socketPath;
}

async function stop(server: Server, sockets: ReadonlySet<Socket>, atWork: ReadonlySet<Promise<void>>, graceMs: number, clock: Clock): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timer = clock.timer(graceMs, () => {
    for (const socket of sockets) socket.destroy();
  });
  await closed;
  timer.cancel();
  // Whose connection was closed is told by its signal, and has still to come to an end.
  await Promise.all(atWork);
}
