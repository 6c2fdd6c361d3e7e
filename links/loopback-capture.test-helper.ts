/** What goes over loopback, captured by dumpcap and read by Wireshark's dissectors: for tests that look at links from outside. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Test } from 'tap';

/** Why the traffic cannot be captured and read here, if it cannot: to be given as the `skip` of a test. */
export function whyNoCapture(): string | false {
  const missing = ['tshark', 'dumpcap'].filter((program) => spawnSync(program, ['--version']).status !== 0);
  if (missing.length > 0) return `${missing.join(' and ')} not installed`;
  const attempt = spawnSync('dumpcap', ['-i', 'lo', '-a', 'duration:1', '-f', 'tcp port 1', '-w', '/dev/null'], { encoding: 'utf8', timeout: 10_000 });
  return attempt.status === 0 ? false : `dumpcap may not capture on loopback: ${attempt.stderr.trim().split('\n').at(-1)}`;
}

/** Room for a whole conversation: a busy machine reads it late. */
const BUFFER_MIB = '32';
/** The kernel hands captured packets over in blocks. */
const LAST_BLOCK_MS = 800;

export class LoopbackCapture {
  readonly file: string;
  readonly #program: ChildProcess;
  #said = '';

  private constructor(file: string, program: ChildProcess) {
    this.file = file;
    this.#program = program;
    program.stderr?.on('data', (bytes: Buffer) => (this.#said += bytes.toString()));
  }

  /** Captures from now on. @param filter in the words of pcap-filter(7) */
  static async start(t: Test, file: string, filter: string): Promise<LoopbackCapture> {
    const program = spawn('dumpcap', ['-i', 'lo', '-s', '0', '-B', BUFFER_MIB, '-f', filter, '-w', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    t.teardown(() => program.kill());
    const capture = new LoopbackCapture(file, program);
    while (!capture.#said.includes('File:')) {
      if (program.exitCode !== null) throw new Error(`dumpcap ended with ${program.exitCode}: ${capture.#said}`);
      await pause(20);
    }
    await pause(200);
    return capture;
  }

  /** Resolves when everything up to now is in the file, with what dumpcap says of it. */
  async stop(): Promise<string> {
    await pause(LAST_BLOCK_MS);
    this.#program.kill('SIGINT');
    if (this.#program.exitCode === null) await once(this.#program, 'exit');
    return this.#said.trim().split('\n').at(-1) ?? '';
  }
}

/**
 * The values of each field in a capture, in their order. In two passes acknowledgements find their segments; in one pass
 * nothing is left out where several transfers end in one frame, of which the second pass finds none.
 */
export function dissect(file: string, options: readonly string[], fields: readonly string[], passes: 1 | 2 = 2): Map<string, string[]> {
  const args = [...(passes === 2 ? ['-2'] : []), '-r', file, ...options, '-o', 'tcp.reassemble_out_of_order:TRUE', '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=;', ...fields.flatMap((field) => ['-e', field])];
  const { status, stdout, stderr } = spawnSync('tshark', args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`tshark ended with ${status}: ${stderr}`);
  const rows = stdout.split('\n').slice(0, -1).map((row) => row.split('\t'));
  return new Map(fields.map((field, column) => [field, rows.flatMap((row) => (row[column] ?? '').split(';')).filter((value) => value !== '')]));
}

/** TCP at work: connections come and go, and a busy machine lets a window fill up or sends twice. */
const TCP_TALK = /^(TCP |ACK to a TCP |Connection |This frame |D-SACK|Previous segment|Out-Of-Order|Duplicate |ACKed segment)/;

/** What the dissectors found worth a word, beyond TCP at work and what is known to be harmless. */
export function complaints(messages: readonly string[], benign: ReadonlySet<string>): string[] {
  return messages.filter((message) => !TCP_TALK.test(message) && !benign.has(message)).sort();
}
