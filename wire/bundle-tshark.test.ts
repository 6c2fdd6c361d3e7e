/** An independent reader, Wireshark's, goes over bundles of ours and over the vectors. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { toHex } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { encodeBundle, makeBatchBundle } from './bundle.js';
import type { BatchBundle } from './bundle.js';
import { formatEid, parseEid } from './eid.js';

const missing = ['tshark', 'text2pcap'].filter(program => spawnSync(program, ['--version']).status !== 0);
const skip = missing.length === 0 ? false : `${missing.join(' and ')} not installed`;

/** Link type USER0, which tshark is told to read as bundles. */
const LINK_TYPE = '147';
const USER_DLT = 'uat:user_dlts:"User 0 (DLT=147)","bpv7","0","","0",""';
const FIELDS = [
  'frame.len',
  'bpv7.primary.src_uri',
  'bpv7.primary.dst_uri',
  'bpv7.primary.report_uri',
  'bpv7.primary.bundle_flags.no_fragment',
  'bpv7.time.dtntime',
  'bpv7.create_ts.seqno',
  'bpv7.primary.lifetime',
  'bpv7.crc_status',
  'bpv7.canonical.type_code',
  'bpv7.canonical.block_num',
  'bpv7.previous_node.uri',
  'bpv7.hop_count.limit',
  'bpv7.bundle_age.time',
  '_ws.malformed',
  '_ws.expert.message',
] as const;
/** There is no dissector for a batch. */
const BENIGN = 'Unknown type code';

type Dissected = Record<(typeof FIELDS)[number], string>;

/** What tshark says of each bundle, in their order. */
function dissect(folder: string, bundles: readonly Uint8Array[]): Dissected[] {
  const dump = join(folder, 'bundles.txt');
  const capture = join(folder, 'bundles.pcap');
  writeFileSync(dump, bundles.map(hexDump).join(''));
  run('text2pcap', ['-q', '-l', LINK_TYPE, dump, capture]);
  const lines = run('tshark', ['-r', capture, '-o', USER_DLT, '-T', 'fields', '-E', 'separator=/t', ...FIELDS.flatMap(field => ['-e', field])]);
  return lines
    .split('\n')
    .slice(0, -1)
    .map(line => {
      const values = line.split('\t');
      return Object.fromEntries(FIELDS.map((field, i) => [field, values[i] ?? ''])) as Dissected;
    });
}

function run(program: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout;
}

/** As `od -Ax -tx1 -v` writes it: offset zero begins a packet. */
function hexDump(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    text += `${at.toString(16).padStart(6, '0')} ${toHex(bytes.subarray(at, at + 16)).replaceAll(/../g, '$& ')}\n`;
  }
  return `${text}${bytes.length.toString(16).padStart(6, '0')}\n`;
}

function eid(uri: string) {
  const parsed = parseEid(uri);
  if (parsed === undefined) throw new Error(uri);
  return parsed;
}

t.test('tshark finds every bundle of ours well-formed and every CRC good', { skip }, async t => {
  const pairs = [
    ['dtn://shore/batch', 'dtn://ship/batch', 'dtn://relay/'],
    ['ipn:21.1', 'ipn:4294967294.64', 'ipn:30.0'],
  ] as const;
  const made: BatchBundle[] = [];
  for (const [source, destination, previousNode] of pairs) {
    for (const crc of ['crc16', 'crc32c'] as const) {
      for (const size of [0, 1, 23, 24, 255, 256, 4000, 65_535, 65_536, 200_000]) {
        const base = { source: eid(source), destination: eid(destination), sequence: size, lifetimeMs: 86_400_000, payload: new Uint8Array(size).fill(size), crc };
        made.push({ ...base, createdDtnMs: 848_797_224_238, hopLimit: 30 });
        made.push({ ...base, createdDtnMs: 0, ageMs: size * 1000, hopLimit: 255, previousNode: eid(previousNode) });
      }
    }
  }
  const bundles = made.map(batch => encodeBundle(makeBatchBundle(batch)));
  const dissected = dissect(t.testdir(), bundles);
  t.equal(dissected.length, made.length);
  for (const [i, seen] of dissected.entries()) {
    const { source, destination, createdDtnMs, sequence, previousNode } = made[i]!;
    const clockless = createdDtnMs === 0;
    const expected = {
      'frame.len': String(bundles[i]!.length),
      'bpv7.primary.src_uri': formatEid(source),
      'bpv7.primary.dst_uri': formatEid(destination),
      'bpv7.primary.report_uri': 'dtn:none',
      'bpv7.primary.bundle_flags.no_fragment': '1',
      'bpv7.time.dtntime': String(createdDtnMs),
      'bpv7.create_ts.seqno': String(sequence),
      'bpv7.primary.lifetime': '86400000',
      'bpv7.crc_status': clockless ? '1,1,1,1,1' : '1,1,1',
      'bpv7.canonical.type_code': clockless ? '6,10,7,1' : '10,1',
      'bpv7.canonical.block_num': clockless ? '2,3,4,1' : '2,1',
      'bpv7.hop_count.limit': clockless ? '255' : '30',
      'bpv7.bundle_age.time': clockless ? String(sequence * 1000) : '',
      'bpv7.previous_node.uri': previousNode === undefined ? '' : formatEid(previousNode),
      '_ws.malformed': '',
    };
    t.strictSame({ ...seen, ...expected }, seen, `bundle ${i}, ${seen['frame.len']} bytes`);
    t.ok(seen['_ws.expert.message'] === '' || seen['_ws.expert.message'] === BENIGN, 'no complaint');
  }
});

t.test('tshark and we agree on the CRCs of the vectors', { skip }, async t => {
  // tshark 4.0 stops at an inner array of indefinite length, which RFC 9171 §4.1 allows.
  const unread = new Set(['bundle-primary-indefinite-read-only', 'bundle-primary-indefinite-crc-wrong']);
  const vectors = readSpecVectors('bundle').filter(({ name, expect }) => (expect === 'ok' || expect === 'WIRE_CRC') && !unread.has(name));
  for (const [i, seen] of dissect(t.testdir(), vectors.map(({ bytes }) => bytes)).entries()) {
    const { name, expect } = vectors[i]!;
    t.equal(seen['bpv7.crc_status'].includes('0'), expect === 'WIRE_CRC', name);
  }
});
