/**
 * The command line's frame: global options, help, and what every command gets in hand. The door to
 * commander; each command adds itself to the program.
 */
import type { WriteStream } from 'node:tty';
import { Command, CommanderError, type Option } from 'commander';
import type { Clock } from '../base/clock.js';
import { PosternError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import type { ExitCode } from './exit-codes.js';
import { makeOutput, type Output } from './output.js';
import { VERSION } from './version.js';

export type { Command };

/** What the process hands to the command line. */
export interface Surroundings {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly clock: Clock;
  readonly random: Random;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C and SIGTERM: commands finish what is in hand and return. */
  readonly signal: AbortSignal;
}

export type Terminal = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;

/** What a command gets in hand. The options are known once the command runs, not while it is being added. */
export interface CliContext extends Surroundings {
  readonly json: boolean;
  readonly configFile: string;
  /** --data: the folder of a domain, or a data folder other than the configuration's. */
  readonly dataDir: string | undefined;
  readonly output: Output;
  /** For an expected no, which is no error: what the process exits with once the command has returned. */
  exitWith(code: ExitCode): void;
}

export interface Program {
  readonly command: Command;
  readonly context: CliContext;
  /** Runs one command line; resolves with its exit code, rejects with the fault. */
  run(args: readonly string[]): Promise<ExitCode>;
}

/** Global options that are followed by a value. */
const WITH_VALUE = new Set(['--config', '--data']);

/** The first word that is no option; undefined where there is none. */
export function commandNamed(args: readonly string[]): string | undefined {
  return args.find((word, at) => !word.startsWith('-') && !WITH_VALUE.has(args[at - 1] ?? ''));
}

export function makeProgram(surroundings: Surroundings): Program {
  const command = new Command('postern')
    .description('A blind store-and-forward gateway for end-to-end encrypted messages.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('--json', 'print results as JSON, one document a line')
    .option('--config <file>', 'the configuration (default: $POSTERN_CONFIG, or postern.yaml here)')
    .option('--data <dir>', 'the data folder of a domain, or of a gateway instead of the one in its configuration')
    .addHelpText('after', '\nExit codes: 0 done, 1 fault, 2 wrong usage or configuration, 3 nobody there, 4 refused, 5 locked, 130 interrupted.')
    .configureHelp({ showGlobalOptions: true, commandDescription: describe, optionDescription: describeOption })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text),
      // The help of a command that needs another one; for scripts there is the error.
      writeErr: (text) => void (context.json || surroundings.stderr.write(text)),
      // A usage error reaches people as every other error does.
      outputError: () => undefined,
    });
  let exitCode: ExitCode = 0;
  const options = (): { json?: true; config?: string; data?: string } => command.opts();
  const context: CliContext = {
    ...surroundings,
    get json() {
      return options().json === true;
    },
    get configFile() {
      return options().config ?? surroundings.env.POSTERN_CONFIG ?? 'postern.yaml';
    },
    get dataDir() {
      return options().data;
    },
    output: makeOutput(surroundings.stdout, surroundings.stderr, () => context.json),
    exitWith: (code) => {
      exitCode = code;
    },
  };
  return {
    command,
    context,
    async run(args) {
      try {
        await command.parseAsync(args, { from: 'user' });
      } catch (thrown) {
        if (!(thrown instanceof CommanderError)) throw thrown;
        if (thrown.exitCode !== 0) throw new PosternError('CLI_USAGE', usageText(thrown), { found: args.join(' ') }, { cause: thrown });
      }
      return exitCode;
    },
  };
}

/** For an option that may be given again. One that takes several words would take the arguments after it, too. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

/** What is said in the list of commands will do where there is nothing to add. */
function describe(command: Command): string {
  const summary = command.summary();
  return command.description() || (summary === '' ? '' : `${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
}

/** A default that is no word or number has its own words in the description. */
function describeOption({ description, defaultValue }: Option): string {
  const isShown = typeof defaultValue === 'string' || typeof defaultValue === 'number';
  return isShown ? `${description} (default: ${defaultValue})` : description;
}

/** commander's own sentence, without its `error: `; it shows the help by itself when no command was given. */
function usageText(error: CommanderError): string {
  return error.code === 'commander.help' ? 'Give a command.' : error.message.replace(/^error: /, '').replace(/\.?$/, '.');
}
