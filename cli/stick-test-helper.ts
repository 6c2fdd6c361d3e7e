/** Two gateways in folders of their own, a with messages for b, and a folder for a stick between them. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../base/clock.js';
import { prepareOurs } from '../bench/stick-ours.js';
import { openStore } from '../store/open.js';
import { NO_QUOTAS } from '../store/open-memory.js';
import { postern, type Ran } from './cli-test-helper.js';

export interface StickPair {
  /** Holds `a` and `b`. */
  readonly dir: string;
  readonly stick: string;
  /** `postern` with the configuration of a or b. */
  run(name: 'a' | 'b', ...args: string[]): Promise<Ran>;
  /** What it says with --json. */
  json<Value>(name: 'a' | 'b', ...args: string[]): Promise<Value>;
}

export async function stickPair(t: Test, plan = { count: 5, blobBytes: 2000 }): Promise<StickPair> {
  // The socket of a daemon in there has a short path only.
  const dir = await mkdtemp(join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await prepareOurs(dir, plan);
  const stick = join(dir, 'stick');
  await mkdir(stick);
  const pair = pairIn(dir, stick);
  for (const name of ['a', 'b'] as const) await configure(pair, name, { log: { level: 'silent' } });
  return pair;
}

/** The same gateways and stick, or copies of them, in another place. */
export function pairIn(dir: string, stick: string): StickPair {
  const run: StickPair['run'] = (name, ...args) => postern(['--config', join(dir, name, 'postern.yaml'), ...args]);
  return {
    dir,
    stick,
    run,
    async json<Value>(name: 'a' | 'b', ...args: string[]) {
      const { stdout, stderr } = await run(name, '--json', ...args);
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout) as Value;
    },
  };
}

/** Lays blocks over a gateway's configuration. */
export async function configure({ dir }: StickPair, name: 'a' | 'b', blocks: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(dir, name, 'postern.yaml');
  await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...blocks }));
}

/** How many records each queue holds. The gateway is not running. */
export async function queuesOf({ dir }: StickPair, name: 'a' | 'b'): Promise<Readonly<Record<string, number>>> {
  const store = await openStore({ dir: join(dir, name, 'data/store'), clock: systemClock, quotas: NO_QUOTAS, limits: {} });
  try {
    return Object.fromEntries((await store.queues()).map(({ target, records }) => [target, records]));
  } finally {
    await store.close();
  }
}
