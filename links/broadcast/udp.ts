/** Datagrams over UDP: to one address, unicast or multicast, and from one port with the groups that are heard on it. */
import { createSocket, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { messageOf, PosternError } from '../../base/errors.js';
import type { DatagramSender, DatagramSource } from './datagrams.js';

export interface UdpSenderOptions {
  /** A multicast group, a broadcast address or a host. */
  readonly host: string;
  readonly port: number;
  /** The address of the interface that multicast leaves by. Absent: the system's choice. */
  readonly interfaceAddress?: string;
  /** How many routers a multicast datagram may cross. */
  readonly ttl: number;
}

export interface UdpSourceOptions {
  /** The address to listen at; all of them for multicast, which is told apart by its groups. */
  readonly host: string;
  readonly port: number;
  readonly groups: readonly string[];
  readonly interfaceAddress?: string;
  readonly receiveBufferBytes: number;
}

/** Faults of the moment: the buffers are full, or somebody on the way said that nobody listens. The medium loses datagrams anyway. */
const PASSING = new Set(['ENOBUFS', 'EAGAIN', 'ENOMEM', 'ECONNREFUSED']);

export class UdpSender implements DatagramSender {
  readonly #options: UdpSenderOptions;
  #socket: Socket | undefined;
  #failed: (reason: string) => void = () => undefined;

  constructor(options: UdpSenderOptions) {
    this.#options = options;
  }

  async open(failed: (reason: string) => void): Promise<void> {
    const { host, interfaceAddress, ttl } = this.#options;
    this.#failed = failed;
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    await bound(socket, { port: 0 });
    if (isMulticast(host)) {
      socket.setMulticastTTL(ttl);
      if (interfaceAddress !== undefined) socket.setMulticastInterface(interfaceAddress);
    } else if (isIP(host) === 4) {
      // Without it the broadcast address of a network cannot be sent to.
      socket.setBroadcast(true);
    }
    socket.on('error', (error) => this.#failed(messageOf(error)));
    this.#socket = socket;
  }

  send(datagram: Uint8Array): void {
    const { host, port } = this.#options;
    this.#socket?.send(datagram, port, host, (error) => {
      if (error !== null && !PASSING.has((error as NodeJS.ErrnoException).code ?? '')) this.#failed(messageOf(error));
    });
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await closed(socket);
  }
}

export class UdpSource implements DatagramSource {
  readonly #options: UdpSourceOptions;
  #socket: Socket | undefined;
  #boundPort = 0;

  constructor(options: UdpSourceOptions) {
    this.#options = options;
  }

  /** The real port where the options say 0; 0 while closed. */
  get port(): number {
    return this.#boundPort;
  }

  /** @throws LINK_LISTEN */
  async open(take: (datagram: Uint8Array) => void): Promise<void> {
    const { host, port, groups, interfaceAddress, receiveBufferBytes } = this.#options;
    // Several processes of one machine may hear the same group; one host address has one listener.
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', reuseAddr: groups.length > 0 });
    try {
      await bound(socket, { address: host, port, exclusive: true });
      for (const group of groups) socket.addMembership(group, interfaceAddress);
    } catch (cause) {
      await closed(socket);
      throw new PosternError('LINK_LISTEN', `Cannot listen for broadcasts on ${host} port ${port}: ${messageOf(cause)}. Free the port, or look at the groups and the interface.`, { host, port }, { cause });
    }
    try {
      socket.setRecvBufferSize(receiveBufferBytes);
    } catch {
      // The system gives what it has; what overflows is lost like anything on the way.
    }
    socket.on('error', () => undefined);
    socket.on('message', (message) => take(message));
    this.#socket = socket;
    this.#boundPort = socket.address().port;
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#boundPort = 0;
    if (socket !== undefined) await closed(socket);
  }
}

/** RFC 5771, RFC 4291 §2.7 */
export function isMulticast(address: string): boolean {
  return isIPv6(address) ? /^ff/i.test(address) : /^(22[4-9]|23\d)\./.test(address);
}

function bound(socket: Socket, where: { address?: string; port: number; exclusive?: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(where, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
