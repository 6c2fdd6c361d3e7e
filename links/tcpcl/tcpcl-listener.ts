/**
 * The door where neighbours come in, shared by the links of all of them. Whoever knocks is handed to the link of
 * the neighbour whose pinned key TLS has proved or, where plain TCP is allowed, of the one it names. Anybody else
 * costs a bounded number of sockets for a bounded time, and never the door.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { equalBytes, toHex } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { messageOf, PosternError } from '../../base/errors.js';
import { isLoopbackHost } from '../../base/peer-address.js';
import type { TlsIdentity } from '../../base/tls-identity.js';
import { Connection, type ConnectionOwner, type Dismissal, type Introduction } from './connection.js';
import type { TcpclLog } from './tcpcl-log.js';

export interface TcpclListenerOptions {
  readonly host: string;
  /** 0: any free port; `port` tells which. */
  readonly port: number;
  /** Absent: no TLS, and only this machine may come in unless `allowPlain`. */
  readonly identity?: TlsIdentity;
  /** Lets other machines in without TLS, for those neighbours whose link allows it, too. */
  readonly allowPlain?: boolean;
  /** From the connection to the established session. */
  readonly handshakeMs?: number;
  readonly clock: Clock;
  readonly log?: TcpclLog;
}

/** What a link expects of its neighbour at the door. */
export interface Claim {
  readonly peerKey?: Uint8Array;
  readonly peerNodeId?: string;
  readonly allowPlain: boolean;
  /** Takes the neighbour in, or says why not. */
  accept(): ConnectionOwner | Dismissal;
}

const DEFAULT_HANDSHAKE_MS = 20_000;
/** Connections of nobody we know yet, in all; the oldest makes room for the newest. */
const UNPROVED = 64;
/** And from one address, so that no single machine can crowd out the others. */
const UNPROVED_PER_ADDRESS = 8;
const TELL_EVERY_MS = 10_000;
/** Of a name that a stranger gives itself. */
const NAME_CHARACTERS = 100;
const MAPPED_IPV4 = /^::ffff:(?=[\d.]+$)/;

export class TcpclListener {
  readonly #options: TcpclListenerOptions;
  readonly #claims = new Set<Claim>();
  /** In order of arrival, with where they came from. */
  readonly #unproved = new Map<Connection, string>();
  #server: Server | undefined;
  #boundPort = 0;
  #toldMs = -Infinity;
  /** Opening and closing, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: TcpclListenerOptions) {
    this.#options = options;
  }

  /** Where it listens; 0 while it does not. */
  get port(): number {
    return this.#boundPort;
  }

  /** @throws LINK_LISTEN */
  async attach(claim: Claim): Promise<void> {
    this.#claims.add(claim);
    try {
      await this.#enqueue(() => this.#adjust());
    } catch (thrown) {
      this.#claims.delete(claim);
      throw thrown;
    }
  }

  /** Closes the door when nobody has a claim any more. The connections of a link are its own to end. */
  async detach(claim: Claim): Promise<void> {
    this.#claims.delete(claim);
    await this.#enqueue(() => this.#adjust());
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(step);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #adjust(): Promise<void> {
    if (this.#claims.size > 0 && this.#server === undefined) await this.#open();
    else if (this.#claims.size === 0 && this.#server !== undefined) await this.#close(this.#server);
  }

  async #open(): Promise<void> {
    const { host, port } = this.#options;
    const server = createServer((socket) => this.#accept(socket));
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host, port, exclusive: true }, resolve));
    } catch (cause) {
      throw new PosternError('LINK_LISTEN', `Cannot listen for TCPCL on ${host} port ${port}: ${messageOf(cause)}. Free the port or configure another.`, { host, port }, { cause });
    }
    server.removeAllListeners('error');
    server.on('error', (error) => this.#options.log?.('warn', 'the TCPCL listener could not take a connection', { reason: messageOf(error) }));
    this.#server = server;
    this.#boundPort = (server.address() as AddressInfo).port;
  }

  async #close(server: Server): Promise<void> {
    this.#server = undefined;
    this.#boundPort = 0;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of this.#unproved.keys()) connection.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const address = (socket.remoteAddress ?? '').replace(MAPPED_IPV4, '');
    const fromHere = [...this.#unproved.values()].filter((other) => other === address).length;
    if (address === '' || fromHere >= UNPROVED_PER_ADDRESS) {
      socket.destroy();
      return;
    }
    if (this.#unproved.size >= UNPROVED) this.#unproved.keys().next().value?.destroy();
    const { identity, allowPlain, handshakeMs = DEFAULT_HANDSHAKE_MS, clock } = this.#options;
    const local = isLoopbackHost(address);
    const connection: Connection = new Connection({
      socket,
      role: {
        side: 'passive',
        identify: (introduction) => {
          const found = this.#identify(introduction, address, local);
          if ('terms' in found) this.#unproved.delete(connection);
          return found;
        },
        gone: ({ reason, error }) => {
          this.#unproved.delete(connection);
          this.#tell(reason, address, error);
        },
      },
      ...(identity === undefined ? {} : { identity }),
      ...(local || allowPlain === true ? {} : { plainFault: new PosternError('LINK_PLAIN', `${address} does not use TLS, and comes from another machine.`, { address }) }),
      handshakeMs,
      clock,
    });
    this.#unproved.set(connection, address);
  }

  /** Anybody can knock, so that only now and then a knock is worth a line that operators see. */
  #tell(reason: string, address: string, error: PosternError | undefined): void {
    const nowMs = this.#options.clock.monotonicMs();
    const worthIt = (error?.code === 'LINK_PEER_KEY' || error?.code === 'LINK_PLAIN') && nowMs - this.#toldMs >= TELL_EVERY_MS;
    if (worthIt) this.#toldMs = nowMs;
    this.#options.log?.(worthIt ? 'warn' : 'debug', 'somebody was not let in', { address, reason });
  }

  #identify({ nodeId, secured, key }: Introduction, address: string, local: boolean): ConnectionOwner | Dismissal {
    const claims = [...this.#claims];
    const proved = key === undefined ? undefined : claims.find(({ peerKey }) => peerKey !== undefined && equalBytes(peerKey, key));
    if (proved !== undefined) return proved.accept();
    const named = nodeId === '' ? undefined : claims.find(({ peerNodeId }) => peerNodeId === nodeId);
    if (named !== undefined && (local || named.allowPlain) && !(secured && named.peerKey !== undefined)) return named.accept();
    const name = JSON.stringify(nodeId.slice(0, NAME_CHARACTERS));
    if (!secured) return { reason: 'contact-failure', error: new PosternError('LINK_PLAIN', `${address} calls itself ${name}, and no neighbour of that name may come in without TLS.`, { address }) };
    const found = key === undefined ? 'no Ed25519 key' : toHex(key);
    const pinned = named?.peerKey === undefined ? 'the keys of our neighbours' : toHex(named.peerKey);
    const text = `${address} calls itself ${name} and proved a key that is not pinned: found ${found}, pinned ${pinned}. If a neighbour has a new key, pair with it again.`;
    return { reason: 'contact-failure', error: new PosternError('LINK_PEER_KEY', text, { address, found, pinned }) };
  }
}
