/**
 * TCP through a relay. A connection is made, carries bytes and ends as over the link itself: that it is wanted travels first, and
 * each end hears of the other's doings when light has had its time. Outside of windows connections stand and nothing moves, as
 * when TCP sends again and again until somebody answers; a cut breaks them.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { listenFault } from '../gateway/http-server.js';
import { addressText } from './relay-door.js';
import type { Door, OpenDoor } from './relay-door.js';
import type { Flow, RelayWay } from './relay-way.js';

/** Through one door at once; whoever comes then is turned away. */
const MOST_CONNECTIONS = 256;
const MARK = new Uint8Array();

interface Connection {
  readonly near: Socket;
  far: Socket | undefined;
  readonly flows: readonly [there: Flow, back: Flow];
}

/** Throws GATEWAY_LISTEN. @param there towards the target */
export async function openTcpDoor({ listen, target }: Door, there: RelayWay, back: RelayWay): Promise<OpenDoor> {
  const connections = new Set<Connection>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
    near.on('error', () => undefined);
    if (connections.size >= MOST_CONNECTIONS || there.isCut || back.isCut) {
      near.resetAndDestroy();
      return;
    }
    carry(near);
  });

  const carry = (near: Socket): void => {
    const connection: Connection = { near, far: undefined, flows: [newFlow(), newFlow()] };
    const [out] = connection.flows;
    connections.add(connection);
    there.statistics.connections += 1;
    there.stream(out, MARK, () => {
      const far = connect({ host: target.host, port: target.port, allowHalfOpen: true });
      connection.far = far;
      far.setNoDelay(true).on('error', () => undefined);
      passOn(far, () => near, back, connection.flows[1]);
      far.on('close', () => forget(connection));
    });
    near.setNoDelay(true).on('close', () => forget(connection));
    passOn(near, () => connection.far, there, out);
  };

  const forget = (connection: Connection): void => {
    if (!connection.near.closed || connection.far?.closed === false) return;
    // What is still on its way has nobody to come to.
    for (const flow of connection.flows) flow.isOver = true;
    connections.delete(connection);
  };

  const cut = (): void => {
    for (const { near, far, flows } of connections) {
      for (const flow of flows) flow.isOver = true;
      there.statistics.brokenConnections += 1;
      near.resetAndDestroy();
      far?.resetAndDestroy();
    }
  };

  try {
    server.listen(listen.port, listen.host);
    await once(server, 'listening');
  } catch (thrown) {
    throw listenFault(addressText(listen), thrown);
  }
  server.on('error', () => undefined);
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async stop() {
      cut();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function newFlow(): Flow {
  return { isOver: false, lastArrivalUs: 0 };
}

/** Everything that one end does, for the other end, in its order: bytes, the end of them, a reset. */
function passOn(from: Socket, to: () => Socket | undefined, way: RelayWay, flow: Flow): void {
  const resume = (): void => void from.resume();
  from.on('data', (bytes: Buffer) => {
    way.stream(flow, bytes, (arrived, taken) => {
      const socket = to();
      if (socket === undefined || !socket.writable) return taken();
      socket.write(arrived, () => taken());
    });
    if (!way.isFull) return;
    from.pause();
    way.whenRoom(resume);
  });
  from.on('end', () => way.stream(flow, MARK, () => void to()?.end()));
  from.on('close', () => {
    // Who has heard everything and said everything has come to a clean end, and the other end knows.
    if (from.readableEnded && from.writableFinished) return;
    way.stream(flow, MARK, () => void to()?.resetAndDestroy());
  });
  from.resume();
}
