import { strict as assert } from 'node:assert';
import t from 'tap';
import fc from 'fast-check';
import { Intervals } from './intervals.js';

const SIZE = 60;
const range = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
const steps = fc.array(fc.record({ add: fc.boolean(), range }), { maxLength: 30 });

/** The same by hand, a flag for each byte. */
function flags(list: readonly { add: boolean; range: readonly [number, number] }[]): boolean[] {
  const set = new Array<boolean>(SIZE).fill(false);
  for (const { add, range: [start, end] } of list) set.fill(add, start, end);
  return set;
}

const covered = (ranges: readonly (readonly [number, number])[]): boolean[] => flags(ranges.map((range) => ({ add: true, range })));

t.test('holds what was put in and not taken out', async () => {
  fc.assert(
    fc.property(steps, range, (list, [lower, upper]) => {
      const set = new Intervals();
      for (const { add, range: [start, end] } of list) {
        const before = set.bytes;
        if (add) assert.equal(set.add(start, end), set.bytes - before);
        else set.remove(start, end);
      }
      const wanted = flags(list);
      assert.equal(set.bytes, wanted.filter(Boolean).length);
      assert.deepEqual(covered(set.within(0, SIZE)), wanted);
      assert.deepEqual(covered(set.within(lower, upper)), wanted.map((flag, at) => flag && at >= lower && at < upper));
      assert.deepEqual(covered(set.gaps(lower, upper)), wanted.map((flag, at) => !flag && at >= lower && at < upper));
      assert.equal(set.covers(lower, upper), wanted.slice(lower, upper).every(Boolean));
      assert.equal(set.end, wanted.lastIndexOf(true) + 1);
      assert.equal(set.count, set.within(0, SIZE).length);
    }),
    { numRuns: 500 },
  );
});
