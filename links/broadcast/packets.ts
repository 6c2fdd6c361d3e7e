/** The two kinds of datagram of spec/broadcast.md: an announcement says what an object is, a symbol packet brings a piece of it. */
import { concatBytes, equalBytes, utf8 } from '../../base/bytes.js';
import type { BroadcastCrypto } from './broadcast-crypto.js';

export const ID_BYTES = 8;
export const TAG_BYTES = 4;
/** Everything of an announcement but an object inside it. */
export const ANNOUNCEMENT_BYTES = 130;
export const SYMBOL_HEAD_BYTES = 16;
/** Addressed to everybody who hears it. */
export const EVERYBODY = new Uint8Array(ID_BYTES);

const ANNOUNCEMENT = 0xf1;
const SYMBOL = 0xf2;
const MAC_BYTES = 8;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SIGNED_START = 1 + MAC_BYTES;
const SIGNED_END = ANNOUNCEMENT_BYTES - SIGNATURE_BYTES;
const SYMBOL_MAC_START = SYMBOL_HEAD_BYTES - MAC_BYTES;
const CONTEXT = utf8('fmp/1 broadcast/1');

export interface ObjectShape {
  readonly objectBytes: number;
  /** 0: the object stands in its announcement. */
  readonly symbolBytes: number;
  readonly blocks: number;
  /** Of each block. */
  readonly repairSymbols: number;
}

export interface Announcement extends ObjectShape {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly hash: Uint8Array;
  /** The object itself, where it is so small that it fits. */
  readonly inline: Uint8Array;
}

export interface SymbolPacket {
  readonly tag: Uint8Array;
  readonly block: number;
  /** Within the block: source symbols first, then repair symbols. */
  readonly number: number;
  readonly symbol: Uint8Array;
}

/** What packets of one sender are marked with. Who does not know the sender's public key, and the secret if there is one, cannot make any. */
export function macKeyOf(crypto: Pick<BroadcastCrypto, 'sha256'>, publicKey: Uint8Array, secret: Uint8Array = new Uint8Array()): Uint8Array {
  return crypto.sha256(concatBytes(utf8('broadcast/1'), publicKey, secret));
}

/** Names an object in its symbol packets. */
export function tagOf(hash: Uint8Array): Uint8Array {
  return hash.subarray(0, TAG_BYTES);
}

export function encodeAnnouncement(crypto: BroadcastCrypto, macKey: Uint8Array, announcement: Announcement): Uint8Array {
  const packet = new Uint8Array(ANNOUNCEMENT_BYTES + announcement.inline.length);
  const view = new DataView(packet.buffer);
  packet[0] = ANNOUNCEMENT;
  packet.set(announcement.from, 9);
  packet.set(announcement.to, 17);
  view.setUint32(25, announcement.objectBytes);
  view.setUint16(29, announcement.symbolBytes);
  view.setUint8(31, announcement.blocks);
  view.setUint16(32, announcement.repairSymbols);
  packet.set(announcement.hash, 34);
  packet.set(crypto.sign(concatBytes(CONTEXT, packet.subarray(SIGNED_START, SIGNED_END))), SIGNED_END);
  packet.set(announcement.inline, ANNOUNCEMENT_BYTES);
  packet.set(crypto.mac(macKey, packet.subarray(SIGNED_START)).subarray(0, MAC_BYTES), 1);
  return packet;
}

/** Undefined for what is no announcement. Nothing is proved yet: see isMarked and isSigned. */
export function decodeAnnouncement(packet: Uint8Array): Announcement | undefined {
  if (packet[0] !== ANNOUNCEMENT || packet.length < ANNOUNCEMENT_BYTES) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const announcement = {
    from: packet.slice(9, 9 + ID_BYTES),
    to: packet.slice(17, 17 + ID_BYTES),
    objectBytes: view.getUint32(25),
    symbolBytes: view.getUint16(29),
    blocks: view.getUint8(31),
    repairSymbols: view.getUint16(32),
    hash: packet.slice(34, 34 + HASH_BYTES),
    inline: packet.slice(ANNOUNCEMENT_BYTES),
  };
  const inlineBytes = announcement.symbolBytes === 0 ? announcement.objectBytes : 0;
  return announcement.inline.length === inlineBytes ? announcement : undefined;
}

export function encodeSymbol(crypto: Pick<BroadcastCrypto, 'mac'>, macKey: Uint8Array, { tag, block, number, symbol }: SymbolPacket): Uint8Array {
  const packet = new Uint8Array(SYMBOL_HEAD_BYTES + symbol.length);
  packet[0] = SYMBOL;
  packet.set(tag, 1);
  packet[5] = block;
  packet[6] = number >>> 8;
  packet[7] = number & 0xff;
  packet.set(symbol, SYMBOL_HEAD_BYTES);
  packet.set(symbolMac(crypto, macKey, packet), SYMBOL_MAC_START);
  return packet;
}

/** Undefined for what is no symbol packet. Its parts are views. */
export function decodeSymbol(packet: Uint8Array): SymbolPacket | undefined {
  if (packet[0] !== SYMBOL || packet.length <= SYMBOL_HEAD_BYTES) return undefined;
  return { tag: packet.subarray(1, 1 + TAG_BYTES), block: packet[5]!, number: (packet[6]! << 8) | packet[7]!, symbol: packet.subarray(SYMBOL_HEAD_BYTES) };
}

/** Whether whoever made the packet has the key to mark it with. */
export function isMarked(crypto: Pick<BroadcastCrypto, 'mac'>, macKey: Uint8Array, packet: Uint8Array): boolean {
  if (packet[0] === SYMBOL) return equalBytes(symbolMac(crypto, macKey, packet), packet.subarray(SYMBOL_MAC_START, SYMBOL_HEAD_BYTES));
  return equalBytes(crypto.mac(macKey, packet.subarray(SIGNED_START)).subarray(0, MAC_BYTES), packet.subarray(1, SIGNED_START));
}

/** Whether the announcement is the sender's own. */
export function isSigned(crypto: Pick<BroadcastCrypto, 'verify'>, publicKey: Uint8Array, packet: Uint8Array): boolean {
  return crypto.verify(publicKey, concatBytes(CONTEXT, packet.subarray(SIGNED_START, SIGNED_END)), packet.subarray(SIGNED_END, ANNOUNCEMENT_BYTES));
}

function symbolMac(crypto: Pick<BroadcastCrypto, 'mac'>, macKey: Uint8Array, packet: Uint8Array): Uint8Array {
  return crypto.mac(macKey, packet.subarray(0, SYMBOL_MAC_START), packet.subarray(SYMBOL_HEAD_BYTES)).subarray(0, MAC_BYTES);
}
