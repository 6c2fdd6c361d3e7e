/**
 * What a domain asks of a gateway over the wire: take this batch, give me that blob, hear these openings. Every
 * answer that matters is checked against the gateway's pinned key; what it means is decided elsewhere.
 */
import { concatBytes, equalBytes, toBase64url, toHex } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { PosternError, isPosternError, messageOf } from '../base/errors.js';
import { HttpPeer, readWhole } from '../base/http-exchange.js';
import type { HttpAnswer } from '../base/http-exchange.js';
import type { Random } from '../base/random.js';
import { BatchReader } from '../wire/batch-reader.js';
import type { BatchHead } from '../wire/batch-head-reader.js';
import { encodeBatchHead } from '../wire/batch.js';
import { badSignature } from '../wire/faults.js';
import { keyId } from '../wire/keys.js';
import type { SigningKey } from '../wire/keys.js';
import { merkleRoot } from '../wire/merkle.js';
import { verifyOffer } from '../wire/offer.js';
import { encodeOpening } from '../wire/opening.js';
import type { Opening } from '../wire/opening.js';
import type { TransitRecord } from '../wire/record.js';
import { BatchBody } from './batch-body.js';
import type { PieceSource } from './batch-body.js';

export interface BatchToSend {
  readonly records: readonly TransitRecord[];
  readonly controls: readonly Uint8Array[];
  readonly pieces: readonly PieceSource[];
  /** Told how many bytes of pieces have been handed to the network so far. */
  readonly onProgress?: (sentBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** stranger: the gateway does not know us, or is no gateway; both look the same from outside. */
export type BatchAnswer =
  | { readonly kind: 'answered'; readonly door: GatewayDoor; readonly head: BatchHead; readonly root: Uint8Array }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'unreachable'; readonly code: string; readonly reason: string; readonly retryAfterSec?: number };

export interface DoorParts {
  readonly name: string;
  readonly url: string;
  /** The gateway's signing key, which its certificate shows and its answers are signed with. */
  readonly key: Uint8Array;
  readonly ours: SigningKey;
  readonly clock: Clock;
  readonly random: Random;
}

/** An answer has controls and no blobs: some thousand receipts, wants and openings. */
const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;
/** Beyond this a broken connection is no dead one that was kept too long: the gateway is asked what it has before more is sent. */
const WORTH_RESUMING_BYTES = 2 * 1024 * 1024;
/** Openings in one request: at most 64 KiB (spec/https.md), at about 50 bytes each; a batch may have four times as many. */
const OPENINGS_AT_ONCE = 1000;
/** A transfer that makes progress may take its time: a 1 TiB file over a 100 Mbit/s line. */
const LONGEST_TRANSFER_MS = 24 * 3600_000;

/** Nobody can send a message away for longer. */
const LONGEST_RETRY_AFTER_SEC = 3600;

export interface FetchWishes {
  /** A part of this blob is here already. */
  readonly resume?: { readonly startByte: number; readonly blobHash: string };
  /** The hash of a blob that came under this id and was found to be bad: another one, if there is one. */
  readonly refused?: Uint8Array;
}

export class GatewayDoor {
  readonly name: string;
  readonly url: string;
  readonly key: Uint8Array;
  readonly keyId: Uint8Array;
  readonly #parts: DoorParts;
  readonly #peer: HttpPeer;

  constructor(parts: DoorParts) {
    this.name = parts.name;
    this.url = parts.url;
    this.key = parts.key;
    this.keyId = keyId(parts.key);
    this.#parts = parts;
    this.#peer = new HttpPeer({ url: parts.url, key: parts.key, clock: parts.clock });
  }

  async send(batch: BatchToSend): Promise<BatchAnswer> {
    const nonce = this.#parts.random.bytes(16);
    const sentSec = Math.floor(this.#parts.clock.nowMs() / 1000);
    const head = encodeBatchHead({ key: this.#parts.ours, to: this.keyId, records: batch.records, controls: batch.controls, sentSec, nonce });
    const body = new BatchBody(head, batch.pieces);
    let handedBytes = 0;
    const onProgress = (sentBytes: number): void => {
      handedBytes = sentBytes;
      batch.onProgress?.(sentBytes);
    };
    const open = (): AsyncIterable<Uint8Array> => {
      if (handedBytes > WORTH_RESUMING_BYTES) throw new PosternError('LINK_UNREACHABLE', `${this.url} cannot be reached: the connection broke.`, { address: this.url });
      return body.stream(onProgress);
    };
    try {
      const answer = await this.#peer.exchange({
        method: 'POST',
        path: '/fmp/1/batch',
        headers: { 'content-type': 'application/fmp-batch' },
        body: { bytes: body.bytes, open },
        answerLimitBytes: ANSWER_LIMIT_BYTES,
        wholeMs: LONGEST_TRANSFER_MS,
        ...(batch.signal !== undefined && { signal: batch.signal }),
      });
      const content = await readWhole(answer);
      if (answer.status === 404) return { kind: 'stranger' };
      if (answer.status !== 200) return { kind: 'unreachable', code: `HTTP_${answer.status}`, reason: `it answered with HTTP status ${answer.status}`, ...retryAfterOf(answer) };
      return { kind: 'answered', door: this, head: this.#readAnswer(content), root: merkleRoot([...batch.records.map((record) => record.bytes), ...batch.controls]) };
    } catch (thrown) {
      return unreachable(thrown);
    }
  }

  /** The head of the answer to a GET of a blob. Rejects when nobody answers. */
  fetch(messageId: Uint8Array, { resume, refused }: FetchWishes, limitBytes: number, signal?: AbortSignal): Promise<HttpAnswer> {
    return this.#peer.exchange({
      method: 'GET',
      path: `/fmp/1/blob/${toBase64url(messageId)}`,
      headers: {
        ...(resume !== undefined && { range: `bytes=${resume.startByte}-`, 'if-range': `"${resume.blobHash}"` }),
        ...(refused !== undefined && { 'if-none-match': `"${toHex(refused)}"` }),
      },
      answerLimitBytes: limitBytes,
      wholeMs: LONGEST_TRANSFER_MS,
      ...(signal !== undefined && { signal }),
    });
  }

  /**
   * True when the gateway has done with them all what it could. A batch is answered afterwards; a request with nothing
   * but openings is answered before, so that it suits only where we are no client and will not hear more.
   */
  async tell(openings: readonly Opening[], signal?: AbortSignal): Promise<boolean> {
    for (let start = 0; start < openings.length; start += OPENINGS_AT_ONCE) {
      const controls = openings.slice(start, start + OPENINGS_AT_ONCE).map(encodeOpening);
      const answer = await this.send({ records: [], controls, pieces: [], ...(signal !== undefined && { signal }) });
      if (answer.kind === 'unreachable') return false;
      if (answer.kind === 'stranger' && !(await this.#tellAsStranger(concatBytes(...controls), signal))) return false;
    }
    return true;
  }

  close(): void {
    this.#peer.close();
  }

  async #tellAsStranger(bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    try {
      const answer = await this.#peer.exchange({
        method: 'POST',
        path: '/fmp/1/opening',
        headers: { 'content-type': 'application/cbor-seq' },
        body: { bytes: bytes.length, open: () => once(bytes) },
        answerLimitBytes: 1024,
        ...(signal !== undefined && { signal }),
      });
      await readWhole(answer);
      return answer.status === 204;
    } catch (thrown) {
      if (isPosternError(thrown)) return false;
      throw thrown;
    }
  }

  /** Throws a coded error for an answer that is no batch, or not the pinned gateway's, or not for us. */
  #readAnswer(content: Uint8Array): BatchHead {
    const reader = new BatchReader();
    const events = reader.push(content);
    reader.finish();
    const head = events.find((event) => event.kind === 'head')?.head;
    if (head === undefined || !verifyOffer(head.offer, this.key) || !equalBytes(head.offer.to, keyId(this.#parts.ours.publicKey))) {
      throw badSignature('answer');
    }
    return head;
  }
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3). A date is none of ours. */
function retryAfterOf({ headers }: HttpAnswer): { readonly retryAfterSec?: number } {
  const sec = /^\d{1,9}$/.test(headers['retry-after'] ?? '') ? Math.min(Number(headers['retry-after']), LONGEST_RETRY_AFTER_SEC) : 0;
  return sec > 0 ? { retryAfterSec: sec } : {};
}

function unreachable(thrown: unknown): BatchAnswer {
  if (!isPosternError(thrown)) throw thrown;
  return { kind: 'unreachable', code: thrown.code, reason: messageOf(thrown) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
