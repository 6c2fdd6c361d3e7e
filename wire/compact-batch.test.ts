import t from 'tap';
import { concatBytes, equalBytes } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import { seededRandom } from '../base/random.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { BATCH_LIMITS, encodeBatchHead, encodePieceHead } from './batch.js';
import { BatchReader } from './batch-reader.js';
import { encodeBlobHead } from './blob-head.js';
import { encodeBundle, makeBatchBundle } from './bundle.js';
import { acceptCommitment, locatorOf, retractCommitment } from './capability.js';
import { encodeCbor } from './cbor.js';
import { decodeCompactBatch, encodeCompactBatch } from './compact-batch.js';
import { COMPACT, PLAIN } from './compact-forms.js';
import { encodeControl } from './control.js';
import { parseEid } from './eid.js';
import type { Eid } from './eid.js';
import { SEALED_CONTENT_KEY_BYTES, makeEnvelope } from './envelope.js';
import { kemKeyFromSeed, keyId, signingKeyFromSeed } from './keys.js';
import { sha256Of } from './node-crypto.js';
import { verifyOffer } from './offer.js';
import { padmeBytes } from './padme.js';
import { payloadBytesOf } from './payload.js';
import { makeReceipt, verifyReceipt } from './receipt.js';
import { makeRecord } from './record.js';
import type { TransitRecord } from './record.js';
import { sealEnvelope } from './seal.js';
import { runVectors } from './vectors.suite.js';

const near = signingKeyFromSeed(new Uint8Array(32).fill(1));
const far = signingKeyFromSeed(new Uint8Array(32).fill(2));
const ends = { from: keyId(near.publicKey), to: keyId(far.publicKey) };
const random = seededRandom(5);
const MOST_BYTES = 1 << 20;
const SENT_SEC = 1_800_000_000;

runVectors({
  object: 'compact-batch',
  decode: (bytes) => decodeCompactBatch(bytes, ends, MOST_BYTES),
  encode: (batch) => encodeCompactBatch(batch, ends),
  notWritten: '-verbatim',
  sequence: true,
});

function record(blob: Uint8Array, destination = 'station.example.org', notificationBytes = 109): TransitRecord {
  const locator = locatorOf(random.bytes(24));
  return makeRecord({
    destination,
    locator,
    expirySec: SENT_SEC + 86_400,
    blobBytes: blob.length,
    blobHash: sha256Of(blob),
    retractCommitment: retractCommitment(locator, random.bytes(16)),
    acceptCommitment: acceptCommitment(locator, random.bytes(16)),
    notification: random.bytes(notificationBytes),
  });
}

function batch(records: readonly TransitRecord[], controls: readonly Uint8Array[], ...pieces: [index: number, offset: number, bytes: Uint8Array][]): Uint8Array {
  const head = encodeBatchHead({ key: near, to: ends.to, records, controls, sentSec: SENT_SEC, nonce: random.bytes(16) });
  return concatBytes(head, ...pieces.flatMap(([index, offset, bytes]) => [encodePieceHead(index, offset, bytes.length), bytes]));
}

function comesBack(plain: Uint8Array): { form: number | undefined; bytes: number } {
  const compact = encodeCompactBatch(plain, ends);
  if (!equalBytes(decodeCompactBatch(compact, ends, plain.length), plain)) throw new Error('another batch came back');
  return { form: compact[0], bytes: compact.length };
}

t.test('a batch of any shape comes back byte for byte, and its signatures hold', async (t) => {
  const blobs = [200, 1, 5000].map((bytes) => random.bytes(bytes));
  const records = blobs.map((blob, index) => record(blob, index === 2 ? 'other.example' : undefined));
  const [small, tiny, large] = blobs as [Uint8Array, Uint8Array, Uint8Array];
  const receipt = makeReceipt(near, { taken: { form: 'rids', rids: records.map(({ rid }) => rid) }, acceptedSec: SENT_SEC + 2, retainedUntilSec: SENT_SEC + 86_400, offerNonce: random.bytes(16) });
  const controls = [
    receipt.bytes,
    makeReceipt(near, { taken: { form: 'rids', rids: [random.bytes(32)] }, acceptedSec: SENT_SEC - 9, retainedUntilSec: SENT_SEC }).bytes,
    makeReceipt(near, { taken: { form: 'batch', root: random.bytes(32), count: 9 }, acceptedSec: SENT_SEC, retainedUntilSec: SENT_SEC }).bytes,
    makeReceipt(far, { taken: { form: 'rids', rids: [random.bytes(32)] }, acceptedSec: SENT_SEC, retainedUntilSec: SENT_SEC }).bytes,
    encodeControl({ kind: 'retract', locator: random.bytes(24), secret: random.bytes(16) }),
    encodeControl({ kind: 'accept', locator: random.bytes(24), secret: random.bytes(16) }),
    encodeControl({ kind: 'refusal', rid: random.bytes(32), code: 'full', retryAfterSec: 60, note: 'näh' }),
    encodeControl({ kind: 'want', rid: random.bytes(32), ranges: [[0, 10], [20, 4000]] }),
  ];
  const whole = batch(records, controls, [0, 0, small], [1, 0, tiny], [2, 0, large]);
  t.equal(comesBack(whole).form, COMPACT);
  const [head] = new BatchReader().push(decodeCompactBatch(encodeCompactBatch(whole, ends), ends, whole.length));
  t.ok(head?.kind === 'head' && verifyOffer(head.head.offer, near.publicKey));
  const back = head?.kind === 'head' ? head.head.controls[0] : undefined;
  t.ok(back?.kind === 'receipt' && verifyReceipt(back, near.publicKey));
  for (const [name, plain] of Object.entries({
    empty: batch([], []),
    'no blobs': batch(records, []),
    'part of a blob': batch(records, [], [2, 100, large.subarray(100, 900)]),
    'a whole blob behind a part': batch(records, [], [0, 5, small.subarray(5)], [2, 0, large]),
    'blobs in another order': batch(records, [], [2, 0, large], [0, 0, small]),
    'a blob in two pieces': batch(records, [], [0, 0, small], [2, 0, large.subarray(0, 9)], [2, 9, large.subarray(9)]),
    'a blob that is not the one of its record': batch(records, [], [0, 0, random.bytes(200)]),
  })) {
    t.equal(comesBack(plain).form, COMPACT, name);
  }
});

t.test('what would come back as something else travels as it is', async (t) => {
  const receiptOfFar = makeReceipt(far, { taken: { form: 'rids', rids: [random.bytes(32)] }, acceptedSec: SENT_SEC, retainedUntilSec: SENT_SEC }).bytes;
  const [before, theirs] = [comesBack(batch([], [])).bytes, comesBack(batch([], [receiptOfFar]))];
  t.same(theirs, { form: COMPACT, bytes: before + 1 + 2 + receiptOfFar.length }, "a receipt of somebody else's, in a batch that is compact for the rest");
  t.equal(comesBack(encodeBatchHead({ key: far, to: ends.from, records: [], controls: [], sentSec: 1, nonce: new Uint8Array(16) })).form, PLAIN, 'between other ends');
  t.equal(comesBack(random.bytes(300)).form, PLAIN, 'no batch at all');
  t.equal(comesBack(new Uint8Array()).form, PLAIN, 'nothing');
});

t.test('makes no batch larger than it may, whatever it is told', async (t) => {
  const plain = batch([record(random.bytes(300))], []);
  for (const bytes of [encodeCompactBatch(plain, ends), concatBytes(Uint8Array.of(PLAIN), plain)]) {
    t.equal(decodeCompactBatch(bytes, ends, plain.length).length, plain.length);
    t.throws(() => decodeCompactBatch(bytes, ends, plain.length - 1), { code: 'WIRE_LIMIT' });
  }
});

t.test('takes pieces up to their limit, as many as there are, and numbers up to 2^53 - 1', async (t) => {
  const most = Number.MAX_SAFE_INTEGER;
  const vast = makeRecord({ ...record(random.bytes(1)), blobBytes: most });
  const head = encodeCompactBatch(batch([vast], []), ends);
  t.equal(head[0], COMPACT);
  const many = concatBytes(head, Buffer.from('00000141'.repeat(200_000), 'hex'));
  t.ok(decodeCompactBatch(many, ends, 10 * MOST_BYTES).length > 1_000_000);
  const piece = (bytes: number): Uint8Array => concatBytes(head, encodeCbor(0), encodeCbor(0), encodeCbor(bytes), new Uint8Array(bytes));
  t.ok(decodeCompactBatch(piece(BATCH_LIMITS.pieceBytes), ends, 10 * MOST_BYTES));
  t.throws(() => decodeCompactBatch(piece(BATCH_LIMITS.pieceBytes + 1), ends, 10 * MOST_BYTES), { code: 'WIRE_LIMIT' });
  const receipt = makeReceipt(near, { taken: { form: 'rids', rids: [vast.rid] }, acceptedSec: SENT_SEC, retainedUntilSec: most });
  t.equal(comesBack(encodeBatchHead({ key: near, to: ends.to, records: [], controls: [receipt.bytes], sentSec: 0, nonce: random.bytes(16) })).form, COMPACT);
});

t.test('every vector of batches comes back, and damage gives a batch or a code', async (t) => {
  for (const { bytes, expect, name } of readSpecVectors('batch')) {
    if (expect === 'ok') t.ok(comesBack(bytes).bytes <= bytes.length + 1, name);
  }
  const compact = encodeCompactBatch(batch([record(random.bytes(50)), record(random.bytes(60))], []), ends);
  for (let at = 0; at < compact.length; at++) {
    for (const bit of [1, 0x80]) {
      const damaged = compact.slice();
      damaged[at]! ^= bit;
      try {
        decodeCompactBatch(damaged, ends, MOST_BYTES);
      } catch (thrown) {
        if (!isPosternError(thrown)) t.fail(`byte ${at}: ${String(thrown)}`);
      }
    }
  }
});

t.test('the figures of spec/burst.md', async (t) => {
  const blob = random.bytes(sealedBytes(200));
  const message = batch([record(blob)], [], [0, 0, blob]);
  const receipt = batch([], [makeReceipt(near, { taken: { form: 'rids', rids: [random.bytes(32)] }, acceptedSec: SENT_SEC + 60, retainedUntilSec: SENT_SEC + 86_400, offerNonce: random.bytes(16) }).bytes]);
  const figures = (plain: Uint8Array): object => ({ bundle: bundleBytes(plain), batch: plain.length, compact: comesBack(plain).bytes });
  t.same({ blob: blob.length, message: figures(message), receipt: figures(receipt) }, FIGURES);
});

const FIGURES = { blob: 708, message: { bundle: 1228, batch: 1117, compact: 989 }, receipt: { bundle: 416, batch: 305, compact: 209 } };

/** The blob of a text of so many bytes, as the two ends make it (spec/envelope.md, spec/payload.md). */
function sealedBytes(contentBytes: number): number {
  const payloadBytes = payloadBytesOf(padmeBytes(contentBytes));
  const envelope = makeEnvelope(near, {
    destination: 'station.example.org',
    sender: 'ann@shore.example.org',
    recipientHash: random.bytes(24),
    salt: random.bytes(16),
    mimeType: 'text/plain',
    payloadBytes,
    payloadHash: random.bytes(32),
    sentSec: SENT_SEC,
    expirySec: SENT_SEC + 86_400,
    flags: { retraction: false, readReceiptRequested: false, escrowDisclosed: false },
    sealedContentKey: random.bytes(SEALED_CONTENT_KEY_BYTES),
    acceptSecret: random.bytes(16),
    name: 'note.txt',
    contentBytes,
  });
  return encodeBlobHead(sealEnvelope(kemKeyFromSeed(new Uint8Array(32).fill(3)).publicKey, envelope, random.bytes(32))).length + payloadBytes;
}

function bundleBytes(payload: Uint8Array): number {
  const [source, destination] = ['dtn://ship/batch', 'dtn://station/batch'].map((uri) => parseEid(uri)!) as [Eid, Eid];
  return encodeBundle(makeBatchBundle({ source, destination, createdDtnMs: 800_000_000_000, sequence: 2 ** 39, lifetimeMs: 604_800_000, payload, hopLimit: 32, ageMs: 0 })).length;
}
