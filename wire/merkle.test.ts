import fc from 'fast-check';
import t from 'tap';
import { fromHex, toHex } from '../base/bytes.js';
import { sha256 } from './digest.js';
import { merkleRoot } from './merkle.js';

/** Leaves and roots that implementations of Certificate Transparency share. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

t.test('gives the known roots of no to eight leaves', async (t) => {
  const leaves = LEAVES.map((hex) => fromHex(hex)!);
  ROOTS.forEach((root, count) => t.equal(toHex(merkleRoot(leaves.slice(0, count))), root, `${count} leaves`));
});

t.test('agrees with the recursion of RFC 6962 §2.1 for any number of leaves', async (t) => {
  const wrong = fc.check(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), (leaves) => toHex(merkleRoot(leaves)) === toHex(recursive(leaves))),
  ).counterexample;
  t.equal(wrong, null);
});

function recursive(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), leaves[0]!);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), recursive(leaves.slice(0, split)), recursive(leaves.slice(split)));
}
