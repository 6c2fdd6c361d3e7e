import t from 'tap';
import { parseYaml } from '../../gateway/yaml-file.js';
import { scenarioText } from './scenario-text.js';

const VALUE = {
  name: 'two',
  about: 'From "a: b" # not a remark',
  left: undefined,
  empty: {},
  words: ['true', 'no', 'plain words', '12 min', '-4 min', '1e3', '007', 'a: b', '', '- x', 'ä'],
  numbers: [1, 0.5, true],
  nodes: { a: { serves: ['a.example'] }, 5: {}, 'on': 1 },
  links: [{ between: ['a', 'b'], windows: { list: Array.from({ length: 40 }, (_, index) => [`${index * 10} s`, `${index * 10 + 5} s`]) }, trace: { text: 'seconds,loss\n0,0\n1,1\n' } }, { between: ['b', 'c'] }],
};

t.test('what is written is read as it was', async (t) => {
  const text = scenarioText(VALUE, ['Made here.', 'With a\nbreak.']);
  const { left: _, ...wanted } = VALUE;
  t.same(parseYaml(text, 'text').value, wanted);
  t.ok(text.startsWith('# Made here.\n# With a break.\n'));
  t.match(text, /\n {4}windows:\n {6}list:\n {8}- \[0 s, 5 s\]\n/, 'a long list has a line for each entry');
  t.match(text, /\n {4}trace:\n {6}text: \|\n {8}seconds,loss\n/);
  t.match(text, /\n {2}- \{ between: \[b, c\] \}\n/, 'what is short stands on one line');
});

t.test('of many remarks the first are written, and how many more there are', async (t) => {
  const text = scenarioText({ name: 'two' }, Array.from({ length: 50 }, (_, index) => `remark ${index}`));
  t.match(text, /# remark 39\n# and 10 more\.\nname: two\n$/);
});
