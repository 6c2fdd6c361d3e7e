import { encode as cborgEncode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import t from 'tap';
import { toHex } from '../base/bytes.js';
import { encodeCbor, encodeCborHead } from './cbor.js';
import type { CborValue } from './cbor.js';
import { cborValues } from './cbor-test-helper.js';

t.test('writes what an independent deterministic encoder writes', async (t) => {
  const wrong = fc.check(fc.property(cborValues(), (value) => toHex(encodeCbor(value)) === toHex(cborgEncode(value, rfc8949EncodeOptions)))).counterexample;
  t.equal(wrong, null);
});

t.test('writes integers beyond 32 bits as integers, as numbers and as bigints alike', async (t) => {
  t.equal(toHex(encodeCbor(2 ** 32)), '1b0000000100000000');
  t.equal(toHex(encodeCbor(2n ** 32n)), '1b0000000100000000');
  t.equal(toHex(encodeCbor(-(2 ** 32) - 1)), '3b0000000100000000');
  t.equal(toHex(encodeCbor(Number.MAX_SAFE_INTEGER)), '1b001fffffffffffff');
  t.equal(toHex(encodeCbor(5n)), '05');
});

t.test('puts map keys in order, whatever order they were set in', async (t) => {
  const keys = ['aa', 'b', 'a', -1, 1, 24, -25, 0, ''];
  const map = new Map(keys.map((key) => [key, 0]));
  t.equal(toHex(encodeCbor(map)), 'a9000001001818002000381800600061610061620062616100');
  t.strictSame([...map.keys()], keys, 'and leaves the map as it was');
});

t.test('a value that cannot be written is a bug of its writer', async (t) => {
  const bad: CborValue[] = [1.5, 2 ** 53, Number.NaN, Infinity, 2n ** 64n, -(2n ** 64n) - 1n, 'a\ud800', [[0.1]], new Map([['\udc00', 1]])];
  for (const value of bad) t.throws(() => encodeCbor(value), { code: 'ERR_ASSERTION' });
});

t.test('writes the head of a byte string alone', async (t) => {
  t.equal(toHex(encodeCborHead(2, 0)), '40');
  t.equal(toHex(encodeCborHead(2, 4 * 1024 * 1024)), '5a00400000');
  t.equal(toHex(encodeCborHead(4, 3)), '83');
});
