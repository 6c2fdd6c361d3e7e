/** A file for one peer, planned to fit before a byte of it is written, and the freight that it then is. */
import { toHex } from '../base/bytes.js';
import type { StickFreight } from '../links/usb/stick-transfer.js';
import { merkleRoot } from '../wire/merkle.js';
import { CHUNK_BYTES, payloadBytesOf, PAYLOAD_NONCE_BYTES } from '../wire/payload.js';
import { encodeFrameHead, FRAME_HEAD_BYTES } from '../wire/stick-frames.js';
import { makeStickManifest, stickFileId } from '../wire/stick-manifest.js';
import type { StickManifestFields } from '../wire/stick-manifest.js';
import { sealStickKey, stickSealer } from '../wire/stick-seal.js';
import type { GatewayContext } from './context.js';
import type { Load, PackedFreight } from './load.js';
import type { Peer } from './peer-book.js';
import type { OutBatch } from './stick-ledger.js';

export interface PlannedBatch {
  readonly load: Load;
  readonly freight: PackedFreight;
}

/** Nonce, commitment and the last tag; and a tag a chunk. */
const SEAL_BYTES = 64;
const SEAL_FRACTION = 16 / CHUNK_BYTES;
/** A manifest that names no files, generously. */
const MANIFEST_BYTES = 512;
/** A file named in a manifest. */
const NAMED_FILE_BYTES = 17;

/** How many bytes of content a file of so many bytes can have. */
export function contentRoomBytes(fileBytes: number, filesNamed: number): number {
  return Math.floor((fileBytes - MANIFEST_BYTES - filesNamed * NAMED_FILE_BYTES - SEAL_BYTES) / (1 + SEAL_FRACTION));
}

export function framedBytes(freightBytes: number): number {
  return freightBytes + FRAME_HEAD_BYTES;
}

export type FileTerms = Pick<StickManifestFields, 'createdSec' | 'untilSec' | 'stick' | 'taken' | 'damaged'>;

/** Makes the planned batches into freight, sealed to the peer and signed by us. */
export function stickFreight({ key, random }: GatewayContext, peer: Peer, batches: readonly PlannedBatch[], terms: FileTerms): StickFreight {
  const contentKey = random.bytes(32);
  const sealer = stickSealer(contentKey, random.bytes(PAYLOAD_NONCE_BYTES));
  const bodyBytes = payloadBytesOf(batches.reduce((sum, { freight }) => sum + framedBytes(freight.bytes), 0));
  const manifestOf = (sealedHash: Uint8Array): ReturnType<typeof makeStickManifest> => makeStickManifest(key, { ...terms, to: peer.kid, sealedBytes: bodyBytes, sealedHash, sealedKey });
  const sealedKey = sealStickKey(peer.key, contentKey, random.bytes(32));
  return {
    headBytes: manifestOf(new Uint8Array(32)).bytes.length,
    bodyBytes,
    async *body() {
      for (const { freight } of batches) {
        yield* sealer.push(encodeFrameHead(freight.bytes));
        for await (const piece of freight.open()) yield* sealer.push(piece);
      }
      yield* sealer.finish();
    },
    complete() {
      const { payloadHash } = sealer.sealed;
      const manifest = manifestOf(payloadHash);
      return { id: toHex(stickFileId(manifest)), head: manifest.bytes, bodyHash: payloadHash };
    },
  };
}

/** By its root a receipt will name the batch. @param done hex rids of large blobs of which nothing more is to come */
export function outBatchOf({ load }: PlannedBatch, done: ReadonlySet<string>): OutBatch {
  const records = load.records.map(({ record }) => record);
  return { root: merkleRoot([...records.map(({ bytes }) => bytes), ...load.controls.map(({ bytes }) => bytes)]), rids: records.map(({ rid }) => rid), part: load.large !== undefined && !done.has(toHex(load.large.rid)) };
}
