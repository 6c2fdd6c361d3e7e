/** Files that people name on the command line: what cannot be read or written is told as CLI_FILE. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { messageOf, PosternError } from '../base/errors.js';

export async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((thrown: unknown) => {
    throw fault(file, 'read', thrown);
  });
}

export async function writeText(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((thrown: unknown) => {
    throw fault(file, 'written', thrown);
  });
}

/** For what is written after long work: a file that cannot be is told before it. One that is there keeps its content until then. */
export async function expectWritable(files: readonly (string | undefined)[]): Promise<void> {
  for (const file of files) {
    if (file === undefined) continue;
    await appendFile(file, '').catch((thrown: unknown) => {
      throw fault(file, 'written', thrown);
    });
  }
}

function fault(file: string, done: 'read' | 'written', thrown: unknown): PosternError<'CLI_FILE'> {
  return new PosternError('CLI_FILE', `${file} cannot be ${done}: ${messageOf(thrown)}.`, { path: file, reason: messageOf(thrown) }, { cause: thrown });
}
