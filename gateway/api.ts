/**
 * The public listener: batches in, blobs out, openings in. Strangers, unknown ids and unknown paths all
 * get the one NOT_FOUND. What the routes mean is the business of the handlers; here is only HTTP.
 */
import { fromBase64url, toHex, utf8 } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import type { BlobSource } from '../store/store.js';
import { sha256 } from '../wire/digest.js';
import { BatchPlaces } from './batch-places.js';
import type { Bounds } from './bounds.js';
import { FetchGuard } from './fetch-guard.js';
import { readSmallBody } from './http-body.js';
import { selectPart, type Selection, suits } from './http-conditions.js';
import { type HttpReply, type HttpRequest, type HttpRoute, NOT_FOUND } from './http-route.js';

export interface ApiHandlers {
  /** `body` is a batch, not trusted. It throws GATEWAY_BODY_BROKEN when the rest will not come. */
  batch(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BatchResult>;
  /** Looks up a blob by message id; undefined for whatever reason it is not served. Of several it is one that suits, if there is one. */
  fetch(messageId: Uint8Array, suits: (etagHash: Uint8Array) => boolean): Promise<BlobHit | undefined>;
  /** Up to 64 KiB of whatever somebody sent. The answer has gone out already. `done` is called when the bytes are wanted no more. */
  openings(bytes: Uint8Array, done: () => void): void;
}

export type BatchResult =
  | { readonly status: 'answer'; readonly bytes: Uint8Array }
  /** Not proved to come from a peer. */
  | { readonly status: 'stranger' }
  /** From a peer, and no batch: the peer is told why. */
  | { readonly status: 'bad'; readonly code: string; readonly reason: string }
  | { readonly status: 'busy'; readonly retryAfterMs: number };

export interface BlobHit {
  readonly blob: BlobSource;
  /** SHA-256 of the blob: its entity tag. */
  readonly etagHash: Uint8Array;
  readonly expirySec: number;
  /** Called once. `full`: the whole blob has been handed to an open socket in one answer; a part, a head or a broken answer is no delivery. */
  served(full: boolean): void;
}

export interface ApiOptions {
  readonly handlers: ApiHandlers;
  /** Batches read at once. */
  readonly batchesAtOnce: number;
  /** Fetches of what is not there, per source. 0: no limit. */
  readonly missesPerMinute: number;
  readonly clock: Clock;
  /** Where the bounds of this listener are asked for. */
  readonly bounds?: Bounds;
}

const BLOB_PREFIX = '/fmp/1/blob/';
const MESSAGE_ID_BYTES = 24;
const OPENINGS_LIMIT_BYTES = 65_536;
/** Openings held in memory at once come to 8 MiB at most; one more is lost, as any packet may be. */
const OPENINGS_AT_ONCE = 128;
const BUSY_RETRY_MS = 5000;
/** Caches keep a blob for a year at most, also when our clock is far behind. */
const LONGEST_AGE_SEC = 365 * 86_400;

export function apiRoutes(options: ApiOptions): HttpRoute[] {
  const guard = new FetchGuard(options.clock, options.missesPerMinute);
  options.bounds?.add(() => guard.limits());
  return [
    { methods: ['POST'], path: '/fmp/1/batch', handle: batchRoute(options) },
    { methods: ['GET', 'HEAD'], path: `${BLOB_PREFIX}*`, handle: (request) => serveBlob(request, options, guard) },
    { methods: ['POST'], path: '/fmp/1/opening', handle: openingRoute(options) },
  ];
}

function batchRoute({ handlers, batchesAtOnce, clock, bounds }: ApiOptions): HttpRoute['handle'] {
  const places = new BatchPlaces(clock, batchesAtOnce);
  bounds?.add(() => [places.limit()]);
  return async ({ body, signal }) => {
    const place = places.take(body);
    if (place === undefined) return busy(BUSY_RETRY_MS);
    try {
      return batchReply(await handlers.batch(place, signal));
    } finally {
      places.leave(place);
    }
  };
}

function batchReply(result: BatchResult): HttpReply {
  switch (result.status) {
    case 'answer':
      return { status: 200, headers: { 'content-type': 'application/fmp-batch' }, body: result.bytes };
    case 'stranger':
      return NOT_FOUND;
    case 'bad':
      return { status: 400, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: utf8(`${result.code}: ${result.reason}`) };
    case 'busy':
      return busy(result.retryAfterMs);
  }
}

function busy(retryAfterMs: number): HttpReply {
  return { status: 503, headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } };
}

async function serveBlob({ method, headers, address, url }: HttpRequest, { handlers, clock }: ApiOptions, guard: FetchGuard): Promise<HttpReply> {
  if (!guard.allows(address)) return NOT_FOUND;
  const hit = await handlers.fetch(messageIdOf(url), (hash) => suits(headers, tagOf(hash)));
  if (hit === undefined) {
    guard.missed(address);
    return NOT_FOUND;
  }
  const { blob } = hit;
  const etag = tagOf(hit.etagHash);
  const done = guard.serve(etag);
  if (done === undefined) {
    hit.served(false);
    return busy(BUSY_RETRY_MS);
  }
  const part = selectPart(method, headers, etag, blob.bytes);
  const ageSec = Math.min(LONGEST_AGE_SEC, Math.max(0, hit.expirySec - Math.floor(clock.nowMs() / 1000)));
  const common = { etag, 'accept-ranges': 'bytes', 'cache-control': `public, immutable, max-age=${ageSec}, no-transform` };
  return {
    ...partReply(part, blob, common),
    over: (whole) => {
      done();
      hit.served(whole && part.status === 200);
    },
  };
}

function tagOf(hash: Uint8Array): string {
  return `"${toHex(hash)}"`;
}

function partReply(part: Selection, blob: BlobSource, common: Record<string, string>): HttpReply {
  const type = { 'content-type': 'application/octet-stream' };
  switch (part.status) {
    case 200:
      return { status: 200, headers: { ...common, ...type }, body: { bytes: blob.bytes, open: () => blob.stream() } };
    case 206: {
      const { startByte, endByte } = part;
      const range = { 'content-range': `bytes ${startByte}-${endByte - 1}/${blob.bytes}` };
      return { status: 206, headers: { ...common, ...type, ...range }, body: { bytes: endByte - startByte, open: () => blob.stream(startByte, endByte) } };
    }
    case 304:
      return { status: 304, headers: common };
    case 412:
      return { status: 412 };
    case 416:
      return { status: 416, headers: { 'content-range': `bytes */${blob.bytes}` } };
  }
}

/** The id in the path, exactly as we write them. Anything else stands for an id that cannot exist, so that it costs a look-up as well. */
function messageIdOf(url: string): Uint8Array {
  const text = url.slice(BLOB_PREFIX.length);
  const id = fromBase64url(text);
  return id?.length === MESSAGE_ID_BYTES ? id : sha256(utf8(text)).subarray(0, MESSAGE_ID_BYTES);
}

function openingRoute({ handlers, bounds }: ApiOptions): HttpRoute['handle'] {
  let [atOnce, refused] = [0, 0];
  bounds?.add(() => [{ name: 'openings at once', unit: 'count', used: atOnce, most: OPENINGS_AT_ONCE, refused }]);
  return async ({ body }) => {
    if (atOnce >= OPENINGS_AT_ONCE) {
      refused++;
      return { status: 204 };
    }
    atOnce++;
    const leave = (): void => void atOnce--;
    const bytes = await readSmallBody(body, OPENINGS_LIMIT_BYTES).catch((thrown: unknown) => {
      leave();
      throw thrown;
    });
    if (bytes !== undefined) return { status: 204, over: () => handlers.openings(bytes, leave) };
    leave();
    return { status: 204 };
  };
}
