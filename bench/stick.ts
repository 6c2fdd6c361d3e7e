/**
 * A stick from gateway to gateway beside NNCP (Debian's package), alternated in one run: export and import of opaque blobs, many
 * small ones on a RAM disk, there with every sync 10 ms slower, and a large one. Queueing is not timed: NNCP encrypts then, we do not.
 * The large blob exists five times on the way, so it goes to a disk unless told otherwise; --full makes it 1 GiB.
 *
 *   npm run bench:stick -- [--count 10000] [--large 268435456 | --full] [--rounds 3] [--dir /dev/shm] [--large-dir /tmp] [--nncp no]
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findNncp, nncpStep, prepareNncp } from './stick-nncp.js';
import { bytesBelow, ourStep, prepareOurs } from './stick-ours.js';
import { runStep, SLOW_SYNC, sumOf } from './stick-run.js';
import type { StepCost } from './stick-run.js';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, large: { type: 'string', default: String(2 ** 28) }, full: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' }, dir: { type: 'string', default: '/dev/shm' }, 'large-dir': { type: 'string', default: tmpdir() }, nncp: { type: 'string', default: 'yes' } },
});
const [count, largeBytes, rounds] = [Number(values.count), values.full ? 2 ** 30 : Number(values.large), Number(values.rounds)];
const SMALL_BYTES = 1024;
const MIB = 2 ** 20;

interface Contestant {
  readonly name: string;
  readonly step: typeof ourStep;
}

interface Crossing {
  readonly cost: StepCost;
  readonly stickBytes: number;
  /** What the receiver writes for the way back. */
  readonly answerBytes?: number;
}

const version = values.nncp === 'no' ? undefined : await findNncp();
const contestants: Contestant[] = [{ name: 'postern', step: ourStep }, ...(version === undefined ? [] : [{ name: 'nncp', step: nncpStep }])];
console.log(version === undefined ? 'NNCP is not here: postern alone' : `beside ${version}`);
const bases: Readonly<Record<string, string>> = { small: await mkdtemp(join(values.dir, 'postern-stick-')), large: await mkdtemp(join(values['large-dir'], 'postern-stick-')) };
const placeOf = (plan: string): string => bases[plan] ?? '';
let missed = 0;
try {
  const recordBytes = await prepareAll('small', count, SMALL_BYTES);
  const small = await race('small', [], rounds);
  const slow = await race('small', SLOW_SYNC, 1);
  const largePlanBytes = largeBytes > 0 ? await prepareAll('large', 1, largeBytes) : 0;
  const large = largePlanBytes > 0 ? await race('large', [], rounds) : undefined;

  console.log(`\n${''.padEnd(34)}  wall s   CPU s  RSS MiB  written MiB  stick MiB`);
  for (const [title, results] of [[`${count} x 1 KiB`, small], [`${count} x 1 KiB, sync +10 ms`, slow], [`1 x ${Math.round(largeBytes / MIB)} MiB`, large]] as const) {
    for (const [name, { cost, stickBytes }] of results ?? []) console.log(`${title.padEnd(26)}${name.padEnd(8)}${cost.wallSec.toFixed(2).padStart(8)}${cost.cpuSec.toFixed(2).padStart(8)}${(cost.peakRssBytes / MIB).toFixed(0).padStart(9)}${(cost.writtenBytes / MIB).toFixed(1).padStart(13)}${(stickBytes / MIB).toFixed(1).padStart(11)}`);
  }
  const [ours, oursSlow, oursLarge] = [small, slow, large].map((results) => results?.get('postern'));
  console.log('');
  if (ours !== undefined && oursSlow !== undefined) {
    judge(`${count} x 1 KiB, export + import`, ours.cost.wallSec, (3 * count) / 10_000, 's');
    // Under strace without slow syncs the same run would be slower by itself; the whole difference is counted against us.
    judge('more with every sync 10 ms slower', oursSlow.cost.wallSec - ours.cost.wallSec, 1, 's');
    judge('on the stick beyond records and blobs', (ours.stickBytes - recordBytes) / count, 64, 'bytes a message');
    judge('written, export + import', ours.cost.writtenBytes / (count * SMALL_BYTES), 3, 'x the payload');
    judge('memory with many small messages', ours.cost.peakRssBytes / MIB, 150, 'MiB');
    judge('the receipts', (ours.answerBytes ?? 0) / 1000, 200, 'kB');
  }
  if (oursLarge !== undefined) judge('memory with one large blob', oursLarge.cost.peakRssBytes / MIB, 150, 'MiB');
} finally {
  for (const base of Object.values(bases)) await rm(base, { recursive: true });
}
process.exitCode = missed === 0 ? 0 : 1;

async function prepareAll(plan: string, messages: number, blobBytes: number): Promise<number> {
  const bytes = await prepareOurs(join(placeOf(plan), 'postern'), { count: messages, blobBytes });
  if (version !== undefined) await prepareNncp(join(placeOf(plan), 'nncp'), { count: messages, blobBytes });
  return bytes;
}

/** Both, in turns, each from a fresh copy of what was prepared; the median round of each. */
async function race(plan: string, under: readonly string[], times: number): Promise<Map<string, Crossing>> {
  const found = new Map<string, Crossing[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < times; round += 1) {
    for (let i = 0; i < contestants.length; i += 1) {
      const contestant = contestants[(round + i) % contestants.length]!;
      found.get(contestant.name)!.push(await cross(contestant, plan, under));
    }
  }
  return new Map([...found].map(([name, crossings]) => [name, crossings.sort((a, b) => a.cost.wallSec - b.cost.wallSec)[crossings.length >> 1]!]));
}

async function cross({ name, step }: Contestant, plan: string, under: readonly string[]): Promise<Crossing> {
  // NNCP's configuration names its folders: the copy stands where the original stood.
  const [kept, dir, stick] = [join(placeOf(plan), `${name}.kept`), join(placeOf(plan), name), join(placeOf(plan), 'stick')];
  await rm(kept, { recursive: true, force: true });
  await cp(dir, kept, { recursive: true });
  await mkdir(stick);
  try {
    const out = await runStep(step(dir, 'a', 'export', stick), under);
    const stickBytes = await bytesBelow(stick);
    const inward = await runStep(step(dir, 'b', 'import', stick), under);
    const cost = sumOf([out, inward]);
    if (name !== 'postern') return { cost, stickBytes };
    await runStep(step(dir, 'b', 'export', stick));
    return { cost, stickBytes, answerBytes: (await bytesBelow(stick)) - stickBytes };
  } finally {
    await rm(stick, { recursive: true });
    await rm(dir, { recursive: true });
    await cp(kept, dir, { recursive: true });
  }
}

function judge(what: string, found: number, most: number, unit: string): void {
  const met = found <= most;
  if (!met) missed += 1;
  console.log(`${met ? 'met   ' : 'MISSED'} ${what.padEnd(42)} ${found.toFixed(2).padStart(9)} ${unit} (target: ${most} at most)`);
}
