/**
 * A modem of the Iridium 9602 kind and the network behind it, as far as a host can tell: signal, rings, sessions that fail,
 * sizes, sums, queues, and a bill. It speaks through a port in memory, or through whatever `attach` is given.
 */
import type { Clock } from '../../base/clock.js';
import { concatBytes, utf8 } from '../../base/bytes.js';
import type { ModemPort } from './at-channel.js';
import { MO_BYTES, MT_BYTES, sumOf } from './sbd-modem.js';

/** How the next session goes. `arrives`: the network has the message although the modem does not know it. */
export interface SessionScript {
  readonly status: number;
  readonly arrives?: boolean;
  /** The power fails before the modem answers. */
  readonly powerFails?: boolean;
}

export class SatelliteNetwork {
  readonly #modems = new Map<string, SimulatedModem>();
  readonly #queues = new Map<string, Uint8Array[]>();
  /** Called for each message; gives what arrives of it: nothing, it, or it twice. */
  passes: (message: Uint8Array, to: string) => readonly Uint8Array[] = (message) => [message];

  register(name: string, modem: SimulatedModem): void {
    this.#modems.set(name, modem);
    this.#queues.set(name, []);
  }

  queueOf(name: string): Uint8Array[] {
    return this.#queues.get(name) ?? [];
  }

  /** From modem to modem: what is larger than the other takes is thrown away, and so is the oldest of more than fifty. */
  deliver(to: string, message: Uint8Array): void {
    const queue = this.queueOf(to);
    for (const copy of this.passes(message, to)) {
      if (copy.length > MT_BYTES) continue;
      queue.push(copy);
      if (queue.length > 50) queue.shift();
      this.#modems.get(to)?.ring();
    }
  }
}

export class SimulatedModem {
  readonly name: string;
  /** What the operator pays for: bytes up and down of each session that was charged. */
  readonly bill: { readonly up: number; readonly down: number }[] = [];
  readonly scripts: SessionScript[] = [];
  sessions = 0;
  sessionMs = 0;
  /** Said before the next answers: a disturbed line. */
  noise: Uint8Array = new Uint8Array();
  /** So many messages from the host, and to it, have a wrong sum. */
  wrongSums = 0;
  deaf = false;
  readonly #network: SatelliteNetwork;
  readonly #peer: string;
  readonly #clock: Clock;
  #say: (bytes: Uint8Array) => void = () => undefined;
  #bars = 5;
  #powered = true;
  #port: ModemPort | undefined;
  #held: Uint8Array = new Uint8Array();
  #wanted = 0;
  #mo: Uint8Array = new Uint8Array();
  #mt: Uint8Array | undefined;
  #momsn = 0;
  #mtmsn = 0;
  #echo = true;
  #announcesRings = false;
  #announcesSignal = false;
  #hasRung = false;

  constructor(network: SatelliteNetwork, name: string, peer: string, clock: Clock) {
    this.#network = network;
    this.name = name;
    this.#peer = peer;
    this.#clock = clock;
    network.register(name, this);
  }

  /** Opens the port in memory. */
  readonly openPort = async (): Promise<ModemPort> => {
    if (!this.#powered) throw new Error('no such device');
    const port: ModemPort = {
      onData: undefined,
      onClose: undefined,
      write: async (bytes) => this.hear(bytes),
      close: async () => {
        if (this.#port === port) this.#port = undefined;
      },
    };
    this.#port = port;
    this.attach((bytes) => queueMicrotask(() => port.onData?.(bytes)));
    return port;
  };

  attach(say: (bytes: Uint8Array) => void): void {
    this.#say = say;
    this.#held = new Uint8Array();
    this.#wanted = 0;
  }

  get isPowered(): boolean {
    return this.#powered;
  }

  get bars(): number {
    return this.#bars;
  }

  set bars(bars: number) {
    this.#bars = bars;
    if (this.#announcesSignal) this.#line(`+CIEV:0,${bars}`);
  }

  /** Off: the port is gone, and what was in the buffers with it. */
  power(on: boolean): void {
    this.#powered = on;
    if (on) return;
    this.#mo = new Uint8Array();
    this.#mt = undefined;
    this.#echo = true;
    this.#announcesRings = false;
    this.#announcesSignal = false;
    this.#hasRung = false;
    const port = this.#port;
    this.#port = undefined;
    port?.onClose?.('unplugged');
  }

  ring(): void {
    if (!this.#powered || this.#bars === 0) return;
    this.#hasRung = true;
    if (this.#announcesRings) this.#line('SBDRING');
  }

  hear(bytes: Uint8Array): void {
    if (!this.#powered || this.deaf) return;
    this.#held = concatBytes(this.#held, bytes);
    for (;;) {
      if (this.#wanted > 0) {
        if (this.#held.length < this.#wanted + 2) return;
        this.#takeMessage();
        continue;
      }
      const end = this.#held.indexOf(13);
      if (end < 0) return;
      const command = Buffer.from(this.#held.subarray(0, end)).toString('latin1').trim();
      this.#held = this.#held.subarray(end + 1);
      if (this.#echo) this.#say(utf8(`${command}\r`));
      if (this.noise.length > 0) this.#say(this.noise);
      this.noise = new Uint8Array();
      this.#obey(command);
    }
  }

  #obey(command: string): void {
    const sizes = /^AT\+SBDWB=(\d+)$/.exec(command);
    if (sizes !== null) {
      const bytes = Number(sizes[1]);
      if (bytes < 1 || bytes > MO_BYTES) return this.#answer('3');
      this.#wanted = bytes;
      return this.#line('READY');
    }
    switch (command) {
      case 'ATE0V1':
        this.#echo = false;
        return this.#answer();
      case 'AT&K0':
        return this.#answer();
      case 'AT+SBDMTA=1':
        this.#announcesRings = true;
        return this.#answer();
      case 'AT+CIER=1,1,0':
        this.#announcesSignal = true;
        return this.#answer();
      case 'AT+CSQ':
        return this.#answer(`+CSQ:${this.#bars}`);
      case 'AT+SBDD0':
        this.#mo = new Uint8Array();
        return this.#answer('0');
      case 'AT+SBDD1':
        this.#mt = undefined;
        return this.#answer('0');
      case 'AT+SBDSX':
        return this.#answer(`+SBDSX: ${Number(this.#mo.length > 0)}, ${this.#momsn}, ${Number(this.#mt !== undefined)}, ${this.#mt === undefined ? -1 : this.#mtmsn}, ${Number(this.#hasRung)}, 0`.replace('-1', '0'));
      case 'AT+SBDRB':
        return this.#sayMessage();
      case 'AT+SBDIX':
      case 'AT+SBDIXA':
        this.sessions += 1;
        this.#clock.timer(this.sessionMs, () => this.#session());
        return;
      default:
        return this.#line('ERROR');
    }
  }

  #takeMessage(): void {
    const message = this.#held.slice(0, this.#wanted);
    const sum = this.#held.slice(this.#wanted, this.#wanted + 2);
    this.#held = this.#held.subarray(this.#wanted + 2);
    this.#wanted = 0;
    const isRight = this.#spoil(sumOf(message)).every((byte, index) => byte === sum[index]);
    if (isRight) this.#mo = message;
    this.#answer(isRight ? '0' : '2');
  }

  #sayMessage(): void {
    const message = this.#mt ?? new Uint8Array();
    this.#say(concatBytes(Uint8Array.of(message.length >> 8, message.length & 0xff), message, this.#spoil(sumOf(message))));
    this.#line('OK');
  }

  #spoil(sum: Uint8Array): Uint8Array {
    if (this.wrongSums === 0) return sum;
    this.wrongSums -= 1;
    return sum.map((byte) => byte ^ 1);
  }

  #session(): void {
    if (!this.#powered) return;
    const script = this.#bars === 0 ? { status: 32 } : (this.scripts.shift() ?? { status: 0 });
    const isDone = script.status <= 4;
    const up = this.#mo.length;
    const queue = this.#network.queueOf(this.name);
    const message = isDone ? queue.shift() : undefined;
    if ((isDone || script.arrives === true) && up > 0) this.#network.deliver(this.#peer, this.#mo);
    if (isDone || script.arrives === true) this.bill.push({ up, down: message?.length ?? 0 });
    if (script.powerFails === true) return this.power(false);
    if (isDone && up > 0) this.#momsn += 1;
    if (message !== undefined) {
      this.#mt = message;
      this.#mtmsn += 1;
    }
    if (isDone) this.#hasRung = false;
    this.#answer(`+SBDIX: ${script.status}, ${this.#momsn}, ${message === undefined ? 0 : 1}, ${this.#mtmsn}, ${message?.length ?? 0}, ${isDone ? queue.length : 0}`);
  }

  #answer(...lines: readonly string[]): void {
    for (const line of lines) this.#line(line);
    this.#line('OK');
  }

  #line(text: string): void {
    if (this.#powered) this.#say(utf8(`\r\n${text}\r\n`));
  }
}
