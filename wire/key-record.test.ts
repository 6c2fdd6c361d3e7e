import t from 'tap';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { badSignature } from './faults.js';
import { decodeKeyRecord, makeKeyRecord, succeedsKey, verifyKeyRecord } from './key-record.js';
import type { KeyRecord, KeyStatus } from './key-record.js';
import { fingerprintBytes } from './keys.js';
import { ADA, BOB, BOB_BEFORE, BOB_KEM, filled, SOUTH } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({
  object: 'key-record',
  decode(bytes) {
    const record = decodeKeyRecord(bytes);
    if (!verifyKeyRecord(record, SOUTH.publicKey)) throw badSignature('key-record/domain');
    if (record.previousFingerprint !== undefined && !succeedsKey(record, BOB_BEFORE.publicKey)) throw badSignature('key-record/previous');
    return record;
  },
  encode: (record) => makeKeyRecord({ user: BOB, domain: SOUTH, ...(record.previousFingerprint !== undefined && { previous: BOB_BEFORE }) }, record).bytes,
  notWritten: '-ignorable',
});

function vector(name: string): KeyRecord {
  return decodeKeyRecord(readSpecVectors('key-record').find((found) => found.name === name)!.bytes);
}

t.test('a key record says what user and domain put into it', async (t) => {
  const record = vector('key-record-full');
  t.match(record, { address: 'bob@south.example', status: 'current', escrow: true, tokens: [filled(0xb1, 24), filled(0xb2, 24)] });
  t.same(record.signingKey, BOB.publicKey);
  t.same(record.kemKey, BOB_KEM.publicKey);
  t.same(record.previousFingerprint, fingerprintBytes(BOB_BEFORE.publicKey));
});

t.test('each status is its own', async (t) => {
  for (const status of ['current', 'superseded', 'revoked'] satisfies KeyStatus[]) {
    t.equal(makeKeyRecord({ user: BOB, domain: SOUTH }, { ...vector('key-record-plain'), status }).status, status);
  }
});

t.test('a domain answers for its own users only by its own key', async (t) => {
  const record = vector('key-record-plain');
  t.ok(verifyKeyRecord(record, SOUTH.publicKey));
  t.notOk(verifyKeyRecord(record, ADA.publicKey));
});

t.test('a new key follows the one that is pinned, when that one has signed', async (t) => {
  const record = vector('key-record-full');
  t.ok(succeedsKey(record, BOB_BEFORE.publicKey));
  t.notOk(succeedsKey(record, ADA.publicKey));
  t.notOk(succeedsKey(vector('key-record-plain'), BOB_BEFORE.publicKey));
});
