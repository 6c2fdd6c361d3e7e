/** A serial line that is one to the operating system: a device for `serialport` at one end, at the other what stands in for a modem. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, rmSync } from 'node:fs';
import type { Test } from 'tap';
import { until } from '../link.suite.js';

/** Why there can be none here, for the tests that need one. */
export function whyNoTerminal(): string | false {
  if (process.platform === 'win32') return 'there are no pseudo-terminals';
  return spawnSync('socat', ['-V']).status === 0 ? false : 'socat is not installed';
}

/** What is at the far end: see SimulatedModem. */
export interface Device {
  attach(say: (bytes: Uint8Array) => void): void;
  hear(bytes: Uint8Array): void;
}

export class PseudoTerminal {
  readonly path: string;
  readonly #socat: ChildProcess;
  /** Held open, so that the line outlives whoever uses it. */
  readonly #held: number;
  #plugged = true;

  private constructor(path: string, socat: ChildProcess, held: number) {
    this.path = path;
    this.#socat = socat;
    this.#held = held;
  }

  static async plugIn(t: Test, path: string, device: Device): Promise<PseudoTerminal> {
    rmSync(path, { force: true });
    const socat = spawn('socat', [`PTY,link=${path},raw,echo=0`, 'STDIO'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await until(() => existsSync(path));
    const terminal = new PseudoTerminal(path, socat, openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
    t.teardown(() => terminal.unplug());
    socat.stdin.on('error', () => undefined);
    socat.stdout.on('data', (bytes: Buffer) => device.hear(new Uint8Array(bytes)));
    device.attach((bytes) => void (terminal.#plugged && socat.stdin.write(bytes)));
    return terminal;
  }

  /** The device is gone, for everybody who has it open. Safe to call twice. */
  async unplug(): Promise<void> {
    if (!this.#plugged) return;
    this.#plugged = false;
    const ended = once(this.#socat, 'exit');
    this.#socat.kill('SIGKILL');
    await ended;
    closeSync(this.#held);
    rmSync(this.path, { force: true });
  }
}
