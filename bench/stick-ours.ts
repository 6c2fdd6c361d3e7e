/** postern's side of the stick benchmark: two gateways in folders, messages put into the first one's store, the command line for the rest. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBase64url } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { createKeyFile } from '../gateway/key-file.js';
import { NO_QUOTAS } from '../store/open-memory.js';
import { openStore } from '../store/open.js';
import { signingKeyFromSeed } from '../wire/keys.js';
import { sha256Of, sha256Stream } from '../wire/node-crypto.js';
import { makeRecord } from '../wire/record.js';
import type { TransitRecord } from '../wire/record.js';

const CLI = fileURLToPath(new URL('../cli/postern.js', import.meta.url));
const HELD_AT_ONCE = 1000;
const PIECE_BYTES = 1024 * 1024;

export interface OurPlan {
  readonly count: number;
  readonly blobBytes: number;
}

/** Writes both gateways below `dir`, and the messages into the store of a. @returns what the records and blobs come to */
export async function prepareOurs(dir: string, { count, blobBytes }: OurPlan): Promise<number> {
  const seeds = { a: randomBytes(32), b: randomBytes(32) };
  for (const [name, other] of [['a', 'b'], ['b', 'a']] as const) {
    const folder = join(dir, name);
    await mkdir(folder, { recursive: true });
    await createKeyFile(join(folder, 'gateway.key'), seeds[name]);
    const config = {
      gateway: { name, nodeId: `dtn://${name}/`, publicUrl: `https://${name}.example:8443`, keyFile: 'gateway.key' },
      listen: { https: {} },
      log: { level: 'warn' },
      peers: [{ name: other, role: 'neighbour', key: toBase64url(signingKeyFromSeed(seeds[other]).publicKey), links: [{ kind: 'usb' }] }],
      routes: name === 'a' ? [{ to: '*', via: 'b' }] : [],
    };
    // JSON is YAML.
    await writeFile(join(folder, 'postern.yaml'), JSON.stringify(config));
  }
  const store = await openStore({ dir: join(dir, 'a', 'data', 'store'), clock: systemClock, quotas: NO_QUOTAS, limits: {} });
  try {
    return blobBytes < PIECE_BYTES ? await holdSmall(store, count, blobBytes) : await holdLarge(store, count, blobBytes);
  } finally {
    await store.close();
  }
}

type Store = Awaited<ReturnType<typeof openStore>>;

async function holdSmall(store: Store, count: number, blobBytes: number): Promise<number> {
  let bytes = 0;
  for (let done = 0; done < count; done += HELD_AT_ONCE) {
    const entries = Array.from({ length: Math.min(HELD_AT_ONCE, count - done) }, () => {
      const blob = new Uint8Array(randomBytes(blobBytes));
      const record = recordOf(sha256Of(blob), blobBytes);
      bytes += record.bytes.length + blobBytes;
      return { ...heldNow(record), blob };
    });
    await store.hold(entries);
  }
  return bytes;
}

async function holdLarge(store: Store, count: number, blobBytes: number): Promise<number> {
  let bytes = 0;
  for (let i = 0; i < count; i += 1) {
    // One piece again and again: the store and the seal do not care, and the bench needs no second copy.
    const piece = new Uint8Array(randomBytes(PIECE_BYTES));
    const hash = sha256Stream();
    for (let at = 0; at < blobBytes; at += PIECE_BYTES) hash.update(piece);
    const entry = heldNow(recordOf(hash.digest(), blobBytes));
    const receiver = await store.receiveBlob(entry);
    if (typeof receiver === 'string') throw new Error(receiver);
    for (let at = 0; at < blobBytes; at += PIECE_BYTES) await receiver.write(at, piece);
    await receiver.finish();
    await receiver.close();
    await store.hold([entry]);
    bytes += entry.record.bytes.length + blobBytes;
  }
  return bytes;
}

function recordOf(blobHash: Uint8Array, blobBytes: number): TransitRecord {
  const expirySec = (Math.floor(systemClock.nowMs() / 3_600_000) + 720) * 3600;
  return makeRecord({ destination: 'station.example', locator: randomBytes(24), expirySec, blobBytes, blobHash, retractCommitment: randomBytes(16), acceptCommitment: randomBytes(16), notification: randomBytes(109) });
}

function heldNow(record: TransitRecord): { record: TransitRecord; from: string; heldAtMs: number; schedule: { target: string; dueMs: number; attempts: number } } {
  const nowMs = systemClock.nowMs();
  return { record, from: 'client', heldAtMs: nowMs, schedule: { target: 'peer:b', dueMs: nowMs, attempts: 0 } };
}

export function ourStep(dir: string, name: 'a' | 'b', errand: 'export' | 'import', stick: string): string[] {
  return [process.execPath, CLI, '--json', '--config', join(dir, name, 'postern.yaml'), errand, stick];
}

/** Of all files below a folder. */
export async function bytesBelow(dir: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
