import t from 'tap';
import { isPosternError } from '../base/errors.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeAdminRecord } from './admin-record.js';
import { decodeBundle } from './bundle.js';
import { hasFlag } from './bundle-cbor.js';
import { BUNDLE_IS_ADMIN_RECORD } from './primary-block.js';

const vectors = readSpecVectors('admin-record');

function verdict(bytes: Uint8Array): string {
  try {
    decodeAdminRecord(bytes);
    return 'ok';
  } catch (thrown) {
    if (isPosternError(thrown)) return thrown.code;
    throw thrown;
  }
}

t.test('gives each vector the verdict it asks for', async t => {
  t.ok(vectors.length > 15, `${vectors.length} vectors`);
  for (const { name, expect, note, bytes } of vectors) t.equal(verdict(bytes), expect, `${name}: ${note}`);
});

t.test('survives every vector cut short or changed at every byte', async t => {
  for (const { name, expect, bytes } of vectors) {
    const changed = Uint8Array.from(bytes);
    for (let at = 0; at < bytes.length; at += 1) {
      // The content of an unknown type is not read, so cutting into it goes unnoticed.
      if (verdict(bytes.subarray(0, at)) === 'ok' && expect === 'ok' && name !== 'admin-unknown-type') t.fail(`${name} cut at ${at}`);
      for (const mask of [0x01, 0x20, 0x80, 0xff]) {
        changed[at] = bytes[at]! ^ mask;
        verdict(changed);
      }
      changed[at] = bytes[at]!;
    }
  }
});

t.test('reads the report of ION that says received and delivered at once', async t => {
  const bundle = decodeBundle(readSpecVectors('bundle').find(({ name }) => name === 'bundle-ion-status-report')!.bytes);
  t.ok(hasFlag(bundle.primary.flags, BUNDLE_IS_ADMIN_RECORD));
  t.strictSame(decodeAdminRecord(bundle.payload.data), {
    kind: 'status-report',
    received: { asserted: true, dtnMs: 848_797_224_238 },
    forwarded: { asserted: false },
    delivered: { asserted: true, dtnMs: 848_797_224_242 },
    deleted: { asserted: false },
    reason: 0,
    source: { scheme: 'ipn', node: 100, service: 1 },
    createdDtnMs: 848_797_223_210,
    sequence: 0,
  });
});

t.test('names the type of a record it does not know', async t => {
  t.strictSame(decodeAdminRecord(vectors.find(({ name }) => name === 'admin-unknown-type')!.bytes), { kind: 'other', type: 4 });
});
