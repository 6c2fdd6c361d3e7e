/** The command line as people use it, run in this process: for the short commands that set things up. */
import { PassThrough } from 'node:stream';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { runCommandLine } from '../cli/main.js';

/** Gives what the command printed. Rejects, with its words, when its exit code is not 0. */
export async function commandLine(...args: string[]): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  const code = await runCommandLine(args, { stdin, stdout, stderr, clock: systemClock, random: systemRandom, env: {}, signal });
  if (code !== 0) throw new Error(`postern ${args.join(' ')}: exit code ${code}\n${textOf(stderr)}${textOf(stdout)}`);
  return textOf(stdout);
}

function textOf(stream: PassThrough): string {
  return String(stream.read() ?? '');
}
