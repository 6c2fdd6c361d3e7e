/** The command line as people use it, in this process or, where that matters, in one of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { PassThrough } from 'node:stream';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { runCommandLine } from './main.js';

export const ROOT = join(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Around {
  /** What is typed at a terminal; without it nobody sits there. */
  readonly typed?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export async function postern(args: readonly string[], around: Around = {}): Promise<Ran> {
  const stdin = Object.assign(new PassThrough(), { isTTY: around.typed !== undefined });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stdin.write(around.typed ?? '');
  const signal = around.signal ?? new AbortController().signal;
  const code = await runCommandLine(args, { stdin, stdout, stderr, clock: systemClock, random: systemRandom, env: around.env ?? {}, signal });
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
}

export function posternProcess(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const run = execFile(process.execPath, [join(ROOT, 'dist/cli/postern.js'), ...args], { ...options, timeout: 30_000 }, (_, stdout, stderr) => {
      resolve({ code: run.exitCode ?? -1, stdout, stderr });
    });
  });
}

function textOf(stream: PassThrough): string {
  return (stream.read() as Buffer | null)?.toString() ?? '';
}
