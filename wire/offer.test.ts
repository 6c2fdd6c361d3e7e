import t from 'tap';
import { badSignature } from './faults.js';
import { keyId, signingKeyFromSeed } from './keys.js';
import { decodeOffer, makeOffer, verifyOffer } from './offer.js';
import { runVectors } from './vectors.suite.js';

const NEAR = signingKeyFromSeed(new Uint8Array(32).fill(1));
const FAR = signingKeyFromSeed(new Uint8Array(32).fill(2));

runVectors({
  object: 'offer',
  decode(bytes) {
    const offer = decodeOffer(bytes);
    if (!verifyOffer(offer, NEAR.publicKey)) throw badSignature('offer');
    return offer;
  },
  encode: (offer) => makeOffer(NEAR, offer).bytes,
  notWritten: '-ignorable',
});

t.test('names the key that signed it, and verifies under no other', async (t) => {
  const offer = makeOffer(NEAR, {
    to: keyId(FAR.publicKey),
    root: new Uint8Array(32),
    recordCount: 0,
    blobBytes: 0,
    sentSec: 1_800_000_000,
    nonce: new Uint8Array(16),
    controlCount: 0,
  });
  t.strictSame(offer.from, keyId(NEAR.publicKey));
  t.ok(verifyOffer(offer, NEAR.publicKey));
  t.notOk(verifyOffer(offer, FAR.publicKey));
});
