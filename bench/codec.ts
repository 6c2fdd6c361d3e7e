/**
 * The bundle codec against cbor-x, the quickest generic CBOR library, in the same run: only the ratios mean
 * something. Bundles have three endpoint ids, a hop count, a bundle age and CRC-32C on every block. cbor-x
 * encodes block by block, with zeros for a CRC that is put in afterwards; it decodes without any check, and the
 * CRC is taken over the bundle as a whole, since it does not tell where a block begins.
 */
import { Encoder } from 'cbor-x';
import { concatBytes, equalBytes } from '../base/bytes.js';
import { decodeBundle, encodeBundle, encodeBundleParts, makeBatchBundle } from '../wire/bundle.js';
import type { Bundle } from '../wire/bundle.js';
import { crc32c } from '../wire/crc.js';

const SIZES_BYTES = [1000, 10_000, 1_000_000];
const ROUNDS = 60;
const WARM_UP_ROUNDS = 10;
const ROUND_MS = 8;
/** What the codec has to reach, as a multiple of cbor-x, for 1 KB. */
const GOALS = { encode: 3, decode: 0.9 };

const generic = new Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: false, variableMapSize: true });
const START = Uint8Array.of(0x9f);
const BREAK = Uint8Array.of(0xff);
const CREATED_DTN_MS = 848_797_224_238;

let failed = false;
console.log('bundle         encode ours  parts    cbor-x   ratio    decode ours   cbor-x   ratio   (thousand bundles per CPU second)');
for (const size of SIZES_BYTES) {
  const bundle = makeBatchBundle({
    source: { scheme: 'dtn', text: '//shore.example/batch' },
    destination: { scheme: 'dtn', text: '//ship.example/batch' },
    createdDtnMs: CREATED_DTN_MS,
    sequence: 7,
    lifetimeMs: 86_400_000,
    hopLimit: 30,
    ageMs: 1500,
    payload: new Uint8Array(size).fill(0x5a),
  });
  const bytes = encodeBundle(bundle);
  if (!equalBytes(bytes, encodeGeneric(bundle))) throw new Error('the two encoders do not agree, so there is nothing to compare');
  const rates = measure({
    encode: () => encodeBundle(bundle),
    parts: () => encodeBundleParts(bundle),
    encodeGeneric: () => encodeGeneric(bundle),
    decode: () => decodeBundle(bytes),
    decodeGeneric: () => {
      generic.decode(bytes);
      crc32c(bytes);
    },
  });
  const encodeRatio = medianRatio(rates.encode, rates.encodeGeneric);
  const decodeRatio = medianRatio(rates.decode, rates.decodeGeneric);
  const cells = [rates.encode, rates.parts, rates.encodeGeneric].map(cell);
  console.log(`${String(size).padStart(9)} B   ${cells.join('')} ${ratio(encodeRatio)}     ${cell(rates.decode)}${cell(rates.decodeGeneric)} ${ratio(decodeRatio)}`);
  if (size === SIZES_BYTES[0]) {
    failed = encodeRatio < GOALS.encode || decodeRatio < GOALS.decode;
    console.log(`goals for ${size} B: encode >= ${GOALS.encode}x, decode >= ${GOALS.decode}x: ${failed ? 'MISSED' : 'met'}`);
  }
}
process.exitCode = failed ? 1 : 0;

function encodeGeneric({ primary, extensions, payload }: Bundle): Uint8Array {
  const eid = (id: typeof primary.source) => (id.scheme === 'ipn' ? [2, [id.node, id.service]] : [1, id.text === 'none' ? 0 : id.text]);
  const blocks: unknown[][] = [
    // Without the BigInt cbor-x writes what passes 2^32 as a floating-point number.
    [7, primary.flags, 2, eid(primary.destination), eid(primary.source), eid(primary.reportTo), [BigInt(primary.createdDtnMs), primary.sequence], primary.lifetimeMs],
  ];
  for (const block of extensions) {
    if (block.kind === 'hop-count') blocks.push([10, block.number, block.flags, 2, generic.encode([block.limit, block.count])]);
    if (block.kind === 'bundle-age') blocks.push([7, block.number, block.flags, 2, generic.encode(block.ageMs)]);
  }
  blocks.push([1, 1, payload.flags, 2, payload.data]);
  return concatBytes(START, ...blocks.map(sealGeneric), BREAK);
}

function sealGeneric(items: unknown[]): Uint8Array {
  const block: Buffer = generic.encode([...items, new Uint8Array(4)]);
  block.writeUInt32BE(crc32c(block), block.length - 4);
  return block;
}

/** Runs of each job per second of CPU, round by round; the order rotates. */
function measure<K extends string>(jobs: Record<K, () => unknown>): Record<K, number[]> {
  const names = Object.keys(jobs) as K[];
  const rates = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    for (let i = 0; i < names.length; i += 1) {
      const name = names[(i + round + WARM_UP_ROUNDS) % names.length]!;
      const rate = rateOf(jobs[name]);
      if (round >= 0) rates[name].push(rate);
    }
  }
  return rates;
}

/** Neighbours on the machine slow both sides of one round alike, so the ratio is taken round by round. */
function medianRatio(ours: number[], theirs: number[]): number {
  return median(ours.map((rate, round) => rate / theirs[round]!));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function rateOf(job: () => unknown): number {
  const before = process.cpuUsage();
  const end = performance.now() + ROUND_MS;
  let runs = 0;
  do {
    for (let i = 0; i < 16; i += 1) job();
    runs += 16;
  } while (performance.now() < end);
  const { user, system } = process.cpuUsage(before);
  return (runs * 1e6) / (user + system);
}

function cell(rates: number[]): string {
  return (median(rates) / 1000).toFixed(1).padStart(9);
}

function ratio(value: number): string {
  return `${value.toFixed(2)}x`.padStart(7);
}
