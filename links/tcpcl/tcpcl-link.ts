/**
 * The TCPCL link to one neighbour (RFC 9174): dials it, lets it in through a listener, or both. Every unit is one
 * transfer, and it is confirmed when the neighbour's gateway has dealt with it: the last acknowledgement is sent
 * after `deliver` has resolved, and a refusal becomes XFER_REFUSE. What a broken contact left undone is told as
 * unreachable; when to try again is the gateway's business, when to dial again is ours.
 */
import { strict as assert } from 'node:assert';
import type { Socket } from 'node:net';
import type { Backoff } from '../../base/backoff.js';
import type { Clock, Timer } from '../../base/clock.js';
import { PosternError } from '../../base/errors.js';
import { isLoopbackHost } from '../../base/peer-address.js';
import type { Random } from '../../base/random.js';
import type { TlsIdentity } from '../../base/tls-identity.js';
import type { Deliver, DeliverResult, Freight, Link, LinkStatus, LinkSupport, Outcome } from '../link.js';
import { takeOr } from '../take.js';
import { Connection, type ConnectionOwner, type Dismissal, type Ending, type Traffic } from './connection.js';
import { dial } from './dial.js';
import { Reconnect } from './reconnect.js';
import { keyFault } from './secure.js';
import type { SessionTerms } from './session-terms.js';
import type { Claim, TcpclListener } from './tcpcl-listener.js';
import type { TcpclLog } from './tcpcl-log.js';

export interface TcpclLinkOptions {
  /** The neighbour's name in the configuration: names the link, and whatever arrives. */
  readonly neighbour: string;
  /** Ours, told to the peer. */
  readonly nodeId: string;
  /** The neighbour's. Where nothing but its name is proved, it has to be this one. */
  readonly peerNodeId?: string;
  /** The key TLS has to prove. Without it, or without `identity`, the link runs only on this machine or with `allowPlain`. */
  readonly peerKey?: Uint8Array;
  readonly identity?: TlsIdentity;
  /** Lets the neighbour in. */
  readonly listener?: TcpclListener;
  /** Where to dial it. */
  readonly connect?: { readonly host: string; readonly port: number };
  /** Goes without TLS when the peer has none, on networks that are protected by other means. */
  readonly allowPlain?: boolean;
  /** The smaller of both sides' counts. 0: none. */
  readonly keepaliveSec?: number;
  /** The largest unit, both ways: the largest we take, and the largest `supports` promises to carry. */
  readonly largestBytes?: number;
  readonly segmentMruBytes?: number;
  /** Sends under way at once, and arrivals dealt with at once. */
  readonly parallel?: number;
  /** Hangs up when nothing has moved for so long, and dials when something is to be sent. Absent: stays connected. */
  readonly idleMs?: number;
  readonly reconnect?: Backoff;
  /** From dialling to the established session. */
  readonly handshakeMs?: number;
  /** A transfer that does not move for so long ends the session. One segment of 64 KiB has to fit in. */
  readonly progressMs?: number;
  /** How long an ending session waits for transfers in hand. */
  readonly drainMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: TcpclLog;
}

const DEFAULT_KEEPALIVE_SEC = 30;
const DEFAULT_LARGEST_BYTES = 4 * 1024 * 1024;
const DEFAULT_SEGMENT_BYTES = 100_000;
const DEFAULT_PARALLEL = 4;
const DEFAULT_HANDSHAKE_MS = 20_000;
const DEFAULT_PROGRESS_MS = 120_000;
const DEFAULT_DRAIN_MS = 30_000;
const DEFAULT_RECONNECT: Backoff = { firstMs: 1000, capMs: 60_000 };
/** HDTN 1.3.1 makes room for transfer MRU / segment MRU segments at once, and aborts when that is too much; 1000 works. */
const MRU_RATIO = 1000;
/** Connections of one neighbour, sessions on their way out included. RFC 9174 §2.1 lets it have several. */
const CONNECTIONS = 8;
const SESSIONS = 4;
/** A session may end just as something is to be sent over it. */
const ATTEMPTS = 2;

export class TcpclLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  onSignOfLife: (() => void) | undefined;
  readonly #options: TcpclLinkOptions;
  readonly #handshakeMs: number;
  readonly #terms: SessionTerms;
  readonly #claim: Claim;
  readonly #reconnect: Reconnect;
  readonly #traffic: Traffic = { sentBytes: 0, receivedBytes: 0 };
  /** In order of their making; the value says whether we dialled. */
  readonly #connections = new Map<Connection, 'dialled' | 'accepted'>();
  readonly #waiters = new Set<(reached: Connection | string) => void>();
  #state: 'stopped' | 'started' | 'stopping' = 'stopped';
  #stopped: Promise<void> = Promise.resolve();
  #deliver: Deliver | undefined;
  /** The attempt under way: a socket, then a session not yet established. */
  #dialling: { cancel: () => void } | undefined;
  #redial: Timer | undefined;
  #sending = 0;
  #turnedAway = 0;
  #lastError: string | undefined;

  constructor(options: TcpclLinkOptions) {
    const { neighbour, peerKey, peerNodeId, allowPlain = false, largestBytes = DEFAULT_LARGEST_BYTES, parallel = DEFAULT_PARALLEL } = options;
    assert(options.connect !== undefined || options.listener !== undefined, 'a link dials or listens');
    assert(peerKey === undefined || peerKey.length === 32, 'an Ed25519 key has 32 bytes');
    this.#options = options;
    this.name = `${neighbour}/tcpcl`;
    this.supports = { carries: 'bundle', answers: false, largestBytes, parallel, sendsAsItReads: true };
    this.#handshakeMs = options.handshakeMs ?? DEFAULT_HANDSHAKE_MS;
    this.#reconnect = new Reconnect(options.reconnect ?? DEFAULT_RECONNECT, options.random);
    this.#terms = {
      nodeId: options.nodeId,
      keepaliveSec: options.keepaliveSec ?? DEFAULT_KEEPALIVE_SEC,
      segmentMruBytes: Math.max(options.segmentMruBytes ?? DEFAULT_SEGMENT_BYTES, Math.ceil(largestBytes / MRU_RATIO)),
      transferMruBytes: largestBytes,
      inboundTransfers: parallel,
      progressMs: options.progressMs ?? DEFAULT_PROGRESS_MS,
      drainMs: options.drainMs ?? DEFAULT_DRAIN_MS,
      ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
    };
    this.#claim = {
      allowPlain,
      ...(peerKey === undefined ? {} : { peerKey }),
      ...(peerNodeId === undefined ? {} : { peerNodeId }),
      accept: () => this.#accept(),
    };
  }

  /** @throws LINK_LISTEN, LINK_PLAIN */
  async start(deliver: Deliver): Promise<void> {
    await this.#stopped;
    assert.equal(this.#state, 'stopped', 'a link is started once');
    this.#checkPlain();
    this.#deliver = deliver;
    // A neighbour may be at the door the moment it opens.
    this.#state = 'started';
    try {
      await this.#options.listener?.attach(this.#claim);
    } catch (thrown) {
      this.#state = 'stopped';
      throw thrown;
    }
    this.#stayConnected();
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    assert(this.#sending < this.supports.parallel, `${this.name} carries ${this.supports.parallel} units at once`);
    this.#sending++;
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const reached = await this.#reach(signal);
        if (typeof reached === 'string') return { kind: 'unreachable', reason: reached };
        const result = await reached.send(freight, signal);
        if (result !== 'untouched') return result;
      }
      return { kind: 'unreachable', reason: 'Each session ended just before this was begun.' };
    } finally {
      this.#sending--;
    }
  }

  stop(): Promise<void> {
    if (this.#state === 'started') {
      this.#state = 'stopping';
      this.#stopped = this.#end();
    }
    return this.#stopped;
  }

  status(): LinkStatus {
    const { lastContactMs, sentBytes, receivedBytes } = this.#traffic;
    return {
      state: this.#standing(),
      ...(lastContactMs === undefined ? {} : { lastContactMs }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      sentBytes,
      receivedBytes,
      limits: [{ name: 'connections', unit: 'count', used: this.#connections.size, most: CONNECTIONS, refused: this.#turnedAway }],
    };
  }

  #standing(): LinkStatus['state'] {
    if (this.#state !== 'started') return 'stopped';
    if (this.#usable() !== undefined) return 'up';
    return this.#options.idleMs !== undefined && this.#lastError === undefined ? 'idle' : 'down';
  }

  /** TLS and a pinned key, or an address that never leaves this machine, or the operator's word. */
  #checkPlain(): void {
    const { connect, identity, peerKey } = this.#options;
    if (connect === undefined || this.#mayBePlain() || (identity !== undefined && peerKey !== undefined)) return;
    const address = `${connect.host}:${connect.port}`;
    throw new PosternError('LINK_PLAIN', `${this.name} would talk to ${address} without knowing whom: pair with the neighbour to pin its key, or allow plain TCP where the network itself is protected.`, { address });
  }

  #mayBePlain(): boolean {
    const { allowPlain, connect } = this.#options;
    return allowPlain === true || (connect !== undefined && isLoopbackHost(connect.host));
  }

  /** The youngest session that takes new transfers. */
  #usable(): Connection | undefined {
    return [...this.#connections.keys()].findLast((connection) => connection.open);
  }

  /** A session to send over, or why there is none. */
  async #reach(signal: AbortSignal): Promise<Connection | string> {
    if (this.#state !== 'started') return 'The link is stopped.';
    if (signal.aborted) return 'The send was given up.';
    const usable = this.#usable();
    if (usable !== undefined) return usable;
    if (this.#options.connect === undefined) return 'The neighbour has not connected.';
    if (this.#dialling === undefined) {
      const waitMs = this.#reconnect.waitMs(this.#options.clock.monotonicMs());
      if (waitMs > 0) return `${this.#lastError ?? 'The session ended.'} The next attempt is due in ${Math.ceil(waitMs / 1000)} s.`;
      this.#dial(this.#options.connect);
    }
    return new Promise((resolve) => {
      const done = (reached: Connection | string): void => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', giveUp);
        resolve(reached);
      };
      const giveUp = (): void => done('The send was given up.');
      this.#waiters.add(done);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Dials whenever there is no session, unless the link is to be quiet while it has nothing to say. */
  #stayConnected(): void {
    const { connect, idleMs, clock } = this.#options;
    if (this.#state !== 'started' || connect === undefined || idleMs !== undefined) return;
    if (this.#dialling !== undefined || this.#redial !== undefined || this.#usable() !== undefined) return;
    this.#redial = clock.timer(this.#reconnect.waitMs(clock.monotonicMs()), () => {
      this.#redial = undefined;
      if (this.#dialling === undefined && this.#usable() === undefined) this.#dial(connect);
    });
  }

  #dial({ host, port }: { host: string; port: number }): void {
    const { clock } = this.#options;
    this.#reconnect.attempt(clock.monotonicMs());
    const reached = (socket: Socket): void => {
      const connection = this.#newConnection(socket, host);
      this.#dialling = { cancel: () => connection.end('unknown') };
    };
    this.#dialling = dial({ host, port, timeoutMs: this.#handshakeMs, clock }, reached, (reason) => this.#attemptFailed(reason));
  }

  #newConnection(socket: Socket, host: string): Connection {
    const { identity, peerKey, clock } = this.#options;
    const address = `${host}:${socket.remotePort ?? 0}`;
    const connection = new Connection({
      socket,
      role: { side: 'active', owner: this.#owner(), host },
      ...(identity === undefined ? {} : { identity }),
      ...(this.#mayBePlain() ? {} : { plainFault: new PosternError('LINK_PLAIN', `${address} offers no TLS. Nothing was sent.`, { address }) }),
      ...(peerKey === undefined ? {} : { keyFault: (key: Uint8Array | undefined) => keyFault(address, key, peerKey) }),
      handshakeMs: this.#handshakeMs,
      clock,
    });
    this.#connections.set(connection, 'dialled');
    return connection;
  }

  #accept(): ConnectionOwner | Dismissal {
    if (this.#state === 'started' && this.#connections.size < CONNECTIONS) return this.#owner();
    this.#turnedAway += 1;
    return { reason: 'busy' };
  }

  #owner(): ConnectionOwner {
    return {
      terms: this.#terms,
      traffic: this.#traffic,
      established: (connection) => this.#established(connection),
      deliver: (bytes) => this.#take(bytes),
      gone: (connection, ending) => this.#onGone(connection, ending),
    };
  }

  #take(bytes: AsyncIterable<Uint8Array>): Promise<DeliverResult> {
    return takeOr(this.#deliver!, { peer: this.#options.neighbour, bytes }, this.#log.bind(this));
  }

  #established(connection: Connection): void {
    if (this.#connections.get(connection) === 'dialled') this.#dialling = undefined;
    else this.#connections.set(connection, 'accepted');
    this.#lastError = undefined;
    this.#reconnect.signOfLife(this.#options.clock.monotonicMs());
    this.#log('info', 'session established', { peer: connection.peerNodeId ?? '' });
    this.#tellWaiters(connection);
    this.#thinOut(connection);
    this.onSignOfLife?.();
  }

  #attemptFailed(reason: string): void {
    this.#dialling = undefined;
    if (this.#usable() === undefined) this.#lastError = sentence(reason);
    this.#log('debug', 'the neighbour was not reached', { reason });
    this.#tellWaiters(sentence(reason));
    this.#stayConnected();
  }

  #tellWaiters(reached: Connection | string): void {
    for (const done of [...this.#waiters]) done(reached);
  }

  /** Both ends may have dialled at once: the session that the lesser node id made stays. And nobody needs many. */
  #thinOut(youngest: Connection): void {
    const open = [...this.#connections.keys()].filter((connection) => connection.open);
    const dialled = open.find((connection) => this.#connections.get(connection) === 'dialled');
    const peerNodeId = youngest.peerNodeId ?? '';
    if (dialled !== undefined && open.length > 1 && peerNodeId !== '' && this.#options.nodeId > peerNodeId) dialled.end('unknown');
    else if (open.length > SESSIONS) open[0]?.end('busy');
  }

  #onGone(connection: Connection, { reason, inOrder, error }: Ending): void {
    const wasDialling = this.#connections.get(connection) === 'dialled' && connection.peerNodeId === undefined;
    this.#connections.delete(connection);
    if (error !== undefined) this.#log('warn', 'session failed', { code: error.code, reason });
    else this.#log('info', 'session ended', { reason });
    if (wasDialling) return this.#attemptFailed(reason);
    if (!inOrder && this.#usable() === undefined) this.#lastError = sentence(reason);
    this.#stayConnected();
  }

  async #end(): Promise<void> {
    this.#redial?.cancel();
    this.#redial = undefined;
    this.#dialling?.cancel();
    this.#tellWaiters('The link is stopped.');
    const connections = [...this.#connections.keys()];
    for (const connection of connections) connection.end('unknown');
    await Promise.all(connections.map((connection) => connection.finished));
    await this.#options.listener?.detach(this.#claim);
    this.#state = 'stopped';
  }

  #log(level: Parameters<TcpclLog>[0], message: string, data: Parameters<TcpclLog>[2]): void {
    this.#options.log?.(level, message, { link: this.name, ...data });
  }
}

function sentence(reason: string): string {
  return reason.endsWith('.') ? reason : `${reason}.`;
}
