import t from 'tap';
import { randomScenario } from './random-scenario.js';
import { everyFlowHasAWay } from './reach.js';

t.test('in the worlds that are drawn everybody can be reached, and without links, or without routes, nobody', async (t) => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const scenario = randomScenario(seed);
    t.ok(everyFlowHasAWay(scenario), `seed ${seed}`);
    t.notOk(everyFlowHasAWay({ ...scenario, links: [], couriers: [] }));
    t.notOk(everyFlowHasAWay({ ...scenario, nodes: Object.fromEntries(Object.entries(scenario.nodes).map(([name, node]) => [name, { ...node, routes: [] }])) }));
  }
});

t.test('routes that lead in a circle lead nowhere', async (t) => {
  const nodes = { a: { serves: ['a.example'], routes: [{ to: 'c.example', via: 'b' }] }, b: { routes: [{ to: 'c.example', via: 'a' }] }, c: { serves: ['c.example'] } };
  t.notOk(everyFlowHasAWay({ ...randomScenario(1), nodes, links: [{ between: ['a', 'b'] }, { between: ['b', 'c'] }], traffic: [{ from: 'a.example', to: 'c.example', perDay: 1 }] }));
});
