/** Runs the program as people do: as a process, with its two streams and its exit code. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function postern(args: readonly string[], options: { cwd?: string; env?: Record<string, string>; input?: string } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    const run = execFile(process.execPath, [join(ROOT, 'dist/cli/postern.js'), ...args], { ...options, env, timeout: 15_000 }, (_, stdout, stderr) => {
      resolve({ code: run.exitCode ?? -1, stdout, stderr });
    });
    run.stdin?.end(options.input ?? '');
  });
}
