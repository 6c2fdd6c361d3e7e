import t from 'tap';
import { parseYaml } from '../gateway/yaml-file.js';
import { changedScenario, parseChanges } from './change-scenario.js';
import { parseSeeds } from './seed-list.js';
import { gridOf, variantName } from './sweep.js';

const TEXT = `
name: two
lasts: 1 h
nodes: { a: { serves: [a.example] }, b: { serves: [b.example] } }
links:
  - { between: [a, b] }
  - { between: [a, b], name: spare }
couriers:
  - { between: [b, a], every: 1 d, travel: 1 h }
`;
const yaml = parseYaml(TEXT, 'two.yaml');
const changed = (...settings: string[]) => changedScenario(yaml, settings.flatMap(parseChanges));

t.test('a setting is found by name, by ends and by number, and a block that is not there is begun', async (t) => {
  t.equal(changed('links[1].rate=2 kbit/s').links[1]?.rate, 2000);
  t.equal(changed('links.spare.rate=2 kbit/s').links[1]?.rate, 2000);
  t.match(changed('links.a-b.there.loss.probability=10 %').links[0]?.there.loss, { probability: 0.1 });
  t.equal(changed('couriers.b-a.lost=0.5').couriers[0]?.lost, 0.5);
  t.equal(changed('nodes.a.capacity=1 MiB', 'lasts=2 h').nodes.a?.capacity, 2 ** 20);
  t.same((yaml.value as { lasts: string }).lasts, '1 h', 'the scenario itself stays as it is');
});

t.test('commas in brackets and quotes belong to a value', async (t) => {
  t.same(parseChanges('traffic[0].size=1 KiB,[1 KiB, 2 KiB],"a,b"').map(({ text }) => text), ['1 KiB', '[1 KiB, 2 KiB]', '"a,b"']);
});

t.test('what leads nowhere is refused with its path, what does not fit with what would', async (t) => {
  for (const setting of ['links[7].rate=1 kbit/s', 'links.none.rate=1 kbit/s', 'lasts.more=1 h', '__proto__.polluted=1', 'nodes.__proto__.polluted=1', 'constructor.prototype.polluted=1']) t.throws(() => changed(setting), { code: 'SIM_CHANGE' }, setting);
  t.equal(({} as { polluted?: number }).polluted, undefined);
  for (const setting of ['nothing', '=1', 'lasts=']) t.throws(() => parseChanges(setting), { code: 'SIM_CHANGE' }, setting);
  t.throws(() => changed('links[0].rate=fast'), { code: 'CONFIG_INVALID', message: /two\.yaml with links\[0\]\.rate=fast cannot be used:\n.*links\[0\]\.rate: use a rate/ });
  t.throws(() => changed('lasts=['), { code: 'CONFIG_SYNTAX' });
});

t.test('a grid is every combination', async (t) => {
  const cells = gridOf([parseChanges('lasts=1 h,2 h'), parseChanges('links[0].rate=1 kbit/s,2 kbit/s')]);
  t.same(cells.map(variantName), ['lasts=1 h, links[0].rate=1 kbit/s', 'lasts=1 h, links[0].rate=2 kbit/s', 'lasts=2 h, links[0].rate=1 kbit/s', 'lasts=2 h, links[0].rate=2 kbit/s']);
  t.same(gridOf([]).map(variantName), ['as it is']);
});

t.test('seeds are lists and ranges, each once', async (t) => {
  t.same(parseSeeds('1..3,7, 2'), [1, 2, 3, 7]);
  for (const text of ['', '3..1', '1..', 'x', '-1', '1..200000', '1.5']) t.equal(parseSeeds(text), undefined, text);
});
