/** One line on what to do next, for errors whose message alone leaves people asking. docs/errors.md has the long form for every code. */
import type { ErrorCode } from '../base/errors.js';

const HINTS: Partial<Record<ErrorCode, string>> = {
  CLI_USAGE: 'See "postern --help", or "postern COMMAND --help".',
  CLI_NOT_RUNNING: 'A gateway is started by "postern run" and named by --config, a relay by "postern sim relay" and --control.',
  CLI_EXISTS: 'Nothing was changed. Choose another folder, or move the old files away.',
  CONFIG_SYNTAX: 'The file is YAML: look at the indentation and the quotes on that line.',
  CONFIG_INVALID: 'docs/operating.md explains each block of a configuration, docs/simulator.md those of a scenario.',
};

export function hintFor(code: ErrorCode): string | undefined {
  return HINTS[code];
}
