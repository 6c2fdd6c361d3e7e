/** A TCP line between the two ends of a fault bench: it breaks off where the medium says so, and counts who knocks while it is cut. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Test } from 'tap';
import type { FaultBench, FaultMedium } from './fault.suite.js';
import { PushedClock } from './pushed-clock.test-helper.js';

/** One stream on one connection. */
export const ONE_STREAM = 'one stream on one connection has one order, and no copies';
export const UNITS_BEGIN_ANEW = 'a unit begins anew: the gateway asks for the pieces that are missing';

export class FaultLine {
  readonly #medium: FaultMedium;
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  private constructor(medium: FaultMedium, farPort: () => number) {
    this.#medium = medium;
    this.#server = createServer((near) => this.#accept(near, farPort()));
  }

  /** @param farPort asked at each connection, because the far end comes back at another */
  static async open(t: Test, medium: FaultMedium, farPort: () => number): Promise<FaultLine> {
    const line = new FaultLine(medium, farPort);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => line.close());
    return line;
  }

  /** Where the near end connects. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For good: what is dead at the near end hears and says nothing any more. */
  close(): void {
    this.reset();
    this.#server.close();
  }

  /** What both ends see of a cut, and of an end that is killed. */
  reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  cut(): void {
    this.#medium.isCut = true;
    this.reset();
  }

  mend(): void {
    this.#medium.isCut = false;
  }

  #accept(near: Socket, farPort: number): void {
    near.on('error', () => undefined);
    if (this.#medium.passes(0) === 0) return void near.resetAndDestroy();
    const far = connect(farPort, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.#open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#open.delete(socket);
        other.destroySoon();
      });
    }
    near.on('data', (bytes) => {
      if (!far.write(bytes)) near.pause();
      this.#medium.passes(bytes.length);
    });
    far.on('drain', () => near.resume());
    near.on('end', () => far.end());
    far.pipe(near);
  }
}

/** What all links share that run on the clock of this machine: it is put forward, and what waits for sockets goes on. */
export function benchOfThisMachine(clock: PushedClock): Pick<FaultBench, 'clock' | 'until' | 'pass' | 'breakMs' | 'retryMs'> {
  return {
    clock,
    breakMs: 20,
    retryMs: 50,
    async until(condition) {
      while (!condition()) await pause(5);
    },
    async pass(ms) {
      clock.push(ms);
      await pause(5);
    },
  };
}
