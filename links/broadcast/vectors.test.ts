import t from 'tap';
import { concatBytes, equalBytes, utf8 } from '../../base/bytes.js';
import { readSpecVectors } from '../../scripts/spec-vectors.js';
import { makeRepair, solveBlock } from './block-code.js';
import { cryptoOf, keyOf } from './broadcast-test-helper.js';
import { isSound } from './object-plan.js';
import { decodeAnnouncement, decodeSymbol, encodeAnnouncement, encodeSymbol, isMarked, isSigned, macKeyOf } from './packets.js';
import { Symbols } from './symbols.js';

const SENDER = keyOf(1);
const CRYPTO = cryptoOf(SENDER);

function verdict(packet: Uint8Array, macKey: Uint8Array): string {
  const symbol = decodeSymbol(packet);
  if (symbol !== undefined) return isMarked(CRYPTO, macKey, packet) ? 'symbol' : 'stranger';
  const announcement = decodeAnnouncement(packet);
  if (announcement === undefined) return 'nothing';
  if (!isMarked(CRYPTO, macKey, packet)) return 'stranger';
  if (!isSigned(CRYPTO, SENDER.publicKey, packet)) return 'spoofed';
  return isSound(announcement) ? 'announcement' : 'unsound';
}

t.test('each packet is what its vector says, gives the same bytes again, and is nothing when it is cut', async (t) => {
  for (const { name, expect, bytes, fields } of readSpecVectors('broadcast-packet')) {
    const secret = fields.get('secret');
    const macKey = macKeyOf(CRYPTO, SENDER.publicKey, secret === undefined ? undefined : utf8(secret));
    t.equal(verdict(bytes, macKey), expect, name);
    if (expect === 'announcement') t.same(encodeAnnouncement(CRYPTO, macKey, decodeAnnouncement(bytes)!), bytes);
    if (expect === 'symbol') t.same(encodeSymbol(CRYPTO, macKey, decodeSymbol(bytes)!), bytes);
    for (let end = 0; end < bytes.length && expect !== 'nothing'; end++) {
      if (['announcement', 'symbol'].includes(verdict(bytes.subarray(0, end), macKey))) t.fail(`${name} cut to ${end} bytes`);
    }
  }
});

t.test('repair symbols are those of the vectors, and give their block back', async (t) => {
  for (const { name, bytes, fields } of readSpecVectors('broadcast-block')) {
    const [sources, repairs, symbolBytes] = ['source-symbols', 'repair-symbols', 'symbol-bytes'].map((field) => Number(fields.get(field))) as [number, number, number];
    const source = new Symbols(sources, symbolBytes);
    for (let at = 0; at < source.bytes.length; at++) source.bytes[at] = at * at * 7 + at * 13 + (at >> 8) * 31 + 5;
    const repair = makeRepair(source, repairs);
    t.ok(equalBytes(concatBytes(...Array.from({ length: repair.count }, (_, row) => repair.at(row))), bytes), name);
    // Every fifth symbol gone, and what stands in for it comes from the vector.
    const copy = new Symbols(sources, symbolBytes);
    const has = Array.from({ length: sources }, (_, column) => column % 5 !== 0);
    for (const [column, there] of has.entries()) if (there) copy.set(column, source.at(column));
    const read = new Symbols(repairs, symbolBytes);
    read.bytes.set(bytes);
    t.ok(solveBlock({ source: copy, has, repairs: new Map(Array.from({ length: repairs }, (_, row) => [row, read.at(row)])), repairCount: repairs }) && equalBytes(copy.bytes, source.bytes));
  }
});
