/**
 * A gateway in one object, for the tests of a domain: it speaks the wire protocol over real HTTP or HTTPS, keeps
 * blobs in files, and can be told to misbehave. Custody, routes and clocks are not its business.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equalBytes, fromBase64url, toHex } from '../base/bytes.js';
import { systemRandom } from '../base/random.js';
import { makeTlsIdentity } from '../base/tls-identity.js';
import { encodeBatchHead } from '../wire/batch.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { BatchReader } from '../wire/batch-reader.js';
import { locatorOf } from '../wire/capability.js';
import { makeGatewayCard } from '../wire/card.js';
import type { DomainCard, GatewayCard } from '../wire/card.js';
import { keyId, signingKeyFromSeed } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { sha256Stream } from '../wire/node-crypto.js';
import { verifyOffer } from '../wire/offer.js';
import { decodeOpenings, encodeOpening, opens } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';
import { encodeRanges } from '../wire/ranges.js';
import type { ByteRange } from '../wire/ranges.js';
import { makeReceipt } from '../wire/receipt.js';
import type { TransitRecord } from '../wire/record.js';
import { encodeRefusal } from '../wire/refusal.js';
import type { RefusalCode } from '../wire/refusal.js';
import { sealNotifyDatagram } from '../wire/seal.js';

export interface Held {
  readonly record: TransitRecord;
  readonly file: string;
  /** What of the blob is there, without overlaps. */
  have: ByteRange[];
  state: 'partial' | 'custody' | 'accepted' | 'retracted';
}

/** What it does wrong; changed by a test at any time. */
export interface Misdeeds {
  refuse?: RefusalCode;
  refuseForSec?: number;
  /** Takes everything and says nothing. */
  silent?: boolean;
  /** Breaks the connection of an upload or a fetch once so many bytes have passed; each value is used once. */
  cutUploadAtBytes?: number[];
  cutFetchAtBytes?: number[];
  /** Signs answers and receipts with another key than its own. */
  signWith?: SigningKey;
  /** Gives back another status for batches. */
  batchStatus?: number;
  batchHeaders?: Record<string, string>;
  /** Changes the head of the answer to a fetch, or the bytes served. */
  fetchHeaders?: (headers: Record<string, string | number>) => void;
  fetchBytes?: (bytes: Buffer, at: number) => void;
  /** Begins to serve this one, and does not go on. */
  stallFetchOf?: Held;
  /** Wants the same range again and again. */
  insatiable?: boolean;
  /** Is killed each time between its answer to an opening and the work on it. */
  forgetsOpenings?: boolean;
}

export class TestGateway {
  readonly key: SigningKey;
  readonly held = new Map<string, Held>();
  readonly openings: Opening[] = [];
  readonly misdeeds: Misdeeds = {};
  /** Openings for the clients, repeated until they come back. */
  readonly outbox = new Map<string, { readonly opening: Opening; readonly from: string }>();
  batches = 0;
  fetches: { range: string | undefined; status: number }[] = [];
  uploadedBytes = 0;
  #clients: DomainCard[] = [];
  #server: Server | undefined;
  #port = 0;
  readonly #tls: boolean;
  readonly #dir = mkdtempSync(join(tmpdir(), 'postern-test-gateway-'));
  readonly #socket = createSocket('udp4');

  constructor(seed = 7, tls = true) {
    this.key = signingKeyFromSeed(new Uint8Array(32).fill(seed));
    this.#tls = tls;
  }

  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.#port}`;
  }

  card(name = 'shore'): GatewayCard {
    return makeGatewayCard(this.key, { name, url: this.url, createdSec: 1 });
  }

  addClient(card: DomainCard): void {
    this.#clients.push(card);
  }

  /** The same port again after a stop. */
  async start(): Promise<this> {
    const handler = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response).catch(() => response.destroy());
    const { certPem, keyPem } = await makeTlsIdentity(this.key.seed, 'gateway');
    this.#server = this.#tls ? createHttpsServer({ cert: certPem, key: keyPem, minVersion: 'TLSv1.3' }, handler) : createHttpServer(handler);
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  startOn(port: number): Promise<this> {
    this.#port = port;
    return this.start();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async close(): Promise<void> {
    await this.stop();
    this.#socket.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Takes a blob as if a client had handed it over. */
  hold(record: TransitRecord, blob: Uint8Array): Held {
    const held = this.#heldOf(record);
    this.#write(record, 0, blob);
    held.state = 'custody';
    return held;
  }

  /** The datagram for a held record, as the destination's client. */
  datagram(held: Held, options: { sentSec?: number; holder?: string; signWith?: SigningKey; inner?: Uint8Array } = {}): Uint8Array {
    const client = this.#clients.find(({ domain }) => domain.domain === held.record.destination)!;
    return sealNotifyDatagram(
      client.domain.kemKey,
      options.signWith ?? this.key,
      {
        destination: held.record.destination,
        holder: options.holder ?? this.url,
        sentSec: options.sentSec ?? Math.floor(Date.now() / 1000),
        sealedInner: options.inner ?? held.record.notification!,
      },
      systemRandom.bytes(32),
    );
  }

  knock(held: Held, port: number, options: Parameters<TestGateway['datagram']>[1] = {}): Promise<void> {
    return this.sendDatagram(this.datagram(held, options), port);
  }

  sendDatagram(datagram: Uint8Array, port: number): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.send(datagram, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))));
  }

  /** Whatever came back to the socket that knocks; nothing ever may. */
  onReply(listener: () => void): void {
    this.#socket.on('message', listener);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (request.method === 'POST' && path === '/fmp/1/batch') return this.#batch(request, response);
    if (request.method === 'POST' && path === '/fmp/1/opening') return this.#opening(request, response);
    if (request.method === 'GET' && path.startsWith('/fmp/1/blob/')) return this.#fetch(request, response, path.slice('/fmp/1/blob/'.length));
    response.writeHead(404).end();
  }

  async #batch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.batches += 1;
    const reader = new BatchReader();
    let head: BatchHead | undefined;
    let known = false;
    let piece = { index: 0, offset: 0 };
    let seenBytes = 0;
    const cutAt = this.misdeeds.cutUploadAtBytes?.shift();
    for await (const chunk of request as AsyncIterable<Buffer>) {
      for (const event of reader.push(chunk)) {
        if (event.kind === 'head') {
          head = event.head;
          const { offer } = head;
          known = this.#clients.some(({ domain }) => equalBytes(keyId(domain.signingKey), offer.from) && verifyOffer(offer, domain.signingKey));
          if (known) for (const record of head.records) this.#heldOf(record);
        } else if (event.kind === 'piece') piece = event;
        else if (event.kind === 'data' && known) {
          this.#write(head!.records[piece.index]!, piece.offset, event.bytes);
          piece = { ...piece, offset: piece.offset + event.bytes.length };
          this.uploadedBytes += event.bytes.length;
        }
      }
      seenBytes += chunk.length;
      if (cutAt !== undefined && seenBytes >= cutAt) {
        request.socket.destroy();
        return;
      }
    }
    reader.finish();
    if (!known || head === undefined) return void response.writeHead(404).end('not found\n');
    if (this.misdeeds.batchStatus !== undefined) return void response.writeHead(this.misdeeds.batchStatus, this.misdeeds.batchHeaders).end();
    response.writeHead(200, { 'content-type': 'application/cbor-seq' }).end(this.#answer(head));
  }

  #answer(head: BatchHead): Uint8Array {
    const key = this.misdeeds.signWith ?? this.key;
    const controls: Uint8Array[] = [];
    const taken: Uint8Array[] = [];
    for (const control of head.controls) {
      if (control.kind !== 'accept' && control.kind !== 'retract') continue;
      const key = toHex(control.bytes);
      const from = toHex(head.offer.from);
      const waiting = this.outbox.get(key);
      if (waiting === undefined || waiting.from === from) this.#hear(control, from);
      else this.outbox.delete(key);
    }
    for (const record of head.records) {
      const held = this.#heldOf(record);
      if (this.misdeeds.refuse !== undefined) controls.push(encodeRefusal({ rid: record.rid, code: this.misdeeds.refuse, note: 'because the test says so', retryAfterSec: this.misdeeds.refuseForSec ?? 7 }));
      else if (this.misdeeds.insatiable === true) controls.push(encodeRanges({ kind: 'want', rid: record.rid, ranges: [[0, record.blobBytes]] }));
      else if (this.misdeeds.silent !== true) {
        const missing = missingOf(held);
        if (missing.length > 0) controls.push(encodeRanges({ kind: 'want', rid: record.rid, ranges: missing.slice(0, 256) }));
        else if (equalBytes(hashFile(held.file), record.blobHash)) {
          if (held.state === 'partial') held.state = 'custody';
          taken.push(record.rid);
        } else controls.push(encodeRefusal({ rid: record.rid, code: 'blob-mismatch' }));
      }
    }
    if (taken.length > 0) {
      const nowSec = Math.floor(Date.now() / 1000);
      controls.push(makeReceipt(key, { taken: { form: 'rids', rids: taken }, acceptedSec: nowSec, retainedUntilSec: nowSec + 86_400, offerNonce: head.offer.nonce }).bytes);
    }
    controls.push(...[...this.outbox.values()].map(({ opening }) => encodeOpening(opening)));
    return encodeBatchHead({ key, to: head.offer.from, records: [], controls, sentSec: Math.floor(Date.now() / 1000), nonce: systemRandom.bytes(16) });
  }

  async #opening(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    response.writeHead(204).end();
    if (this.misdeeds.forgetsOpenings === true) return;
    for (const opening of decodeOpenings(Buffer.concat(chunks))) this.#hear(opening, 'a stranger');
  }

  #hear(opening: Opening, from: string): void {
    this.openings.push(opening);
    if (opening.kind === 'accept') this.outbox.set(toHex(encodeOpening(opening)), { opening, from });
    for (const held of this.held.values()) {
      if (opens(opening, held.record) && held.state === 'custody') held.state = opening.kind === 'accept' ? 'accepted' : 'retracted';
    }
  }

  #fetch(request: IncomingMessage, response: ServerResponse, id: string): void {
    const messageId = fromBase64url(id);
    const held = messageId === undefined ? undefined : [...this.held.values()].find(({ record, state }) => state === 'custody' && equalBytes(record.locator, locatorOf(messageId)));
    if (held === undefined) {
      this.fetches.push({ range: request.headers.range, status: 404 });
      return void response.writeHead(404).end('not found\n');
    }
    const etag = `"${toHex(held.record.blobHash)}"`;
    const total = held.record.blobBytes;
    const asked = request.headers['if-range'] === undefined || request.headers['if-range'] === etag ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] : undefined;
    const start = Number(asked ?? 0);
    const headers: Record<string, string | number> = { etag, 'content-length': total - start, 'accept-ranges': 'bytes' };
    if (asked !== undefined) headers['content-range'] = `bytes ${start}-${total - 1}/${total}`;
    this.misdeeds.fetchHeaders?.(headers);
    const status = asked === undefined ? 200 : 206;
    this.fetches.push({ range: request.headers.range, status });
    response.writeHead(status, headers);
    if (held === this.misdeeds.stallFetchOf) return void response.flushHeaders();
    const cutAt = this.misdeeds.cutFetchAtBytes?.shift();
    const fd = openSync(held.file, 'r');
    let at = start;
    const more = (): void => {
      for (;;) {
        const buffer = Buffer.alloc(64 * 1024);
        const bytes = readSync(fd, buffer, 0, buffer.length, at);
        if (bytes === 0) {
          closeSync(fd);
          return void response.end();
        }
        if (cutAt !== undefined && at + bytes - start >= cutAt) {
          closeSync(fd);
          response.write(buffer.subarray(0, cutAt - (at - start)), () => request.socket.destroy());
          return;
        }
        const out = buffer.subarray(0, bytes);
        this.misdeeds.fetchBytes?.(out, at);
        at += bytes;
        if (!response.write(out)) return void response.once('drain', more);
      }
    };
    more();
  }

  #heldOf(record: TransitRecord): Held {
    const name = toHex(record.rid);
    const known = this.held.get(name);
    if (known !== undefined) return known;
    const held: Held = { record, file: join(this.#dir, name), have: [], state: 'partial' };
    const fd = openSync(held.file, 'w');
    ftruncateSync(fd, record.blobBytes);
    closeSync(fd);
    this.held.set(name, held);
    return held;
  }

  #write(record: TransitRecord, offset: number, bytes: Uint8Array): void {
    const held = this.#heldOf(record);
    const fd = openSync(held.file, 'r+');
    writeSync(fd, bytes, 0, bytes.length, offset);
    closeSync(fd);
    held.have = merged([...held.have, [offset, offset + bytes.length]]);
  }
}

function merged(ranges: readonly ByteRange[]): ByteRange[] {
  const out: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}

function missingOf(held: Held): ByteRange[] {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const [start, end] of held.have) {
    if (start > at) missing.push([at, start]);
    at = end;
  }
  if (at < held.record.blobBytes) missing.push([at, held.record.blobBytes]);
  return missing;
}

function hashFile(path: string): Uint8Array {
  const hash = sha256Stream();
  const fd = openSync(path, 'r');
  const buffer = Buffer.alloc(1024 * 1024);
  for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) hash.update(buffer.subarray(0, bytes));
  closeSync(fd);
  return hash.digest();
}
