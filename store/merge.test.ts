import t from 'tap';
import { merged } from './merge.js';

async function* listed(entries: readonly (readonly [string, number])[]): AsyncGenerator<readonly [string, number]> {
  for (const entry of entries) yield await Promise.resolve(entry);
}

async function keysOf(memory: readonly (readonly [string, number | null])[], database: readonly (readonly [string, number])[]): Promise<string> {
  let text = '';
  for await (const [key, value] of merged(memory, listed(database))) text += `${key}${value} `;
  return text.trim();
}

t.test('lays memory over the database in the order of keys', async (t) => {
  t.equal(await keysOf([], []), '');
  t.equal(await keysOf([], [['a', 1], ['b', 2]]), 'a1 b2');
  t.equal(await keysOf([['a', 1], ['b', 2]], []), 'a1 b2');
  t.equal(await keysOf([['a', 1], ['d', 4]], [['b', 2], ['c', 3], ['e', 5]]), 'a1 b2 c3 d4 e5');
  t.equal(await keysOf([['b', 9]], [['a', 1], ['b', 2], ['c', 3]]), 'a1 b9 c3');
  t.equal(await keysOf([['a', null], ['b', null], ['c', null]], [['a', 1], ['c', 3]]), '');
});

t.test('asks the database at once, and lets go of it when nobody listens any more', async (t) => {
  const told: string[] = [];
  async function* database(): AsyncGenerator<readonly [string, number]> {
    told.push('asked');
    try {
      yield await Promise.resolve(['a', 1] as const);
      yield ['b', 2];
    } finally {
      told.push('closed');
    }
  }
  const all = merged<number>([], database());
  const first = all.next();
  t.same(told, ['asked']);
  t.same((await first).value, ['a', 1]);
  await all.return(undefined);
  t.same(told, ['asked', 'closed']);
});
