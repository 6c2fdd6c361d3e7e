/**
 * Durable acceptance through the front door: signed batches of 100 records of 1 KiB, posted over TLS by
 * clients in another process, each answered with a signed receipt after the sync. Prints the rate and where the
 * gateway's CPU time goes: the steps are measured one by one on the same batches, the rest is HTTP, TLS and the event loop.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBase64url } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import { systemRandom } from '../base/random.js';
import { parseConfig } from '../gateway/config.js';
import { createKeyFile } from '../gateway/key-file.js';
import { runGateway } from '../gateway/main.js';
import { encodeBatchHead, encodePieceHead } from '../wire/batch.js';
import { BatchReader } from '../wire/batch-reader.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { keyId, signingKeyFromSeed } from '../wire/keys.js';
import { sha256Of } from '../wire/node-crypto.js';
import { verifyOffer } from '../wire/offer.js';
import { makeReceipt, takenRids, verifyReceipt } from '../wire/receipt.js';
import { makeRecord } from '../wire/record.js';

const BATCH_RECORDS = 100;
const BLOB_BYTES = 1024;
const BATCHES = 400;
const AT_ONCE = 4;
const GOAL_PER_SECOND = 3000;
const STEP_ROUNDS = 100;

const GATEWAY = signingKeyFromSeed(new Uint8Array(32).fill(1));
const CLIENT = signingKeyFromSeed(new Uint8Array(32).fill(2));

if (process.argv[2] === 'client') await client(Number(process.argv[3]));
else await server();

async function server(): Promise<void> {
  const dir = await mkdtemp(path.join(tmpdir(), 'postern-bench-'));
  try {
    await createKeyFile(path.join(dir, 'gateway.key'), GATEWAY.seed);
    const config = parseConfig(
      {
        gateway: { name: 'bench', nodeId: 'dtn://bench/', publicUrl: 'https://127.0.0.1:1', keyFile: 'gateway.key' },
        listen: { https: { host: '127.0.0.1', port: 0 } },
        log: { level: 'silent' },
        peers: [{ name: 'client', role: 'client', key: toBase64url(CLIENT.publicKey) }],
      },
      path.join(dir, 'postern.yaml'),
    );
    const running = await runGateway(config, systemClock, systemRandom);
    const child = fork(fileURLToPath(import.meta.url), ['client', String(running.address.port)]);
    await once(child, 'message');
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    child.send('go');
    const [accepted] = (await once(child, 'message')) as [number];
    const elapsedMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    await once(child, 'exit');
    await running.stop();
    report(accepted, elapsedMs, (user + system) / 1000);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function client(port: number): Promise<void> {
  const batches = Array.from({ length: BATCHES }, (_, index) => makeBatch(index));
  const peer = new HttpPeer({ url: `https://127.0.0.1:${port}`, key: GATEWAY.publicKey, sockets: AT_ONCE, clock: systemClock });
  process.send?.('ready');
  await once(process, 'message');
  let next = 0;
  let accepted = 0;
  const post = async (): Promise<void> => {
    for (let bytes = batches[next++]; bytes !== undefined; bytes = batches[next++]) {
      const body = bytes;
      const open = async function* (): AsyncIterable<Uint8Array> {
        yield body;
      };
      const answer = await peer.exchange({ method: 'POST', path: '/fmp/1/batch', body: { bytes: bytes.length, open }, answerLimitBytes: 1 << 20 });
      for (const event of new BatchReader().push(await readWhole(answer))) {
        const [receipt] = event.kind === 'head' ? event.head.controls : [];
        if (receipt?.kind === 'receipt' && verifyReceipt(receipt, GATEWAY.publicKey)) accepted += takenRids(receipt).length;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, post));
  process.send?.(accepted);
  peer.close();
  process.disconnect();
}

function makeBatch(index: number): Uint8Array {
  const blobs = Array.from({ length: BATCH_RECORDS }, () => systemRandom.bytes(BLOB_BYTES));
  const expirySec = Math.ceil(Date.now() / 3_600_000 + 24) * 3600;
  const records = blobs.map((blob) =>
    makeRecord({
      destination: `d${index % 50}.example.org`,
      locator: systemRandom.bytes(24),
      expirySec,
      blobBytes: blob.length,
      blobHash: sha256Of(blob),
      retractCommitment: systemRandom.bytes(16),
      acceptCommitment: systemRandom.bytes(16),
      notification: systemRandom.bytes(109),
    }),
  );
  const head = encodeBatchHead({ key: CLIENT, to: keyId(GATEWAY.publicKey), records, controls: [], sentSec: Math.floor(Date.now() / 1000), nonce: systemRandom.bytes(16) });
  return Buffer.concat([head, ...blobs.flatMap((blob, position) => [encodePieceHead(position, 0, blob.length), blob])]);
}

function report(accepted: number, elapsedMs: number, cpuMs: number): void {
  const perSecond = accepted / (elapsedMs / 1000);
  const sample = makeBatch(0);
  const headOf = (): BatchHead => {
    for (const event of new BatchReader().push(sample)) if (event.kind === 'head') return event.head;
    throw new TypeError('a batch has a head');
  };
  const head = headOf();
  const blob = systemRandom.bytes(BLOB_BYTES);
  const steps: [string, () => unknown][] = [
    ['read the batch: decode, record ids, Merkle root', headOf],
    ['verify the offer', () => verifyOffer(head.offer, CLIENT.publicKey)],
    ['hash the blobs, here and in the store', () => { for (let count = 0; count < 2 * BATCH_RECORDS; count += 1) sha256Of(blob); }],
    ['sign the receipt and the answer', () => {
      makeReceipt(GATEWAY, { taken: { form: 'rids', rids: head.records.map((record) => record.rid) }, acceptedSec: 1, retainedUntilSec: 2 });
      encodeBatchHead({ key: GATEWAY, to: keyId(CLIENT.publicKey), records: [], controls: [], sentSec: 1, nonce: sample.subarray(0, 16) });
    }],
  ];
  const batchCpuMs = cpuMs / (accepted / BATCH_RECORDS);
  console.log(`accepted ${accepted} records of ${BLOB_BYTES} bytes in batches of ${BATCH_RECORDS}, ${AT_ONCE} at once: ${Math.round(perSecond)} a second`);
  console.log(`CPU of the gateway: ${batchCpuMs.toFixed(2)} ms a batch, ${((batchCpuMs * 1000) / BATCH_RECORDS).toFixed(0)} us a record, ${((100 * cpuMs) / elapsedMs).toFixed(0)} % of one core`);
  let known = 0;
  for (const [name, step] of steps) {
    const ms = measure(step);
    known += ms;
    console.log(`  ${ms.toFixed(2).padStart(6)} ms  ${((100 * ms) / batchCpuMs).toFixed(0).padStart(3)} %  ${name}`);
  }
  const rest = batchCpuMs - known;
  console.log(`  ${rest.toFixed(2).padStart(6)} ms  ${((100 * rest) / batchCpuMs).toFixed(0).padStart(3)} %  the rest: TLS, HTTP, log and index of the store, the event loop`);
  const met = perSecond >= GOAL_PER_SECOND;
  console.log(`goal: ${GOAL_PER_SECOND} a second: ${met ? 'met' : 'MISSED'}`);
  process.exitCode = met ? 0 : 1;
}

function measure(step: () => unknown): number {
  for (let round = 0; round < 10; round += 1) step();
  const startMs = performance.now();
  for (let round = 0; round < STEP_ROUNDS; round += 1) step();
  return (performance.now() - startMs) / STEP_ROUNDS;
}
