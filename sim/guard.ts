/**
 * While the simulator runs, the machine has no clock, no dice, no timers and no network: whoever touches them gets a
 * SimLeak, so that no run can depend on the machine it runs on. `setImmediate`, which the store uses to let others have
 * their say first, is given turns by the simulator itself.
 */
import crypto from 'node:crypto';
import { Socket as UdpSocket } from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { setImmediate as realImmediate } from 'node:timers';

/** A bug: something reached past what it was handed. */
export class SimLeak extends Error {
  constructor(what: string) {
    super(`${what} was used inside a simulation: time, chance and network are handed in`);
    this.name = 'SimLeak';
  }
}

type Patched = readonly [holder: object, name: string];

/** What is closed while a simulation runs. */
const CLOSED: readonly Patched[] = [
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [Date, 'now'],
  [performance, 'now'],
  [Math, 'random'],
  [crypto, 'randomBytes'],
  [crypto, 'randomUUID'],
  [crypto, 'randomFillSync'],
  [crypto, 'generateKeyPairSync'],
  [Socket.prototype, 'connect'],
  [UdpSocket.prototype, 'bind'],
  [UdpSocket.prototype, 'send'],
];

export class Guard {
  readonly #open = new Map<Patched, PropertyDescriptor | undefined>();
  readonly #standIns: Readonly<Record<string, unknown>>;
  #turns: (() => void)[] = [];
  #immediate: unknown;

  /** @param standIns what takes the place of functions of node:crypto */
  constructor(standIns: Readonly<Record<string, unknown>> = {}) {
    this.#standIns = standIns;
  }

  /** Closes the machine. One simulation at a time in a process: what is closed is closed for all. */
  close(): void {
    if (this.#open.size > 0 || closed) throw new Error('another simulation is under way in this process');
    closed = true;
    for (const patched of CLOSED) {
      this.#put(patched, (): never => {
        throw new SimLeak(patched[1]);
      });
    }
    for (const [name, standIn] of Object.entries(this.#standIns)) this.#put([crypto, name], standIn);
    this.#immediate = globalThis.setImmediate;
    Reflect.set(globalThis, 'setImmediate', (run: (...args: unknown[]) => void, ...args: unknown[]) => {
      this.#turns.push(() => run(...args));
    });
    syncBuiltinESMExports();
  }

  /** Gives the machine back. Safe to call twice. */
  open(): void {
    if (this.#open.size === 0) return;
    for (const [[holder, name], original] of this.#open) {
      if (original === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, original);
    }
    this.#open.clear();
    Reflect.set(globalThis, 'setImmediate', this.#immediate);
    syncBuiltinESMExports();
    closed = false;
  }

  /**
   * Runs whatever promises and turns of the loop are pending until nothing is: then everything that could happen at this
   * instant has happened.
   */
  async drain(): Promise<void> {
    await quiet();
    while (this.#turns.length > 0) {
      const turns = this.#turns;
      this.#turns = [];
      for (const turn of turns) turn();
      await quiet();
    }
  }

  /** Does something at once, with the machine closed. */
  during(work: () => void): void {
    this.close();
    try {
      work();
    } finally {
      this.open();
    }
  }

  /** Lets the rest of the process have its turn, with the machine as it is. */
  async breathe(): Promise<void> {
    this.open();
    await new Promise((resolve) => realImmediate(resolve));
    this.close();
  }

  #put(patched: Patched, value: unknown): void {
    const [holder, name] = patched;
    this.#open.set(patched, Object.getOwnPropertyDescriptor(holder, name));
    Object.defineProperty(holder, name, { value, writable: true, configurable: true });
  }
}

let closed = false;

/** A callback of nextTick runs when no promise has anything to do, if it was asked for by one: otherwise before them. */
async function quiet(): Promise<void> {
  await Promise.resolve();
  await new Promise<void>((resolve) => process.nextTick(resolve));
}
