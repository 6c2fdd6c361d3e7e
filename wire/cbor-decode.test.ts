import { decode as cborgDecode, encode as cborgEncode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import t from 'tap';
import { equalBytes } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { decodeCbor } from './cbor-decode.js';
import { cborValues, hostileBytes } from './cbor-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'cbor', decode: (bytes) => decodeCbor(bytes, 'cbor'), encode: encodeCbor });

const STRICT = { strict: true, allowIndefinite: false, allowUndefined: false, rejectDuplicateMapKeys: true, useMaps: true };

t.test('gives back what was encoded', async (t) => {
  const fault = failureOf(fc.property(cborValues(), (value) => sameValue(decodeCbor(encodeCbor(value), 'cbor'), value)));
  t.equal(fault, undefined);
});

t.test('agrees with an independent decoder about every value it reads, and writes it again as the same bytes', async (t) => {
  const fault = failureOf(
    fc.property(hostileBytes(cborValues().map(encodeCbor)), (bytes) => {
      const value = attempt(() => decodeCbor(bytes, 'cbor'));
      return value === undefined || (sameValue(cborgDecode(bytes, STRICT) as CborValue, value) && equalBytes(encodeCbor(value), bytes));
    }),
  );
  t.equal(fault, undefined);
});

t.test('reads whatever the independent decoder reads and would write the same way', async (t) => {
  const fault = failureOf(
    fc.property(hostileBytes(cborValues().map(encodeCbor)), (bytes) => {
      const value = attempt(() => cborgDecode(bytes, STRICT) as CborValue);
      if (value === undefined || !isOfProfile(value) || !equalBytes(cborgEncode(value, rfc8949EncodeOptions), bytes)) return true;
      return sameValue(decodeCbor(bytes, 'cbor'), value);
    }),
  );
  t.equal(fault, undefined);
});

t.test('names the path and the offset of a fault', async (t) => {
  const bytes = Uint8Array.of(0xa1, 0x07, 0x82, 0x00, 0xf9, 0x00, 0x00);
  t.throws(() => decodeCbor(bytes, 'thing', undefined, 100), { code: 'WIRE_TYPE', data: { path: 'thing/7/1', offset: 104 } });
  t.throws(() => decodeCbor(bytes.subarray(0, 3), 'thing', undefined, 100), { code: 'WIRE_TRUNCATED', data: { path: 'thing', offset: 103 } });
  t.throws(() => decodeCbor(Uint8Array.of(0xa1, 0x61, 0x61, 0xff), 'thing'), { code: 'WIRE_NOT_DETERMINISTIC', data: { path: 'thing/#0', offset: 3 } });
});

t.test('keeps to the limits that its caller sets', async (t) => {
  const bytes = encodeCbor([[1], new Uint8Array(20)]);
  t.ok(decodeCbor(bytes, 'cbor', { bytes: bytes.length, depth: 2, items: 4 }));
  t.throws(() => decodeCbor(bytes, 'cbor', { bytes: bytes.length - 1 }), { code: 'WIRE_LIMIT', data: { limit: bytes.length - 1, found: bytes.length } });
  t.throws(() => decodeCbor(bytes, 'cbor', { depth: 1 }), { code: 'WIRE_LIMIT', data: { limit: 1, found: 2 } });
  t.throws(() => decodeCbor(bytes, 'cbor', { items: 3 }), { code: 'WIRE_LIMIT', data: { limit: 3, found: 4 } });
});

t.test('gives byte strings as views on a plain array, and leaves its input as it was', async (t) => {
  const input = Buffer.from('8143010203', 'hex');
  const [bytes] = decodeCbor(input, 'cbor') as [Uint8Array];
  t.equal(bytes.buffer, input.buffer);
  t.notOk(Buffer.isBuffer(bytes));
  t.same(Object.keys(input).filter((key) => Number.isNaN(Number(key))), []);
});

t.test('has one form for a value: small integers are numbers beside large ones', async (t) => {
  const value = new Map<number, CborValue>([[1, [2 ** 32, -(2 ** 40), 2n ** 60n]]]);
  t.strictSame(decodeCbor(encodeCbor(value), 'cbor'), value);
});

/** fast-check's own report, with the seed that repeats it. */
function failureOf<T>(property: fc.IProperty<T>): string | undefined {
  try {
    fc.assert(property, { numRuns: 2000 });
    return undefined;
  } catch (thrown) {
    return String(thrown);
  }
}

function attempt(read: () => CborValue): CborValue | undefined {
  try {
    return read();
  } catch (thrown) {
    if (isPosternError(thrown) || (thrown instanceof Error && thrown.message.startsWith('CBOR'))) return undefined;
    throw thrown;
  }
}

/** What the other decoder allows and the profile does not: floats, other kinds of keys, a byte order mark. */
function isOfProfile(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value === 'string') return !value.startsWith('\ufeff');
  if (Array.isArray(value)) return value.every(isOfProfile);
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)].every(([key, item]) => isKey(key) && isOfProfile(item));
  return true;
}

function isKey(key: unknown): boolean {
  return (typeof key === 'number' && Math.abs(key) < Number.MAX_SAFE_INTEGER) || (typeof key === 'string' && isOfProfile(key));
}

function sameValue(a: CborValue, b: CborValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equalBytes(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item: CborValue, index) => sameValue(item, b[index] as CborValue));
  if (a instanceof Map && b instanceof Map) return a.size === b.size && [...(a as Map<number, CborValue>)].every(([key, item]) => b.has(key) && sameValue(item, b.get(key) as CborValue));
  return a === b;
}
