/** Whether what is sent in a scenario has a way at all: a world whose links were left out delivers nothing, and that is no finding. */
import type { ScenarioInput } from './scenario-schema.js';

export function everyFlowHasAWay(scenario: ScenarioInput): boolean {
  return (scenario.traffic ?? []).every(({ from, to }) => {
    const start = servedBy(scenario, from);
    return start !== undefined && leadsTo(scenario, start, to);
  });
}

function leadsTo(scenario: ScenarioInput, start: string, domain: string): boolean {
  const seen = new Set<string>();
  let at: string | undefined = start;
  while (at !== undefined && !seen.has(at)) {
    const here: ScenarioInput['nodes'][string] = scenario.nodes[at] ?? {};
    if (here.serves?.includes(domain) === true) return true;
    seen.add(at);
    const next: string | undefined = here.routes?.find(({ to }) => to === domain)?.via;
    at = next !== undefined && areJoined(scenario, at, next) ? next : undefined;
  }
  return false;
}

function areJoined({ links = [], couriers = [] }: ScenarioInput, one: string, other: string): boolean {
  return [...links, ...couriers].some(({ between }) => between.includes(one) && between.includes(other));
}

function servedBy({ nodes }: ScenarioInput, domain: string): string | undefined {
  return Object.keys(nodes).find((name) => nodes[name]?.serves?.includes(domain) === true);
}
