import t from 'tap';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decodeEnvelope } from './envelope.js';
import { openContentKey, openEnvelope, openNotifyDatagram } from './open.js';
import { sealEnvelope, sealNotifyDatagram } from './seal.js';
import { ADA, BOB, BOB_KEM, CONTENT_KEY, filled, GATEWAY, SOUTH_KEM } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

runVectors({
  object: 'sealed-envelope',
  decode: (bytes) => openEnvelope(SOUTH_KEM, 'south.example', bytes).verify(ADA.publicKey),
  encode: (envelope) => sealEnvelope(SOUTH_KEM.publicKey, envelope, filled(0x24)),
  cut: 'WIRE_SEAL',
});

runVectors({
  object: 'datagram',
  decode: (bytes) => openNotifyDatagram(SOUTH_KEM, 'south.example', bytes),
  encode: (outer) => sealNotifyDatagram(SOUTH_KEM.publicKey, GATEWAY, outer, filled(0x22)),
  cut: 'WIRE_SEAL',
});

const full = decodeEnvelope(readSpecVectors('envelope').find(({ name }) => name === 'envelope-full')!.bytes);

t.test('an opened envelope shows who it claims to be from, and the rest to who knows the key', async (t) => {
  const opened = openEnvelope(SOUTH_KEM, 'south.example', sealEnvelope(SOUTH_KEM.publicKey, full, filled(0x25)));
  t.equal(opened.sender, 'ada@north.example');
  t.same(opened.senderKeyPrefix, full.senderKeyPrefix);
  t.throws(() => opened.verify(BOB.publicKey), { code: 'WIRE_SIGNATURE' });
  t.same(opened.verify(ADA.publicKey), full);
  t.same(Object.keys(opened), ['sender', 'senderKeyPrefix', 'verify'], 'nothing else');
});

t.test('the content key in an envelope opens for the recipient alone', async (t) => {
  t.same(openContentKey(BOB_KEM, 'bob@south.example', full.sealedContentKey), CONTENT_KEY);
  t.throws(() => openContentKey(SOUTH_KEM, 'bob@south.example', full.sealedContentKey), { code: 'WIRE_SEAL' });
  t.throws(() => openContentKey(BOB_KEM, 'eve@south.example', full.sealedContentKey), { code: 'WIRE_SEAL' });
});
