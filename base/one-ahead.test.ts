import t from 'tap';
import { oneAhead } from './one-ahead.js';

t.test('everything comes in order, and the next read is under way while one is worked on', async (t) => {
  const log: string[] = [];
  const reads = [1, 2, 3].map((n) => async () => {
    log.push(`read ${n}`);
    return n;
  });
  for await (const n of oneAhead(reads)) log.push(`work ${n}`);
  t.strictSame(log, ['read 1', 'read 2', 'work 1', 'read 3', 'work 2', 'work 3']);
  for await (const n of oneAhead<number>([])) t.fail(`nothing was read, and ${n} came`);
});

t.test('no third read begins before the first is done with', async (t) => {
  let [inUse, most] = [0, 0];
  const reads = Array.from({ length: 20 }, (_, n) => async () => {
    inUse += 1;
    most = Math.max(most, inUse);
    await new Promise((resolve) => setImmediate(resolve));
    return n;
  });
  for await (const n of oneAhead(reads)) {
    await new Promise((resolve) => setImmediate(resolve));
    if (n >= 0) inUse -= 1;
  }
  t.equal(most, 2);
});

t.test('a read that fails is heard of after what came before it', async (t) => {
  const seen: number[] = [];
  const reads = [() => Promise.resolve(1), () => Promise.reject(new Error('torn'))];
  await t.rejects(async () => {
    for await (const n of oneAhead(reads)) seen.push(n);
  }, { message: 'torn' });
  t.strictSame(seen, [1]);
});

t.test('who leaves early waits for the read under way, and its failure is nobody\'s', async (t) => {
  let ended = false;
  const reads = [
    () => Promise.resolve(1),
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended = true;
      throw new Error('torn');
    },
  ];
  for await (const n of oneAhead(reads)) {
    t.equal(n, 1);
    break;
  }
  t.ok(ended);
});
