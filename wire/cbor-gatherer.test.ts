import fc from 'fast-check';
import t from 'tap';
import { concatBytes, equalBytes } from '../base/bytes.js';
import { encodeCbor } from './cbor.js';
import { cborValues } from './cbor-test-helper.js';
import { CborGatherer } from './cbor-gatherer.js';

t.test('gathers the item and nothing of what follows, however it is cut', async (t) => {
  const tail = Uint8Array.of(0xff, 0xff, 0xff);
  const wrong = fc.check(
    fc.property(cborValues(), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (value, sizes) => {
      const item = encodeCbor(value);
      const input = concatBytes(item, tail);
      const gatherer = new CborGatherer();
      gatherer.begin('cbor', 0);
      let taken = 0;
      for (let turn = 0; gatherer.item === undefined; turn++) {
        const chunk = input.subarray(taken, taken + sizes[turn % sizes.length]!);
        taken += gatherer.take(chunk, 0);
        if (taken > item.length) return false;
      }
      return taken === item.length && gatherer.held === 0 && equalBytes(gatherer.item, item);
    }),
  ).counterexample;
  t.equal(wrong, null);
});

t.test('gives a copy, so that no chunk stays alive or changes it', async (t) => {
  const chunk = Buffer.from('43010203', 'hex');
  const gatherer = new CborGatherer();
  gatherer.begin('cbor', 0);
  gatherer.take(chunk, 0);
  chunk.fill(0);
  t.strictSame(gatherer.item, Uint8Array.of(0x43, 1, 2, 3));
  t.notOk(Buffer.isBuffer(gatherer.item));
});

t.test('begins anew after each item', async (t) => {
  const gatherer = new CborGatherer();
  for (const value of [1, [2, 3], 'four']) {
    gatherer.begin('cbor', 0);
    t.equal(gatherer.item, undefined);
    for (const byte of encodeCbor(value)) gatherer.take(Uint8Array.of(byte), 0);
    t.strictSame(gatherer.item, encodeCbor(value));
  }
});

t.test('walks over every value once when an item of many values comes byte by byte', async (t) => {
  const item = encodeCbor(Array.from({ length: 200_000 }, () => 1));
  const gatherer = new CborGatherer();
  gatherer.begin('cbor', 0, { bytes: Infinity, items: Infinity });
  // The walker looks for the parent of each value with Array.prototype.at, which is counted here from outside.
  const { at } = Array.prototype;
  let steps = 0;
  Array.prototype.at = function (index) {
    steps += 1;
    if (steps > 10 * item.length) throw new Error('too much work');
    return at.call(this, index) as unknown;
  };
  t.teardown(() => {
    Array.prototype.at = at;
  });
  for (const byte of item) gatherer.take(Uint8Array.of(byte), 0);
  t.equal(gatherer.item?.length, item.length);
  t.ok(steps > item.length, `${steps} steps for ${item.length} bytes`);
});
