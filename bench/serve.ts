/**
 * Fetching 100 MB by Range: from a blob of the store through our listener, and from a plain Node server that
 * streams the same file with fs.createReadStream, in the same run. Each server is a process of its own; the
 * client is the same for both. Only the ratios mean something.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent as PlainAgent, createServer as createPlainServer, get as getPlain, type IncomingMessage, type RequestListener } from 'node:http';
import { Agent as TlsAgent, createServer as createTlsServer, get as getTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBase64url } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { seededRandom } from '../base/random.js';
import { makeTlsIdentity } from '../base/tls-identity.js';
import { type ApiHandlers, apiRoutes } from '../gateway/api.js';
import { listenHttp } from '../gateway/http-server.js';
import { openStore } from '../store/open.js';
import type { Store } from '../store/store.js';
import { sha256Of } from '../wire/node-crypto.js';
import { makeRecord, type TransitRecord } from '../wire/record.js';

const BLOB_BYTES = 100_000_000;
const ROUNDS = 5;
/** What we have to reach of the bare server, and what we want to. */
const GOAL = 0.5;
const AIM = 0.8;
const SHAPES = [
  { name: 'one range', rangeBytes: BLOB_BYTES },
  { name: '1 MB ranges', rangeBytes: 1_000_000 },
];
const MESSAGE_ID = new Uint8Array(24).fill(1);
const PATH = `/fmp/1/blob/${toBase64url(MESSAGE_ID)}`;

type Kind = 'ours' | 'bare';
type Scheme = 'http' | 'https';

const [role, scheme, folder] = process.argv.slice(2);
if (role === undefined) await compare();
else process.send?.(await (role === 'ours' ? serveOurs(scheme as Scheme, folder!) : serveBare(scheme as Scheme, folder!)));

async function compare(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-bench-'));
  const random = seededRandom(1);
  const block = random.bytes(1_000_000);
  await writeFile(join(folder, 'blob'), Buffer.concat(Array.from({ length: BLOB_BYTES / block.length }, () => block)));
  let failed = false;
  console.log(`fetch of ${BLOB_BYTES / 1e6} MB      ours MB/s   bare MB/s   ratio`);
  try {
    for (const scheme of ['http', 'https'] as const) {
      const ours = await startServer('ours', scheme, folder);
      const bare = await startServer('bare', scheme, folder);
      for (const { name, rangeBytes } of SHAPES) {
        // Best of several rounds, in turns: neighbours on the machine only ever slow one down.
        const best = { ours: 0, bare: 0 };
        for (let round = 0; round < ROUNDS; round++) {
          best.ours = Math.max(best.ours, await rateOf(scheme, ours.port, rangeBytes));
          best.bare = Math.max(best.bare, await rateOf(scheme, bare.port, rangeBytes));
        }
        const ratio = best.ours / best.bare;
        failed ||= ratio < GOAL;
        const verdict = ratio >= AIM ? 'as wished' : ratio >= GOAL ? 'enough' : 'TOO SLOW';
        console.log(`${scheme.padEnd(6)}${name.padEnd(14)}${best.ours.toFixed(0).padStart(12)}${best.bare.toFixed(0).padStart(12)}${ratio.toFixed(2).padStart(8)}   ${verdict}`);
      }
      ours.stop();
      bare.stop();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  console.log(`goal: at least ${GOAL} of the bare server: ${failed ? 'MISSED' : 'met'} (wished: ${AIM})`);
  process.exitCode = failed ? 1 : 0;
}

async function startServer(kind: Kind, scheme: Scheme, folder: string): Promise<{ port: number; stop(): void }> {
  const child = fork(fileURLToPath(import.meta.url), [kind, scheme, folder]);
  const [port] = (await once(child, 'message')) as [number];
  return { port, stop: () => child.kill() };
}

async function rateOf(scheme: Scheme, port: number, rangeBytes: number): Promise<number> {
  const agent = scheme === 'http' ? new PlainAgent({ keepAlive: true }) : new TlsAgent({ keepAlive: true, rejectUnauthorized: false });
  const startMs = performance.now();
  for (let start = 0; start < BLOB_BYTES; start += rangeBytes) {
    const headers = { range: `bytes=${start}-${start + rangeBytes - 1}` };
    const request = (scheme === 'http' ? getPlain : getTls)({ host: '127.0.0.1', port, path: PATH, headers, agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await once(response, 'end');
    if (response.statusCode !== 206 || bytes !== rangeBytes) throw new Error(`asked for ${rangeBytes} bytes, got ${bytes} with status ${response.statusCode}`);
  }
  agent.destroy();
  return BLOB_BYTES / 1000 / (performance.now() - startMs);
}

async function serveOurs(scheme: Scheme, folder: string): Promise<number> {
  const limitless = { bytes: Number.MAX_SAFE_INTEGER, byteSeconds: Number.MAX_SAFE_INTEGER };
  const store = await openStore({ dir: join(folder, `store-${scheme}`), clock: systemClock, quotas: { peer: () => limitless, destination: () => limitless } });
  const { rid, blobHash, expirySec } = await keepBlob(store, folder);
  const handlers: ApiHandlers = {
    batch: async () => ({ status: 'stranger' }),
    async fetch() {
      const blob = await store.blob(rid);
      return blob && { blob, etagHash: blobHash, expirySec, served: () => undefined };
    },
    openings: () => undefined,
  };
  const listener = await listenHttp({
    listen: { host: '127.0.0.1', port: 0 },
    ...(scheme === 'https' && { tls: await makeTlsIdentity(new Uint8Array(32).fill(1), 'bench') }),
    routes: apiRoutes({ handlers, batchesAtOnce: 1, missesPerMinute: 0, clock: systemClock }),
    clock: systemClock,
    onFault: (thrown) => console.error(thrown),
  });
  return listener.port;
}

async function keepBlob(store: Store, folder: string): Promise<TransitRecord> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(join(folder, 'blob'))) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const heldAtMs = systemClock.nowMs();
  const expirySec = (Math.ceil(heldAtMs / 3_600_000) + 1) * 3600;
  const record = makeRecord({ destination: 'bench.example', locator: new Uint8Array(24), expirySec, blobBytes: bytes.length, blobHash: sha256Of(bytes), retractCommitment: new Uint8Array(16) });
  const entry = { record, from: 'bench', heldAtMs, schedule: { target: 'bench', dueMs: heldAtMs, attempts: 0 } };
  const receiver = await store.receiveBlob(entry);
  if (typeof receiver === 'string') throw new Error(`the store has no room: ${receiver}`);
  for (let start = 0; start < bytes.length; start += 1_000_000) await receiver.write(start, bytes.subarray(start, start + 1_000_000));
  if ((await receiver.finish()) !== 'complete') throw new Error('the store did not take the blob');
  await store.hold([entry]);
  return record;
}

async function serveBare(scheme: Scheme, folder: string): Promise<number> {
  const listener: RequestListener = (request, response) => {
    const [, start = '0', end = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    response.writeHead(206, { 'content-length': Number(end) - Number(start) + 1 });
    createReadStream(join(folder, 'blob'), { start: Number(start), end: Number(end) }).pipe(response);
  };
  const { certPem, keyPem } = await makeTlsIdentity(new Uint8Array(32).fill(1), 'bench');
  const server = scheme === 'http' ? createPlainServer(listener) : createTlsServer({ cert: certPem, key: keyPem, minVersion: 'TLSv1.3' }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
