#!/usr/bin/env node
/** The program: puts the command line together, runs one command, and turns what was thrown into words and an exit code. */
import process from 'node:process';
import { stayAlive, systemClock } from '../base/clock.js';
import { isPosternError, messageOf } from '../base/errors.js';
import { systemRandom } from '../base/random.js';
import { addDomainCommands } from './domain-commands.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { hintFor } from './hints.js';
import { addInit } from './init.js';
import { makeProgram, type Program } from './program.js';

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());
// The reader of a pipe may leave early (`postern status --watch | head -1`): nobody reads on, so the command ends.
process.stdout.on('error', () => interrupt.abort());
process.on('uncaughtException', (thrown) => {
  process.stderr.write(faultText(thrown));
  process.exit(EXIT.fault);
});

const program = makeProgram({
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  random: systemRandom,
  env: process.env,
  signal: interrupt.signal,
});

addInit(program.command, program.context);
addDomainCommands(program.command, program.context);

// No top-level await: the single executable is CommonJS.
const end = stayAlive();
void run(program, process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  end();
});

async function run(program: Program, args: readonly string[]): Promise<number> {
  try {
    return await program.run(args);
  } catch (thrown) {
    if (interrupt.signal.aborted && thrown instanceof Error && thrown.name === 'AbortError') return EXIT.interrupted;
    program.context.stderr.write(program.context.json ? `${JSON.stringify({ error: faultOf(thrown) })}\n` : faultText(thrown));
    return exitCodeOf(thrown);
  }
}

function faultOf(thrown: unknown): { code: string; message: string; hint?: string; data?: unknown } {
  if (!isPosternError(thrown)) return { code: 'BUG', message: messageOf(thrown) };
  const hint = hintFor(thrown.code);
  return { code: thrown.code, message: thrown.message, ...(hint === undefined ? {} : { hint }), data: thrown.data };
}

/** No stack reaches a user, unless he asks for it. */
function faultText(thrown: unknown): string {
  const { code, message, hint } = faultOf(thrown);
  const stack = process.env.POSTERN_DEBUG === undefined || !(thrown instanceof Error) ? '' : `${thrown.stack ?? ''}\n`;
  const last = code === 'BUG' ? 'This is a fault of the program itself. POSTERN_DEBUG=1 shows where.' : hint;
  return `postern: ${message} [${code}]\n${last === undefined ? '' : `${last}\n`}${stack}`;
}
