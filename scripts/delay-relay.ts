/** A TCP relay that holds every byte back for a while, both ways: a link with light time, on one machine. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface DelayRelay {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Cuts every connection that stands now, as a dropped line would. */
  cut(): void;
  /** Cuts everything and listens no more. Safe to call twice. */
  stop(): Promise<void>;
}

/** Enough to fill a fast line with seconds of delay, and no more. */
const LONG_LINE_BYTES = 16 * 1024 * 1024;

/** @param lineBytes what may be under way in one direction: lineBytes in delayMs is the rate of the line. */
export async function startDelayRelay(toPort: number, delayMs: number, lineBytes = LONG_LINE_BYTES): Promise<DelayRelay> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: toPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === near ? far : near).destroy();
      });
    }
    passOn(near, far, delayMs, lineBytes);
    passOn(far, near, delayMs, lineBytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => sockets.forEach((socket) => void socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async stop() {
      cut();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Timers of one length fire in the order they were set, so that bytes stay in order. */
function passOn(from: Socket, to: Socket, delayMs: number, lineBytes: number): void {
  let underWayBytes = 0;
  from.on('data', (bytes) => {
    underWayBytes += bytes.length;
    if (underWayBytes >= lineBytes) from.pause();
    after(delayMs, () => {
      // What the other side does not take in counts as under way until it does.
      to.write(bytes, () => {
        underWayBytes -= bytes.length;
        if (underWayBytes < lineBytes) from.resume();
      });
    });
  });
  from.on('end', () => after(delayMs, () => to.end()));
}

/** What is under way keeps nobody from ending. */
function after(delayMs: number, run: () => void): void {
  setTimeout(run, delayMs).unref();
}
