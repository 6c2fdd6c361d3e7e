import t from 'tap';
import { PRESETS, presetsOf } from './presets.js';
import { runScenario } from './run-scenario.js';
import { parseScenario } from './scenario-file.js';

const DOMAINS = `nodes:
  a: { serves: [a.example], routes: [{ to: b.example, via: b }] }
  b: { serves: [b.example], routes: [{ to: a.example, via: a }] }
`;

function scenarioWith(block: string, more = '', settlesDays = 2): ReturnType<typeof parseScenario> {
  return parseScenario(`name: two\nlasts: 1 d\nsettles: ${settlesDays} d\n${DOMAINS}${block}${more}`, 'two.yaml');
}

const TRAFFIC = `traffic:
  - { from: a.example, to: b.example, perDay: 2, kind: constant, size: 600 B, lifetime: 30 d }
  - { from: b.example, to: a.example, perDay: 2, kind: constant, size: 2 KiB, lifetime: 30 d }
expect: { deliveredAtLeast: 1 }
`;

/** Where two days are too few. */
const DAYS_TO_SETTLE: Readonly<Record<string, number>> = { 'deep-space-probe': 6, 'weekly-courier': 14 };

for (const name of Object.keys(PRESETS)) {
  t.test(`mail goes both ways by ${name}`, async (t) => {
    const list = PRESETS[name]?.kind === 'courier' ? 'couriers' : 'links';
    const report = await runScenario(scenarioWith(`${list}: [{ between: [a, b], preset: ${name} }]\n`, TRAFFIC, DAYS_TO_SETTLE[name]), { seed: 1 });
    t.same(report.violations, []);
    t.ok(report.passed, JSON.stringify(report.delivery));
  });
}

t.test('what the scenario says counts', async (t) => {
  const [link] = scenarioWith('links: [{ between: [a, b], preset: geo, delay: 260 ms, there: { loss: { probability: 0 } } }]\n').links;
  t.match(link, { delay: 260_000, loss: { probability: 0.001 }, there: { rate: 512_000, loss: { probability: 0 } }, back: { rate: 4_000_000 } });
  const [both] = scenarioWith('links: [{ between: [a, b], preset: geo, rate: 1 Mbit/s }]\n').links;
  t.match(both, { rate: 1_000_000 });
  t.equal(both?.there.rate, undefined, 'one rate for both ways takes the place of one for each');
});

t.test('a preset that is none is told with its line, and so is one of another kind', async (t) => {
  t.throws(() => scenarioWith('links:\n  - { between: [a, b], preset: venus }\n'), { code: 'CONFIG_INVALID', message: /line 8, links\[0\]\.preset/ });
  t.throws(() => scenarioWith('links:\n  - { between: [a, b], preset: weekly-courier }\n'), { code: 'CONFIG_INVALID' });
  t.same(presetsOf('courier'), ['weekly-courier']);
});
