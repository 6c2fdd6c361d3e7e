/**
 * Bundles (RFC 9171): the primary block, extension blocks, the payload. What we send and what we take from
 * others, and why the two differ, is in spec/bundle.md.
 */
import assert from 'node:assert/strict';
import { writeCrc } from './block-crc.js';
import type { CrcType } from './block-crc.js';
import { BlockReader } from './block-reader.js';
import { BlockWriter } from './block-writer.js';
import { INDEFINITE } from './bundle-cbor.js';
import { MAX_HOP_LIMIT, PAYLOAD_NUMBER, readCanonicalBlock, writeExtensionBlock, writePayloadHead } from './canonical-block.js';
import type { ExtensionBlock, PayloadBlock } from './canonical-block.js';
import { UNKNOWN_DTN_TIME } from './dtn-time.js';
import { DTN_NONE, sameEid } from './eid.js';
import type { Eid } from './eid.js';
import { overLimit, wrongValue } from './faults.js';
import { BUNDLE_MUST_NOT_BE_FRAGMENTED, readPrimaryBlock, writePrimaryBlock } from './primary-block.js';
import type { PrimaryBlock } from './primary-block.js';

export interface Bundle {
  readonly primary: PrimaryBlock;
  /** In the order in which they stand between the primary block and the payload. */
  readonly extensions: readonly ExtensionBlock[];
  readonly payload: PayloadBlock;
}

export interface BundleLimits {
  readonly bundleBytes: number;
  /** Primary block and payload are counted. */
  readonly blocks: number;
}

/** A bundle is decoded in memory, whole. Other stacks send four blocks or five, BPSec doubles that. */
export const BUNDLE_LIMITS: BundleLimits = { bundleBytes: 64 * 1024 * 1024, blocks: 32 };

export interface BatchBundle {
  readonly source: Eid;
  readonly destination: Eid;
  /** 0 where the clock is not trusted: the bundle then lives by its age. */
  readonly createdDtnMs: number;
  /** Never twice the same for one source and creation time; never starts again while that is 0. */
  readonly sequence: number;
  readonly lifetimeMs: number;
  /** One batch. */
  readonly payload: Uint8Array;
  /** The node that passed the bundle on; not for a bundle of our own. */
  readonly previousNode?: Eid;
  readonly hopLimit?: number;
  /** Time since creation, as far as we know it. */
  readonly ageMs?: number;
  /** For every block; a primary block has to have one. */
  readonly crc?: Exclude<CrcType, 'none'>;
}

const NO_FLAGS = 0;
/** Primary is 0, payload 1; extensions count on from here. */
const FIRST_EXTENSION_NUMBER = 2;
/** Holds the blocks before a payload when the names are of common length. */
const HEAD_BYTES = 256;
/** The largest CRC field and the break. */
const TAIL_BYTES = 16;

/** A bundle as we send them: strict in all that other stacks have been seen to stumble on. */
export function makeBatchBundle(batch: BatchBundle): Bundle {
  const { previousNode, hopLimit, crc = 'crc32c' } = batch;
  const ageMs = batch.ageMs ?? (batch.createdDtnMs === UNKNOWN_DTN_TIME ? 0 : undefined);
  for (const integer of [batch.createdDtnMs, batch.sequence, batch.lifetimeMs, ageMs ?? 0]) {
    assert(Number.isSafeInteger(integer) && integer >= 0, 'times and sequence numbers are whole and not negative');
  }
  // RFC 9171 §4.4.1: a source does not name itself as the previous node.
  assert(previousNode === undefined || !sameEid(previousNode, batch.source), 'the source is no previous node');
  assert(hopLimit === undefined || (hopLimit >= 1 && hopLimit <= MAX_HOP_LIMIT), `a hop limit is 1 to ${MAX_HOP_LIMIT}`);

  const extensions: ExtensionBlock[] = [];
  const head = () => ({ number: FIRST_EXTENSION_NUMBER + extensions.length, flags: NO_FLAGS, crc });
  if (previousNode !== undefined) extensions.push({ kind: 'previous-node', ...head(), node: previousNode });
  if (hopLimit !== undefined) extensions.push({ kind: 'hop-count', ...head(), limit: hopLimit, count: 0 });
  if (ageMs !== undefined) extensions.push({ kind: 'bundle-age', ...head(), ageMs });
  return {
    primary: {
      flags: BUNDLE_MUST_NOT_BE_FRAGMENTED,
      crc,
      destination: batch.destination,
      source: batch.source,
      reportTo: DTN_NONE,
      createdDtnMs: batch.createdDtnMs,
      sequence: batch.sequence,
      lifetimeMs: batch.lifetimeMs,
    },
    extensions,
    payload: { kind: 'payload', number: PAYLOAD_NUMBER, flags: NO_FLAGS, crc, data: batch.payload },
  };
}

export function encodeBundle(bundle: Bundle): Uint8Array {
  const { payload } = bundle;
  const writer = new BlockWriter(HEAD_BYTES + payload.data.length + TAIL_BYTES);
  const payloadStart = writeHead(writer, bundle);
  writer.raw(payload.data);
  writeCrc(writer, payload.crc, payloadStart);
  writer.break();
  return writer.written();
}

/** The bytes of a bundle in three parts, of which the middle one is the payload itself, not a copy. */
export function encodeBundleParts(bundle: Bundle): [head: Uint8Array, payload: Uint8Array, tail: Uint8Array] {
  const { payload } = bundle;
  const writer = new BlockWriter(HEAD_BYTES);
  const payloadStart = writeHead(writer, bundle);
  const headBytes = writer.length;
  writeCrc(writer, payload.crc, payloadStart, payload.data);
  writer.break();
  const written = writer.written();
  return [written.subarray(0, headBytes), payload.data, written.subarray(headBytes)];
}

/** The one bundle that `bytes` are. Byte strings are views on them: copy what has to outlive the buffer. */
export function decodeBundle(bytes: Uint8Array, limits: Partial<BundleLimits> = BUNDLE_LIMITS): Bundle {
  const { bundleBytes = BUNDLE_LIMITS.bundleBytes, blocks = BUNDLE_LIMITS.blocks } = limits;
  if (bytes.length > bundleBytes) throw overLimit('bundle', 0, bytes.length, bundleBytes, 'bytes');
  const reader = new BlockReader(bytes);
  const count = reader.array('bundle');
  // RFC 9171 §4.1 lets a node discard this, and tells nobody how to make it good.
  if (count !== INDEFINITE) throw wrongValue('bundle', 0, `an array of ${count}`, 'an array of indefinite length');
  const primary = readPrimaryBlock(reader);
  const extensions: ExtensionBlock[] = [];
  const payload = readBlocks(reader, extensions, blocks);
  reader.endArray(INDEFINITE, 'bundle/after-payload');
  reader.finish('bundle');
  return { primary, extensions, payload };
}

/** The extension block of this kind; at most one of each is let in. */
export function extensionOf<K extends Exclude<ExtensionBlock['kind'], 'other'>>(bundle: Bundle, kind: K): Extract<ExtensionBlock, { kind: K }> | undefined {
  return bundle.extensions.find((block): block is Extract<ExtensionBlock, { kind: K }> => block.kind === kind);
}

/** Writes everything that stands before the data of the payload. Returns where the payload block began. */
function writeHead(writer: BlockWriter, { primary, extensions, payload }: Bundle): number {
  writer.indefiniteArray();
  writePrimaryBlock(writer, primary);
  for (const block of extensions) writeExtensionBlock(writer, block);
  return writePayloadHead(writer, payload);
}

/** Reads blocks up to the payload, which is the last; the others go into `extensions`. */
function readBlocks(reader: BlockReader, extensions: ExtensionBlock[], mostBlocks: number): PayloadBlock {
  for (;;) {
    const start = reader.offset;
    if (reader.atBreak()) throw wrongValue('bundle', start, 'the end of the bundle', 'a payload block');
    const block = readCanonicalBlock(reader);
    if (block.kind === 'payload') return block;
    for (const earlier of extensions) refuseTwice(block, earlier, start);
    extensions.push(block);
    const blocks = extensions.length + 2;
    if (blocks > mostBlocks) throw overLimit('bundle', start, blocks, mostBlocks, 'blocks');
  }
}

/** Block numbers are unique (§4.1); previous node, age and hop count stand once at most (§4.4). */
function refuseTwice(block: ExtensionBlock, earlier: ExtensionBlock, offset: number): void {
  if (block.number === earlier.number) throw wrongValue('bundle/block/number', offset, `block number ${block.number} again`, 'a number of its own');
  if (block.kind !== 'other' && block.kind === earlier.kind) throw wrongValue('bundle/block/type', offset, `another ${block.kind} block`, 'one at most');
}
