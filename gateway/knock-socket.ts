/**
 * The UDP socket for knocks. It only sends: what comes back, if anything does, is dropped unread, and a
 * destination that cannot be reached is the same as one that keeps silent.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { KnockSender } from './notify.js';

export class KnockSocket implements KnockSender {
  readonly #sockets = { udp4: openSocket('udp4'), udp6: openSocket('udp6') };

  knock(host: string, port: number, datagram: Uint8Array): void {
    const socket = this.#sockets[isIPv6(host) ? 'udp6' : 'udp4'];
    socket.send(datagram, port, host, () => undefined);
  }

  close(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }
}

function openSocket(type: 'udp4' | 'udp6'): Socket {
  const socket = createSocket(type);
  socket.on('error', () => undefined);
  socket.unref();
  return socket;
}
