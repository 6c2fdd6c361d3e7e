/**
 * UDP through a relay. Each node of a link has a socket here that stands for it: what is sent to that goes over the link to the
 * node, and comes out of the socket that stands for the other, so that each finds its neighbour at one address.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { listenFault } from '../gateway/http-server.js';
import { addressText } from './relay-door.js';
import type { Door, OpenDoor } from './relay-door.js';
import type { RelayWay } from './relay-way.js';

/** Asked of the system, which may give less: datagrams that come while this process is busy wait there. */
const BUFFER_BYTES = 4 * 1024 * 1024;

export interface UdpDoor extends OpenDoor {
  /** Hands what comes in over to the target from now on, out of this socket. */
  leaveBy(socket: Socket, isNeighbour: (host: string) => boolean): void;
  readonly socket: Socket;
}

/** Throws GATEWAY_LISTEN. Nothing is handed on before `leaveBy`. */
export async function openUdpDoor({ listen, target }: Door, way: RelayWay): Promise<UdpDoor> {
  const socket = createSocket(isIPv6(listen.host) ? 'udp6' : 'udp4');
  try {
    socket.bind(listen.port, listen.host);
    await once(socket, 'listening');
  } catch (thrown) {
    socket.close();
    throw listenFault(addressText(listen), thrown);
  }
  socket.setRecvBufferSize(BUFFER_BYTES);
  socket.setSendBufferSize(BUFFER_BYTES);
  // A neighbour that is not there is no fault of the relay: what is sent to it is lost.
  socket.on('error', () => undefined);
  let strangers = 0;
  let isOpen = true;
  return {
    socket,
    port: socket.address().port,
    get strangers() {
      return strangers;
    },
    leaveBy(out, isNeighbour) {
      socket.on('message', (bytes, from) => {
        if (!isNeighbour(from.address)) {
          strangers += 1;
          return;
        }
        way.datagram(bytes, (arrived) => {
          if (isOpen) out.send(arrived, target.port, target.host, () => undefined);
        });
      });
    },
    cut: () => undefined,
    async stop() {
      if (!isOpen) return;
      isOpen = false;
      socket.close();
      await once(socket, 'close');
    },
  };
}
