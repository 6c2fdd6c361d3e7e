import t from 'tap';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';

function fieldsOf(entries: [number | string, CborValue][]): Fields {
  return readFields(encodeCbor(new Map(entries)), 'thing', undefined, 100);
}

t.test('reads each type as it is asked for', async (t) => {
  const fields = fieldsOf([[0, 7], [1, 2 ** 40], [2, true], [3, Uint8Array.of(1, 2)], [4, 'é'], [5, [1, 'a']]]);
  fields.type(7);
  t.equal(fields.uint(1, 'number'), 2 ** 40);
  t.equal(fields.bool(2, 'flag'), true);
  t.strictSame(fields.bytes(3, 'two', 2), Uint8Array.of(1, 2));
  t.strictSame(fields.bytesWithin(3, 'two', 1, 2), Uint8Array.of(1, 2));
  t.equal(fields.text(4, 'letter', 2), 'é');
  t.strictSame(fields.array(5, 'list', 2, 2), [1, 'a']);
  t.ok(fields.has(5));
  t.notOk(fields.has(6));
  fields.end();
});

t.test('refuses another type with WIRE_TYPE, naming the field and where its entry begins', async (t) => {
  const fields = fieldsOf([[1, 'a'], [2, 1], [3, null], [24, new Map()]]);
  t.throws(() => fields.uint(1, 'number'), { code: 'WIRE_TYPE', data: { path: 'thing/number', offset: 101, found: 'text' } });
  t.throws(() => fields.text(2, 'name', 9), { code: 'WIRE_TYPE', data: { path: 'thing/name', offset: 104, found: 'an integer' } });
  t.throws(() => fields.bytes(3, 'hash', 32), { code: 'WIRE_TYPE', data: { offset: 106, found: 'null' } });
  t.throws(() => fields.array(24, 'list', 0, 9), { code: 'WIRE_TYPE', data: { offset: 108, found: 'a map' } });
  t.throws(() => fields.bool(1, 'flag'), { code: 'WIRE_TYPE' });
});

t.test('refuses a wrong value with WIRE_VALUE', async (t) => {
  const fields = fieldsOf([[0, 1], [1, -1], [2, 2n ** 53n], [3, new Uint8Array(3)], [4, 'éé'], [5, [1, 2]]]);
  t.throws(() => fields.type(2), { code: 'WIRE_VALUE', data: { found: 'type 1', expected: 'type 2' } });
  t.throws(() => fields.uint(1, 'number'), { code: 'WIRE_VALUE', data: { found: '-1' } });
  t.throws(() => fields.uint(2, 'number'), { code: 'WIRE_VALUE', data: { found: '9007199254740992' } });
  t.throws(() => fields.bytes(3, 'hash', 4), { code: 'WIRE_VALUE', data: { found: '3 bytes', expected: '4 bytes' } });
  t.throws(() => fields.bytesWithin(3, 'hash', 1, 2), { code: 'WIRE_VALUE' });
  t.throws(() => fields.text(4, 'name', 3), { code: 'WIRE_VALUE', data: { found: '4 bytes of text' } });
  t.throws(() => fields.array(5, 'list', 0, 1), { code: 'WIRE_VALUE', data: { found: '2 values' } });
  t.throws(() => fields.uint(6, 'missing'), { code: 'WIRE_VALUE', data: { path: 'thing/missing', offset: 100, found: 'no key 6' } });
});

t.test('ignores keys from 64 on, and refuses the others that nobody asked for', async (t) => {
  const withKey = (key: number | string): Fields => {
    const fields = fieldsOf([[1, 0], [key, 'x']]);
    fields.uint(1, 'known');
    fields.uint(1, 'known');
    return fields;
  };
  for (const key of [64, 1000, 2 ** 40]) withKey(key).end();
  t.throws(() => withKey(-1).end(), { code: 'WIRE_CRITICAL', data: { path: 'thing', offset: 103, found: '-1' } });
  t.throws(() => withKey(-(2 ** 40)).end(), { code: 'WIRE_CRITICAL' });
  for (const key of [0, 30, 31, 33, 63]) t.throws(() => withKey(key).end(), { code: 'WIRE_VALUE', data: { offset: key === 0 ? 101 : 103 } }, String(key));
  t.throws(() => withKey('a').end(), { code: 'WIRE_TYPE', data: { found: 'a text key' } });
});

t.test('reads maps only', async (t) => {
  t.throws(() => readFields(encodeCbor([]), 'thing', undefined, 7), { code: 'WIRE_TYPE', data: { path: 'thing', offset: 7, found: 'an array' } });
});
