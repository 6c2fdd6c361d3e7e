import t from 'tap';
import { concatBytes, toHex, utf8 } from '../base/bytes.js';
import { FINGERPRINT_WORDS } from './fingerprint-words.js';
import { fingerprint, fingerprintWords, kemKeyFromSeed, keyId, signedBytes, signingKeyFromSeed, verifySignature } from './keys.js';
import { seedFromJwk, seedFromPkcs8, sha256Of } from './node-crypto.js';

const seed = new Uint8Array(32).fill(7);

t.test('a seed gives the same signing key every time, and its signature verifies', async (t) => {
  const key = signingKeyFromSeed(seed);
  const message = signedBytes(2, utf8('body'));
  t.same(key.publicKey, signingKeyFromSeed(seed).publicKey);
  t.ok(verifySignature(key.publicKey, message, key.sign(message)));
  t.notOk(verifySignature(key.publicKey, signedBytes(3, utf8('body')), key.sign(message)), 'another kind of object is another message');
  t.notOk(verifySignature(signingKeyFromSeed(seed.map(() => 8)).publicKey, message, key.sign(message)));
});

t.test('a signature of the wrong length is no signature', async (t) => {
  const key = signingKeyFromSeed(seed);
  const signature = key.sign(seed);
  t.notOk(verifySignature(key.publicKey, seed, signature.subarray(0, 63)));
  t.notOk(verifySignature(key.publicKey, seed, concatBytes(signature, Uint8Array.of(0))));
  t.notOk(verifySignature(key.publicKey, seed, new Uint8Array(0)));
});

t.test('more keys than are remembered verify as before', async (t) => {
  const keys = Array.from({ length: 600 }, (_, number) => signingKeyFromSeed(sha256Of(Uint8Array.of(number >>> 8, number))));
  const signatures = keys.map((key) => key.sign(seed));
  for (const round of [1, 2]) {
    const verified = keys.filter((key, at) => verifySignature(key.publicKey, seed, signatures[at]!));
    t.equal(verified.length, keys.length, `round ${round}`);
  }
  t.notOk(verifySignature(keys[0]!.publicKey, seed, signatures[1]!));
});

t.test('two KEM keys agree on one secret', async (t) => {
  const ours = kemKeyFromSeed(seed);
  const theirs = kemKeyFromSeed(seed.map(() => 9));
  t.same(ours.agree(theirs.publicKey), theirs.agree(ours.publicKey));
  t.equal(ours.agree(theirs.publicKey)?.length, 32);
});

t.test('a seed is read alike in both ways that Node has', async (t) => {
  for (const curve of ['Ed25519', 'X25519'] as const) {
    const fromPkcs8 = seedFromPkcs8(curve, seed);
    t.same((seedFromJwk(curve, seed) ?? fromPkcs8).export({ format: 'jwk' }), fromPkcs8.export({ format: 'jwk' }));
  }
});

t.test('a KEM key of small order agrees on nothing', async (t) => {
  t.equal(kemKeyFromSeed(seed).agree(new Uint8Array(32)), undefined);
  t.equal(kemKeyFromSeed(seed).agree(Uint8Array.of(1, ...new Uint8Array(31))), undefined);
});

t.test('signed bytes are the protocol, the kind and the body', async (t) => {
  t.equal(toHex(signedBytes(13, Uint8Array.of(0xa0))), '666d702f31' + '0d' + 'a0');
});

t.test('a key id is the beginning of a labelled hash', async (t) => {
  t.same(keyId(seed), sha256Of(concatBytes(utf8('kid/1'), seed)).slice(0, 8));
});

t.test('a fingerprint reads as eight groups of four digits, and as eight words', async (t) => {
  const { publicKey } = signingKeyFromSeed(seed);
  const digest = sha256Of(concatBytes(utf8('fp/1'), publicKey));
  t.match(fingerprint(publicKey), /^([0-9a-f]{4} ){7}[0-9a-f]{4}$/);
  t.equal(fingerprint(publicKey).replaceAll(' ', ''), toHex(digest.subarray(0, 16)));
  t.same(fingerprintWords(publicKey), Array.from(digest.subarray(0, 8), (byte) => FINGERPRINT_WORDS[byte]));
});

t.test('the names of a key that spec/keys.md shows', async (t) => {
  const { publicKey } = signingKeyFromSeed(seed.map(() => 3));
  t.equal(toHex(publicKey), 'ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1');
  t.equal(toHex(keyId(publicKey)), '7240ac36d93d24c0');
  t.equal(fingerprint(publicKey), '0d41 e2f7 28f0 c292 579a ef9f dc6a 016c');
  t.equal(fingerprintWords(publicKey).join(' '), 'baker engine tomato wool cobalt water robin nest');
});

t.test('the words are 256, in order, and told apart by three letters', async (t) => {
  t.equal(FINGERPRINT_WORDS.length, 256);
  t.equal(new Set(FINGERPRINT_WORDS.map((word) => word.slice(0, 3))).size, 256);
  t.same(FINGERPRINT_WORDS, [...FINGERPRINT_WORDS].sort());
  for (const word of FINGERPRINT_WORDS) t.match(word, /^[a-z]{3,6}$/);
});
