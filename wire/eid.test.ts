import t from 'tap';
import { BlockReader } from './block-reader.js';
import { BlockWriter } from './block-writer.js';
import { DTN_NONE, formatEid, isLocalNodeEid, isNullEid, MAX_DTN_TEXT_BYTES, parseEid, readEid, sameEid, writeEid } from './eid.js';
import type { Eid } from './eid.js';

const ipn = (node: number | bigint, service: number | bigint): Eid => ({ scheme: 'ipn', node, service });

const LEGAL: [uri: string, eid: Eid][] = [
  ['dtn:none', DTN_NONE],
  ['dtn://shore/', { scheme: 'dtn', text: '//shore/' }],
  ['dtn://shore.example/batch', { scheme: 'dtn', text: '//shore.example/batch' }],
  ['dtn://ship/~all', { scheme: 'dtn', text: '//ship/~all' }],
  ['dtn://a%20b/x', { scheme: 'dtn', text: '//a%20b/x' }],
  ['ipn:22.1', ipn(22, 1)],
  ['ipn:22.0', ipn(22, 0)],
  ['ipn:4294967294.18446744073709551615', ipn(4_294_967_294, 0xffff_ffff_ffff_ffffn)],
  ['ipn:977000.22.1', ipn(977_000 * 2 ** 32 + 22, 1)],
  ['ipn:4294967295.4294967295.1', ipn(0xffff_ffff_ffff_ffffn, 1)],
];

t.test('reads endpoint ids as people write them, and writes them so again', async t => {
  for (const [uri, eid] of LEGAL) {
    t.strictSame(parseEid(uri), eid, uri);
    t.equal(formatEid(eid), uri);
  }
  t.strictSame(parseEid('ipn:0.22.1'), ipn(22, 1), 'allocator zero is the one that is left out');
});

t.test('reads nothing that must not be sent', async t => {
  const illegal = [
    '', 'dtn', 'dtn:', 'dtn:ship', 'dtn://ship', 'dtn:///batch', 'dtn://sh ip/batch', 'dtn://ship/a b', 'dtn://ship/\n', 'dtn://schiff/ä', 'DTN://ship/', ' dtn://ship/',
    'dtn://a%2/x', `dtn://ship/${'a'.repeat(MAX_DTN_TEXT_BYTES)}`,
    'ipn:', 'ipn:22', 'ipn:22.', 'ipn:.1', 'ipn:1.2.3.4', 'ipn:022.1', 'ipn:22.01', 'ipn:-1.1', 'ipn:22.1 ', 'ipn:4294967296.1', 'ipn:4294967296.1.1', 'ipn:22.18446744073709551616',
    'ipn:!.1', 'ipn:4294967295.1', 'ipn:0.0', 'ipn:0.1', 'ipn:0.0.1', 'http://ship/', 'none',
  ];
  for (const uri of illegal) t.equal(parseEid(uri), undefined, JSON.stringify(uri.slice(0, 40)));
});

t.test('encodes each endpoint id so that it is decoded to itself', async t => {
  for (const [uri, eid] of LEGAL) {
    const writer = new BlockWriter(1);
    writeEid(writer, eid);
    const reader = new BlockReader(writer.written());
    t.strictSame(readEid(reader, 'eid'), eid, uri);
    reader.finish('eid');
  }
});

t.test('knows all faces of the null endpoint', async t => {
  for (const eid of [DTN_NONE, ipn(0, 0), ipn(0, 1)]) t.ok(isNullEid(eid), formatEid(eid));
  for (const [uri, eid] of LEGAL.slice(1)) t.notOk(isNullEid(eid), uri);
});

t.test('knows an id that means something inside one node only', async t => {
  t.ok(isLocalNodeEid(ipn(0xffff_ffff, 7)));
  t.notOk(isLocalNodeEid(ipn(0xffff_ffff_ffff_ffffn, 7)));
  t.notOk(isLocalNodeEid(DTN_NONE));
});

t.test('compares endpoint ids by value', async t => {
  for (const [a, left] of LEGAL) for (const [b, right] of LEGAL) t.equal(sameEid(left, { ...right }), a === b, `${a} and ${b}`);
});
