/** Ends of LTP links for the tests: a pair over UDP with a relay in between that can be cut. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Test } from 'tap';
import { systemClock } from '../../base/clock.js';
import { seededRandom } from '../../base/random.js';
import type { LineFace, LinkPair } from '../link.suite.js';
import { LtpLink, type LtpLinkOptions } from './ltp-link.js';
import { UdpDoor } from './udp-door.js';

const LOCAL = '127.0.0.1';

export const QUICK = { clock: systemClock, lightTimeMs: 0, marginMs: 400, retransmissions: 4, rateBytesPerSec: 10_000_000, drainMs: 2000 } as const;

/** Passes datagrams between two doors, each of which takes it for the other, while it is not cut. */
export class UdpLine implements LineFace {
  readonly #sockets: readonly [Socket, Socket];
  readonly #farPort: () => number;
  #isCut = false;
  /** Says what becomes of a datagram: as often as it gives one, it goes on. */
  passes: (datagram: Uint8Array, from: 'near' | 'far') => readonly Uint8Array[] = (datagram) => [datagram];

  private constructor(sockets: readonly [Socket, Socket], nearPort: () => number, farPort: () => number) {
    this.#sockets = sockets;
    this.#farPort = farPort;
    const [toNear, toFar] = sockets;
    // What comes in at the socket that near talks to leaves by the one that far talks to.
    toNear.on('message', (datagram, { port }) => {
      if (port === nearPort()) this.#pass(toFar, datagram, 'near', farPort());
    });
    toFar.on('message', (datagram, { port }) => {
      if (port === farPort()) this.#pass(toNear, datagram, 'far', nearPort());
    });
  }

  static async open(nearPort: () => number, farPort: () => number): Promise<UdpLine> {
    const sockets = [createSocket('udp4'), createSocket('udp4')] as const;
    for (const socket of sockets) {
      socket.bind(0, LOCAL);
      await once(socket, 'listening');
      socket.setRecvBufferSize(4 << 20);
    }
    return new UdpLine(sockets, nearPort, farPort);
  }

  /** Where near finds far, and where far finds near. */
  get ports(): readonly [near: number, far: number] {
    return [this.#sockets[0].address().port, this.#sockets[1].address().port];
  }

  async cut(): Promise<void> {
    this.#isCut = true;
  }

  async mend(): Promise<void> {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async stranger(words: string | Uint8Array): Promise<{ resetAndDestroy(): void }> {
    const socket = createSocket('udp4');
    const heard: Uint8Array[] = [];
    socket.on('message', (datagram) => heard.push(datagram));
    await new Promise((resolve) => socket.send(words, this.#farPort(), LOCAL, resolve));
    return {
      resetAndDestroy() {
        socket.close();
        if (heard.length > 0) throw new Error('a stranger was answered');
      },
    };
  }

  #pass(socket: Socket, datagram: Uint8Array, from: 'near' | 'far', port: number): void {
    if (this.#isCut || port === 0) return;
    for (const passed of this.passes(datagram, from)) socket.send(passed, port, LOCAL);
  }
}

export interface LtpPair extends LinkPair {
  readonly near: LtpLink;
  readonly far: LtpLink;
  readonly line: UdpLine;
}

/** near is engine 1, far engine 2. */
export async function makePair(options: { near?: Partial<LtpLinkOptions>; far?: Partial<LtpLinkOptions> } = {}): Promise<LtpPair> {
  const [nearDoor, farDoor] = [new UdpDoor({ host: LOCAL, port: 0 }), new UdpDoor({ host: LOCAL, port: 0 })];
  const line = await UdpLine.open(() => nearDoor.port, () => farDoor.port);
  const [toFar, toNear] = line.ports;
  const way = (door: UdpDoor, port: number): LtpLinkOptions['datagrams'] => door.wayTo({ host: LOCAL, port, fromPort: port });
  const near = new LtpLink({ neighbour: 'far', engineId: 1, peerEngineId: 2, datagrams: way(nearDoor, toFar), random: seededRandom(7), ...QUICK, ...options.near });
  const far = new LtpLink({ neighbour: 'near', engineId: 2, peerEngineId: 1, datagrams: way(farDoor, toNear), random: seededRandom(8), ...QUICK, ...options.far });
  return { near, far, line };
}

/** Stops what a test started, whatever became of it. */
export function clear(t: Test, pair: LtpPair): LtpPair {
  t.teardown(async () => {
    await Promise.all([pair.near.stop(), pair.far.stop()]);
    await pair.line.close();
  });
  return pair;
}
