import t from 'tap';
import fc from 'fast-check';
import { concatBytes, toHex } from '../base/bytes.js';
import { readSpecVectors } from '../scripts/spec-vectors.js';
import { splitBundles } from './bundle-run.js';

const bundles = readSpecVectors('bundle').filter(({ expect }) => expect === 'ok');

t.test('finds each bundle of a run', async (t) => {
  t.ok(bundles.length > 20);
  const run = bundles.map(({ bytes }) => bytes);
  t.same(splitBundles(concatBytes(...run)).map(toHex), run.map(toHex));
  for (const { name, bytes } of bundles) t.same(splitBundles(bytes).map(toHex), [toHex(bytes)], name);
});

t.test('gives everything back, whatever it is', async (t) => {
  t.same(splitBundles(new Uint8Array(0)), [new Uint8Array(0)], 'nothing is one unit of nothing');
  const good = bundles[0]!.bytes;
  for (let length = 1; length < good.length; length++) t.same(splitBundles(concatBytes(good, good.subarray(0, length))).length, 2, `a second one cut at ${length}`);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, likely) => {
    const input = likely ? concatBytes(Uint8Array.of(0x9f), bytes) : bytes;
    return toHex(concatBytes(...splitBundles(input))) === toHex(input);
  }), { numRuns: 1000 });
});
