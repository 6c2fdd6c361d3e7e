import t from 'tap';
import { GroupCommit } from './group-commit.js';
import type { GroupUnit, Written } from './group-commit.js';

/** A disk on which each write takes so long, and callers who take so long to come back, by a clock of their own. */
class World {
  readonly groups: number[] = [];
  readonly events: string[] = [];
  readonly diskMs: number;
  readonly workMs: number;
  nowMs = 0;
  left: number;
  failAt = Infinity;
  readonly commit: GroupCommit<Caller>;

  constructor({ diskMs, workMs, rounds }: { diskMs: number; workMs: number; rounds: number }) {
    this.diskMs = diskMs;
    this.workMs = workMs;
    this.left = rounds;
    this.commit = new GroupCommit<Caller>({ write: (group) => this.write(group), limits: { bytes: 1000, units: 100 }, monotonicMs: () => this.nowMs });
  }

  async write(group: readonly Caller[]): Promise<Written> {
    this.groups.push(group.length);
    this.events.push('write');
    await new Promise((resolve) => setImmediate(resolve));
    this.nowMs += this.diskMs;
    if (this.groups.length >= this.failAt) throw new Error('no disk');
    return { count: group.length, tell: (i) => group[i]!.durable() };
  }
}

class Caller implements GroupUnit {
  readonly bytes = 1;
  readonly world: World;
  told = 0;
  failures = 0;

  constructor(world: World) {
    this.world = world;
  }

  durable(): void {
    this.told += 1;
    this.world.events.push('told');
    this.world.nowMs += this.world.workMs;
    if (this.world.left <= 0) return;
    this.world.left -= 1;
    this.world.commit.submit(this);
  }

  failed(): void {
    this.failures += 1;
  }
}

async function run(world: World, callers: number): Promise<Caller[]> {
  const all = Array.from({ length: callers }, () => new Caller(world));
  for (const caller of all) world.commit.submit(caller);
  await world.commit.idle();
  return all;
}

t.test('on a slow disk all who were woken share the next write', async (t) => {
  const world = new World({ diskMs: 100, workMs: 1, rounds: 80 });
  await run(world, 20);
  t.same(world.groups, [20, 20, 20, 20, 20]);
});

t.test('where the work is what takes long, the disk and they are at it at the same time', async (t) => {
  const world = new World({ diskMs: 1, workMs: 1, rounds: 80 });
  const callers = await run(world, 20);
  t.same(world.groups.slice(0, 3), [20, 20, 10], 'how long they take is known after the first');
  t.equal(callers.reduce((sum, { told }) => sum + told, 0), 100);
  const second = world.events.indexOf('write', world.events.indexOf('write', 1) + 1);
  t.equal(world.events.slice(0, second).filter((event) => event === 'told').length, 30, 'the third write begins when half of the second group has been told');
});

t.test('it is the work of all that counts, whether they are woken together or in halves', async (t) => {
  const quicker = new World({ diskMs: 25, workMs: 1, rounds: 80 });
  await run(quicker, 20);
  t.same(quicker.groups, [20, 20, 20, 20, 20]);
  const slower = new World({ diskMs: 15, workMs: 1, rounds: 80 });
  await run(slower, 20);
  t.same(slower.groups, [20, 20, 10, 10, 10, 10, 10, 10]);
});

t.test('those of a write that fails, and those behind, are told once, and later ones go on', async (t) => {
  const world = new World({ diskMs: 1, workMs: 1, rounds: 1000 });
  world.failAt = 4;
  const callers = await run(world, 20);
  t.equal(callers.reduce((sum, { failures }) => sum + failures, 0), 20);
  world.failAt = Infinity;
  world.left = 0;
  const [late] = await run(world, 1);
  t.match(late, { told: 1, failures: 0 });
});

t.test('what did not fit goes first in the next write', async (t) => {
  const order: string[] = [];
  const unit = (name: string): GroupUnit & { name: string } => ({ name, bytes: 1, failed: () => undefined });
  const commit = new GroupCommit<ReturnType<typeof unit>>({
    async write(group) {
      await Promise.resolve();
      return { count: 1, tell: () => void order.push(group[0]!.name) };
    },
    limits: { bytes: 1000, units: 100 },
    monotonicMs: () => 0,
  });
  for (const name of ['a', 'b', 'c']) commit.submit(unit(name));
  await commit.idle();
  t.same(order, ['a', 'b', 'c']);
});
