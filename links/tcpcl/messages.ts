/**
 * The contact header and the messages of TCPCL version 4 (RFC 9174), bytes to values and back. The data of a
 * segment is not part of its message: it follows the head, and message-reader.ts passes it on as it comes.
 */
import { strict as assert } from 'node:assert';
import { asBuffer, concatBytes, copyBytes, utf8 } from '../../base/bytes.js';
import { PosternError } from '../../base/errors.js';

/** RFC 9174 §4.2. */
export interface ContactHeader {
  readonly version: number;
  readonly flags: number;
}

export interface SessInit {
  readonly type: 'sess-init';
  readonly keepaliveSec: number;
  readonly segmentMru: bigint;
  readonly transferMru: bigint;
  /** Empty: the peer keeps its name to itself. */
  readonly nodeId: string;
  /** Still encoded: `decodeExtensionItems` reads them. */
  readonly extensions: Uint8Array;
}

/** Everything of an XFER_SEGMENT but its data. */
export interface SegmentHead {
  readonly type: 'xfer-segment';
  readonly flags: number;
  readonly transferId: bigint;
  /** Still encoded; there if and only if the START flag is. */
  readonly extensions?: Uint8Array;
  readonly dataBytes: bigint;
}

export interface XferAck {
  readonly type: 'xfer-ack';
  readonly flags: number;
  readonly transferId: bigint;
  /** All bytes of the transfer so far. */
  readonly ackedBytes: bigint;
}

export type Message =
  | SessInit
  | SegmentHead
  | XferAck
  | { readonly type: 'xfer-refuse'; readonly reason: number; readonly transferId: bigint }
  | { readonly type: 'keepalive' }
  | { readonly type: 'sess-term'; readonly flags: number; readonly reason: number }
  | { readonly type: 'msg-reject'; readonly reason: number; readonly rejected: number };

/** A first byte that names no message: how long it is, nobody knows. */
export interface UnknownMessage {
  readonly type: 'unknown';
  readonly code: number;
}

export interface ExtensionItem {
  readonly flags: number;
  readonly itemType: number;
  readonly value: Uint8Array;
}

export const TCPCL_VERSION = 4;
export const CONTACT_BYTES = 6;
export const CAN_TLS = 0x01;
export const SEGMENT_END = 0x01;
export const SEGMENT_START = 0x02;
export const TERM_REPLY = 0x01;
export const ITEM_CRITICAL = 0x01;
/** The one transfer extension of RFC 9174 (§5.2.5.1). */
export const TRANSFER_LENGTH = 0x0001;

/** The longest node id we listen to. RFC 9174 allows 65,535 bytes; nobody's name is longer than this. */
export const NODE_ID_BYTES = 1024;
/** The most extension items we listen to, encoded. RFC 9174 §4.8 asks to keep them small; nothing assigned is near this. */
export const EXTENSION_BYTES = 16 * 1024;

export const MESSAGE_CODES = {
  'xfer-segment': 0x01,
  'xfer-ack': 0x02,
  'xfer-refuse': 0x03,
  keepalive: 0x04,
  'sess-term': 0x05,
  'msg-reject': 0x06,
  'sess-init': 0x07,
} as const;

/** "dtn!" */
const MAGIC = Uint8Array.of(0x64, 0x74, 0x6e, 0x21);

export function encodeContactHeader(header: ContactHeader): Uint8Array {
  return concatBytes(MAGIC, Uint8Array.of(header.version, header.flags));
}

/** @returns undefined when more bytes are needed; a wrong magic is refused at its first wrong byte. */
export function decodeContactHeader(bytes: Uint8Array): ContactHeader | undefined {
  for (const [offset, expected] of MAGIC.entries()) {
    const found = bytes[offset];
    if (found !== undefined && found !== expected) throw protocolFault('tcpcl/contact/magic', offset, hexByte(found), hexByte(expected));
  }
  if (bytes.length < CONTACT_BYTES) return undefined;
  return { version: bytes[4]!, flags: bytes[5]! };
}

export function encodeMessage(message: Message): Uint8Array {
  const head = MESSAGE_CODES[message.type];
  switch (message.type) {
    case 'sess-init': {
      const nodeId = utf8(message.nodeId);
      return concatBytes(u8(head), u16(message.keepaliveSec), u64(message.segmentMru), u64(message.transferMru), u16(nodeId.length), nodeId, u32(message.extensions.length), message.extensions);
    }
    case 'xfer-segment': {
      const { extensions } = message;
      assert.equal(extensions !== undefined, (message.flags & SEGMENT_START) !== 0, 'extension items stand in the START segment');
      const items = extensions === undefined ? [] : [u32(extensions.length), extensions];
      return concatBytes(u8(head, message.flags), u64(message.transferId), ...items, u64(message.dataBytes));
    }
    case 'xfer-ack':
      return concatBytes(u8(head, message.flags), u64(message.transferId), u64(message.ackedBytes));
    case 'xfer-refuse':
      return concatBytes(u8(head, message.reason), u64(message.transferId));
    case 'keepalive':
      return u8(head);
    case 'sess-term':
      return u8(head, message.flags, message.reason);
    case 'msg-reject':
      return u8(head, message.reason, message.rejected);
  }
}

/** One message from the start of `bytes` and its length, or the number of bytes needed to know more. */
export function decodeMessage(bytes: Uint8Array): { message: Message | UnknownMessage; bytes: number } | { needBytes: number } {
  const code = bytes[0];
  switch (code) {
    case undefined:
      return { needBytes: 1 };
    case MESSAGE_CODES['xfer-segment']:
      return decodeSegmentHead(bytes);
    case MESSAGE_CODES['xfer-ack']:
      return fixed(bytes, 18, (at) => ({ type: 'xfer-ack', flags: bytes[1]!, transferId: at.getBigUint64(2), ackedBytes: at.getBigUint64(10) }));
    case MESSAGE_CODES['xfer-refuse']:
      return fixed(bytes, 10, (at) => ({ type: 'xfer-refuse', reason: bytes[1]!, transferId: at.getBigUint64(2) }));
    case MESSAGE_CODES.keepalive:
      return fixed(bytes, 1, () => ({ type: 'keepalive' }));
    case MESSAGE_CODES['sess-term']:
      return fixed(bytes, 3, () => ({ type: 'sess-term', flags: bytes[1]!, reason: bytes[2]! }));
    case MESSAGE_CODES['msg-reject']:
      // RFC 9174 §5.1.2: the reason first, then the head of the message it is about.
      return fixed(bytes, 3, () => ({ type: 'msg-reject', reason: bytes[1]!, rejected: bytes[2]! }));
    case MESSAGE_CODES['sess-init']:
      return decodeSessInit(bytes);
    default:
      return { message: { type: 'unknown', code }, bytes: 1 };
  }
}

export function encodeExtensionItems(items: readonly ExtensionItem[]): Uint8Array {
  return concatBytes(...items.flatMap((item) => [u8(item.flags), u16(item.itemType), u16(item.value.length), item.value]));
}

export function decodeExtensionItems(bytes: Uint8Array, path: string): ExtensionItem[] {
  const items: ExtensionItem[] = [];
  const at = viewOf(bytes);
  for (let offset = 0; offset < bytes.length; ) {
    const valueAt = offset + 5;
    const end = valueAt <= bytes.length ? valueAt + at.getUint16(offset + 3) : valueAt;
    if (end > bytes.length) throw protocolFault(`${path}/extensions`, offset, `an item up to byte ${end}`, `items that end at byte ${bytes.length}`);
    items.push({ flags: bytes[offset]!, itemType: at.getUint16(offset + 1), value: bytes.subarray(valueAt, end) });
    offset = end;
  }
  return items;
}

export function encodeTransferLength(totalBytes: number): ExtensionItem {
  return { flags: ITEM_CRITICAL, itemType: TRANSFER_LENGTH, value: u64(BigInt(totalBytes)) };
}

/** @throws LINK_PROTOCOL for an item that is no Transfer Length */
export function decodeTransferLength(item: ExtensionItem): bigint {
  if (item.value.length !== 8) throw protocolFault('tcpcl/xfer-segment/transfer-length', 0, `${item.value.length} bytes`, '8 bytes');
  return viewOf(item.value).getBigUint64(0);
}

export function protocolFault(path: string, offset: number, found: string, expected: string): PosternError<'LINK_PROTOCOL'> {
  return new PosternError('LINK_PROTOCOL', `The peer sent ${found} at ${path}, byte ${offset}; RFC 9174 expects ${expected}.`, { path, offset, found, expected });
}

export function limitFault(path: string, offset: number, found: bigint | number, limit: number): PosternError<'LINK_LIMIT'> {
  return new PosternError('LINK_LIMIT', `The peer sent ${found} at ${path}, byte ${offset}; the limit here is ${limit}.`, { path, offset, found: Number(found), limit });
}

type Decoded = ReturnType<typeof decodeMessage>;

function fixed(bytes: Uint8Array, length: number, read: (at: DataView) => Message): Decoded {
  return bytes.length < length ? { needBytes: length } : { message: read(viewOf(bytes)), bytes: length };
}

function decodeSessInit(bytes: Uint8Array): Decoded {
  const path = 'tcpcl/sess-init';
  const at = viewOf(bytes);
  const nodeIdAt = 21;
  if (bytes.length < nodeIdAt) return { needBytes: nodeIdAt };
  const nodeIdBytes = at.getUint16(19);
  if (nodeIdBytes > NODE_ID_BYTES) throw limitFault(`${path}/node-id`, 19, nodeIdBytes, NODE_ID_BYTES);
  const lengthAt = nodeIdAt + nodeIdBytes;
  if (bytes.length < lengthAt + 4) return { needBytes: lengthAt + 4 };
  const extensions = extensionBytes(bytes, lengthAt, path);
  if (extensions === undefined) return { needBytes: lengthAt + 4 + at.getUint32(lengthAt) };
  const message: SessInit = {
    type: 'sess-init',
    keepaliveSec: at.getUint16(1),
    segmentMru: at.getBigUint64(3),
    transferMru: at.getBigUint64(11),
    nodeId: decodeNodeId(bytes.subarray(nodeIdAt, lengthAt), `${path}/node-id`, nodeIdAt),
    extensions,
  };
  return { message, bytes: lengthAt + 4 + extensions.length };
}

function decodeSegmentHead(bytes: Uint8Array): Decoded {
  const at = viewOf(bytes);
  if (bytes.length < 18) return { needBytes: 18 };
  const flags = bytes[1]!;
  const head = { type: 'xfer-segment', flags, transferId: at.getBigUint64(2) } as const;
  if ((flags & SEGMENT_START) === 0) return { message: { ...head, dataBytes: at.getBigUint64(10) }, bytes: 18 };
  const extensions = extensionBytes(bytes, 10, 'tcpcl/xfer-segment');
  const dataLengthAt = 14 + at.getUint32(10);
  if (extensions === undefined || bytes.length < dataLengthAt + 8) return { needBytes: dataLengthAt + 8 };
  return { message: { ...head, extensions, dataBytes: at.getBigUint64(dataLengthAt) }, bytes: dataLengthAt + 8 };
}

/** The extension items whose length stands at `lengthAt`, copied; undefined while bytes are missing. */
function extensionBytes(bytes: Uint8Array, lengthAt: number, path: string): Uint8Array | undefined {
  const length = viewOf(bytes).getUint32(lengthAt);
  if (length > EXTENSION_BYTES) throw limitFault(`${path}/extensions`, lengthAt, length, EXTENSION_BYTES);
  const start = lengthAt + 4;
  return bytes.length < start + length ? undefined : copyBytes(bytes.subarray(start, start + length));
}

function decodeNodeId(bytes: Uint8Array, path: string, offset: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw protocolFault(path, offset, 'bytes that are not UTF-8', 'a URI in UTF-8');
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  asBuffer(bytes).writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  asBuffer(bytes).writeUInt32BE(value);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  asBuffer(bytes).writeBigUInt64BE(value);
  return bytes;
}

function hexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

/** For people. */
export function nameOf(message: Message | UnknownMessage): string {
  return message.type === 'unknown' ? `a message of type ${message.code}` : message.type;
}
