/** One file of a stick from the inside: the manifest that opens it, and the batches that are sealed behind it. */
import { equalBytes, toHex } from '../base/bytes.js';
import { oneAhead } from '../base/one-ahead.js';
import { badSeal, truncated } from '../wire/faults.js';
import type { StickReader } from '../links/usb/stick-disk.js';
import { partsOf } from '../links/usb/stick-transfer.js';
import type { SigningKey } from '../wire/keys.js';
import { sha256Stream } from '../wire/node-crypto.js';
import { FrameReader } from '../wire/stick-frames.js';
import type { FrameEvent } from '../wire/stick-frames.js';
import { readStickManifest, STICK_MANIFEST_LIMITS, stickFileId } from '../wire/stick-manifest.js';
import type { StickManifest } from '../wire/stick-manifest.js';
import { openStickKey, stickOpener } from '../wire/stick-seal.js';

const READ_BYTES = 1024 * 1024;

/** The manifest of a file with this name. Throws a coded error for what is none. */
export async function readManifestOf(id: string, reader: StickReader): Promise<StickManifest> {
  const head = new Uint8Array(STICK_MANIFEST_LIMITS.bytes);
  const length = await reader.read(0, head);
  const manifest = readStickManifest(head.subarray(0, length));
  if (toHex(stickFileId(manifest)) !== id) throw badSeal('stick/name', 'a file under the name of another');
  const expectedBytes = manifest.bytes.length + manifest.sealedBytes;
  if (reader.bytes < expectedBytes) throw truncated('stick', reader.bytes);
  if (reader.bytes > expectedBytes) throw badSeal('stick', `${reader.bytes} bytes, where its manifest says ${expectedBytes}`);
  return manifest;
}

/** Everything behind the manifest, as it lies there. */
export async function* sealedBytesOf(reader: StickReader, manifest: StickManifest, progress: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const endByte = manifest.bytes.length + manifest.sealedBytes;
  let offset = manifest.bytes.length;
  for await (const chunk of oneAhead(partsOf(reader, offset, endByte, [new Uint8Array(READ_BYTES), new Uint8Array(READ_BYTES)]))) {
    yield chunk;
    offset += chunk.length;
    progress(chunk.length);
  }
  if (offset < endByte) throw truncated('stick', offset);
}

/** The same; it ends in WIRE_SEAL where it is not what the manifest vouches for. */
export async function* vouchedBytesOf(reader: StickReader, manifest: StickManifest, progress: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const hash = sha256Stream();
  for await (const chunk of sealedBytesOf(reader, manifest, progress)) {
    hash.update(chunk);
    yield chunk;
  }
  if (!equalBytes(hash.digest(), manifest.sealedHash)) throw badSeal('stick', 'not the bytes that the manifest vouches for');
}

/** Hands the batches of a file over, one after another. @param sealed what is behind the manifest */
export async function eachBatch(sealed: AsyncIterable<Uint8Array>, manifest: StickManifest, key: SigningKey, use: (batch: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
  const events = frameEvents(sealed, manifest, key);
  try {
    for (let next = await events.next(); next.done !== true; next = await events.next()) await use(untilEnd(events));
  } finally {
    await events.return(undefined);
  }
}

async function* frameEvents(sealed: AsyncIterable<Uint8Array>, manifest: StickManifest, key: SigningKey): AsyncGenerator<FrameEvent> {
  const frames = new FrameReader();
  let events: FrameEvent[] = [];
  const opener = stickOpener(openStickKey(key, manifest.sealedKey), (content) => {
    events.push(...frames.push(content));
  });
  for await (const chunk of sealed) {
    opener.push(chunk);
    yield* events;
    events = [];
  }
  opener.finish();
  frames.finish();
  yield* events;
}

async function* untilEnd(events: AsyncGenerator<FrameEvent>): AsyncGenerator<Uint8Array> {
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    if (next.value.kind === 'end') return;
    if (next.value.kind === 'data') yield next.value.bytes;
  }
}
