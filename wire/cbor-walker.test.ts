import fc from 'fast-check';
import t from 'tap';
import { concatBytes } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { encodeCbor } from './cbor.js';
import { cborValues } from './cbor-test-helper.js';
import { CborWalker, measureCborItem } from './cbor-walker.js';

t.test('measures the item that begins at an offset, and not what follows', async (t) => {
  const bytes = concatBytes(encodeCbor([1, 2]), encodeCbor('abc'), Uint8Array.of(0xff));
  t.equal(measureCborItem(bytes, 0, 'sequence'), 3);
  t.equal(measureCborItem(bytes, 3, 'sequence'), 7);
  t.throws(() => measureCborItem(bytes, 7, 'sequence'), { code: 'WIRE_NOT_DETERMINISTIC', data: { path: 'sequence', offset: 7 } });
  t.equal(measureCborItem(bytes, 8, 'sequence'), undefined);
});

t.test('asks for more bytes at every cut of a legal item', async (t) => {
  for (const { name, expect, bytes } of readSpecVectors('cbor')) {
    if (expect !== 'ok' || bytes.length > 1000) continue;
    const cuts = Array.from({ length: bytes.length }, (_, length) => measureCborItem(bytes.subarray(0, length), 0, 'cbor'));
    t.ok(cuts.every((end) => end === undefined), name);
  }
});

t.test('refuses what cannot become legal before all of it is there', async (t) => {
  for (const { name, expect, bytes } of readSpecVectors('cbor')) {
    // In that one, no single head claims too much.
    if (expect !== 'WIRE_LIMIT' || name === 'cbor-values-spread') continue;
    t.throws(() => measureCborItem(bytes.subarray(0, 64), 0, 'cbor'), { code: 'WIRE_LIMIT' }, name);
  }
});

t.test('never asks for more than the item has, so that what follows it stays untouched', async (t) => {
  const wrong = fc.check(
    fc.property(cborValues(), (value) => {
      const bytes = encodeCbor(value);
      const walker = new CborWalker();
      walker.begin('cbor', 0);
      let end = 0;
      while (!walker.walk(bytes, 0, end)) {
        if (walker.needs < 1 || end + walker.needs > bytes.length) return false;
        end += walker.needs;
      }
      return end === bytes.length && walker.length === bytes.length;
    }),
  ).counterexample;
  t.equal(wrong, null);
});

t.test('goes on in another buffer than it began in', async (t) => {
  const bytes = encodeCbor(new Map<number, string | number>([[1, 'text'], [2, 7]]));
  const walker = new CborWalker();
  walker.begin('cbor', 0);
  t.notOk(walker.walk(bytes.subarray(0, 5), 0, 5));
  t.ok(walker.walk(concatBytes(Uint8Array.of(9, 9), bytes), 2, bytes.length + 2));
  t.equal(walker.length, bytes.length);
});

t.test('gives the same refusal for a key that repeats across a cut', async (t) => {
  const bytes = Uint8Array.of(0xa2, 0x61, 0x61, 0x00, 0x61, 0x61, 0x00);
  const walker = new CborWalker();
  walker.begin('cbor', 0);
  t.notOk(walker.walk(bytes, 0, 5));
  t.throws(() => walker.walk(bytes, 0, 6), { code: 'WIRE_NOT_DETERMINISTIC', data: { path: 'cbor', offset: 4 } });
});
