import t from 'tap';
import { concatBytes, fromHex, toHex } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { decapsulate, encapsulate, keySchedule } from './hpke.js';
import { kemKeyFromSeed } from './keys.js';
import { chachaOpen, chachaSeal } from './node-crypto.js';
import { ENC_BYTES } from './sealed.js';

t.test('RFC 9180 A.2.1, base mode: every step is as published', async (t) => {
  const vectors = readSpecVectors('hpke');
  t.equal(vectors.length, 1);
  for (const { bytes, fields } of vectors) {
    const field = (name: string): Uint8Array => fromHex(fields.get(name) ?? '')!;
    const enc = bytes.subarray(0, ENC_BYTES);
    const recipient = kemKeyFromSeed(field('private-key'));
    t.same(recipient.publicKey, field('public-key'));

    t.strictSame(encapsulate(recipient.publicKey, field('ephemeral-ikm')), { sharedSecret: field('shared-secret'), enc });
    t.same(decapsulate(enc, recipient), field('shared-secret'));

    const { key, nonce } = keySchedule(field('shared-secret'), field('info'));
    t.equal(toHex(key), fields.get('key'));
    t.equal(toHex(nonce), fields.get('nonce'));

    const { ciphertext, tag } = chachaSeal(key, nonce, field('plaintext'), field('associated'));
    t.equal(toHex(concatBytes(ciphertext, tag)), toHex(bytes.subarray(ENC_BYTES)));
    t.same(chachaOpen(key, nonce, bytes.subarray(ENC_BYTES), field('associated')), field('plaintext'));
  }
});

t.test('a key of small order is neither sealed to nor opened from', async (t) => {
  const zero = new Uint8Array(32);
  t.equal(encapsulate(zero, zero), undefined);
  t.equal(decapsulate(zero, kemKeyFromSeed(zero)), undefined);
});
