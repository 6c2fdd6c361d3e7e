import { strict as assert } from 'node:assert';
import t from 'tap';
import fc from 'fast-check';
import { concatBytes, toHex } from '../../base/bytes.js';
import { isPosternError } from '../../base/errors.js';
import { readSpecVectors } from '../../scripts/spec-vectors.js';
import { encodeSdnv, readSdnv, sdnvBytes } from './sdnv.js';
import { decodeSegment, encodeControl, encodeData, type Segment } from './segments.js';

const vectors = readSpecVectors('ltp');
const good = vectors.filter(({ expect }) => expect === 'ok');

function verdict(bytes: Uint8Array): string {
  try {
    decodeSegment(bytes);
    return 'ok';
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown;
    return thrown.code;
  }
}

function encode(segment: Segment): Uint8Array {
  return segment.kind === 'data' ? encodeData(segment, segment.data) : encodeControl(segment);
}

t.test('every vector gets the verdict it expects', async (t) => {
  t.ok(vectors.length > 45, `${vectors.length} vectors`);
  for (const { name, expect, note, bytes } of vectors) t.equal(verdict(bytes), expect, `${name}: ${note}`);
});

t.test('good vectors encode to their own bytes', async (t) => {
  for (const { name, bytes } of good.filter(({ name }) => !name.endsWith('-ignorable'))) t.equal(toHex(encode(decodeSegment(bytes))), toHex(bytes), name);
});

t.test('good vectors cut short at any byte are refused', async (t) => {
  for (const { name, bytes } of good) {
    for (let length = 0; length < bytes.length; length++) t.equal(verdict(bytes.subarray(0, length)), 'LINK_PROTOCOL', `${name} at ${length}`);
  }
});

t.test('vectors with any byte changed give a segment or a coded fault', async (t) => {
  for (const { bytes } of vectors) {
    for (let at = 0; at < bytes.length; at++) {
      for (let flip = 1; flip < 256; flip++) {
        const changed = bytes.slice();
        changed[at]! ^= flip;
        verdict(changed);
      }
    }
  }
  t.pass('no other error was thrown');
});

t.test('reads what the segments of other stacks say', async (t) => {
  const of = (name: string): Segment => decodeSegment(vectors.find((vector) => vector.name === name)!.bytes);
  const session = { originator: 2n, number: 1n };
  t.match(of('ltp-ion-data'), { kind: 'data', session, colour: 'red', redEnd: true, blockEnd: true, client: 1n, offset: 0, length: 87, checkpoint: { serial: 10_347n, report: 0n } });
  t.strictSame(of('ltp-ion-report'), { kind: 'report', session, serial: 10_769n, checkpoint: 10_347n, lower: 0, upper: 87, claims: [[0, 87]] });
  t.strictSame(of('ltp-ion-report-ack'), { kind: 'report-ack', session, serial: 10_769n });
  t.strictSame(of('ltp-hdtn-ping'), { kind: 'cancel', session: { originator: 20_004_558n, number: 4_611_686_018_427_387_903n }, by: 'sender', reason: 0 });
  t.match(of('ltp-report-two-claims'), { lower: 100, upper: 1000, claims: [[100, 300], [500, 1000]] });
});

/** Objects such as the decoder makes. */
const PLAIN = { noNullPrototype: true };
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const serial = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const session = fc.record({ originator: u64, number: u64 }, PLAIN);
const extensions = fc.array(fc.record({ tag: fc.nat(255), value: fc.uint8Array({ maxLength: 9 }) }, PLAIN), { minLength: 1, maxLength: 15 });
const every = { session, headers: fc.option(extensions, { nil: undefined }), trailers: fc.option(extensions, { nil: undefined }) };
const by = fc.constantFrom('sender' as const, 'receiver' as const);

const data = fc
  .record({ ...every, type: fc.constantFrom(0, 1, 2, 3, 4, 7), client: u64, offset: fc.nat(2 ** 40), data: fc.uint8Array({ maxLength: 50 }), checkpoint: fc.record({ serial, report: u64 }, PLAIN) }, PLAIN)
  .map(({ type, checkpoint, ...rest }) => ({
    kind: 'data' as const,
    colour: type < 4 ? ('red' as const) : ('green' as const),
    redEnd: type === 2 || type === 3,
    blockEnd: type === 3 || type === 7,
    length: rest.data.length,
    ...rest,
    ...(type > 0 && type < 4 && { checkpoint }),
  }));
const report = fc.record({ ...every, serial, checkpoint: u64, lower: fc.nat(10_000), steps: fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 300 })), { maxLength: 20 }) }, PLAIN).map(({ steps, lower, ...rest }) => {
  let at = lower;
  const claims = steps.map(([gap, length]): [number, number] => [at + gap, (at += gap + length)]);
  return { kind: 'report' as const, ...rest, lower, upper: at + 7, claims };
});
const control = fc.oneof(
  fc.record({ kind: fc.constant('report-ack' as const), ...every, serial: u64 }, PLAIN),
  fc.record({ kind: fc.constant('cancel' as const), ...every, by, reason: fc.nat(255) }, PLAIN),
  fc.record({ kind: fc.constant('cancel-ack' as const), ...every, by }, PLAIN),
);

t.test('what is encoded is decoded', async (t) => {
  fc.assert(
    fc.property(fc.oneof(data, report, control), (made) => {
      const { headers, trailers, ...rest } = made;
      const segment = { ...rest, ...(headers !== undefined && { headers }), ...(trailers !== undefined && { trailers }) } as Segment;
      assert.deepEqual(decodeSegment(encode(segment)), segment);
    }),
    { numRuns: 500 },
  );
  t.pass();
});

t.test('any bytes at all give a segment or a coded fault', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(15), (bytes, type) => void verdict(concatBytes(Uint8Array.of(type, 1, 1, 0), bytes))), { numRuns: 2000 });
  t.pass();
});

t.test('numbers are as short as they can be', async (t) => {
  for (const [value, hex] of [[0, '00'], [0x7f, '7f'], [0xabc, '953c'], [0x1234, 'a434'], [0x4234, '818434'], [10_347, 'd06b']] as const) {
    t.equal(toHex(encodeSdnv(value)), hex);
    t.equal(toHex(encodeSdnv(BigInt(value))), hex);
  }
  fc.assert(
    fc.property(u64, (value) => {
      const bytes = encodeSdnv(value);
      assert.equal(bytes.length, sdnvBytes(value));
      assert.deepEqual(readSdnv(bytes, 0, 'x'), { value, next: bytes.length });
      if (value <= Number.MAX_SAFE_INTEGER) assert.deepEqual(encodeSdnv(Number(value)), bytes);
    }),
  );
});

t.test('faults say where', async (t) => {
  const bad = vectors.find(({ name }) => name === 'ltp-report-claim-beyond')!;
  t.throws(() => decodeSegment(bad.bytes), { code: 'LINK_PROTOCOL', data: { path: 'ltp/report/claim', offset: 11 } });
  const bomb = vectors.find(({ name }) => name === 'ltp-report-claims-bomb')!;
  t.throws(() => decodeSegment(bomb.bytes), { code: 'LINK_LIMIT', data: { path: 'ltp/report/claims', found: 2 ** 30 } });
});
