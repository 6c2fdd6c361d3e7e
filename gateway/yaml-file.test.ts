import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { editYaml, parseYaml, readYamlFile, writeYamlFile } from './yaml-file.js';

const COMMENTED = `# The gateway at the pier.
gateway:
  name: pier # as painted on the box

# Who we talk to.
peers:
  # the shore station
  - name: shore
    role: neighbour

routes: []
`;

t.test('knows the line of a value, and of its nearest parent where it is missing', async (t) => {
  const yaml = parseYaml(COMMENTED, 'postern.yaml');
  t.equal(yaml.lineOf(['gateway', 'name']), 3);
  t.equal(yaml.lineOf(['peers', 0, 'role']), 9);
  t.equal(yaml.lineOf(['peers', 0, 'key']), 8);
  t.equal(yaml.lineOf(['nowhere']), 2);
  t.equal(parseYaml('', 'empty.yaml').lineOf(['gateway']), undefined);
});

t.test('adds to a list and leaves comments and order alone', async (t) => {
  const edited = editYaml(parseYaml(COMMENTED, 'postern.yaml'), [
    { kind: 'append', list: ['peers'], value: { name: 'ship', role: 'neighbour', links: [{ kind: 'https' }] } },
    { kind: 'append', list: ['routes'], value: { to: '*.ship.example', via: 'ship' } },
  ]);
  t.equal(
    edited,
    COMMENTED.replace('routes: []\n', '').trimEnd() +
      '\n  - name: ship\n    role: neighbour\n    links:\n      - kind: https\n\nroutes:\n  - to: "*.ship.example"\n    via: ship\n',
  );
});

t.test('makes a list that was not there', async (t) => {
  t.equal(editYaml(parseYaml('a: 1\n', 'x'), [{ kind: 'append', list: ['peers'], value: { name: 'ship' } }]), 'a: 1\npeers:\n  - name: ship\n');
  t.equal(editYaml(parseYaml('peers:\n', 'x'), [{ kind: 'append', list: ['peers'], value: 1 }]), 'peers:\n  - 1\n');
});

t.test('removes one entry', async (t) => {
  const edited = editYaml(parseYaml('peers:\n  - name: a # first\n  - name: b # second\n', 'x'), [{ kind: 'remove', path: ['peers', 0] }]);
  t.equal(edited, 'peers:\n  - name: b # second\n');
});

t.test('names line and column of bad syntax', async (t) => {
  t.throws(() => parseYaml('a: 1\nb: [1, 2\nc: 3\n', 'postern.yaml'), { code: 'CONFIG_SYNTAX', data: { file: 'postern.yaml', line: 3 } });
  t.throws(() => parseYaml('a: 1\na: 2\n', 'postern.yaml'), { code: 'CONFIG_SYNTAX', data: { line: 2, column: 1 } });
});

t.test('refuses a small file that unfolds into a large one', async (t) => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef'].map((pair) => pair.split('') as [string, string])) {
    bomb.push(`${to}: &${to} [${Array<string>(10).fill(`*${from}`).join(', ')}]`);
  }
  t.throws(() => parseYaml(bomb.join('\n'), 'postern.yaml'), { code: 'CONFIG_SYNTAX' });
});

t.test('says what to do about a file that is not there', async (t) => {
  const file = join(t.testdir(), 'postern.yaml');
  await t.rejects(readYamlFile(file, 'Run postern init.'), { code: 'CONFIG_UNREADABLE', message: `There is no ${file}. Run postern init.`, data: { file, reason: 'ENOENT' } });
  await t.rejects(readYamlFile(t.testdirName), { code: 'CONFIG_UNREADABLE', data: { reason: 'EISDIR' } });
});

t.test('replaces a file and keeps its mode', async (t) => {
  const file = join(t.testdir(), 'postern.yaml');
  await writeFile(file, 'a: 1\n');
  await chmod(file, 0o640);
  await writeYamlFile(file, 'a: 2\n');
  t.equal(await readFile(file, 'utf8'), 'a: 2\n');
  t.equal((await stat(file)).mode & 0o777, 0o640);
});
