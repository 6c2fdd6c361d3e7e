/**
 * The manifest that opens a file on a stick (spec/stick.md): who it is from and for, how long the rest is and its hash.
 * It is all that a finder can read, and all that a courier needs to know.
 */
import { encodeCbor } from './cbor.js';
import type { CborValue } from './cbor.js';
import { measureCborItem } from './cbor-walker.js';
import { HASH_BYTES } from './digest.js';
import { truncated, wrongType, wrongValue } from './faults.js';
import { readFields } from './fields.js';
import type { Fields } from './fields.js';
import { KEY_ID_BYTES, keyId } from './keys.js';
import type { SigningKey } from './keys.js';
import { OBJECT_TYPE } from './object-types.js';
import { plaintextBytesOf } from './payload.js';
import { decodeSigned, encodeSigned, verifySigned } from './signed.js';
import { STICK_KEY_BYTES } from './stick-seal.js';

export interface StickManifest {
  /** kid8 of the gateway that wrote the file, and of the one that it is for. */
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly createdSec: number;
  /** After this time nobody needs the file. */
  readonly untilSec: number;
  /** Of everything that follows the manifest. */
  readonly sealedBytes: number;
  readonly sealedHash: Uint8Array;
  readonly sealedKey: Uint8Array;
  /** 16 bytes: the stick it was written to first. */
  readonly stick: Uint8Array;
  /** Files of the other gateway that came whole, and that came damaged: the beginnings of their hashes. */
  readonly taken: readonly Uint8Array[];
  readonly damaged: readonly Uint8Array[];
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

export type StickManifestFields = Omit<StickManifest, 'from' | 'body' | 'signature' | 'bytes'>;

export const STICK_ID_BYTES = 16;
/** The beginning of a file's hash, which names it. */
export const STICK_FILE_ID_BYTES = 16;
export const MAX_STICK_FILES_NAMED = 128;
export const STICK_MANIFEST_LIMITS = { bytes: 8192 };

/** The length is the same whatever the hash, the key and the signature: a writer leaves room for it and writes it last. */
export function makeStickManifest(key: SigningKey, fields: StickManifestFields): StickManifest {
  const map = new Map<number, CborValue>([
    [0, OBJECT_TYPE.stickManifest],
    [1, keyId(key.publicKey)],
    [2, fields.to],
    [3, fields.createdSec],
    [4, fields.untilSec],
    [5, fields.sealedBytes],
    [6, fields.sealedHash],
    [7, fields.sealedKey],
    [8, fields.stick],
  ]);
  if (fields.taken.length > 0) map.set(9, fields.taken);
  if (fields.damaged.length > 0) map.set(10, fields.damaged);
  return decodeStickManifest(encodeSigned(key, OBJECT_TYPE.stickManifest, encodeCbor(map)));
}

/** The signature is not checked here: see verifyStickManifest. */
export function decodeStickManifest(bytes: Uint8Array, path = 'stick/manifest'): StickManifest {
  const { body, bodyOffset, signature } = decodeSigned(bytes, path, STICK_MANIFEST_LIMITS);
  const fields = readFields(body, `${path}/body`, STICK_MANIFEST_LIMITS, bodyOffset);
  fields.type(OBJECT_TYPE.stickManifest);
  const manifest: StickManifest = {
    from: fields.bytes(1, 'from', KEY_ID_BYTES),
    to: fields.bytes(2, 'to', KEY_ID_BYTES),
    createdSec: fields.uint(3, 'created'),
    untilSec: fields.uint(4, 'until'),
    sealedBytes: fields.uint(5, 'sealed-bytes'),
    sealedHash: fields.bytes(6, 'sealed-hash', HASH_BYTES),
    sealedKey: fields.bytes(7, 'sealed-key', STICK_KEY_BYTES),
    stick: fields.bytes(8, 'stick', STICK_ID_BYTES),
    taken: readFileIds(fields, 9, 'taken', `${path}/body`, bodyOffset),
    damaged: readFileIds(fields, 10, 'damaged', `${path}/body`, bodyOffset),
    body,
    signature,
    bytes,
  };
  if (plaintextBytesOf(manifest.sealedBytes) === undefined) throw fields.wrong(5, 'sealed-bytes', String(manifest.sealedBytes), 'a length that a sealed file can have');
  fields.end();
  return manifest;
}

/** The manifest at the beginning of a file. @param head its first bytes: as many as a manifest may have, or all there are */
export function readStickManifest(head: Uint8Array): StickManifest {
  const end = measureCborItem(head, 0, 'stick/manifest', STICK_MANIFEST_LIMITS);
  if (end === undefined) throw truncated('stick/manifest', head.length);
  return decodeStickManifest(head.subarray(0, end));
}

export function verifyStickManifest(manifest: StickManifest, publicKey: Uint8Array): boolean {
  return verifySigned(manifest, OBJECT_TYPE.stickManifest, publicKey);
}

/** Names the file: the beginning of the hash of what the manifest vouches for. */
export function stickFileId(manifest: Pick<StickManifest, 'sealedHash'>): Uint8Array {
  return manifest.sealedHash.subarray(0, STICK_FILE_ID_BYTES);
}

function readFileIds(fields: Fields, key: number, name: string, path: string, offset: number): readonly Uint8Array[] {
  if (!fields.has(key)) return [];
  return fields.array(key, name, 1, MAX_STICK_FILES_NAMED).map((id) => {
    if (!(id instanceof Uint8Array)) throw wrongType(`${path}/${name}`, offset, 'another type', 'byte strings');
    if (id.length !== STICK_FILE_ID_BYTES) throw wrongValue(`${path}/${name}`, offset, `${id.length} bytes`, `${STICK_FILE_ID_BYTES} bytes`);
    return id;
  });
}
