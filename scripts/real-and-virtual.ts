/**
 * `node dist/scripts/real-and-virtual.js [--seed N] [--scale N] [SCENARIO]`: the scenario under a clock of its own, and with real daemons
 * through `postern sim relay`. Exit code 0 where both give the same.
 */
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { compareRuns } from './same-scenario.js';

const { values, positionals } = parseArgs({ options: { seed: { type: 'string', default: '1' }, scale: { type: 'string', default: '1000' } }, allowPositionals: true });
const file = positionals[0] ?? join(import.meta.dirname, '../../sim/scenarios/orbiter-between.yaml');
const found = await compareRuns({ file, seed: Number(values.seed), scale: Number(values.scale) });
const same = found.differentlyDelivered.length === 0 && found.differentlyOrdered.length === 0 && found.outside.length === 0;
process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n${same ? 'The same.' : found.isMachineTooSlow ? 'Not the same, on a machine that was later than the scenario leaves room for.' : 'Not the same.'}\n`);
process.exitCode = same ? 0 : 1;
