import t from 'tap';
import { MAX_ADDRESS_BYTES, parseAddress } from './address.js';

t.test('reads a user and a domain', async (t) => {
  t.same(parseAddress('ada@north.example'), { user: 'ada', domain: 'north.example' });
  t.same(parseAddress('a.b+c-d_e@localhost'), { user: 'a.b+c-d_e', domain: 'localhost' });
});

t.test('takes the longest address and none that is longer', async (t) => {
  const domain = `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(61)}`;
  const longest = `${'u'.repeat(64)}@${domain}`;
  t.equal(longest.length, MAX_ADDRESS_BYTES);
  t.ok(parseAddress(longest));
  t.notOk(parseAddress(`u${longest}`));
  t.notOk(parseAddress(`${longest}d`));
});

t.test('refuses every second spelling and everything that is no address', async (t) => {
  const texts = ['', '@', 'ada', '@north.example', 'ada@', 'Ada@north.example', 'ada@North.example', 'ada@north.example.', 'ada@north..example', 'a..b@c', '.a@c', 'a.@c', 'a b@c', 'a@b@c', 'ä@c', 'a@ü.example', 'a@c\n', 'a/b@c', 'a\0@c'];
  for (const text of texts) t.equal(parseAddress(text), undefined, JSON.stringify(text));
});
