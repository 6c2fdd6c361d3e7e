import t from 'tap';
import { isDomainName } from './domain-name.js';

t.test('takes lower-case A-labels without a final dot', async (t) => {
  const longest = [...Array<string>(3).fill('a'.repeat(63)), 'b'.repeat(61)].join('.');
  for (const name of ['station', 'far.example', 'a.b.c', '1.2', 'xn--fr-via.example', longest]) t.ok(isDomainName(name), name);
});

t.test('takes nothing that a log, a path or a second spelling could make something else of', async (t) => {
  const bad = ['', '.', 'a.', '.a', 'a..b', 'A.example', '-a', 'a-', 'a_b', 'a b', 'a/b', '..', 'a\n', 'fär.example', 'a'.repeat(64), `${'a.'.repeat(127)}a`];
  for (const name of bad) t.notOk(isDomainName(name), JSON.stringify(name));
});

t.test('answers at once, however long the text', async (t) => {
  t.notOk(isDomainName('a-'.repeat(1_000_000)));
});
