/** `postern sim`: scenarios under a clock of their own, with the gateway that flies. */
import type { CliContext, Command } from './program.js';
import { addSimCampaign } from './sim-campaign.js';
import { addSimCompare } from './sim-compare.js';
import { addSimExchange } from './sim-exchange.js';
import { addSimPresets } from './sim-presets.js';
import { addSimRelay } from './sim-relay.js';
import { addSimRun } from './sim-run.js';
import { addSimSweep } from './sim-sweep.js';

export function addSim(program: Command, context: CliContext): void {
  const sim = program.command('sim').summary('try links, delays, faults and policies under a clock of their own');
  for (const add of [addSimRun, addSimSweep, addSimCompare, addSimCampaign, addSimExchange, addSimPresets, addSimRelay]) add(sim, context);
}
