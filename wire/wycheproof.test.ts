/** Project Wycheproof's malicious cases against what we build on: what is accepted and what is refused is pinned here. */
import assert from 'node:assert';
import t from 'tap';
import { concatBytes, fromHex, toHex } from '../base/bytes.js';
import { needsShared, readShared } from '../scripts/shared-vectors.js';
import { hkdfSha256, hmacSha256 } from './digest.js';
import { kemKeyFromSeed, verifySignature } from './keys.js';
import { chachaOpen, chachaSeal, hmacSha256Of } from './node-crypto.js';

/** The hex fields of a case, by name. */
type Case = Record<string, string> & { tcId: number; flags: string[]; size: number };
type Group = { tests: Case[]; publicKey?: { pk: string }; ivSize: number; tagSize: number };

function groupsOf(file: string): Group[] {
  return (readShared(file) as { testGroups: Group[] }).testGroups;
}

function bytes(hex: string | undefined): Uint8Array {
  const read = fromHex(hex ?? '');
  assert(read !== undefined, 'the sets are in hex');
  return read;
}

const ED25519 = 'vectors/wycheproof/ed25519_test.json';
t.test('Ed25519 accepts the valid signatures and no other', needsShared(ED25519), async (t) => {
  let cases = 0;
  for (const { publicKey, tests } of groupsOf(ED25519)) {
    for (const { tcId, comment, msg, sig, result } of tests) {
      cases += 1;
      const accepted = verifySignature(bytes(publicKey?.pk), bytes(msg), bytes(sig));
      if (accepted !== (result === 'valid')) t.fail(`case ${tcId}, ${comment}: ${accepted ? 'accepted' : 'refused'}`);
    }
  }
  t.equal(cases, 151);
});

const X25519 = 'vectors/wycheproof/x25519_test.json';
t.test('X25519 agrees on every secret but the all-zero one, which it refuses', needsShared(X25519), async (t) => {
  let cases = 0;
  let refused = 0;
  for (const { tests } of groupsOf(X25519)) {
    for (const { tcId, comment, public: publicKey, private: seed, shared } of tests) {
      cases += 1;
      const secret = kemKeyFromSeed(bytes(seed)).agree(bytes(publicKey));
      const expected = /^0+$/.test(shared ?? '') ? undefined : shared;
      if (expected === undefined) refused += 1;
      if ((secret && toHex(secret)) !== expected) t.fail(`case ${tcId}, ${comment}`);
    }
  }
  t.equal(cases, 518);
  t.equal(refused, 31);
});

const CHACHA = 'vectors/wycheproof/chacha20_poly1305_test.json';
t.test('ChaCha20-Poly1305 opens what is genuine and nothing else', needsShared(CHACHA), async (t) => {
  let cases = 0;
  for (const { ivSize, tests } of groupsOf(CHACHA)) {
    for (const { tcId, comment, key, iv, aad, msg, ct, tag, result } of tests) {
      cases += 1;
      const open = (): Uint8Array | undefined => chachaOpen(bytes(key), bytes(iv), concatBytes(bytes(ct), bytes(tag)), bytes(aad));
      if (ivSize !== 96) {
        t.throws(open, `case ${tcId}: a nonce of ${ivSize} bits is a bug`);
        continue;
      }
      const opened = open();
      if ((opened && toHex(opened)) !== (result === 'valid' ? msg : undefined)) t.fail(`case ${tcId}, ${comment}: open`);
      if (result !== 'valid') continue;
      const sealed = chachaSeal(bytes(key), bytes(iv), bytes(msg), bytes(aad));
      if (toHex(sealed.ciphertext) !== ct || toHex(sealed.tag) !== tag) t.fail(`case ${tcId}, ${comment}: seal`);
    }
  }
  t.equal(cases, 325);
});

const HMAC = 'vectors/wycheproof/hmac_sha256_test.json';
t.test('HMAC-SHA256 is the same through both doors', needsShared(HMAC), async (t) => {
  let cases = 0;
  for (const { tagSize, tests } of groupsOf(HMAC)) {
    for (const { tcId, comment, key, msg, tag, result } of tests) {
      cases += 1;
      for (const mac of [hmacSha256(bytes(key), bytes(msg)), hmacSha256Of(bytes(key), bytes(msg))]) {
        if ((toHex(mac.subarray(0, tagSize / 8)) === tag) !== (result === 'valid')) t.fail(`case ${tcId}, ${comment}`);
      }
    }
  }
  t.equal(cases, 174);
});

const HKDF = 'vectors/wycheproof/hkdf_sha256_test.json';
t.test('HKDF-SHA256 derives what it can and refuses to derive too much', needsShared(HKDF), async (t) => {
  let cases = 0;
  for (const { tests } of groupsOf(HKDF)) {
    for (const { tcId, comment, ikm, salt, info, size, okm, result } of tests) {
      cases += 1;
      const derive = (): Uint8Array => hkdfSha256(bytes(ikm), bytes(salt), bytes(info), size);
      if (result !== 'valid') t.throws(derive, `case ${tcId}`);
      else if (toHex(derive()) !== okm) t.fail(`case ${tcId}, ${comment}`);
    }
  }
  t.equal(cases, 86);
});
