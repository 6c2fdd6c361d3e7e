import t from 'tap';
import { seededRandom } from '../base/random.js';
import { RECORD_KEY_BYTES, after } from './keys.js';
import { Pages, membersOf } from './pages.js';
import type { Page } from './pages.js';

const record = (letter: string): string => letter.repeat(RECORD_KEY_BYTES);

class World {
  readonly pages = new Pages(seededRandom(1));
  readonly written = new Map<string, Uint8Array | null>();

  add(prefix: string, letters: string): void {
    for (const letter of letters) this.pages.add(prefix, record(letter));
  }

  look(gte = 'd', lt = after('d')): Page[] {
    return [...this.pages.between(gte, lt)];
  }

  drain(): void {
    this.pages.drain((key, value) => this.written.set(key, value));
  }

  get lettersWritten(): string[] {
    return [...this.written.values()].map((value) => (value === null ? '-' : letters(membersOf(value))));
  }
}

function letters(members: readonly string[]): string {
  return members.map((member) => member.charAt(0)).join('');
}

t.test('hands out what waits in the order of keys, whenever it came', async (t) => {
  const world = new World();
  world.add('d5', 'a');
  world.add('d1', 'b');
  t.same(world.look().map(({ members }) => letters(members)), ['b', 'a']);
  world.add('d3', 'c');
  world.add('d1', 'd');
  world.add('e1', 'x');
  t.same(world.look().map(({ members }) => letters(members)), ['bd', 'c', 'a']);
  t.same(world.look('d2', 'd5').map(({ members }) => letters(members)), ['c']);
});

t.test('never writes a page in which nothing lives', async (t) => {
  const world = new World();
  world.add('d1', 'ab');
  world.add('d2', 'cd');
  const [first, second] = world.look();
  world.pages.bury(first!);
  t.ok(world.pages.thin(second!, [record('d')]));
  t.same(world.look().map(({ members }) => letters(members)), ['d']);
  world.drain();
  t.same(world.lettersWritten, ['d']);
});

t.test('keeps a page to which somebody has come since it was looked at', async (t) => {
  const world = new World();
  world.add('d1', 'ab');
  const [early] = world.look();
  world.add('d1', 'c');
  world.pages.bury(early!);
  t.same(world.look().map(({ members }) => letters(members)), ['abc']);
  // As long as it was, and with others in it.
  const [whole] = world.look();
  world.pages.thin(whole!, [record('c')]);
  world.add('d1', 'de');
  world.pages.bury(whole!);
  t.same(world.look().map(({ members }) => letters(members)), ['cde']);
  // Written with more than had been looked at.
  const [before] = world.look();
  world.add('d1', 'f');
  world.drain();
  world.pages.bury(before!);
  t.notOk(world.pages.isBuried(before!.key));
  t.same(world.lettersWritten, ['cdef']);
});

t.test('deletes a written page only after a checkpoint behind its burial', async (t) => {
  const world = new World();
  world.add('d1', 'a');
  const [page] = world.look();
  world.drain();
  const tooEarly = world.pages.atCheckpoint();
  world.pages.bury(page!);
  t.ok(world.pages.isBuried(page!.key));
  tooEarly();
  world.drain();
  t.same(world.lettersWritten, ['a']);
  world.pages.atCheckpoint()();
  world.drain();
  t.same(world.lettersWritten, ['-']);
  t.notOk(world.pages.isBuried(page!.key));
});
