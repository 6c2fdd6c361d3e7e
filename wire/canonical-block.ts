/**
 * All blocks after the primary one (RFC 9171 §4.3.2, §4.4): the payload, the three extension blocks every
 * node understands, and whatever else other nodes put in, kept as it came.
 */
import { PosternError } from '../base/errors.js';
import { crcItems, endBlock, readCrcType, writeCrc, writeCrcType } from './block-crc.js';
import type { CrcType } from './block-crc.js';
import { BlockReader } from './block-reader.js';
import type { BlockWriter } from './block-writer.js';
import { hasFlag, INDEFINITE } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';
import { readEid, writeEid } from './eid.js';
import type { Eid } from './eid.js';
import { wrongValue } from './faults.js';

interface BlockHead {
  /** Unlike any other in its bundle; 0 is the primary block's, 1 the payload's. */
  readonly number: Uint64;
  /** Block processing control flags (§4.2.4), the ones nobody has defined yet among them. */
  readonly flags: Uint64;
  readonly crc: CrcType;
}

export interface PayloadBlock extends BlockHead {
  readonly kind: 'payload';
  readonly number: typeof PAYLOAD_NUMBER;
  readonly data: Uint8Array;
}

export type ExtensionBlock = PreviousNodeBlock | BundleAgeBlock | HopCountBlock | OtherBlock;
export type CanonicalBlock = PayloadBlock | ExtensionBlock;

/** The node the bundle came from last. */
export interface PreviousNodeBlock extends BlockHead {
  readonly kind: 'previous-node';
  readonly node: Eid;
}

export interface BundleAgeBlock extends BlockHead {
  readonly kind: 'bundle-age';
  readonly ageMs: Uint64;
}

export interface HopCountBlock extends BlockHead {
  readonly kind: 'hop-count';
  /** 1 to 255. */
  readonly limit: number;
  readonly count: Uint64;
}

/** A block of a type that means nothing here. */
export interface OtherBlock extends BlockHead {
  readonly kind: 'other';
  readonly type: Uint64;
  readonly data: Uint8Array;
}

export const PAYLOAD_NUMBER = 1;
/** "Delete bundle if block can't be processed". */
export const BLOCK_IS_CRITICAL = 0x04;
/** "Discard block if it can't be processed". Never together with a CRC in what we send: ION 4.1.3 refuses the pair. */
export const BLOCK_MAY_BE_DISCARDED = 0x10;
export const MAX_HOP_LIMIT = 255;

const TYPE_PAYLOAD = 1;
const TYPE_PREVIOUS_NODE = 6;
const TYPE_BUNDLE_AGE = 7;
const TYPE_HOP_COUNT = 10;
const PRIMARY_NUMBER = 0;
const ITEMS = 5;

/** Writes the payload block up to its data. Returns where the block began, for the CRC that follows the data. */
export function writePayloadHead(writer: BlockWriter, block: PayloadBlock): number {
  const start = writer.length;
  writeHead(writer, TYPE_PAYLOAD, block);
  writer.byteStringHead(block.data.length);
  return start;
}

export function writeExtensionBlock(writer: BlockWriter, block: ExtensionBlock): void {
  const start = writer.length;
  writeHead(writer, typeOf(block), block);
  const data = writer.beginByteString();
  writeContent(writer, block);
  writer.endByteString(data);
  writeCrc(writer, block.crc, start);
}

export function readCanonicalBlock(reader: BlockReader): CanonicalBlock {
  const start = reader.offset;
  const count = reader.array('bundle/block');
  const type = reader.uint('bundle/block/type');
  const numberStart = reader.offset;
  const number = reader.uint('bundle/block/number');
  const flags = reader.uint('bundle/block/flags');
  const crc = readCrcType(reader, 'bundle/block/crc-type');
  const items = ITEMS + crcItems(crc);
  if (count !== items && count !== INDEFINITE) throw wrongValue('bundle/block', start, `an array of ${count}`, `an array of ${items}`);
  const isPayload = type === TYPE_PAYLOAD;
  const length = reader.skipByteString(isPayload ? 'bundle/payload/data' : 'bundle/block/data');
  const end = reader.offset;
  endBlock(reader, crc, start, count, isPayload ? 'bundle/payload/crc' : 'bundle/block/crc');

  if (isPayload) {
    if (number !== PAYLOAD_NUMBER) throw wrongValue('bundle/payload/number', numberStart, `block number ${number}`, `block number ${PAYLOAD_NUMBER}`);
    return { kind: 'payload', number, flags, crc, data: reader.view(end - length, end) };
  }
  if (number === PRIMARY_NUMBER || number === PAYLOAD_NUMBER) {
    throw wrongValue('bundle/block/number', numberStart, `block number ${number}`, 'a number other than 0 and 1');
  }
  const content = new BlockReader(reader.bytes, end - length, end);
  // Field by field: with a spread of what the blocks have in common, decoding takes four times as long.
  switch (type) {
    case TYPE_PREVIOUS_NODE:
      return { kind: 'previous-node', number, flags, crc, node: readPreviousNode(content) };
    case TYPE_BUNDLE_AGE:
      return { kind: 'bundle-age', number, flags, crc, ageMs: readBundleAge(content) };
    case TYPE_HOP_COUNT: {
      const [limit, hops] = readHopCount(content);
      return { kind: 'hop-count', number, flags, crc, limit, count: hops };
    }
    default:
      if (hasFlag(flags, BLOCK_IS_CRITICAL)) throw unknownCriticalBlock(type, start);
      return { kind: 'other', number, flags, crc, type, data: reader.view(end - length, end) };
  }
}

function writeHead(writer: BlockWriter, type: Uint64, head: BlockHead): void {
  writer.array(ITEMS + crcItems(head.crc));
  writer.uint(type);
  writer.uint(head.number);
  writer.uint(head.flags);
  writeCrcType(writer, head.crc);
}

function typeOf(block: ExtensionBlock): Uint64 {
  switch (block.kind) {
    case 'previous-node':
      return TYPE_PREVIOUS_NODE;
    case 'bundle-age':
      return TYPE_BUNDLE_AGE;
    case 'hop-count':
      return TYPE_HOP_COUNT;
    case 'other':
      return block.type;
  }
}

function writeContent(writer: BlockWriter, block: ExtensionBlock): void {
  switch (block.kind) {
    case 'previous-node':
      writeEid(writer, block.node);
      break;
    case 'bundle-age':
      writer.uint(block.ageMs);
      break;
    case 'hop-count':
      writer.array(2);
      writer.uint(block.limit);
      writer.uint(block.count);
      break;
    case 'other':
      writer.raw(block.data);
      break;
  }
}

function readPreviousNode(content: BlockReader): Eid {
  const node = readEid(content, 'bundle/previous-node');
  content.finish('bundle/previous-node');
  return node;
}

function readBundleAge(content: BlockReader): Uint64 {
  const ageMs = content.uint('bundle/bundle-age');
  content.finish('bundle/bundle-age');
  return ageMs;
}

/** A count beyond the limit is legal to read; whether to drop the bundle is the node's affair (§4.4.3). */
function readHopCount(content: BlockReader): [limit: number, count: Uint64] {
  const pair = content.arrayOf(2, 'bundle/hop-count');
  const start = content.offset;
  const limit = Number(content.uint('bundle/hop-count/limit'));
  if (limit < 1 || limit > MAX_HOP_LIMIT) throw wrongValue('bundle/hop-count/limit', start, `${limit}`, `1 to ${MAX_HOP_LIMIT}`);
  const count = content.uint('bundle/hop-count/count');
  content.endArray(pair, 'bundle/hop-count');
  content.finish('bundle/hop-count');
  return [limit, count];
}

function unknownCriticalBlock(type: Uint64, offset: number): PosternError {
  const path = 'bundle/block/type';
  const found = `block type ${type}`;
  return new PosternError('WIRE_CRITICAL', `${path}: ${found} has to be understood by whoever takes the bundle, and is not`, { path, offset, found });
}
