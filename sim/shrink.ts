/** Makes a failing scenario small: leaves out one thing after another, for as long as it still fails. */
import type { ScenarioInput } from './scenario-schema.js';

/** Names that a route, a flow or a fault can refer to are left out with whatever refers to them. */
type Step = (scenario: ScenarioInput) => ScenarioInput;

/** @param fails whether a candidate still does what is looked for */
export async function shrinkScenario(scenario: ScenarioInput, mostRuns: number, fails: (candidate: ScenarioInput) => Promise<boolean>): Promise<{ readonly scenario: ScenarioInput; readonly runs: number }> {
  let smallest = scenario;
  let runs = 0;
  for (let isSmaller = true; isSmaller && runs < mostRuns; ) {
    isSmaller = false;
    for (const step of stepsOf(smallest)) {
      if (runs === mostRuns) break;
      const candidate = step(smallest);
      if (JSON.stringify(candidate) === JSON.stringify(smallest)) continue;
      runs += 1;
      if (!(await fails(candidate).catch(() => false))) continue;
      smallest = candidate;
      isSmaller = true;
      // What could be left out has moved: begin anew with what there is now.
      break;
    }
  }
  return { scenario: smallest, runs };
}

/** The largest steps first. */
function* stepsOf({ nodes, traffic = [], faults = [], links = [], couriers = [] }: ScenarioInput): Generator<Step> {
  if (faults.length > 1) yield (scenario) => ({ ...scenario, faults: [] });
  for (const name of Object.keys(nodes)) yield (scenario) => withoutNode(scenario, name);
  for (const index of traffic.keys()) if (traffic.length > 1) yield (scenario) => ({ ...scenario, traffic: without(scenario.traffic, index) });
  for (const index of faults.keys()) yield (scenario) => ({ ...scenario, faults: without(scenario.faults, index) });
  yield (scenario) => ({ ...scenario, lasts: halved(scenario.lasts) });
  for (const index of links.keys()) {
    yield (scenario) => ({ ...scenario, links: without(scenario.links, index) });
    for (const trait of LINK_TRAITS) yield (scenario) => ({ ...scenario, links: changed(scenario.links, index, (link) => omit(link, trait)) });
  }
  for (const index of couriers.keys()) yield (scenario) => ({ ...scenario, couriers: changed(scenario.couriers, index, (courier) => omit(courier, 'lost')) });
  for (const index of traffic.keys()) {
    yield (scenario) => ({ ...scenario, traffic: changed(scenario.traffic, index, (flow) => ({ ...flow, perDay: Math.max(1, Math.floor(flow.perDay / 2)) })) });
    yield (scenario) => ({ ...scenario, traffic: changed(scenario.traffic, index, (flow) => ({ ...omit(flow, 'retracted'), size: '1 KiB' })) });
  }
  for (const name of Object.keys(nodes)) {
    for (const trait of ['clock', 'quota', 'largeBlob'] as const) yield (scenario) => ({ ...scenario, nodes: { ...scenario.nodes, [name]: omit(scenario.nodes[name] ?? {}, trait) } });
  }
}

const LINK_TRAITS = ['loss', 'windows', 'duplicate', 'corrupt', 'reorder', 'budget', 'reliable', 'there', 'back', 'delay', 'rate'] as const;

/** With its links, its traffic, its faults, and the routes to it and through it. */
function withoutNode(scenario: ScenarioInput, name: string): ScenarioInput {
  const served = new Set(scenario.nodes[name]?.serves);
  const isApart = ({ between }: { readonly between: readonly string[] }): boolean => !between.includes(name);
  const links = scenario.links?.filter(isApart);
  const linkNames = new Set(links?.map((link) => link.name ?? link.between.join('-')));
  const nodes = Object.entries(scenario.nodes).filter(([other]) => other !== name);
  return {
    ...scenario,
    nodes: Object.fromEntries(nodes.map(([other, node]) => [other, { ...node, routes: node.routes?.filter(({ to, via }) => via !== name && !served.has(to)) }])),
    links,
    couriers: scenario.couriers?.filter(isApart),
    traffic: scenario.traffic?.filter(({ from, to }) => !served.has(from) && !served.has(to)),
    faults: scenario.faults?.filter((fault) => ('node' in fault ? fault.node !== name : linkNames.has(fault.link))),
  };
}

/** Down to an hour. */
function halved(lasts: string): string {
  const hours = Number.parseInt(lasts, 10);
  return `${Math.max(1, Math.floor(hours / 2))} h`;
}

function without<Item>(items: readonly Item[] | undefined, index: number): Item[] {
  return (items ?? []).filter((_, other) => other !== index);
}

function changed<Item>(items: readonly Item[] | undefined, index: number, change: (item: Item) => Item): Item[] {
  return (items ?? []).map((item, other) => (other === index ? change(item) : item));
}

function omit<Item extends object>(item: Item, key: string): Item {
  return Object.fromEntries(Object.entries(item).filter(([other]) => other !== key)) as Item;
}
