import fc from 'fast-check';
import t from 'tap';
import { concatBytes, toHex } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { encodeBatchHead, encodePieceHead } from './batch.js';
import type { BatchLimits } from './batch.js';
import type { BatchHead } from './batch-head-reader.js';
import { BatchReader } from './batch-reader.js';
import { hostileBytes } from './cbor-test-helper.js';
import { CborWalker } from './cbor-walker.js';
import { badSignature } from './faults.js';
import { keyId, signingKeyFromSeed } from './keys.js';
import { verifyOffer } from './offer.js';
import { makeReceipt } from './receipt.js';
import { makeRecord } from './record.js';
import type { TransitRecord } from './record.js';
import { runVectors } from './vectors.suite.js';

const NEAR = signingKeyFromSeed(new Uint8Array(32).fill(1));
const FAR = signingKeyFromSeed(new Uint8Array(32).fill(2));

interface Batch {
  readonly head: BatchHead;
  readonly pieces: readonly { index: number; offset: number; bytes: Uint8Array }[];
}

/** Reads a whole batch in chunks of the given size. */
function readBatch(bytes: Uint8Array, chunkBytes = Infinity, limits: Partial<BatchLimits> = {}): Batch {
  const reader = new BatchReader(limits);
  let head: BatchHead | undefined;
  const pieces: { index: number; offset: number; length: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    for (const event of reader.push(bytes.subarray(at, at + chunkBytes))) {
      if (event.kind === 'head') head = event.head;
      else if (event.kind === 'piece') pieces.push({ ...event, bytes: new Uint8Array(0) });
      else if (event.kind === 'data') pieces.at(-1)!.bytes = concatBytes(pieces.at(-1)!.bytes, event.bytes);
      else if (pieces.at(-1)!.bytes.length !== pieces.at(-1)!.length) throw new Error('a piece ends too early');
    }
  }
  reader.finish();
  return { head: head!, pieces };
}

function readSigned(bytes: Uint8Array): Batch {
  const batch = readBatch(bytes);
  if (!verifyOffer(batch.head.offer, NEAR.publicKey)) throw badSignature('batch/offer');
  return batch;
}

function writeBatch({ head, pieces }: Batch): Uint8Array {
  const { offer, records, controls } = head;
  const { to, sentSec, nonce } = offer;
  return concatBytes(
    encodeBatchHead({ key: NEAR, to, records, controls: controls.map(({ bytes }) => bytes), sentSec, nonce }),
    ...pieces.flatMap(({ index, offset, bytes }) => [encodePieceHead(index, offset, bytes.length), bytes]),
  );
}

runVectors({ object: 'batch', decode: readSigned, encode: writeBatch, sequence: true });

function recordOf(number: number, blobBytes = 1000): TransitRecord {
  const locator = new Uint8Array(24);
  new DataView(locator.buffer).setUint32(0, number);
  return makeRecord({
    destination: 'far.example',
    locator,
    expirySec: 1_800_000_000,
    blobBytes,
    blobHash: new Uint8Array(32),
    retractCommitment: new Uint8Array(16),
    notification: new Uint8Array(109),
  });
}

function headOf(records: TransitRecord[], controls: Uint8Array[] = []): Uint8Array {
  return encodeBatchHead({ key: NEAR, to: keyId(FAR.publicKey), records, controls, sentSec: 1_800_000_000, nonce: new Uint8Array(16) });
}

function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    return thrown.code === 'WIRE_TRUNCATED' ? thrown.code : `${thrown.code} ${thrown.message}`;
  }
}

t.test('reads the same from chunks of any size', async (t) => {
  for (const { name, bytes } of readSpecVectors('batch')) {
    const whole = outcomeOf(() => readBatch(bytes));
    for (const size of [1, 2, 7, 64, 500]) t.strictSame(outcomeOf(() => readBatch(bytes, size)), whole, `${name}, ${size} bytes at a time`);
  }
});

t.test('gives values or coded errors, whatever the bytes', async (t) => {
  const good = readSpecVectors('batch').filter(({ expect }) => expect === 'ok');
  const hostile = hostileBytes(fc.constantFrom(...good.map(({ bytes }) => bytes)));
  const { counterexample } = fc.check(fc.property(hostile, fc.integer({ min: 1, max: 300 }), (bytes, size) => void outcomeOf(() => readBatch(bytes, size))), { numRuns: 1000 });
  t.equal(counterexample, null);
});

t.test('passes blob bytes through as views on the chunk', async (t) => {
  const blob = new Uint8Array(1000).fill(7);
  const chunk = concatBytes(headOf([recordOf(1)]), encodePieceHead(0, 0, 1000), blob);
  const data = new BatchReader().push(chunk).filter((event) => event.kind === 'data');
  t.equal(data.length, 1);
  t.equal(data[0]!.bytes.buffer, chunk.buffer);
});

t.test('needs work in proportion to the bytes when a head of 1 MB comes byte by byte', async (t) => {
  const receipt = makeReceipt(FAR, { taken: { form: 'rids', rids: Array.from({ length: 4000 }, () => new Uint8Array(32)) }, acceptedSec: 1, retainedUntilSec: 2 });
  const head = headOf(
    Array.from({ length: 3500 }, (_, number) => recordOf(number)),
    [receipt.bytes, receipt.bytes],
  );
  t.ok(head.length > 1_000_000);
  const work = countWork(t);
  t.equal(readBatch(head, 1).head.records.length, 3500);
  // A walk takes up where the last one stopped: one for each byte, and a few for each item when it is decoded.
  t.ok(work.walks < head.length + 10 * 3502, `${work.walks} walks for ${head.length} bytes`);
  // Into the buffer, on as it doubles, and out as the item. The heads that the encoder's check and the hash copy are in it, too.
  t.ok(work.copiedBytes < 6 * head.length, `${work.copiedBytes} bytes copied for ${head.length}`);
});

/** Counts from outside, so that the reader carries nothing for the test's sake. */
function countWork(t: { teardown(undo: () => void): void }): { walks: number; copiedBytes: number } {
  const work = { walks: 0, copiedBytes: 0 };
  const { walk } = CborWalker.prototype;
  const { set } = Uint8Array.prototype;
  CborWalker.prototype.walk = function (...args) {
    work.walks += 1;
    return walk.apply(this, args);
  };
  Uint8Array.prototype.set = function (source, offset) {
    work.copiedBytes += source.length;
    set.call(this, source, offset);
  };
  t.teardown(() => {
    CborWalker.prototype.walk = walk;
    Uint8Array.prototype.set = set;
  });
  return work;
}

t.test('keeps to the limits it is given', async (t) => {
  const records = [recordOf(1), recordOf(2)];
  const bytes = concatBytes(headOf(records), encodePieceHead(0, 0, 11), new Uint8Array(11));
  const headBytes = headOf(records).length;
  t.ok(readBatch(bytes, Infinity, { records: 2, controls: 0, headBytes, pieceBytes: 11 }));
  for (const limits of [{ records: 1 }, { headBytes: headBytes - 1 }, { pieceBytes: 10 }]) {
    t.throws(() => readBatch(bytes, Infinity, limits), { code: 'WIRE_LIMIT' }, JSON.stringify(limits));
  }
  t.throws(() => readBatch(headOf([], [Uint8Array.of(0)]), Infinity, { controls: 0 }), { code: 'WIRE_LIMIT' });
});

t.test('holds no more than the head limit, whatever the offer promises', async (t) => {
  const reader = new BatchReader({ headBytes: 2000 });
  const bytes = headOf(Array.from({ length: 100 }, (_, number) => recordOf(number)));
  t.throws(() => {
    for (const byte of bytes.subarray(0, 2001)) reader.push(Uint8Array.of(byte));
  }, { code: 'WIRE_LIMIT' });
});

t.test('refuses at the record with which the blobs become longer than offered, not at the end', async (t) => {
  const short = readSpecVectors('batch').find(({ name }) => name === 'batch-sum-short')!;
  t.throws(() => readBatch(short.bytes), { code: 'WIRE_VALUE', data: { path: 'batch/record/0' } });
});

t.test('stays with its fault', async (t) => {
  const reader = new BatchReader();
  t.throws(() => reader.push(Uint8Array.of(0xff)), { code: 'WIRE_NOT_DETERMINISTIC' });
  t.throws(() => reader.push(headOf([])), { code: 'WIRE_NOT_DETERMINISTIC' });
  t.throws(() => {
    reader.finish();
  }, { code: 'WIRE_NOT_DETERMINISTIC' });
});

t.test('gives out what came before a fault in one chunk, and the fault at the next call', async (t) => {
  const reader = new BatchReader();
  const bad = concatBytes(headOf([recordOf(1)]), encodePieceHead(0, 0, 10), new Uint8Array(10), encodePieceHead(3, 0, 10));
  t.same(reader.push(bad).map(({ kind }) => kind), ['head', 'piece', 'data', 'piece-end']);
  t.throws(() => {
    reader.finish();
  }, { code: 'WIRE_VALUE' });
  t.throws(() => reader.push(Uint8Array.of(0)), { code: 'WIRE_VALUE' });
});

t.test('says where in the batch the fault stands', async (t) => {
  const head = headOf([recordOf(1)]);
  const bad = concatBytes(head, encodePieceHead(0, 0, 10), new Uint8Array(10), encodePieceHead(3, 0, 10));
  for (const size of [1, Infinity]) {
    t.throws(() => readBatch(bad, size), { code: 'WIRE_VALUE', data: { path: 'batch/piece/index', offset: head.length + 14 } });
    t.throws(() => readBatch(concatBytes(head, Uint8Array.of(0x83, 0x00, 0x18, 0x01)), size), { code: 'WIRE_NOT_DETERMINISTIC', data: { path: 'batch/piece/offset', offset: head.length + 2 } });
  }
  const short = headOf([recordOf(1)]).subarray(0, -1);
  t.throws(() => readBatch(short), { code: 'WIRE_TRUNCATED', data: { offset: short.length } });
});

t.test('a record keeps no more memory than its own bytes', async (t) => {
  const { head } = readBatch(headOf([recordOf(1), recordOf(2)]));
  for (const { bytes } of head.records) t.equal(bytes.buffer.byteLength, bytes.length, toHex(bytes.subarray(0, 4)));
});
