import t from 'tap';
import { seededRandom } from '../base/random.js';
import { MemoryEntries } from './memory-entries.js';
import type { MemoryEntry } from './memory-entries.js';

function entry(key: string, value: number): MemoryEntry {
  return { key, keyBytes: Buffer.from(key, 'latin1'), value: Uint8Array.of(value) };
}

t.test('holds what a sorted list would, through thousands of random changes', async (t) => {
  const random = seededRandom(7);
  const entries = new MemoryEntries();
  const model = new Map<string, number>();
  const draw = (below: number): number => Math.floor(random.fraction() * below);
  let differences = 0;
  for (let round = 0; round < 600; round += 1) {
    const changes = new Map<string, MemoryEntry | undefined>();
    for (let change = draw(12); change >= 0; change -= 1) {
      const key = String.fromCharCode(draw(256), draw(8));
      const value = draw(200);
      const isDeletion = draw(5) < 2;
      changes.set(key, isDeletion ? undefined : entry(key, value));
      if (isDeletion) model.delete(key);
      else model.set(key, value);
    }
    entries.change(changes);
    const [from, to] = [String.fromCharCode(draw(256)), String.fromCharCode(draw(256))];
    const expected = [...model].filter(([key]) => key >= from && key < to).sort(([a], [b]) => (a < b ? -1 : 1));
    const found = [...entries.range(from, to)].map(({ key, value }) => [key, value[0]]);
    if (JSON.stringify(found) !== JSON.stringify(expected)) differences += 1;
    const key = String.fromCharCode(draw(256), draw(8));
    if (entries.get(key)?.[0] !== model.get(key)) differences += 1;
  }
  t.equal(differences, 0);
  t.ok(model.size > 300, `${model.size} entries at the end`);
});

t.test('a walk sees what was there when it began', async (t) => {
  const entries = new MemoryEntries();
  const keys = Array.from({ length: 200 }, (_, index) => String.fromCharCode(index));
  entries.change(new Map(keys.map((key, index) => [key, entry(key, index)])));
  const walk = entries.range('', '\xff');
  entries.change(new Map(keys.map((key) => [key, undefined])));
  t.equal([...walk].length, 200);
  t.equal([...entries.range('', '\xff')].length, 0);
});
