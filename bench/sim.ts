/**
 * `npm run bench:sim`: how fast the simulator is, with a year of mail between Earth and Mars: two gateways and a relay, a hundred messages a day, contact windows, crashes
 * and cuts. An event is one entry of the simulator's queue: a timer of a gateway, an arrival, a message handed in, a fault; what a gateway does because of it, with all its
 * promises, is part of it.
 */
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from '../base/clock.js';
import { runScenario } from '../sim/run-scenario.js';
import { readScenario } from '../sim/scenario-file.js';

const DAY_US = 86_400e6;
const MIB = 2 ** 20;

const { values } = parseArgs({ options: { scenario: { type: 'string', default: join(import.meta.dirname, '../../sim/scenarios/earth-mars-year.yaml') }, days: { type: 'string' }, seed: { type: 'string', default: '1' } } });
const read = await readScenario(values.scenario);
const scenario = values.days === undefined ? read : { ...read, lasts: Number(values.days) * DAY_US };
let quarters = 0;
console.log('memory at the quarters:');
const report = await runScenario(scenario, {
  seed: Number(values.seed),
  clock: systemClock,
  onPosition: ({ nowUs, endUs, events }) => {
    if (quarters >= Math.floor((4 * nowUs) / endUs)) return;
    quarters += 1;
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    console.log(`  ${(nowUs / DAY_US).toFixed(0)} days: ${events} events, heap ${mib(heapUsed)}, buffers ${mib(arrayBuffers)}, resident ${mib(rss)}`);
  },
});
const { speed, delivery, faults, violations, trace } = report;
const { user, system } = process.cpuUsage();
console.log(`${report.scenario}, seed ${report.seed}: ${(report.simulatedSec / 86_400).toFixed(0)} days in ${speed?.wallSec.toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of processor time)`);
console.log(`  ${report.events} events, ${speed?.eventsPerSec} events/s, ${speed?.timesRealTime} times real time`);
console.log(`  ${delivery.delivered} of ${delivery.sent} messages, ${(((speed?.wallSec ?? 0) * 1000) / delivery.sent).toFixed(2)} ms each; faults ${JSON.stringify(faults)}; ${violations.length} violations; trace ${trace.hash}`);

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
