/** The campaign: one seed after another draws its scenario and runs it. What broke a rule is made as small as it can be while it still breaks it. */
import { randomScenario } from './random-scenario.js';
import { everyFlowHasAWay } from './reach.js';
import { runScenario } from './run-scenario.js';
import type { Rule, Violation } from './checks.js';
import { parseScenario } from './scenario-file.js';
import type { ScenarioInput } from './scenario-schema.js';
import { shrinkScenario } from './shrink.js';
import type { Plant } from './world-face.js';

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly messages: number;
  readonly delivered: number;
  readonly faults: number;
  readonly events: number;
  readonly hash: string;
}

export function runSeed(seed: number, plant?: Plant): Promise<SeedResult> {
  return runInput(randomScenario(seed), seed, plant);
}

/** @param input as a file has it */
export async function runInput(input: ScenarioInput, seed: number, plant?: Plant): Promise<SeedResult> {
  const scenario = parseScenario(scenarioText(input), input.name);
  const { violations, delivery, faults, events, trace } = await runScenario(scenario, { seed, endsEarly: true, ...(plant !== undefined && { plant }) });
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return { seed, violations, messages: delivery.sent, delivered: delivery.delivered, faults: faultCount, events, hash: trace.hash };
}

/** A seed of the campaign as it is given to a thread. */
export interface SeedJob {
  readonly seed: number;
  /** How many runs a failing scenario is worth while it is made small. */
  readonly shrinkRuns: number;
}

export interface SeedDone {
  readonly result: SeedResult;
  /** The smallest scenario that was found to break the same rule, as a file. */
  readonly small?: string;
}

/** Runs a seed, and makes it small where it breaks a rule. */
export async function campaignSeed({ seed, shrinkRuns }: SeedJob, plant?: Plant): Promise<SeedDone> {
  const result = await runSeed(seed, plant);
  const [first] = result.violations;
  const small = first === undefined || shrinkRuns === 0 ? undefined : await shrinkSeed(seed, first.rule, shrinkRuns, plant);
  return { result, ...(small !== undefined && { small: scenarioText(small.scenario) }) };
}

export interface SmallCase {
  readonly scenario: ScenarioInput;
  readonly violation: Violation;
  readonly runs: number;
}

/** The smallest scenario found in which the seed breaks the same rule. @param mostRuns of which each may take as long as the first */
export async function shrinkSeed(seed: number, rule: Rule, mostRuns: number, plant?: Plant): Promise<SmallCase | undefined> {
  let found: Violation | undefined;
  const { scenario, runs } = await shrinkScenario(randomScenario(seed), mostRuns, async (candidate) => {
    if (rule === 'liveness' && !everyFlowHasAWay(candidate)) return false;
    const broken = (await runInput(candidate, seed, plant)).violations.find((violation) => violation.rule === rule);
    found = broken ?? found;
    return broken !== undefined;
  });
  return found === undefined ? undefined : { scenario, violation: found, runs };
}

/** A scenario as a file: JSON, which YAML has as a part. */
export function scenarioText(input: ScenarioInput): string {
  return `${JSON.stringify(input, undefined, 2)}\n`;
}
