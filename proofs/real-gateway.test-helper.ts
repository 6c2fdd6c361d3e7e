/** Gateways as the daemon runs them, on real folders and real sockets, inside the test's own process; and what one says to them from outside. */
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { concatBytes, toBase64url } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import type { Clock } from '../base/clock.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import type { HttpAnswer } from '../base/http-exchange.js';
import { systemRandom } from '../base/random.js';
import { parseConfig } from '../gateway/config.js';
import type { GatewayConfig } from '../gateway/config.js';
import { readAnswer, testBatch, testKem, testMessage } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import { createKeyFile } from '../gateway/key-file.js';
import { runGateway } from '../gateway/main.js';
import type { RunningGateway } from '../gateway/main.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { makeDomainRecord } from '../wire/domain-record.js';
import type { SigningKey } from '../wire/keys.js';
import { encodeOpening } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';

export const LOCAL = '127.0.0.1';

export interface GatewayWishes {
  readonly key: SigningKey;
  readonly name?: string;
  readonly clock?: Clock;
  /** Blocks of postern.yaml, laid over the defaults of these tests. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The folder of the gateway; one of its own unless given. */
  readonly dir?: string;
}

/** Starts one and stops it at the end of the test. */
export async function startGateway(t: Test, wishes: GatewayWishes): Promise<RunningGateway> {
  const running = await runGateway(await configFor(t, wishes), wishes.clock ?? systemClock, systemRandom);
  t.teardown(() => running.stop());
  return running;
}

/** The configuration it would run with, its key file made. */
export async function configFor(t: Test, { key, name = 'gate', config = {}, dir }: GatewayWishes): Promise<GatewayConfig> {
  const folder = dir ?? (await ownFolder(t));
  mkdirSync(folder, { recursive: true });
  await createKeyFile(path.join(folder, 'gateway.key'), key.seed);
  return parseConfig(
    {
      gateway: { name, nodeId: `dtn://${name}/`, publicUrl: `https://${LOCAL}:1`, keyFile: 'gateway.key' },
      adminSocket: await shortSocket(t),
      listen: { https: { host: LOCAL, port: 0 } },
      store: { segmentBytes: 2 ** 21 },
      log: { level: 'silent' },
      ...config,
    },
    path.join(folder, 'postern.yaml'),
  );
}

/** The path of a unix socket has to be shorter than that of a test's folder. */
async function shortSocket(t: Test): Promise<string> {
  return path.join(await ownFolder(t), 'admin.sock');
}

/** A test has one testdir, and may have several gateways. */
async function ownFolder(t: Test): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'postern-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function client(name: string, key: SigningKey, domainRecordFile?: string): Record<string, unknown> {
  return { name, role: 'client', key: toBase64url(key.publicKey), ...(domainRecordFile !== undefined && { domainRecordFile }) };
}

export function neighbour(name: string, key: SigningKey, links: readonly unknown[] = []): Record<string, unknown> {
  return { name, role: 'neighbour', key: toBase64url(key.publicKey), nodeId: `dtn://${name}/`, links };
}

/** The record of a domain whose knocks go to this port; all test messages can be sealed to it. */
export function recordOf(key: SigningKey, domain: string, udpPort: number): Uint8Array {
  return makeDomainRecord(key, { domain, kemKey: testKem.publicKey, createdSec: 1_700_000_000, notAfterSec: 4_000_000_000, escrow: false, endpoints: [{ host: LOCAL, udpPort }] }).bytes;
}

/** What the outside world says to a gateway, over TLS with its key pinned. */
export class Caller {
  readonly #gateway: SigningKey;
  readonly #peer: HttpPeer;

  constructor(t: Test, gateway: SigningKey, port: number) {
    this.#gateway = gateway;
    this.#peer = new HttpPeer({ url: `https://${LOCAL}:${port}`, key: gateway.publicKey, clock: systemClock });
    t.teardown(() => this.#peer.close());
  }

  /** Hands messages over; gives the answer's head. */
  async submit(from: SigningKey, messages: readonly TestMessage[], controls: readonly Uint8Array[] = []): Promise<BatchHead> {
    const { status, body } = await this.post('/fmp/1/batch', await gather(testBatch(from, this.#gateway, messages, controls)));
    if (status !== 200) throw new Error(`${status} ${Buffer.from(body).toString()}`);
    return readAnswer(body);
  }

  async post(pathname: string, bytes: Uint8Array): Promise<{ status: number; body: Uint8Array }> {
    const answer = await this.#peer.exchange({ method: 'POST', path: pathname, body: { bytes: bytes.length, open: () => once(bytes) }, answerLimitBytes: 4 << 20 });
    return { status: answer.status, body: await readWhole(answer) };
  }

  get(messageId: Uint8Array, headers: Record<string, string> = {}): Promise<HttpAnswer> {
    return this.#peer.exchange({ method: 'GET', path: blobPath(messageId), headers, answerLimitBytes: 64 << 20 });
  }

  /** The blob, or undefined for a 404. */
  async fetch(messageId: Uint8Array): Promise<Uint8Array | undefined> {
    const answer = await this.get(messageId);
    const body = await readWhole(answer);
    return answer.status === 200 ? body : undefined;
  }

  async open(opening: Opening): Promise<void> {
    await this.post('/fmp/1/opening', encodeOpening(opening));
  }
}

export function blobPath(messageId: Uint8Array): string {
  return `/fmp/1/blob/${toBase64url(messageId)}`;
}

export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concatBytes(...parts);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** A message sealed now: see testMessage. */
export function messageNow(seed: number, destination: string, blobBytes = 1000, lifetimeSec = 86_400): TestMessage {
  return testMessage(seed, destination, systemClock, blobBytes, lifetimeSec);
}

/** Waits for something that is on its way; the test's own timeout ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
