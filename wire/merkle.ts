/**
 * Merkle tree hash of RFC 6962 §2.1 over SHA-256: one hash that names a list, its order and its length. Each record
 * of each batch costs two hashes here and one for its id, so they are native ones: a third off the time to read a batch.
 */
import { concatBytes } from '../base/bytes.js';
import { sha256Of } from './node-crypto.js';

/** Leaves and inner nodes are hashed apart, so that neither can be passed off as the other. */
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256Of(new Uint8Array());
  let level = leaves.map((leaf) => sha256Of(concatBytes(LEAF, leaf)));
  while (level.length > 1) level = pairUp(level);
  return level[0]!;
}

/** A node without a partner moves up unchanged, which gives the split of the RFC: at the largest power of two. */
function pairUp(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let i = 0; i + 1 < level.length; i += 2) above.push(sha256Of(concatBytes(NODE, level[i]!, level[i + 1]!)));
  if (level.length % 2 === 1) above.push(level.at(-1)!);
  return above;
}
