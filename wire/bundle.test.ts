import assert from 'node:assert/strict';
import * as cborg from 'cborg';
import fc from 'fast-check';
import t from 'tap';
import { concatBytes, equalBytes } from '../base/bytes.js';
import { isPosternError } from '../base/errors.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import type { CrcType } from './block-crc.js';
import type { Uint64 } from './bundle-cbor.js';
import { decodeBundle, encodeBundle, encodeBundleParts, extensionOf, makeBatchBundle } from './bundle.js';
import type { BatchBundle, Bundle } from './bundle.js';
import { BLOCK_MAY_BE_DISCARDED } from './canonical-block.js';
import type { ExtensionBlock } from './canonical-block.js';
import { crc16X25, crc32c } from './crc.js';
import { DTN_NONE } from './eid.js';
import type { Eid } from './eid.js';
import { BUNDLE_IS_FRAGMENT, BUNDLE_MUST_NOT_BE_FRAGMENTED } from './primary-block.js';
import { runVectors } from './vectors.suite.js';

const vectors = readSpecVectors('bundle');
const SHORE: Eid = { scheme: 'dtn', text: '//shore/batch' };
const SHIP: Eid = { scheme: 'dtn', text: '//ship/batch' };
const PLAIN: BatchBundle = { source: SHORE, destination: SHIP, createdDtnMs: 848_797_224_238, sequence: 7, lifetimeMs: 86_400_000, payload: Uint8Array.of(1, 2, 3) };

/** Decoded bundles are plain objects, and compared as such. */
const PLAIN_OBJECTS = { noNullPrototype: true };

/** `ok`, or the code; anything thrown that carries no code fails the test. */
function verdict(bytes: Uint8Array): string {
  try {
    decodeBundle(bytes);
    return 'ok';
  } catch (thrown) {
    if (isPosternError(thrown)) return thrown.code;
    throw thrown;
  }
}

runVectors({ object: 'bundle', decode: bytes => decodeBundle(bytes), encode: encodeBundle, notWritten: '-read-only' });

t.test('writes a legal form that it only reads in the form it writes', async t => {
  const others = vectors.filter(({ name }) => name.endsWith('-read-only'));
  t.equal(others.length, 6);
  for (const { name, bytes } of others) t.strictSame(decodeBundle(encodeBundle(decodeBundle(bytes))), decodeBundle(bytes), name);
});

t.test('notices any one changed bit of a bundle of ours', async t => {
  for (const { name, bytes } of vectors.filter(vector => vector.name.startsWith('bundle-own-'))) {
    const changed = Uint8Array.from(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      changed[bit >> 3]! ^= 1 << (bit & 7);
      if (verdict(changed) === 'ok') t.fail(`${name}, bit ${bit}`);
      changed[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
});

t.test('makes the golden bundles byte for byte', async t => {
  const golden = (name: string) => vectors.find(vector => vector.name === `bundle-own-${name}`)!.bytes;
  const payload = new TextEncoder().encode('postern');
  const base: BatchBundle = { ...PLAIN, payload };
  const ipn = (node: number): Eid => ({ scheme: 'ipn', node, service: 1 });
  const made: Record<string, BatchBundle> = {
    'dtn-crc32c': { ...base, hopLimit: 30 },
    'ipn-crc16': { ...base, source: ipn(21), destination: ipn(22), hopLimit: 30, crc: 'crc16' },
    clockless: { ...base, createdDtnMs: 0, sequence: 41, hopLimit: 30, ageMs: 1500 },
    'empty-payload': { ...base, payload: new Uint8Array() },
    'payload-of-24': { ...base, payload: Uint8Array.from({ length: 24 }, (_, i) => i) },
    'payload-of-256': { ...base, payload: Uint8Array.from({ length: 256 }, (_, i) => i) },
  };
  for (const [name, batch] of Object.entries(made)) t.ok(equalBytes(encodeBundle(makeBatchBundle(batch)), golden(name)), name);
});

t.test('decodes any bundle it encoded', async () => {
  fc.assert(
    fc.property(anyBundle(), bundle => {
      assert.deepStrictEqual(decodeBundle(encodeBundle(bundle)), bundle);
    }),
    { numRuns: 300 },
  );
});

t.test('writes and reads the CBOR that cborg writes and reads', async () => {
  fc.assert(
    fc.property(anyBundle(), bundle => {
      const bytes = encodeBundle(bundle);
      const blocks = cborg.decode(bytes, { strict: true }) as unknown[][];
      const expected = structureOf(bundle);
      assert.deepStrictEqual(blocks.map((block, i) => block.slice(0, expected[i]!.length)), expected);
      // cborg knows no CRC: put zeros in its place, and the block's bytes are what the CRC is taken of.
      const written = blocks.map((block, i) => {
        const crc = block[expected[i]!.length];
        if (!(crc instanceof Uint8Array)) return cborg.encode(block);
        const zeroed = cborg.encode([...expected[i]!, new Uint8Array(crc.length)]);
        const sum = crc.length === 2 ? crc16X25(zeroed) : crc32c(zeroed);
        const field = Buffer.alloc(crc.length);
        field.writeUIntBE(sum, 0, crc.length);
        return cborg.encode([...expected[i]!, new Uint8Array(field)]);
      });
      assert(equalBytes(concatBytes(Uint8Array.of(0x9f), ...written, Uint8Array.of(0xff)), bytes));
    }),
    { numRuns: 200 },
  );
});

t.test('takes nothing that a strict CBOR reader refuses', async () => {
  const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(anyBundle('none'), fc.array(edit, { minLength: 1, maxLength: 3 }), (bundle, edits) => {
      const bytes = encodeBundle(bundle);
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      if (verdict(bytes) === 'ok') cborg.decode(bytes, { strict: true });
    }),
    { numRuns: 2000 },
  );
});

t.test('ends on any bytes at all with a bundle or a code', async () => {
  const start = fc.constantFrom(...vectors.map(({ bytes }) => bytes));
  fc.assert(
    fc.property(start, fc.nat(200), fc.uint8Array({ maxLength: 100 }), (bytes, keep, tail) => {
      verdict(concatBytes(bytes.subarray(0, keep), tail));
    }),
    { numRuns: 2000 },
  );
});

t.test('gives the payload as a part of its own and as a view, never as a copy', async t => {
  const payload = new Uint8Array(5 * 1024 * 1024).fill(9);
  const bundle = makeBatchBundle({ ...PLAIN, payload });
  const parts = encodeBundleParts(bundle);
  t.equal(parts[1], payload, 'the middle part is the payload itself');
  const bytes = encodeBundle(bundle);
  t.ok(equalBytes(concatBytes(...parts), bytes), 'the parts are the bundle');
  t.equal(decodeBundle(bytes).payload.data.buffer, bytes.buffer, 'the decoded payload is a view');
});

t.test('refuses a bundle beyond the limits it is given', async t => {
  const bytes = encodeBundle(makeBatchBundle({ ...PLAIN, hopLimit: 30 }));
  t.ok(decodeBundle(bytes, { bundleBytes: bytes.length }));
  t.throws(() => decodeBundle(bytes, { bundleBytes: bytes.length - 1 }), { code: 'WIRE_LIMIT', data: { limit: bytes.length - 1, found: bytes.length } });
  t.ok(decodeBundle(bytes, { blocks: 3 }));
  t.throws(() => decodeBundle(bytes, { blocks: 2 }), { code: 'WIRE_LIMIT', data: { limit: 2, found: 3 } });
});

t.test('tells path and offset of a fault', async t => {
  const bytes = encodeBundle(makeBatchBundle(PLAIN));
  bytes[2] = 6;
  t.throws(() => decodeBundle(bytes), { code: 'WIRE_VALUE', data: { path: 'bundle/primary/version', offset: 2, found: 'version 6', expected: 'version 7' } });
});

t.test('finds an extension block by its kind', async t => {
  const bundle = makeBatchBundle({ ...PLAIN, createdDtnMs: 0, hopLimit: 3 });
  t.match(extensionOf(bundle, 'hop-count'), { limit: 3, count: 0 });
  t.match(extensionOf(bundle, 'bundle-age'), { ageMs: 0 });
  t.equal(extensionOf(bundle, 'previous-node'), undefined);
});

t.test('sends what other stacks are known to take', async t => {
  const everything = makeBatchBundle({ ...PLAIN, createdDtnMs: 0, ageMs: 5, hopLimit: 30, previousNode: { scheme: 'dtn', text: '//relay/' } });
  for (const bundle of [everything, makeBatchBundle(PLAIN), makeBatchBundle({ ...PLAIN, crc: 'crc16' })]) {
    const { primary, extensions, payload } = bundle;
    t.equal(primary.flags, BUNDLE_MUST_NOT_BE_FRAGMENTED, 'must not be fragmented, no status report asked for');
    t.same(primary.reportTo, DTN_NONE);
    t.not(primary.crc, 'none', 'RFC 9171 §4.3.1: Hardy refuses a primary block without CRC');
    t.not(payload.crc, 'none', 'ION sends payloads without CRC, we do not');
    t.equal(payload.number, 1, 'the payload is block 1, whatever ION lets pass');
    for (const block of extensions) {
      t.notOk(block.crc !== 'none' && Number(block.flags) & BLOCK_MAY_BE_DISCARDED, 'ION 4.1.3 refuses a CRC together with flag 0x10');
      t.not(block.kind, 'other', 'only the blocks that everybody has to understand');
    }
  }
});

t.test('gives a bundle without a creation time its age, and one with it only on request', async t => {
  t.match(extensionOf(makeBatchBundle({ ...PLAIN, createdDtnMs: 0 }), 'bundle-age'), { ageMs: 0 });
  t.equal(extensionOf(makeBatchBundle(PLAIN), 'bundle-age'), undefined);
  t.match(extensionOf(makeBatchBundle({ ...PLAIN, ageMs: 12 }), 'bundle-age'), { ageMs: 12 });
});

t.test('takes it for a bug to be asked for a bundle that must not exist', async t => {
  t.throws(() => makeBatchBundle({ ...PLAIN, previousNode: SHORE }), { code: 'ERR_ASSERTION' }, 'a source that is its own previous node');
  t.throws(() => makeBatchBundle({ ...PLAIN, hopLimit: 0 }), { code: 'ERR_ASSERTION' });
  t.throws(() => makeBatchBundle({ ...PLAIN, hopLimit: 256 }), { code: 'ERR_ASSERTION' });
  t.throws(() => makeBatchBundle({ ...PLAIN, lifetimeMs: -1 }), { code: 'ERR_ASSERTION' });
  t.throws(() => makeBatchBundle({ ...PLAIN, createdDtnMs: 1.5 }), { code: 'ERR_ASSERTION' });
});

/** The items of each block before its CRC, put together without our writer. */
function structureOf({ primary, extensions, payload }: Bundle): unknown[][] {
  const eid = (id: Eid) => (id.scheme === 'ipn' ? [2, [id.node, id.service]] : [1, id.text === 'none' ? 0 : id.text]);
  const crc = (type: CrcType) => ({ none: 0, crc16: 1, crc32c: 2 })[type];
  const content = (block: ExtensionBlock): [Uint64, Uint8Array] => {
    if (block.kind === 'previous-node') return [6, cborg.encode(eid(block.node))];
    if (block.kind === 'bundle-age') return [7, cborg.encode(block.ageMs)];
    if (block.kind === 'hop-count') return [10, cborg.encode([block.limit, block.count])];
    return [block.type, block.data];
  };
  return [
    [7, primary.flags, crc(primary.crc), eid(primary.destination), eid(primary.source), eid(primary.reportTo), [primary.createdDtnMs, primary.sequence], primary.lifetimeMs],
    ...extensions.map(block => [content(block)[0], block.number, block.flags, crc(block.crc), content(block)[1]]),
    [1, 1, payload.flags, crc(payload.crc), payload.data],
  ];
}

function anyUint64(): fc.Arbitrary<Uint64> {
  const wide = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(value => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value));
  return fc.oneof(fc.nat(30), fc.nat(70_000), fc.maxSafeNat(), wide);
}

function anyEid(): fc.Arbitrary<Eid> {
  const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)), minLength: 1, maxLength: 300 });
  return fc.oneof(
    fc.constant(DTN_NONE),
    visible.map(text => ({ scheme: 'dtn' as const, text })),
    fc.tuple(anyUint64(), anyUint64()).map(([node, service]) => ({ scheme: 'ipn' as const, node: node === 0xffff_ffff ? 0 : node, service })),
  );
}

function anyBundle(onlyCrc?: CrcType): fc.Arbitrary<Bundle> {
  const crc = onlyCrc === undefined ? fc.constantFrom<CrcType>('none', 'crc16', 'crc32c') : fc.constant(onlyCrc);
  const data = fc.uint8Array({ maxLength: 300 }).map(bytes => new Uint8Array(bytes));
  const flags = anyUint64().map(value => (typeof value === 'bigint' ? value & ~4n : value - (value & 4 ? 4 : 0)));
  const block = <K extends object>(rest: fc.Arbitrary<K>) => fc.tuple(fc.record({ flags, crc }), rest).map(([head, body]) => ({ ...body, ...head }));
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const previous = optional(block(fc.record({ kind: fc.constant('previous-node' as const), node: anyEid() })));
  const age = optional(block(fc.record({ kind: fc.constant('bundle-age' as const), ageMs: anyUint64() })));
  const hops = optional(block(fc.record({ kind: fc.constant('hop-count' as const), limit: fc.integer({ min: 1, max: 255 }), count: anyUint64() })));
  const type = anyUint64().filter(value => ![1, 6, 7, 10].includes(Number(value)));
  const others = fc.array(block(fc.record({ kind: fc.constant('other' as const), type, data })), { maxLength: 5 });
  const extensions = fc
    .tuple(previous, age, hops, others)
    .chain(([a, b, c, d]) => fc.shuffledSubarray([a, b, c, ...d].filter(each => each !== undefined)))
    .chain(blocks => fc.uniqueArray(anyUint64().filter(n => n !== 0 && n !== 1), { minLength: blocks.length, maxLength: blocks.length }).map(numbers => blocks.map((each, i) => ({ ...each, number: numbers[i]! }))));
  const primary = fc.record({
    flags: anyUint64().map(value => (typeof value === 'bigint' ? value & ~BigInt(BUNDLE_IS_FRAGMENT) : value - (value % 2))),
    crc,
    destination: anyEid(),
    source: anyEid(),
    reportTo: anyEid(),
    createdDtnMs: anyUint64(),
    sequence: anyUint64(),
    lifetimeMs: anyUint64(),
  }, PLAIN_OBJECTS);
  const payload = fc.record({ kind: fc.constant('payload' as const), number: fc.constant(1 as const), flags: anyUint64(), crc, data }, PLAIN_OBJECTS);
  return fc.record({ primary, extensions, payload }, PLAIN_OBJECTS);
}
