/**
 * `npm run campaign:sim -- --seeds A..B`: the fault campaign of the simulator over many seeds, on all processors. Each seed draws a small world with
 * its faults and traffic. One that breaks a rule is told at once, with the command that has it again, and made into a small scenario file.
 */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { SeedDone, WorkerWishes } from './sim-campaign-worker.js';

const SAY_EVERY_MS = 30_000;
const SHRINK_RUNS = 300;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..1000' },
    workers: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: 'campaign' },
    'no-shrink': { type: 'boolean', default: false },
  },
});
const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(values.seeds) ?? [];
if (from === undefined || to === undefined) throw new Error(`--seeds ${values.seeds}: give the first and the last, such as 1..1000`);

const startedMs = performance.now();
const sums = { seeds: 0, messages: 0, delivered: 0, faults: 0, events: 0, failed: 0 };
let next = Number(from);
console.log(`seeds ${from} to ${to}, ${values.workers} at a time`);
const saying = setInterval(() => console.log(`${seconds()} s: seed ${next}, ${JSON.stringify(sums)}`), SAY_EVERY_MS);
await Promise.all(Array.from({ length: Number(values.workers) }, work));
clearInterval(saying);
console.log(`${sums.failed === 0 ? 'kept every rule' : `${sums.failed} SEEDS BROKE RULES`}: ${JSON.stringify(sums)} in ${seconds()} s`);
process.exitCode = sums.failed === 0 ? 0 : 1;

async function work(): Promise<void> {
  const wishes: WorkerWishes = { shrinkRuns: values['no-shrink'] ? 0 : SHRINK_RUNS };
  const worker = new Worker(new URL('./sim-campaign-worker.js', import.meta.url), { workerData: wishes });
  try {
    while (next <= Number(to)) {
      const seed = next++;
      const answer = once(worker, 'message');
      worker.postMessage(seed);
      const [done] = (await answer) as [SeedDone];
      await count(done);
    }
  } finally {
    await worker.terminate();
  }
}

async function count({ result, small, thrown }: SeedDone): Promise<void> {
  const { seed, violations, messages, delivered, faults, events } = result;
  const [first] = violations;
  sums.seeds += 1;
  sums.messages += messages;
  sums.delivered += delivered;
  sums.faults += faults;
  sums.events += events;
  if (first === undefined && thrown === undefined) return;
  sums.failed += 1;
  console.log(`seed ${seed}: ${thrown ?? `${first?.rule} at ${first?.node}, ${((first?.timeUs ?? 0) / 3.6e9).toFixed(2)} h in: ${first?.text}`}`);
  console.log(`  again: npm run campaign:sim -- --seeds ${seed}..${seed}`);
  if (small === undefined) return;
  await mkdir(values.out, { recursive: true });
  const file = join(values.out, `seed-${seed}.yaml`);
  await writeFile(file, small);
  console.log(`  small: postern sim run ${file} --seed ${seed}`);
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 1000);
}
