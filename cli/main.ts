/** One command line, from its words to its exit code: every command is named here, and what was thrown becomes words. */
import { isPosternError, messageOf, PosternError } from '../base/errors.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { hintFor } from './hints.js';
import { type CliContext, type Command, commandNamed, makeProgram, type Surroundings } from './program.js';

type AddCommand = (program: Command, context: CliContext) => void;

const stick = async (): Promise<AddCommand> => (await import('./stick.js')).addStick;

/** In the order of the help. Each is loaded when it is asked for: who sends a message need not wait for the simulator, nor have room for it. */
const COMMANDS: ReadonlyMap<string, () => Promise<AddCommand>> = new Map([
  ['init', async () => (await import('./init.js')).addInit],
  ['run', async () => (await import('./run.js')).addRun],
  ['status', async () => (await import('./status.js')).addStatus],
  ['peer', async () => (await import('./peer.js')).addPeer],
  ['queue', async () => (await import('./queue.js')).addQueue],
  ['export', stick],
  ['import', stick],
  ['stick', stick],
  ['link', async () => (await import('./link.js')).addLink],
  ['plan', async () => (await import('./plan.js')).addPlan],
  ['clock', async () => (await import('./clock.js')).addClock],
  ['domain', async () => (await import('./domain-commands.js')).addDomainCommands],
  ['doctor', async () => (await import('./doctor.js')).addDoctor],
  ['sim', async () => (await import('./sim.js')).addSim],
]);

export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const program = makeProgram(surroundings);
  const asked = COMMANDS.get(commandNamed(args) ?? '');
  for (const load of asked === undefined ? new Set(COMMANDS.values()) : [asked]) (await load())(program.command, program.context);
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

/** What the system refuses is a fault of this machine, and none of the program, wherever it comes up. */
const REFUSED_BY_SYSTEM: ReadonlySet<unknown> = new Set(['EACCES', 'EDQUOT', 'EIO', 'EMFILE', 'ENAMETOOLONG', 'ENFILE', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS']);

function known(thrown: unknown): unknown {
  const { code, path } = (thrown instanceof Error ? thrown : {}) as NodeJS.ErrnoException;
  if (code === undefined || isPosternError(thrown) || !REFUSED_BY_SYSTEM.has(code)) return thrown;
  return new PosternError('CLI_FILE', `The system refuses: ${messageOf(thrown)}.`, { path: path ?? '', reason: code }, { cause: thrown });
}

function faultOf(found: unknown): { readonly code: string; readonly message: string; readonly hint?: string; readonly data?: unknown } {
  const thrown = known(found);
  if (!isPosternError(thrown)) return { code: 'BUG', message: messageOf(thrown), hint: 'This is a fault of the program itself. POSTERN_DEBUG=1 shows where.' };
  const hint = hintFor(thrown.code);
  return { code: thrown.code, message: thrown.message, ...(hint === undefined ? {} : { hint }), data: thrown.data };
}

function isAbort(thrown: unknown): boolean {
  return (isPosternError(thrown) && thrown.code === 'LINK_ABORTED') || (thrown instanceof Error && thrown.name === 'AbortError');
}
