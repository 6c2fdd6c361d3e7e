/** A question to whoever sits at the terminal. */
import { createInterface } from 'node:readline/promises';
import { PosternError } from '../base/errors.js';
import type { CliContext } from './program.js';

/** True for yes. Where nobody can be asked, that is an error, which names the option that answers. */
export async function askYesNo(context: CliContext, question: string, insteadUse: string): Promise<boolean> {
  if (context.json || context.stdin.isTTY !== true) {
    throw new PosternError('CLI_USAGE', `There is nobody here to ask: give ${insteadUse}.`, { found: question });
  }
  const terminal = createInterface({ input: context.stdin, output: context.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
