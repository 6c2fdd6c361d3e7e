import t from 'tap';
import { equalBytes, fromHex, toHex } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { badSignature } from './faults.js';
import { keyId, signingKeyFromSeed } from './keys.js';
import { decodeStickManifest, makeStickManifest, readStickManifest, STICK_MANIFEST_LIMITS, stickFileId, verifyStickManifest } from './stick-manifest.js';
import type { StickManifest } from './stick-manifest.js';
import { openStickKey, sealStickKey } from './stick-seal.js';
import { runVectors } from './vectors.suite.js';

const near = signingKeyFromSeed(new Uint8Array(32).fill(1));
const far = signingKeyFromSeed(new Uint8Array(32).fill(2));

runVectors<StickManifest>({
  object: 'stick-manifest',
  decode(bytes) {
    const manifest = decodeStickManifest(bytes);
    if (!verifyStickManifest(manifest, near.publicKey)) throw badSignature('stick/manifest');
    return manifest;
  },
  encode: (manifest) => makeStickManifest(near, manifest).bytes,
  notWritten: '-ignorable',
});

t.test('the content key in the vector opens with the key of far, and is sealed again to the same bytes', async (t) => {
  const [vector] = readSpecVectors('stick-manifest').filter(({ name }) => name === 'stick-manifest-sealed');
  const manifest = decodeStickManifest(vector!.bytes);
  const contentKey = fromHex(vector!.fields.get('content-key')!)!;
  t.equal(toHex(openStickKey(far, manifest.sealedKey)), toHex(contentKey));
  t.ok(equalBytes(sealStickKey(far.publicKey, contentKey, fromHex(vector!.fields.get('ephemeral-seed')!)!), manifest.sealedKey));
});

t.test('is as long whatever the hash, and is read from the beginning of a file', async (t) => {
  const fields = { to: keyId(far.publicKey), createdSec: 1_800_000_000, untilSec: 1_800_003_600, sealedBytes: 1064, sealedKey: new Uint8Array(80), stick: new Uint8Array(16), taken: [], damaged: [] };
  const [zero, full] = [0, 255].map((byte) => makeStickManifest(near, { ...fields, sealedHash: new Uint8Array(32).fill(byte) }));
  t.equal(zero!.bytes.length, full!.bytes.length);
  const file = new Uint8Array(STICK_MANIFEST_LIMITS.bytes);
  file.set(full!.bytes);
  t.equal(toHex(stickFileId(readStickManifest(file))), 'ff'.repeat(16));
  t.throws(() => readStickManifest(full!.bytes.subarray(0, 100)), { code: 'WIRE_TRUNCATED' });
  t.throws(() => readStickManifest(new Uint8Array(8192).fill(0x9f)), { code: 'WIRE_NOT_DETERMINISTIC' });
});
