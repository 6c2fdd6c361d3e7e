/**
 * Endpoint ids (RFC 9171 §4.2.5.1): `dtn` names and `ipn` numbers, the latter as RFC 9758 renewed them. An
 * ipn node number is the fully qualified one: the allocator in its upper 32 bits, zero for almost everybody.
 */
import type { BlockReader } from './block-reader.js';
import type { BlockWriter } from './block-writer.js';
import { INDEFINITE, joinUint32s } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';
import { wrongValue } from './faults.js';

export type Eid = DtnEid | IpnEid;

export interface DtnEid {
  readonly scheme: 'dtn';
  /** The part after `dtn:`, such as `//shore/batch`, or `none`. */
  readonly text: string;
}

export interface IpnEid {
  readonly scheme: 'ipn';
  readonly node: Uint64;
  readonly service: Uint64;
}

/** The null endpoint, which has no members. */
export const DTN_NONE: DtnEid = { scheme: 'dtn', text: 'none' };

/** A name has to fit a line of a log; the RFC sets no bound. */
export const MAX_DTN_TEXT_BYTES = 1024;

const SCHEME_DTN = 1;
const SCHEME_IPN = 2;
/** "This node, whatever its number" (RFC 9758); written `ipn:!.SERVICE`. */
const LOCAL_NODE = 0xffff_ffff;
const UINT32_BITS = 32n;
const MAX_UINT32 = 0xffff_ffffn;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/** `dtn-hier-part` of RFC 9171 §4.2.5.1.1; the node name is a `reg-name` of RFC 3986 §3.2.2. */
const DTN_HIER_PART = /^\/\/(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+\/[!-~]*$/;
/** Allocator (may be left out), node, service; no leading zeros. */
const IPN_NUMBERS = /^(?:(0|[1-9]\d{0,9})\.)?(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,19})$/;

/** Reads a URI as people write it; undefined for anything we would not send. */
export function parseEid(uri: string): Eid | undefined {
  if (uri === 'dtn:none') return DTN_NONE;
  if (uri.startsWith('dtn:')) return parseDtn(uri.slice(4));
  if (uri.startsWith('ipn:')) return parseIpn(uri.slice(4));
  return undefined;
}

/** The URI of an endpoint id; one and the same for one and the same endpoint, the null endpoint aside. */
export function formatEid(eid: Eid): string {
  if (eid.scheme === 'dtn') return `dtn:${eid.text}`;
  const node = BigInt(eid.node);
  if (node <= MAX_UINT32) return `ipn:${node}.${eid.service}`;
  return `ipn:${node >> UINT32_BITS}.${node & MAX_UINT32}.${eid.service}`;
}

export function sameEid(a: Eid, b: Eid): boolean {
  if (a.scheme === 'dtn') return b.scheme === 'dtn' && a.text === b.text;
  return b.scheme === 'ipn' && a.node === b.node && a.service === b.service;
}

/** `dtn:none`, `ipn:0.0`, and the misshapen `ipn:0.N`, which RFC 9758 says to take for it. */
export function isNullEid(eid: Eid): boolean {
  return eid.scheme === 'dtn' ? eid.text === DTN_NONE.text : eid.node === 0;
}

/** An id that means something inside one node only, and must not come in from outside (RFC 9758). */
export function isLocalNodeEid(eid: Eid): boolean {
  return eid.scheme === 'ipn' && eid.node === LOCAL_NODE;
}

export function writeEid(writer: BlockWriter, eid: Eid): void {
  writer.array(2);
  if (eid.scheme === 'dtn') {
    writer.uint(SCHEME_DTN);
    if (eid.text === DTN_NONE.text) writer.uint(0);
    else writer.asciiText(eid.text);
    return;
  }
  writer.uint(SCHEME_IPN);
  writer.array(2);
  writer.uint(eid.node);
  writer.uint(eid.service);
}

export function readEid(reader: BlockReader, path: string): Eid {
  const pair = reader.arrayOf(2, path);
  const start = reader.offset;
  const scheme = reader.uint(path);
  let eid: Eid;
  if (scheme === SCHEME_DTN) eid = readDtn(reader, path);
  else if (scheme === SCHEME_IPN) eid = readIpn(reader, path);
  else throw wrongValue(path, start, `URI scheme ${scheme}`, 'scheme 1 (dtn) or 2 (ipn)');
  reader.endArray(pair, path);
  return eid;
}

function parseDtn(text: string): Eid | undefined {
  return DTN_HIER_PART.test(text) && text.length <= MAX_DTN_TEXT_BYTES ? { scheme: 'dtn', text } : undefined;
}

/** The null endpoint is written `dtn:none`; a node zero with a service must not be made at all (RFC 9758). */
function parseIpn(numbers: string): Eid | undefined {
  const [, allocatorText = '0', nodeText, serviceText] = IPN_NUMBERS.exec(numbers) ?? [];
  if (nodeText === undefined || serviceText === undefined) return undefined;
  const allocator = BigInt(allocatorText);
  const nodeNumber = BigInt(nodeText);
  const service = BigInt(serviceText);
  if (allocator > MAX_UINT32 || nodeNumber > MAX_UINT32 || service > MAX_UINT64) return undefined;
  const eid: Eid = { scheme: 'ipn', node: joinUint32s(allocator, nodeNumber), service: joinUint32s(service >> UINT32_BITS, service & MAX_UINT32) };
  return isNullEid(eid) || isLocalNodeEid(eid) ? undefined : eid;
}

/**
 * Any visible ASCII is taken, although the RFC wants `//node/demux`: others send `dtn:GS2` and harm nobody.
 * What is not visible must not reach a log or a terminal.
 */
function readDtn(reader: BlockReader, path: string): Eid {
  const start = reader.offset;
  if (reader.atUint()) {
    const none = reader.uint(path);
    if (none !== 0) throw wrongValue(path, start, `the number ${none}`, 'zero or text');
    return DTN_NONE;
  }
  const text = reader.visibleText(MAX_DTN_TEXT_BYTES, path);
  if (text === DTN_NONE.text) throw wrongValue(path, start, 'none as text', 'the number zero');
  return { scheme: 'dtn', text };
}

/** Two numbers (RFC 9171), or three with the allocator apart (RFC 9758); we write two, which everybody reads. */
function readIpn(reader: BlockReader, path: string): Eid {
  const start = reader.offset;
  const count = reader.array(path);
  if (count !== 2 && count !== 3 && count !== INDEFINITE) throw wrongValue(path, start, `an array of ${count}`, 'an array of 2 or 3');
  const first = reader.uint(path);
  const second = reader.uint(path);
  if (count === 2 || (count === INDEFINITE && !reader.atUint())) {
    reader.endArray(count, path);
    return { scheme: 'ipn', node: first, service: second };
  }
  const service = reader.uint(path);
  reader.endArray(count, path);
  if (first > MAX_UINT32 || second > MAX_UINT32) throw wrongValue(path, start, `ipn:${first}.${second}`, 'allocator and node of 32 bits');
  return { scheme: 'ipn', node: joinUint32s(BigInt(first), BigInt(second)), service };
}
