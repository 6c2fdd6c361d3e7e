import t from 'tap';
import { WantedRanges } from './wanted.js';

const RID = new Uint8Array(32).fill(7);

t.test('takes pieces in order, within the room, and gives back what did not arrive', async (t) => {
  const wanted = new WantedRanges();
  wanted.want(RID, [
    [0, 250],
    [400, 450],
  ], 450);
  t.same(wanted.take(RID, 1000, 100, 10), [
    [0, 100],
    [100, 200],
    [200, 250],
    [400, 450],
  ]);
  t.ok(wanted.isEmpty(RID));
  wanted.giveBack(RID, [
    [400, 450],
    [100, 200],
  ]);
  t.same(wanted.take(RID, 80, 100, 10), [[100, 170]]);
  t.same(wanted.take(RID, 1000, 100, 10), [
    [170, 200],
    [400, 450],
  ]);
});

t.test('a piece is never empty, however little room there is', async (t) => {
  const wanted = new WantedRanges();
  wanted.want(RID, [[0, 5]], 5);
  t.same(wanted.take(RID, 10, 100, 10), []);
  t.same(wanted.take(RID, 11, 100, 10), [[0, 1]]);
});

t.test('what was forgotten stays forgotten', async (t) => {
  const wanted = new WantedRanges();
  wanted.want(RID, [[0, 5]], 5);
  const taken = wanted.take(RID, 100, 100, 1);
  wanted.forget(RID);
  wanted.giveBack(RID, taken);
  t.notOk(wanted.has(RID));
  t.same(wanted.rids(), []);
});

t.test('who wants the same again and again is not sent it before it is offered again', async (t) => {
  const wanted = new WantedRanges();
  const times = (): number => {
    let count = 0;
    for (; count < 20; count += 1) {
      wanted.want(RID, [[0, 1000]], 1000);
      if (wanted.take(RID, 10_000, 400, 1).length === 0) break;
    }
    return count;
  };
  t.equal(times(), 3);
  t.equal(times(), 0);
  wanted.offered(RID);
  t.equal(times(), 3);
});

t.test('what did not arrive does not count', async (t) => {
  const wanted = new WantedRanges();
  for (let time = 0; time < 10; time += 1) {
    wanted.want(RID, [[0, 1000]], 1000);
    const taken = wanted.take(RID, 10_000, 400, 1);
    t.equal(taken.length, 3);
    wanted.giveBack(RID, taken);
  }
});
