/** What one client may take of a listener: connections, and requests at once on each. Beyond it, the connection is cut without a word. */
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { addressGroup } from '../base/address-group.js';
import type { LinkLimit } from '../links/link.js';

export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Requests under way at once on one connection: a client that pipelines more is cut off. */
  readonly requestsPerConnection: number;
}

/** Bounds the connections: all of them, and those of one address. Returns the open ones, and how it stands with the bound. */
export function guardConnections(server: Server, limits: ConnectionLimits): { readonly sockets: Set<Socket>; readonly limit: () => LinkLimit } {
  const sockets = new Set<Socket>();
  let refused = 0;
  server.on('drop', () => {
    refused += 1;
  });
  const perAddress = new Map<string, number>();
  server.maxConnections = limits.connections;
  server.on('connection', (socket: Socket) => {
    const address = addressGroup(socket.remoteAddress ?? '');
    const count = (perAddress.get(address) ?? 0) + 1;
    perAddress.set(address, count);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
    if (count <= limits.connectionsPerAddress || address === '') return;
    refused += 1;
    socket.destroy();
  });
  return { sockets, limit: () => ({ name: 'connections for HTTP', unit: 'count', used: sockets.size, most: limits.connections, refused }) };
}

/** Keeps count of the requests on each connection. One chunk of a hostile client may hold thousands: after the cut none of them is looked at. */
export function guardRequests(listener: RequestListener, limits: ConnectionLimits): RequestListener {
  const underWay = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    const count = underWay.get(socket) ?? 0;
    if (count >= limits.requestsPerConnection) socket.destroy();
    if (socket.destroyed) return;
    underWay.set(socket, count + 1);
    response.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
    listener(request, response);
  };
}
