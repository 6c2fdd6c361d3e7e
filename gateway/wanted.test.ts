import t from 'tap';
import { WantedRanges } from './wanted.js';

const RID = new Uint8Array(32).fill(7);

t.test('takes pieces in order, within the room, and gives back what did not arrive', async (t) => {
  const wanted = new WantedRanges();
  wanted.want(RID, [
    [0, 250],
    [400, 450],
  ]);
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
  wanted.want(RID, [[0, 5]]);
  t.same(wanted.take(RID, 10, 100, 10), []);
  t.same(wanted.take(RID, 11, 100, 10), [[0, 1]]);
});

t.test('what was forgotten stays forgotten', async (t) => {
  const wanted = new WantedRanges();
  wanted.want(RID, [[0, 5]]);
  const taken = wanted.take(RID, 100, 100, 1);
  wanted.forget(RID);
  wanted.giveBack(RID, taken);
  t.notOk(wanted.has(RID));
  t.same(wanted.rids(), []);
});
