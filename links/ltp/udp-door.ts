/**
 * One UDP socket for the LTP links of all neighbours (RFC 7122). LTP proves nobody: a datagram is a neighbour's if it
 * comes from the address that the configuration gives for it, and whatever else comes is dropped without a word.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { messageOf, PosternError } from '../../base/errors.js';
import type { Datagrams } from './datagrams.js';

export interface UdpDoorOptions {
  readonly host: string;
  /** 0: any free port; `port` tells which. */
  readonly port: number;
}

export interface UdpPeer {
  /** An address, not a name: strangers are told apart by it. */
  readonly host: string;
  readonly port: number;
  /** Where its datagrams come from; `any` for stacks such as ION, which send from a port of their own choice. */
  readonly fromPort: number | 'any';
}

/** Asked of the system, which may give less. A burst of a fast contact has to fit while the gateway is busy. */
const BUFFER_BYTES = 4 * 1024 * 1024;
const MAPPED_IPV4 = /^::ffff:(?=[\d.]+$)/;

interface Way {
  readonly peer: UdpPeer;
  readonly receive: (datagram: Uint8Array) => void;
}

export class UdpDoor {
  readonly #options: UdpDoorOptions;
  readonly #ways = new Set<Way>();
  #socket: Socket | undefined;
  /** Sends that the system has not taken yet. */
  #leaving = 0;
  #allLeft: (() => void) | undefined;
  #boundPort = 0;
  #lastPort = 0;
  /** Opening and closing, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: UdpDoorOptions) {
    this.#options = options;
  }

  /** Where it listens; 0 while it does not. */
  get port(): number {
    return this.#boundPort;
  }

  /** The datagrams to and from one neighbour. The socket is open while one of them is. */
  wayTo(peer: UdpPeer): Datagrams {
    let way: Way | undefined;
    return {
      open: async (receive) => {
        way = { peer, receive };
        this.#ways.add(way);
        try {
          await this.#adjust();
        } catch (thrown) {
          this.#ways.delete(way);
          throw thrown;
        }
      },
      send: (parts) => this.#send(parts, peer),
      close: async () => {
        if (way !== undefined) this.#ways.delete(way);
        await this.#adjust();
      },
    };
  }

  #send(parts: readonly Uint8Array[], { host, port }: UdpPeer): void {
    if (this.#socket === undefined) return;
    this.#leaving++;
    // A datagram that cannot be sent is one that was lost.
    this.#socket.send(parts, port, host, () => {
      if (--this.#leaving === 0) this.#allLeft?.();
    });
  }

  #adjust(): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.#ways.size > 0 && this.#socket === undefined) await this.#open();
      else if (this.#ways.size === 0 && this.#socket !== undefined) await this.#close(this.#socket);
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #open(): Promise<void> {
    const { host, port } = this.#options;
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    try {
      // A port the system has chosen is kept, so that peers find us again.
      socket.bind(port === 0 ? this.#lastPort : port, host);
      await once(socket, 'listening');
    } catch (thrown) {
      socket.close();
      throw new PosternError('LINK_LISTEN', `Cannot take LTP datagrams on ${host}, port ${port}: ${messageOf(thrown)}.`, { host, port }, { cause: thrown });
    }
    socket.on('error', () => undefined);
    socket.on('message', (datagram, from) => this.#onDatagram(datagram, from));
    socket.setRecvBufferSize(BUFFER_BYTES);
    this.#socket = socket;
    this.#lastPort = this.#boundPort = socket.address().port;
  }

  async #close(socket: Socket): Promise<void> {
    this.#socket = undefined;
    this.#boundPort = 0;
    if (this.#leaving > 0) await new Promise<void>((resolve) => (this.#allLeft = resolve));
    socket.close();
    await once(socket, 'close');
  }

  #onDatagram(datagram: Uint8Array, { address, port }: RemoteInfo): void {
    const host = address.replace(MAPPED_IPV4, '');
    for (const { peer, receive } of this.#ways) {
      if (peer.host === host && (peer.fromPort === 'any' || peer.fromPort === port)) receive(datagram);
    }
  }
}
