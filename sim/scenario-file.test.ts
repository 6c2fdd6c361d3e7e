import t from 'tap';
import { parseScenario } from './scenario-file.js';

const WHOLE = `name: two
lasts: 1 d
nodes:
  a: { serves: [a.example], routes: [{ to: b.example, via: b }] }
  b: { serves: [b.example] }
links:
  - between: [a, b]
    rate: 2 kbit/s
    delay: 12 min
    there: { rate: 16 bit/s }
    loss: { probability: 2 % }
traffic:
  - { from: a.example, to: b.example, perDay: 3, size: 1 MiB }
`;

t.test('quantities come with their units', async (t) => {
  const { lasts, links, traffic } = parseScenario(WHOLE, 'two.yaml');
  t.equal(lasts, 86_400_000_000);
  t.match(links[0], { rate: 2000, delay: 720_000_000, there: { rate: 16 }, loss: { probability: 0.02, segment: 1400 } });
  t.equal(traffic[0]?.size, 2 ** 20);
});

const FAULTS: readonly (readonly [what: string, from: string, to: string, says: RegExp])[] = [
  ['a setting that is none', 'rate: 2 kbit/s', 'rte: 2 kbit/s', /line 8, links\[0\]\.rte: there is no such setting/],
  ['a quantity without unit', 'delay: 12 min', 'delay: 12', /line 9, links\[0\]\.delay/],
  ['a unit that is none', 'lasts: 1 d', 'lasts: 1 day', /line 2, lasts: use a duration/],
  ['a node that is not there', 'between: [a, b]', 'between: [a, c]', /line 7, links\[0\]\.between\[1\]: there is no node named c/],
  ['a route without a link', 'via: b }', 'via: a }', /line 4, nodes\.a\.routes\[0\]\.via: no link and no courier/],
  ['traffic for nobody', 'to: b.example, perDay', 'to: c.example, perDay', /line 13, traffic\[0\]\.to: no node serves c\.example/],
  ['more than all', '2 %', '120 %', /line 11, links\[0\]\.loss/],
];

for (const [what, from, to, says] of FAULTS) {
  t.test(`${what} is told with its line`, async (t) => {
    t.throws(() => parseScenario(WHOLE.replace(from, to), 'two.yaml'), { code: 'CONFIG_INVALID', message: says });
  });
}

t.test('what is no YAML is told with line and column', async (t) => {
  t.throws(() => parseScenario('name: [', 'broken.yaml'), { code: 'CONFIG_SYNTAX' });
});
