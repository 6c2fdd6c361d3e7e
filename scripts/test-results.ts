/** What tap has written down of the last run of a test file: which tests it held, how they ended, and whether they asserted anything. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type TestOutcome =
  /** `count` assertions and tests in it. */
  | { readonly kind: 'passed'; readonly count: number }
  | { readonly kind: 'skipped'; readonly reason: string }
  /** failed, without an assertion, or not found in a run of what is built now */
  | { readonly kind: 'bad'; readonly reason: string };

/**
 * Of a test by its file and words of its title; of a suite, which others run, in whichever file of its folder has it. Where several fit, the worst counts.
 * @param root the folder of the project, with what is built in `dist` and results in `.tap`
 */
export async function outcomeOf(root: string, file: string, title: string): Promise<TestOutcome> {
  const folder = join(root, '.tap/test-results/dist', dirname(file));
  const result = basename(file).replace(/\.ts$/, '.js.tap');
  const results = file.endsWith('.suite.ts') ? await namesIn(folder) : [result];
  const outcomes: TestOutcome[] = [];
  for (const name of results) {
    const isFresh = (await timeOf(join(folder, name))) > (await timeOf(join(root, 'dist', dirname(file), name.replace(/\.tap$/, ''))));
    if (isFresh) outcomes.push(...outcomesIn(await readFile(join(folder, name), 'utf8'), title));
  }
  const worst = outcomes.find(({ kind }) => kind === 'bad') ?? outcomes.find(({ kind }) => kind === 'passed') ?? outcomes[0];
  return worst ?? { kind: 'bad', reason: 'was not run since it was built' };
}

/** In the text of one file. */
export function outcomesIn(tap: string, title: string): TestOutcome[] {
  const lines = tap.split('\n');
  return lines.flatMap((line, index): TestOutcome[] => {
    const [, indent = '', not, name = ''] = /^( *)(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    if (!name.includes(title)) return [];
    const [, reason] = /# (?:SKIP|TODO)(.*)$/.exec(name) ?? [];
    if (not !== undefined) return [{ kind: 'bad', reason: 'failed' }];
    if (reason !== undefined) return [{ kind: 'skipped', reason: reason.trim() }];
    const begin = lines.lastIndexOf(`${indent}# Subtest: ${name.replace(/ # time=.*$/, '')}`, index);
    // A line that is no test of its own is an assertion in one.
    if (begin < 0) return [];
    const plan = lines.slice(begin, index).find((inner) => inner.startsWith(`${indent}    1..`));
    const count = Number(/1\.\.(\d+)/.exec(plan ?? '')?.[1] ?? 0);
    return [count > 0 ? { kind: 'passed', count } : { kind: 'bad', reason: 'asserts nothing' }];
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** 0 where there is none. */
async function timeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
