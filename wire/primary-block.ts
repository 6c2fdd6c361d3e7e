/** The primary block (RFC 9171 §4.3.1): who sends a bundle to whom, when, and for how long. */
import { PosternError } from '../base/errors.js';
import { crcItems, endBlock, readCrcType, writeCrc, writeCrcType } from './block-crc.js';
import type { CrcType } from './block-crc.js';
import type { BlockReader } from './block-reader.js';
import type { BlockWriter } from './block-writer.js';
import { hasFlag, INDEFINITE } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';
import { formatEid, isLocalNodeEid, readEid, writeEid } from './eid.js';
import type { Eid } from './eid.js';
import { wrongValue } from './faults.js';

export interface PrimaryBlock {
  /** Bundle processing control flags (§4.2.3), the ones nobody has defined yet among them. */
  readonly flags: Uint64;
  readonly crc: CrcType;
  readonly destination: Eid;
  readonly source: Eid;
  readonly reportTo: Eid;
  /** Zero where the source did not know the time. */
  readonly createdDtnMs: Uint64;
  readonly sequence: Uint64;
  readonly lifetimeMs: Uint64;
}

export const BUNDLE_IS_FRAGMENT = 0x000001;
export const BUNDLE_IS_ADMIN_RECORD = 0x000002;
export const BUNDLE_MUST_NOT_BE_FRAGMENTED = 0x000004;

const VERSION = 7;
const ITEMS = 8;
/** Offset and total length. */
const FRAGMENT_ITEMS = 2;

export function writePrimaryBlock(writer: BlockWriter, block: PrimaryBlock): void {
  const start = writer.length;
  writer.array(ITEMS + crcItems(block.crc));
  writer.uint(VERSION);
  writer.uint(block.flags);
  writeCrcType(writer, block.crc);
  writeEid(writer, block.destination);
  writeEid(writer, block.source);
  writeEid(writer, block.reportTo);
  writer.array(2);
  writer.uint(block.createdDtnMs);
  writer.uint(block.sequence);
  writer.uint(block.lifetimeMs);
  writeCrc(writer, block.crc, start);
}

/** Fragments are read to their end and then refused, so that a damaged flag is called damage and not a fragment. */
export function readPrimaryBlock(reader: BlockReader): PrimaryBlock {
  const start = reader.offset;
  const count = reader.array('bundle/primary');
  readVersion(reader);
  const flags = reader.uint('bundle/primary/flags');
  const crc = readCrcType(reader, 'bundle/primary/crc-type');
  const fragment = hasFlag(flags, BUNDLE_IS_FRAGMENT);
  const items = ITEMS + crcItems(crc) + (fragment ? FRAGMENT_ITEMS : 0);
  if (count !== items && count !== INDEFINITE) throw wrongValue('bundle/primary', start, `an array of ${count}`, `an array of ${items}`);

  const destination = readPartner(reader, 'bundle/primary/destination');
  const source = readPartner(reader, 'bundle/primary/source');
  const reportTo = readEid(reader, 'bundle/primary/report-to');
  const timestamp = reader.arrayOf(2, 'bundle/primary/created');
  const createdDtnMs = reader.uint('bundle/primary/created');
  const sequence = reader.uint('bundle/primary/sequence');
  reader.endArray(timestamp, 'bundle/primary/created');
  const lifetimeMs = reader.uint('bundle/primary/lifetime');
  if (fragment) {
    reader.uint('bundle/primary/fragment-offset');
    reader.uint('bundle/primary/total-length');
  }
  endBlock(reader, crc, start, count, 'bundle/primary/crc');

  if (fragment) {
    const path = 'bundle/primary/flags';
    throw new PosternError('WIRE_FRAGMENT', `${path}: the bundle is a fragment, and fragments are not put together here`, { path, offset: start });
  }
  return { flags, crc, destination, source, reportTo, createdDtnMs, sequence, lifetimeMs };
}

function readVersion(reader: BlockReader): void {
  const start = reader.offset;
  const version = reader.uint('bundle/primary/version');
  if (version !== VERSION) throw wrongValue('bundle/primary/version', start, `version ${version}`, `version ${VERSION}`);
}

function readPartner(reader: BlockReader, path: string): Eid {
  const start = reader.offset;
  const eid = readEid(reader, path);
  if (isLocalNodeEid(eid)) throw wrongValue(path, start, formatEid(eid), 'an endpoint that has a meaning outside its node');
  return eid;
}
