import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import t from 'tap';
import { equalBytes, utf8 } from '../base/bytes.js';
import { seededRandom } from '../base/random.js';
import { kemKeyFromSeed } from './keys.js';
import { openContentKey, openSealed } from './open.js';
import { sealContentKey, sealTo } from './seal.js';
import { SEALED_OVERHEAD_BYTES, sealInfo } from './sealed.js';

const random = seededRandom(2);
const key = kemKeyFromSeed(random.bytes(32));
const info = sealInfo(14, 'south.example');
const plaintext = utf8('what only the south may read');

t.test('what is sealed to a key opens with that key', async (t) => {
  for (const text of [new Uint8Array(0), plaintext, random.bytes(5000)]) {
    const sealed = sealTo(key.publicKey, info, text, random.bytes(32));
    t.equal(sealed.length, text.length + SEALED_OVERHEAD_BYTES);
    t.ok(equalBytes(openSealed(key, info, sealed, 'test'), text));
  }
});

t.test('the same seed seals to the same bytes, another seed to others', async (t) => {
  const seed = random.bytes(32);
  t.same(sealTo(key.publicKey, info, plaintext, seed), sealTo(key.publicKey, info, plaintext, seed));
  t.notSame(sealTo(key.publicKey, info, plaintext, random.bytes(32)), sealTo(key.publicKey, info, plaintext, seed));
});

t.test('everything else does not open, and all of it fails alike', async (t) => {
  const sealed = sealTo(key.publicKey, info, plaintext, random.bytes(32));
  const refusal = { code: 'WIRE_SEAL', data: { path: 'test' } };
  const messages = new Set<string>();
  const refused = (what: Uint8Array, name: string, withKey = key, withInfo = info): void => {
    try {
      openSealed(withKey, withInfo, what, 'test');
      t.fail(name);
    } catch (thrown) {
      t.match(thrown, refusal, name);
      messages.add((thrown as Error).message);
    }
  };
  refused(sealed, 'another key', kemKeyFromSeed(random.bytes(32)));
  refused(sealed, 'another kind', key, sealInfo(15, 'south.example'));
  refused(sealed, 'another name', key, sealInfo(14, 'south.exampl'));
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at]! ^= 0x10;
    refused(changed, `byte ${at} changed`);
    refused(sealed.subarray(0, at), `cut at ${at}`);
  }
  refused(new Uint8Array(sealed.length), 'zeros, whose key is of small order');
  t.equal(messages.size, 1);
});

t.test('nothing is sealed to a key of small order', async (t) => {
  t.throws(() => sealTo(new Uint8Array(32), info, plaintext, random.bytes(32)), { code: 'WIRE_SEAL' });
});

t.test('a sealed content key has 80 bytes and is for one address', async (t) => {
  const contentKey = random.bytes(32);
  const sealed = sealContentKey(key.publicKey, 'bob@south.example', contentKey, random.bytes(32));
  t.equal(sealed.length, 80);
  t.same(openContentKey(key, 'bob@south.example', sealed), contentKey);
  t.throws(() => openContentKey(key, 'eve@south.example', sealed), { code: 'WIRE_SEAL' });
});

t.test('another implementation of HPKE opens what we seal, and we what it seals', async (t) => {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
  const privateKey = await suite.kem.importKey('raw', arrayBuffer(key.seed), false);
  const publicKey = await suite.kem.importKey('raw', arrayBuffer(key.publicKey), true);
  for (const text of [new Uint8Array(0), plaintext, random.bytes(1000)]) {
    const ours = sealTo(key.publicKey, info, text, random.bytes(32));
    const opened = await suite.open({ recipientKey: privateKey, enc: arrayBuffer(ours.subarray(0, 32)), info: arrayBuffer(info) }, arrayBuffer(ours.subarray(32)));
    t.ok(equalBytes(new Uint8Array(opened), text), 'theirs opens ours');

    const theirs = await suite.seal({ recipientPublicKey: publicKey, info: arrayBuffer(info) }, arrayBuffer(text));
    const sealed = Uint8Array.from([...new Uint8Array(theirs.enc), ...new Uint8Array(theirs.ct)]);
    t.ok(equalBytes(openSealed(key, info, sealed, 'test'), text), 'ours opens theirs');
  }
});

function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
