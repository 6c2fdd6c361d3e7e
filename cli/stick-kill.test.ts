/** `postern export` and `import` under kill -9 before any step that changes a disk: strace counts the calls of each kind and kills at the one that is told. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import t, { type Test } from 'tap';
import type { StickOutcome } from '../gateway/stick-status.js';
import { ROOT } from './cli-test-helper.js';
import { queuesOf, stickPair } from './stick-test-helper.js';
import type { StickPair } from './stick-test-helper.js';

/** So many kills for each of the four. POSTERN_STICK_KILLS=1000 kills at every step. */
const KILLS = Number(process.env.POSTERN_STICK_KILLS ?? 1);
const CALLS = 'pwrite64,pwritev,fsync,fdatasync,rename,renameat2,unlink,unlinkat,mkdir,mkdirat,ftruncate';
const skip = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=kill:signal=KILL:when=1', 'true']).status === 0 ? false : 'strace is not here, or may not trace';

t.setTimeout(60_000 + KILLS * 20_000);

const PLANS = [
  { name: 'small messages', count: 30, blobBytes: 2000 },
  { name: 'a large blob', count: 1, blobBytes: 2 ** 21 },
];

for (const { name, ...plan } of PLANS) {
  t.test(`export of ${name}`, { skip }, async (t) => {
    const pair = await stickPair(t, plan);
    await everyStep(t, pair, 'a', 'export', async (t) => {
      const half = await bundles(pair);
      const first = await pair.json<StickOutcome>('b', 'import', pair.stick);
      t.same(first.imported?.quarantined, [], 'what has its name is whole');
      t.equal(first.imported?.records, half.length === 0 ? 0 : plan.count, 'all of it or nothing');
      await finish(t, pair, plan.count);
    });
  });

  t.test(`import of ${name}`, { skip }, async (t) => {
    const pair = await stickPair(t, plan);
    await pair.run('a', 'export', pair.stick);
    const before = await bundles(pair);
    await everyStep(t, pair, 'b', 'import', async (t) => {
      t.same(await bundles(pair), before, 'nothing on the stick has changed');
      await finish(t, pair, plan.count);
    });
  });
}

/** Kills the command at steps from the first to the last, each time in the state that `pair` is in now, and has `judge` look at what is left. */
async function everyStep(t: Test, pair: StickPair, who: 'a' | 'b', command: string, judge: (t: Test) => Promise<void>): Promise<void> {
  const kept = `${pair.dir}/kept`;
  await mkdir(kept);
  const places = ['a', 'b', 'stick'];
  for (const place of places) await cp(join(pair.dir, place), join(kept, place), { recursive: true });
  const back = async (): Promise<void> => {
    for (const place of places) {
      await rm(join(pair.dir, place), { recursive: true });
      await cp(join(kept, place), join(pair.dir, place), { recursive: true });
    }
  };
  const steps = await stepsOf(pair, who, command);
  const every = Math.max(1, Math.floor(steps.length / KILLS));
  t.ok(steps.length > 10, `${steps.length} steps`);
  for (let index = Math.floor(every / 2); index < steps.length; index += every) {
    const step = steps[index] as Step;
    await t.test(`killed before ${step.call} number ${step.number}`, async (t) => {
      await back();
      t.equal(await start(pair, who, command, ['-e', `inject=${step.call}:signal=KILL:when=${step.number}`]), null, 'it was killed');
      await judge(t);
    });
  }
}

interface Step {
  readonly call: string;
  /** As strace counts: the first of the threads that comes to this many. */
  readonly number: number;
}

/** From whatever state: every message arrives once, with its receipt home. */
async function finish(t: Test, pair: StickPair, count: number): Promise<void> {
  for (const who of ['a', 'b', 'a'] as const) t.equal((await pair.run(who, 'stick', pair.stick)).code, 0, `${who} has no complaint`);
  t.same(await queuesOf(pair, 'b'), { parked: count }, 'each message is there, once');
  t.same(await queuesOf(pair, 'a'), {}, 'and its receipt is home');
  t.same((await readdir(join(pair.stick, 'POSTERN'))).filter((name) => name.endsWith('.part')), [], 'nothing half written is left');
}

async function bundles({ stick }: StickPair): Promise<string[]> {
  return (await readdir(join(stick, 'POSTERN')).catch(() => [])).filter((name) => name.endsWith('.bnd'));
}

async function stepsOf(pair: StickPair, who: 'a' | 'b', command: string): Promise<Step[]> {
  const trace = join(pair.dir, 'trace');
  await start(pair, who, command, [], trace);
  const byThread = new Map<string, number>();
  const most = new Map<string, number>();
  for (const line of (await readFile(trace, 'utf8')).split('\n')) {
    const [, thread = '', call = ''] = /^(\d+) +([a-z0-9]+)\(/.exec(line) ?? [];
    if (call === '') continue;
    const count = (byThread.get(`${thread} ${call}`) ?? 0) + 1;
    byThread.set(`${thread} ${call}`, count);
    most.set(call, Math.max(most.get(call) ?? 0, count));
  }
  return [...most].flatMap(([call, count]) => Array.from({ length: count }, (_, index) => ({ call, number: index + 1 })));
}

/** One thread for the disk, so that its steps have one order. (With --seccomp-bpf strace forgets to count.) @returns the exit code, or null for a kill */
async function start({ dir, stick }: StickPair, who: 'a' | 'b', command: string, inject: readonly string[], trace = '/dev/null'): Promise<number | null> {
  const words = [process.execPath, join(ROOT, 'dist/cli/postern.js'), '--config', join(dir, who, 'postern.yaml'), command, stick];
  const child = spawn('strace', ['-f', '-qq', '-o', trace, '-e', `trace=${CALLS}`, ...inject, ...words], { stdio: 'ignore', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return signal === 'SIGKILL' ? null : code;
}
