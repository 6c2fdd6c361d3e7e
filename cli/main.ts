/** One command line, from its words to its exit code: every command is named here, and what was thrown becomes words. */
import { isPosternError, messageOf } from '../base/errors.js';
import { addClock } from './clock.js';
import { addDoctor } from './doctor.js';
import { addDomainCommands } from './domain-commands.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { hintFor } from './hints.js';
import { addInit } from './init.js';
import { addLink } from './link.js';
import { addPeer } from './peer.js';
import { addPlan } from './plan.js';
import { makeProgram, type Surroundings } from './program.js';
import { addQueue } from './queue.js';
import { addRun } from './run.js';
import { addSim } from './sim.js';
import { addStatus } from './status.js';
import { addStick } from './stick.js';

const COMMANDS = [addInit, addRun, addStatus, addPeer, addQueue, addStick, addLink, addPlan, addClock, addDomainCommands, addDoctor, addSim];

export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const program = makeProgram(surroundings);
  for (const add of COMMANDS) add(program.command, program.context);
  try {
    return await program.run(args);
  } catch (thrown) {
    if (surroundings.signal.aborted && isAbort(thrown)) return EXIT.interrupted;
    const { json } = program.context;
    surroundings.stderr.write(json ? `${JSON.stringify({ error: faultOf(thrown) })}\n` : faultText(thrown, surroundings.env.POSTERN_DEBUG !== undefined));
    return exitCodeOf(thrown);
  }
}

/** No stack reaches people unless they ask for it. */
export function faultText(thrown: unknown, withStack: boolean): string {
  const { code, message, hint } = faultOf(thrown);
  const lines = [`postern: ${message} [${code}]`, hint];
  if (withStack && thrown instanceof Error) lines.push(thrown.stack);
  return lines.map((line) => (line === undefined ? '' : `${line}\n`)).join('');
}

function faultOf(thrown: unknown): { readonly code: string; readonly message: string; readonly hint?: string; readonly data?: unknown } {
  if (!isPosternError(thrown)) return { code: 'BUG', message: messageOf(thrown), hint: 'This is a fault of the program itself. POSTERN_DEBUG=1 shows where.' };
  const hint = hintFor(thrown.code);
  return { code: thrown.code, message: thrown.message, ...(hint === undefined ? {} : { hint }), data: thrown.data };
}

function isAbort(thrown: unknown): boolean {
  return (isPosternError(thrown) && thrown.code === 'LINK_ABORTED') || (thrown instanceof Error && thrown.name === 'AbortError');
}
