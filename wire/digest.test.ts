import fc from 'fast-check';
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import t from 'tap';
import { concatBytes, toHex, utf8 } from '../base/bytes.js';
import { hkdfSha256, hmacSha256, sha256 } from './digest.js';

t.test('hashes and authenticates the parts as if they were one', async (t) => {
  const wrong = fc.check(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), (key, parts) => {
      const whole = concatBytes(...parts);
      const hash = createHash('sha256').update(whole).digest('hex');
      const mac = createHmac('sha256', key).update(whole).digest('hex');
      return toHex(sha256(...parts)) === hash && toHex(hmacSha256(key, ...parts)) === mac;
    }),
  ).counterexample;
  t.equal(wrong, null);
});

t.test('derives what the platform derives', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 100 });
  const wrong = fc.check(
    fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 200 }), (ikm, salt, info, length) => {
      return toHex(hkdfSha256(ikm, salt, info, length)) === Buffer.from(hkdfSync('sha256', ikm, salt, info, length)).toString('hex');
    }),
  ).counterexample;
  t.equal(wrong, null);
});

t.test('gives the published digests', async (t) => {
  t.equal(toHex(sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'FIPS 180-4, one block');
  t.equal(
    toHex(hmacSha256(utf8('Jefe'), utf8('what do ya '), utf8('want for nothing?'))),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    'RFC 4231 §4.3',
  );
  const ikm = new Uint8Array(22).fill(0x0b);
  const salt = Uint8Array.from({ length: 13 }, (_, index) => index);
  const info = Uint8Array.from({ length: 10 }, (_, index) => 0xf0 + index);
  t.equal(
    toHex(hkdfSha256(ikm, salt, info, 42)),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    'RFC 5869 A.1',
  );
});
