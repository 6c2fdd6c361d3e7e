import t from 'tap';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeEnvelope, makeEnvelope, verifyEnvelope } from './envelope.js';
import { badSignature } from './faults.js';
import { ADA, filled } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({
  object: 'envelope',
  decode(bytes) {
    const envelope = decodeEnvelope(bytes);
    if (!verifyEnvelope(envelope, ADA.publicKey)) throw badSignature('envelope');
    return envelope;
  },
  encode: (envelope) => makeEnvelope(ADA, envelope).bytes,
  notWritten: '-ignorable',
});

const full = decodeEnvelope(readSpecVectors('envelope').find(({ name }) => name === 'envelope-full')!.bytes);

t.test('an envelope is read as it was made', async (t) => {
  t.strictSame(decodeEnvelope(makeEnvelope(ADA, full).bytes), full);
  t.match(full, {
    destination: 'south.example',
    sender: 'ada@north.example',
    flags: { retraction: true, readReceiptRequested: true, escrowDisclosed: true },
    payloadRef: { domains: ['north.example', 'west.example'] },
    offer: 250,
    name: 'Grüße.txt',
  });
});

t.test('each flag is its own', async (t) => {
  for (const flag of ['retraction', 'readReceiptRequested', 'escrowDisclosed'] as const) {
    const none = { retraction: false, readReceiptRequested: false, escrowDisclosed: false };
    t.strictSame(makeEnvelope(ADA, { ...full, flags: { ...none, [flag]: true } }).flags, { ...none, [flag]: true });
  }
});

t.test('makes nothing that a reader would refuse', async (t) => {
  t.throws(() => makeEnvelope(ADA, { ...full, destination: 'South.example' }), { code: 'WIRE_VALUE' });
  t.throws(() => makeEnvelope(ADA, { ...full, contentBytes: 1000 }), { code: 'WIRE_VALUE' });
  t.throws(() => makeEnvelope(ADA, { ...full, sealedContentKey: filled(1, 81) }), { code: 'WIRE_VALUE' });
});
