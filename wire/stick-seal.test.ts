import t from 'tap';
import { concatBytes, equalBytes, toHex } from '../base/bytes.js';
import { seededRandom } from '../base/random.js';
import { gatewayKemKey, gatewayKemPublicKey } from './gateway-kem.js';
import { signingKeyFromSeed } from './keys.js';
import { encodeFrameHead, FrameReader } from './stick-frames.js';
import { openStickKey, sealStickKey, stickOpener, stickSealer } from './stick-seal.js';

const random = seededRandom(70);
const far = signingKeyFromSeed(random.bytes(32));

t.test('both halves of a gateway KEM key are made from the halves of its signing key', async (t) => {
  for (let i = 0; i < 20; i += 1) {
    const key = signingKeyFromSeed(random.bytes(32));
    t.equal(toHex(gatewayKemPublicKey(key.publicKey)), toHex(gatewayKemKey(key).publicKey));
  }
});

t.test('what is no point of the curve has no KEM key', async (t) => {
  t.throws(() => gatewayKemPublicKey(new Uint8Array(32).fill(0xff)), { code: 'WIRE_SEAL' }, 'beyond the prime');
  t.throws(() => gatewayKemPublicKey(Uint8Array.of(1, ...new Uint8Array(31))), { code: 'WIRE_SEAL' }, 'the neutral point');
});

t.test('a key sealed to a gateway opens there and nowhere else', async (t) => {
  const contentKey = random.bytes(32);
  const sealed = sealStickKey(far.publicKey, contentKey, random.bytes(32));
  t.ok(equalBytes(openStickKey(far, sealed), contentKey));
  t.throws(() => openStickKey(signingKeyFromSeed(random.bytes(32)), sealed), { code: 'WIRE_SEAL' });
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at]! ^= 4;
    t.throws(() => openStickKey(far, changed), { code: 'WIRE_SEAL' }, `byte ${at}`);
  }
});

t.test('batches come out of a sealed file as they went in, however it is cut', async (t) => {
  const batches = [random.bytes(1), random.bytes(70_000), random.bytes(65_536 - 8)];
  const contentKey = random.bytes(32);
  const sealer = stickSealer(contentKey, random.bytes(16));
  const pieces = batches.flatMap((batch) => [...sealer.push(encodeFrameHead(batch.length)), ...sealer.push(batch)]);
  const sealed = concatBytes(...pieces, ...sealer.finish());
  t.equal(sealer.sealed.payloadBytes, sealed.length);
  for (const step of [1, 1000, 65_536, sealed.length]) {
    const found: Uint8Array[][] = [];
    let ends = 0;
    const frames = new FrameReader();
    const opener = stickOpener(contentKey, (content) => {
      for (const event of frames.push(content)) {
        if (event.kind === 'begin') found.push([]);
        else if (event.kind === 'data') found.at(-1)!.push(event.bytes.slice());
        else ends += 1;
      }
    });
    for (let at = 0; at < sealed.length; at += step) opener.push(sealed.subarray(at, at + step));
    opener.finish();
    frames.finish();
    t.same(found.map((parts) => toHex(concatBytes(...parts))), batches.map(toHex), `in steps of ${step}`);
    t.equal(ends, batches.length);
  }
});

t.test('a frame that is empty, absurd or cut short is refused', async (t) => {
  t.throws(() => new FrameReader().push(encodeFrameHead(0)), { code: 'WIRE_VALUE' });
  t.throws(() => new FrameReader().push(new Uint8Array(8).fill(0xff)), { code: 'WIRE_VALUE' });
  const frames = new FrameReader();
  frames.push(concatBytes(encodeFrameHead(3), Uint8Array.of(1, 2)));
  t.throws(() => frames.finish(), { code: 'WIRE_TRUNCATED' });
});
