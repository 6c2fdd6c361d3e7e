import fc from 'fast-check';
import t from 'tap';
import { fromHex, toHex } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { decodeCbor } from './cbor-decode.js';
import { decodeRecord, makeRecord } from './record.js';
import type { TransitRecord } from './record.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'record', decode: decodeRecord, encode: (record) => makeRecord(record).bytes, notWritten: '-ignorable' });

function anyRecord(): fc.Arbitrary<TransitRecord> {
  const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
  return fc
    .record(
      {
        destination: fc.domain().filter((name) => /^[a-z0-9.-]+$/.test(name)),
        locator: bytes(24),
        expirySec: fc.nat().map((hours) => hours * 3600),
        blobBytes: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        blobHash: bytes(32),
        retractCommitment: bytes(16),
        acceptCommitment: bytes(16),
        notification: fc.uint8Array({ minLength: 1, maxLength: 1024 }),
      },
      { requiredKeys: ['destination', 'locator', 'expirySec', 'blobBytes', 'blobHash', 'retractCommitment'] },
    )
    .map(makeRecord);
}

t.test('a record is read as it was made', async (t) => {
  fc.assert(fc.property(anyRecord(), (record) => void t.strictSame(decodeRecord(record.bytes), record)), { numRuns: 50 });
});

t.test('the rid covers every key, known or not', async (t) => {
  const [full] = readSpecVectors('record').filter(({ name }) => name === 'record-full');
  const keys = decodeCbor(full!.bytes, 'record') as ReadonlyMap<number, CborValue>;
  const rids = new Set([toHex(decodeRecord(full!.bytes).rid)]);
  for (const key of [7, 8]) {
    const fewer = new Map(keys);
    fewer.delete(key);
    rids.add(toHex(decodeRecord(encodeCbor(fewer)).rid));
  }
  rids.add(toHex(decodeRecord(encodeCbor(new Map([...keys, [64, 0]]))).rid));
  t.equal(rids.size, 4);
});

t.test('the rid is the hash that spec/record.md shows', async (t) => {
  const [full] = readSpecVectors('record').filter(({ name }) => name === 'record-full');
  t.equal(toHex(decodeRecord(full!.bytes).rid), '7827b18033efd86d67e458cca8bf8f30407d6f2719a9a40f1eaf3f351ddf41d9');
});

t.test('a reader of many objects is told where in all of them the fault stands', async (t) => {
  const bytes = fromHex('a1000a')!;
  t.throws(() => decodeRecord(bytes, 'batch/record/7', 1000), { code: 'WIRE_VALUE', data: { path: 'batch/record/7/type', offset: 1001 } });
});

t.test('makes nothing that a reader would refuse', async (t) => {
  const [full] = readSpecVectors('record').filter(({ name }) => name === 'record-full');
  const record = decodeRecord(full!.bytes);
  t.throws(() => makeRecord({ ...record, destination: 'Far.example' }), { code: 'WIRE_VALUE' });
  t.throws(() => makeRecord({ ...record, expirySec: 1 }), { code: 'WIRE_VALUE' });
  t.throws(() => makeRecord({ ...record, notification: new Uint8Array(1025) }), { code: 'WIRE_VALUE' });
});
