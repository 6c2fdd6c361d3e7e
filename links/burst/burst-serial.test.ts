/** The driver as it flies: the package `serialport` on a pseudo-terminal, a simulated modem at its other end. Time is the test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ManualClock, systemClock } from '../../base/clock.js';
import { systemRandom } from '../../base/random.js';
import type { Outcome } from '../link.js';
import { collector, freightOf, sendNow, until } from '../link.suite.js';
import type { ModemPort } from './at-channel.js';
import { BurstLink } from './burst-link.js';
import { BURST_OPTIONS, MINUTE_MS } from './burst-options.test-helper.js';
import { SatelliteNetwork, SimulatedModem } from './modem.test-helper.js';
import { PseudoTerminal, whyNoTerminal } from './pseudo-terminal.test-helper.js';
import { openSerialPort } from './serial-port.js';

const skip = whyNoTerminal();
t.setTimeout(90_000);

const SESSION_LIMIT_MS = 150_000;

/** One end: a link, its modem, and the line between. */
interface End {
  readonly link: BurstLink;
  readonly modem: SimulatedModem;
  readonly device: string;
  readonly taken: ReturnType<typeof collector>;
  line: PseudoTerminal;
  /** How often the port was opened. */
  opened: number;
}

class Bench {
  readonly clock = new ManualClock();
  readonly network = new SatelliteNetwork();
  readonly #t: Test;
  readonly #dir: string;
  /** Ends that wait for their modem and not for time. */
  readonly #busy = new Set<string>();

  constructor(t: Test) {
    this.#t = t;
    this.#dir = t.testdir();
  }

  async end(name: string, peer: string): Promise<End> {
    const modem = new SimulatedModem(this.network, name, peer, systemClock);
    const device = join(this.#dir, `tty-${name}`);
    const link = new BurstLink({
      ...BURST_OPTIONS,
      neighbour: peer,
      device,
      openPort: () => this.#open(end),
      ends: { from: keyOf(name), to: keyOf(peer) },
      folder: join(this.#dir, name),
      clock: this.clock,
    });
    const line = await PseudoTerminal.plugIn(this.#t, device, modem);
    const end: End = { link, modem, device, taken: collector(), line, opened: 0 };
    await link.start(end.taken.deliver);
    this.#t.teardown(async () => {
      let stopped = false;
      void link.stop().then(() => (stopped = true));
      await this.pass(() => stopped, true);
    });
    return end;
  }

  /** Plugged in again, where it was. */
  async plugIn(end: End): Promise<void> {
    end.line = await PseudoTerminal.plugIn(this.#t, end.device, end.modem);
  }

  async send(end: End, bytes: number): Promise<Outcome> {
    let outcome: Outcome | undefined;
    void sendNow(end.link, freightOf(bytes)).then((found) => (outcome = found));
    await this.pass(() => outcome !== undefined);
    return outcome!;
  }

  /** Lets time pass until something holds: but not while a command is on the line, whose answer takes as long as this machine takes. */
  async pass(condition: () => boolean, evenIfBusy = false): Promise<void> {
    while (!condition()) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (evenIfBusy || this.#busy.size === 0) this.clock.advance(1000);
    }
  }

  async #open(end: End): Promise<ModemPort> {
    const port = await openSerialPort(end.device, 19_200);
    end.opened += 1;
    const watched: ModemPort = {
      onData: undefined,
      onClose: undefined,
      write: (bytes) => {
        this.#busy.add(end.device);
        return port.write(bytes);
      },
      close: () => {
        this.#busy.delete(end.device);
        return port.close();
      },
    };
    port.onData = (bytes) => {
      if (/OK|READY|ERROR/.test(Buffer.from(bytes).toString('latin1'))) this.#busy.delete(end.device);
      watched.onData?.(bytes);
    };
    port.onClose = (reason) => watched.onClose?.(reason);
    return watched;
  }
}

function keyOf(name: string): Uint8Array {
  return new Uint8Array(32).fill(name.charCodeAt(0));
}

t.test('units cross between two modems on serial lines: signal, rings, sessions that fail, a disturbed line', { skip }, async (t) => {
  const bench = new Bench(t);
  const [near, far] = [await bench.end('near', 'far'), await bench.end('far', 'near')];
  t.same(await bench.send(near, 1500), { kind: 'written' });
  await bench.pass(() => far.taken.digests.length === 1);
  t.same(far.taken.digests, [freightOf(1500).digest], 'fetched because the network rang');
  t.equal(near.modem.sessions, 6);

  near.modem.bars = 1;
  let outcome: Outcome | undefined;
  void sendNow(near.link, freightOf(300)).then((found) => (outcome = found));
  await bench.pass(() => /no signal: 1 bars of 2/.test(near.link.status().lastError ?? ''));
  t.equal(near.modem.sessions, 6, 'no session without signal');
  near.modem.scripts.push({ status: 32 }, { status: 18, arrives: true }, { status: 36 });
  near.modem.noise = systemRandom.bytes(5000);
  near.modem.wrongSums = 2;
  near.modem.bars = 4;
  await bench.pass(() => outcome !== undefined);
  t.same(outcome, { kind: 'written' });
  await bench.pass(() => far.taken.digests.length === 2);
  t.same(far.taken.digests[1], freightOf(300).digest);

  t.same(await bench.send(far, 600), { kind: 'written' });
  await bench.pass(() => near.taken.digests.length === 1);
  t.same([near.opened, far.opened], [1, 1], 'over the same ports all the time');
});

t.test('a modem that is unplugged in mid session is found again, and nothing that has left goes twice', { skip }, async (t) => {
  const bench = new Bench(t);
  const [near, far] = [await bench.end('near', 'far'), await bench.end('far', 'near')];
  const messages: string[] = [];
  bench.network.passes = (message, to) => {
    if (to === 'far') messages.push(Buffer.from(message).toString('hex'));
    return [message];
  };
  near.modem.scripts.push({ status: 0 }, { status: 0 }, { status: 0, powerFails: true });
  t.same(await bench.send(near, 1500), { kind: 'written' });
  await until(() => messages.length === 3);
  await near.line.unplug();
  await bench.pass(() => near.link.status().state === 'down');
  t.match(near.link.status().lastError, /The modem at/);
  await bench.pass(() => /cannot be opened/.test(near.link.status().lastError ?? ''));
  near.modem.power(true);
  await bench.plugIn(near);
  await bench.pass(() => far.taken.digests.length === 1);
  t.same(far.taken.digests, [freightOf(1500).digest]);
  t.equal(messages.length, 7, 'six, and the one whose session was cut');
  t.equal(new Set(messages).size, 6);
  t.equal(near.opened, 2);
});

t.test('a modem that resets itself in mid session is set up again', { skip }, async (t) => {
  const bench = new Bench(t);
  const [near, far] = [await bench.end('near', 'far'), await bench.end('far', 'near')];
  near.modem.scripts.push({ status: 0 }, { status: 0, powerFails: true });
  t.same(await bench.send(near, 600), { kind: 'written' });
  await until(() => near.modem.sessions === 2 && !near.modem.isPowered);
  near.modem.power(true);
  bench.clock.advance(SESSION_LIMIT_MS);
  await bench.pass(() => far.taken.digests.length === 1);
  t.same(far.taken.digests, [freightOf(600).digest]);
  t.equal(near.opened, 2);
  // Nobody tells of this one: the next command gets its echo, which is none of the answers.
  near.modem.power(false);
  near.modem.power(true);
  t.same(await bench.send(near, 300), { kind: 'written' });
  await bench.pass(() => far.taken.digests.length === 2);
});

t.test('a ring brings what came while the modem was off, and without rings there is no session', { skip }, async (t) => {
  const bench = new Bench(t);
  const [near, far] = [await bench.end('near', 'far'), await bench.end('far', 'near')];
  await until(() => far.opened === 1);
  far.modem.power(false);
  await far.line.unplug();
  t.same(await bench.send(near, 300), { kind: 'written' });
  await bench.pass(() => bench.network.queueOf('far').length === 2);
  far.modem.power(true);
  await bench.plugIn(far);
  await bench.pass(() => far.opened === 2);
  far.modem.ring();
  await bench.pass(() => far.taken.digests.length === 1);
  t.equal(far.modem.sessions, 2, 'one ring for both: the first says that there is another');
  for (let minute = 0; minute < 100; minute++) bench.clock.advance(MINUTE_MS);
  t.equal(far.modem.sessions, 2);
});

t.test('says what is wrong with a device, and opens it once it is right', { skip }, async (t) => {
  // The path of a unix socket has to be short.
  const dir = mkdtempSync(join(tmpdir(), 'postern-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'no-device'), 'a file');
  await t.rejects(openSerialPort(join(dir, 'nothing'), 19_200), { code: 'LINK_MODEM', data: { address: join(dir, 'nothing') }, message: /No such file/ });
  await t.rejects(openSerialPort(join(dir, 'no-device'), 19_200), { code: 'LINK_MODEM' });
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(join(dir, 'socket'), resolve));
  t.teardown(() => void socket.close());
  await t.rejects(openSerialPort(join(dir, 'socket'), 19_200), { code: 'LINK_MODEM' });
  const line = await PseudoTerminal.plugIn(t, join(dir, 'tty'), { attach: () => undefined, hear: () => undefined });
  const port = await openSerialPort(line.path, 19_200);
  await t.rejects(openSerialPort(line.path, 19_200), { code: 'LINK_MODEM' }, 'one user at a time');
  await port.close();
  await port.close();
  await (await openSerialPort(line.path, 19_200)).close();
});

t.test('what is plugged in says nothing a modem would say', { skip }, async (t) => {
  const bench = new Bench(t);
  const near = await bench.end('near', 'far');
  await near.line.unplug();
  let heard = 0;
  let say: (bytes: Uint8Array) => void = () => undefined;
  const noisy = {
    attach: (speak: typeof say): void => void (say = speak),
    hear(): void {
      heard += 1;
      say(systemRandom.bytes(1000));
    },
  };
  near.line = await PseudoTerminal.plugIn(t, near.device, noisy);
  await bench.pass(() => heard > 0);
  await bench.pass(() => /no answer to ATE0V1|does not do what a modem does/.test(near.link.status().lastError ?? ''), true);
  await near.line.unplug();
  await bench.plugIn(near);
  t.same(await bench.send(near, 100), { kind: 'written' });
});
