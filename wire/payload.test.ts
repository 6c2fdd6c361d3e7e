import { createCipheriv } from 'node:crypto';
import t from 'tap';
import { concatBytes, equalBytes, fromHex, toHex } from '../base/bytes.js';
import { seededRandom } from '../base/random.js';
import { PayloadOpener } from './open.js';
import type { PayloadClaims } from './open.js';
import { chachaOpen, chachaSeal, sha256Of } from './node-crypto.js';
import { padmeBytes } from './padme.js';
import { CHUNK_BYTES, chunkNonce, payloadBytesOf, payloadKeys, PAYLOAD_HEADER_BYTES, plaintextBytesOf, SEALED_CHUNK_BYTES } from './payload.js';
import { PayloadSealer } from './seal.js';
import { CONTENT_KEY, filled } from './sealed-test-helper.js';
import { runVectors } from './vectors.suite.js';

/** As its envelope would describe it: truly, and without padding. */
function openAsSigned(ciphertext: Uint8Array, contentBytes = plaintextBytesOf(ciphertext.length) ?? 0): Uint8Array {
  return open(ciphertext, claimsFor(ciphertext, contentBytes), undefined, CONTENT_KEY);
}

function sealWith(padding: 'padme' | 'none', content: Uint8Array): Uint8Array {
  const sealer = new PayloadSealer(CONTENT_KEY, filled(0x44, 16), padding);
  return concatBytes(...sealer.push(content), ...sealer.finish());
}

runVectors({ object: 'payload', decode: (bytes) => openAsSigned(bytes), encode: (content) => sealWith('none', content), cut: 'WIRE_SEAL' });
runVectors({ object: 'padded-payload', decode: (bytes) => openAsSigned(bytes, 15), encode: (content) => sealWith('padme', content), cut: 'WIRE_SEAL' });

const random = seededRandom(1);
const contentKey = random.bytes(32);
const nonce = random.bytes(16);

function contentOf(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >>> 8)) & 0xff);
}

function seal(content: Uint8Array, padding: 'padme' | 'none' = 'none', pieceBytes = content.length): { ciphertext: Uint8Array; claims: PayloadClaims } {
  const sealer = new PayloadSealer(contentKey, nonce, padding);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += pieceBytes) pieces.push(...sealer.push(content.subarray(at, at + pieceBytes)));
  pieces.push(...sealer.finish());
  return { ciphertext: concatBytes(...pieces), claims: sealer.sealed };
}

function open(ciphertext: Uint8Array, claims: PayloadClaims, pieceBytes = Math.max(ciphertext.length, 1), key = contentKey): Uint8Array {
  const opener = new PayloadOpener(key, claims);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < ciphertext.length; at += pieceBytes) pieces.push(...opener.push(ciphertext.subarray(at, at + pieceBytes)));
  pieces.push(...opener.finish());
  return concatBytes(...pieces);
}

/** What a liar would have signed, so that only the seal itself stands against a changed ciphertext. */
function claimsFor(ciphertext: Uint8Array, contentBytes: number): PayloadClaims {
  return { contentBytes, payloadBytes: ciphertext.length, payloadHash: sha256Of(ciphertext) };
}

const SIZES = [0, 1, 16, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 17];

t.test('content of every size comes back, however it is cut into pieces', async (t) => {
  for (const bytes of SIZES) {
    const content = contentOf(bytes);
    const whole = seal(content);
    t.equal(whole.ciphertext.length, payloadBytesOf(bytes), `${bytes}: as long as promised`);
    for (const pieceBytes of [1009, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000]) {
      const { ciphertext, claims } = seal(content, 'none', pieceBytes);
      t.ok(equalBytes(ciphertext, whole.ciphertext), `${bytes}: sealed in pieces of ${pieceBytes}`);
      t.same(claims, claimsFor(whole.ciphertext, bytes));
      t.ok(equalBytes(open(ciphertext, claims, pieceBytes), content), `${bytes}: opened in pieces of ${pieceBytes}`);
    }
  }
  const { ciphertext, claims } = seal(contentOf(300), 'none', 1);
  t.ok(equalBytes(open(ciphertext, claims, 1), contentOf(300)), 'byte by byte');
});

t.test('padding is inside, and gone again when opened', async (t) => {
  for (const bytes of [...SIZES, 1_000_001]) {
    const { ciphertext, claims } = seal(contentOf(bytes), 'padme', 100_000);
    t.equal(ciphertext.length, payloadBytesOf(padmeBytes(bytes)), `${bytes}: padded`);
    t.equal(claims.contentBytes, bytes);
    t.equal(claims.payloadBytes, ciphertext.length);
    t.ok(equalBytes(open(ciphertext, claims, 70_000), contentOf(bytes)), `${bytes}: the content alone`);
  }
});

t.test('padding that is not zero is refused', async (t) => {
  const { ciphertext } = seal(contentOf(100));
  t.throws(() => open(ciphertext, claimsFor(ciphertext, 99)), { code: 'WIRE_SEAL' });
});

t.test('sizes of plaintext and ciphertext are each computed from the other', async (t) => {
  for (const bytes of [...SIZES, 2 ** 40 + 5]) t.equal(plaintextBytesOf(payloadBytesOf(bytes)), bytes);
  for (const bytes of [0, 1, PAYLOAD_HEADER_BYTES, PAYLOAD_HEADER_BYTES + 15]) t.equal(plaintextBytesOf(bytes), undefined, `${bytes} is no payload's size`);
  for (let more = 1; more <= 16; more += 1) t.equal(plaintextBytesOf(PAYLOAD_HEADER_BYTES + SEALED_CHUNK_BYTES + more), undefined, 'an empty second chunk');
  t.equal(plaintextBytesOf(PAYLOAD_HEADER_BYTES + SEALED_CHUNK_BYTES + 17), CHUNK_BYTES + 1);
});

t.test('every changed byte of a small payload is refused', async (t) => {
  const { ciphertext } = seal(contentOf(40));
  for (let at = 0; at < ciphertext.length; at += 1) {
    const changed = Uint8Array.from(ciphertext);
    changed[at] = changed[at]! ^ 0x01;
    t.throws(() => open(changed, claimsFor(changed, 40)), { code: 'WIRE_SEAL' }, `byte ${at}`);
  }
});

t.test('a payload cut at every byte is refused', async (t) => {
  const { ciphertext, claims } = seal(contentOf(40));
  for (let end = 0; end < ciphertext.length; end += 1) {
    const cut = ciphertext.subarray(0, end);
    t.throws(() => open(cut, claims), { code: 'WIRE_SEAL' }, `cut at ${end}`);
    t.throws(() => open(cut, claimsFor(cut, 0)), { code: 'WIRE_SEAL' }, `cut at ${end}, and signed so`);
  }
});

t.test('chunks flipped, removed, swapped, repeated or cut off are refused', async (t) => {
  const bytes = 3 * CHUNK_BYTES + 17;
  const { ciphertext } = seal(contentOf(bytes));
  const header = ciphertext.subarray(0, PAYLOAD_HEADER_BYTES);
  const chunks = [0, 1, 2, 3].map((index) => ciphertext.subarray(PAYLOAD_HEADER_BYTES + index * SEALED_CHUNK_BYTES, PAYLOAD_HEADER_BYTES + (index + 1) * SEALED_CHUNK_BYTES));
  const [first, second, third, last] = chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const cases: [string, Uint8Array[]][] = [
    ['first removed', [second, third, last]],
    ['second removed', [first, third, last]],
    ['third removed', [first, second, last]],
    ['last cut off', [first, second, third]],
    ['all but the first cut off', [first]],
    ['everything cut off', []],
    ['swapped', [second, first, third, last]],
    ['repeated', [first, first, second, third, last]],
    ['last repeated', [first, second, third, last, last]],
    ['last first', [last]],
  ];
  for (const index of [0, 1, 2, 3]) {
    const flipped = chunks.map((chunk) => Uint8Array.from(chunk));
    flipped[index]![7]! ^= 0x80;
    cases.push([`chunk ${index} flipped`, flipped]);
  }
  for (const [name, parts] of cases) {
    const changed = concatBytes(header, ...parts);
    for (const contentBytes of [0, Math.min(bytes, parts.length * CHUNK_BYTES), bytes]) {
      t.throws(() => open(changed, claimsFor(changed, contentBytes)), { code: 'WIRE_SEAL' }, `${name}, said to hold ${contentBytes}`);
    }
  }
});

t.test('what opens before a fault is the true beginning', async (t) => {
  const content = contentOf(3 * CHUNK_BYTES);
  const { ciphertext, claims } = seal(content);
  const opener = new PayloadOpener(contentKey, claims);
  const got = concatBytes(...opener.push(ciphertext.subarray(0, PAYLOAD_HEADER_BYTES + 2 * SEALED_CHUNK_BYTES + 5)));
  t.ok(equalBytes(got, content.subarray(0, 2 * CHUNK_BYTES)));
  t.throws(() => opener.finish(), { code: 'WIRE_SEAL' });
});

t.test('an empty last chunk after others is refused, though it is genuine', async (t) => {
  const { chunkKey, commitment } = payloadKeys(contentKey, nonce);
  const full = chachaSeal(chunkKey, chunkNonce(0, false), contentOf(CHUNK_BYTES));
  const empty = chachaSeal(chunkKey, chunkNonce(1, true), new Uint8Array(0));
  const ciphertext = concatBytes(nonce, commitment, full.ciphertext, full.tag, empty.ciphertext, empty.tag);
  t.throws(() => open(ciphertext, claimsFor(ciphertext, CHUNK_BYTES)), { code: 'WIRE_SEAL' });
});

t.test('bytes other than those signed are refused, even when they open', async (t) => {
  const { ciphertext, claims } = seal(contentOf(100));
  const other = new PayloadSealer(contentKey, random.bytes(16), 'none');
  const resealed = concatBytes(...other.push(contentOf(100)), ...other.finish());
  t.equal(resealed.length, ciphertext.length);
  t.throws(() => open(resealed, claims), { code: 'WIRE_SEAL' });
  t.throws(() => open(concatBytes(ciphertext, ciphertext), claims), { code: 'WIRE_SEAL' }, 'longer than signed');
  t.throws(() => open(ciphertext, { ...claims, contentBytes: 101 }), { code: 'WIRE_SEAL' }, 'less content than signed');
});

t.test('a ciphertext made to open under two keys opens as a payload under one at most', async (t) => {
  const otherKey = random.bytes(32);
  const keys = payloadKeys(contentKey, nonce);
  const otherKeys = payloadKeys(otherKey, nonce);
  const chunk = twoKeyChunk(keys.chunkKey, otherKeys.chunkKey, chunkNonce(0, true));
  t.ok(chachaOpen(keys.chunkKey, chunkNonce(0, true), chunk), 'the chunk alone is genuine under one key');
  t.ok(chachaOpen(otherKeys.chunkKey, chunkNonce(0, true), chunk), 'and under the other');

  const payload = concatBytes(nonce, keys.commitment, chunk);
  t.equal(open(payload, claimsFor(payload, 32)).length, 32);
  t.throws(() => open(payload, claimsFor(payload, 32), undefined, otherKey), { code: 'WIRE_SEAL', data: { path: 'payload/commitment' } });
  const otherWay = concatBytes(nonce, otherKeys.commitment, chunk);
  t.equal(open(otherWay, claimsFor(otherWay, 32), undefined, otherKey).length, 32);
  t.throws(() => open(otherWay, claimsFor(otherWay, 32)), { code: 'WIRE_SEAL', data: { path: 'payload/commitment' } });
});

/**
 * Two blocks of ciphertext and a tag that are genuine under both keys. With the first block chosen freely, the
 * tags are equal (RFC 8439 §2.5.1) when the second solves one linear equation modulo 2^130 - 5.
 */
function twoKeyChunk(key: Uint8Array, otherKey: Uint8Array, chunkNonce: Uint8Array): Uint8Array {
  const one = oneTimeKey(key, chunkNonce);
  const two = oneTimeKey(otherKey, chunkNonce);
  const lengths = littleEndian(concatBytes(new Uint8Array(8), Uint8Array.of(32), new Uint8Array(7), Uint8Array.of(1)));
  for (let first = 0n; first < 1000n; first += 1n) {
    const rest = ({ r }: OneTimeKey): bigint => modP((first + TWO_128) * r ** 3n + lengths * r);
    for (let wrap = -4n; wrap <= 4n; wrap += 1n) {
      const difference = two.s - one.s + wrap * TWO_128;
      const second = modP((difference - rest(one) + rest(two)) * inverseModP(modP(one.r ** 2n - two.r ** 2n))) - TWO_128;
      if (second < 0n || second >= TWO_128) continue;
      const tags = [one, two].map((oneTime) => (modP(rest(oneTime) + (second + TWO_128) * oneTime.r ** 2n) + oneTime.s) % TWO_128);
      if (tags[0] === tags[1]) return concatBytes(sixteenBytes(first), sixteenBytes(second), sixteenBytes(tags[0]!));
    }
  }
  throw new Error('no such chunk found');
}

interface OneTimeKey {
  readonly r: bigint;
  readonly s: bigint;
}

const P = 2n ** 130n - 5n;
const TWO_128 = 2n ** 128n;

/** RFC 8439 §2.6: the first 32 bytes of key stream, the first half clamped. */
function oneTimeKey(key: Uint8Array, chunkNonce: Uint8Array): OneTimeKey {
  const stream = createCipheriv('chacha20', key, concatBytes(new Uint8Array(4), chunkNonce)).update(new Uint8Array(32));
  return { r: littleEndian(stream.subarray(0, 16)) & 0x0ffffffc_0ffffffc_0ffffffc_0fffffffn, s: littleEndian(stream.subarray(16)) };
}

function modP(value: bigint): bigint {
  return ((value % P) + P) % P;
}

/** By Fermat: value ^ (p - 2). */
function inverseModP(value: bigint): bigint {
  let result = 1n;
  for (const bit of (P - 2n).toString(2)) result = modP(result * result * (bit === '1' ? value : 1n));
  return result;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

function sixteenBytes(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(32, '0'))!.reverse();
}

t.test('the large examples of spec/payload.md', async (t) => {
  t.equal(toHex(sha256Of(sealWith('none', new Uint8Array(CHUNK_BYTES)))), 'f6dff08c1e94c8261dbfbd61d32b78c454cd240cd07316499909cd4168699422');
  t.equal(toHex(sha256Of(sealWith('none', new Uint8Array(CHUNK_BYTES + 1)))), '08d588afca42c325cedb97cb6e7c443cd07ca40544b6df5153b868ec9056d834');
});

t.test('a large payload is sealed and opened in the memory of a few chunks', async (t) => {
  const bytes = 64 * 1024 * 1024 + 1;
  const sealer = new PayloadSealer(contentKey, nonce);
  const piece = contentOf(100_000);
  let sealedBytes = 0;
  let heldBytes = 0;
  const take = (pieces: Iterable<Uint8Array>): void => {
    let held = 0;
    for (const sealed of pieces) {
      sealedBytes += sealed.length;
      held += sealed.length;
    }
    heldBytes = Math.max(heldBytes, held);
  };
  for (let left = bytes; left > 0; left -= piece.length) take(sealer.push(piece.subarray(0, Math.min(left, piece.length))));
  t.ok(heldBytes <= piece.length + 2 * SEALED_CHUNK_BYTES, `at most ${heldBytes} bytes at once`);
  for (const sealed of sealer.finish()) {
    sealedBytes += sealed.length;
    if (sealed.length > SEALED_CHUNK_BYTES) t.fail('the padding comes in chunks');
  }
  t.equal(sealedBytes, payloadBytesOf(padmeBytes(bytes)));
});
