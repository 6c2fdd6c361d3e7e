/**
 * Gets a blob by its message id into the receiving folder, from where a cut or a kill left off. Whether it is
 * the right blob is found out when it is opened; here only lengths and the holder's own word on it are checked.
 */
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, fromHex, toHex } from '../base/bytes.js';
import { codeOf } from '../base/durable-file.js';
import { PosternError, isPosternError, messageOf } from '../base/errors.js';
import type { HttpAnswer } from '../base/http-exchange.js';
import { makeFolder } from '../base/make-folder.js';
import type { DomainContext } from './context.js';
import type { GatewayDoor } from './gateway-door.js';
import type { Home } from './home.js';
import { readState, writeState } from './state-file.js';
import { partSchema } from './state-schema.js';
import type { PartState, PendingState } from './state-schema.js';

/** not-now: nobody there, a cut, or a 404, which says nothing. unwanted: too large, or a blob we have found to be bad. */
export type Fetched =
  | { readonly kind: 'complete'; readonly file: string; readonly blobHash: Uint8Array }
  | { readonly kind: 'not-now'; readonly reason: string }
  | { readonly kind: 'unwanted'; readonly reason: string };

export async function fetchBlob(context: DomainContext, locator: string, entry: PendingState, signal: AbortSignal): Promise<Fetched> {
  const door = context.doors.of(entry.holder);
  if (door === undefined) return { kind: 'not-now', reason: 'its holder is no gateway of ours any more' };
  const folder = join(context.home.receiving, locator);
  await makeFolder(folder, 0o700);
  const part = new Part(folder);
  const known = await part.known();
  if (known !== undefined && known.blobBytes === (await part.bytesHere())) return { kind: 'complete', file: part.file, blobHash: known.blobHash };
  try {
    return await transfer(context, door, part, known, locator, entry, signal);
  } catch (thrown) {
    const code = isPosternError(thrown) ? undefined : codeOf(thrown);
    if (code !== undefined) throw new PosternError('DOMAIN_DISK', `${folder} cannot be written: ${messageOf(thrown)}`, { path: folder, code }, { cause: thrown });
    if (isPosternError(thrown) && thrown.code.startsWith('LINK_')) return { kind: 'not-now', reason: messageOf(thrown) };
    throw thrown;
  }
}

/** Forgets what has been received of a blob. */
export async function dropPart(context: Pick<DomainContext, 'home'>, locator: string): Promise<void> {
  await rm(join(context.home.receiving, locator), { recursive: true, force: true });
}

/** Forgets what has been received of blobs that nobody waits for: a crash came between the end of an entry and that of its part. */
export async function sweepParts(home: Home): Promise<void> {
  const parts = await readdir(home.receiving);
  // Read second: an entry is there before its part is.
  const waiting = new Set(await readdir(home.pending));
  for (const locator of parts) if (!waiting.has(`${locator}.json`)) await dropPart({ home }, locator);
}

async function transfer(
  context: DomainContext,
  door: GatewayDoor,
  part: Part,
  known: PartState | undefined,
  locator: string,
  entry: PendingState,
  signal: AbortSignal,
): Promise<Fetched> {
  const startByte = known === undefined ? 0 : await part.bytesHere();
  const resume = known === undefined || startByte === 0 ? undefined : { startByte, blobHash: toHex(known.blobHash) };
  const answer = await door.fetch(entry.messageId, { ...(resume !== undefined && { resume }), ...(entry.refusedBlob !== undefined && { refused: entry.refusedBlob }) }, context.config.largestBlobBytes, signal);
  const offered = resume !== undefined && answer.status === 206 ? readPartial(answer, resume) : readWholeHead(answer);
  if (offered === undefined) {
    await breakOff(answer);
    if (answer.status === 304) return { kind: 'unwanted', reason: STILL_BAD };
    if (answer.status === 416) await part.drop();
    return { kind: 'not-now', reason: answer.status === 404 ? 'the holder has nothing under this id, or not yet' : `the holder answered with HTTP status ${answer.status}` };
  }
  const unwanted = whyUnwanted(context, entry, offered);
  if (unwanted !== undefined) {
    await breakOff(answer);
    return { kind: 'unwanted', reason: unwanted };
  }
  if (offered.startByte === 0) await part.begin(offered);
  const report = (doneBytes: number): void => context.report({ kind: 'fetching', locator, doneBytes, totalBytes: offered.blobBytes });
  const endByte = await part.append(answer, offered, report);
  if (endByte < offered.blobBytes) return { kind: 'not-now', reason: `the transfer was cut at byte ${endByte} of ${offered.blobBytes}` };
  return { kind: 'complete', file: part.file, blobHash: offered.blobHash };
}

const STILL_BAD = 'the holder still has the blob that was found to be bad';

interface Offered extends PartState {
  readonly startByte: number;
}

/** 200: the whole blob, of a stated length and hash. */
function readWholeHead(answer: HttpAnswer): Offered | undefined {
  const blobHash = hashOf(answer.headers.etag);
  const blobBytes = Number(answer.headers['content-length'] ?? NaN);
  if (answer.status !== 200 || blobHash === undefined || !Number.isSafeInteger(blobBytes)) return undefined;
  return { format: 1, blobHash, blobBytes, startByte: 0 };
}

/** 206: exactly the rest that was asked for, of the same blob. */
function readPartial(answer: HttpAnswer, resume: { startByte: number; blobHash: string }): Offered | undefined {
  const blobHash = hashOf(answer.headers.etag);
  const [, start, end, total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(answer.headers['content-range'] ?? '') ?? [];
  const blobBytes = Number(total);
  if (blobHash === undefined || toHex(blobHash) !== resume.blobHash) return undefined;
  if (Number(start) !== resume.startByte || Number(end) !== blobBytes - 1 || !Number.isSafeInteger(blobBytes)) return undefined;
  return { format: 1, blobHash, blobBytes, startByte: resume.startByte };
}

function hashOf(etag: string | undefined): Uint8Array | undefined {
  const [, hex] = /^"([0-9a-f]{64})"$/.exec(etag ?? '') ?? [];
  return hex === undefined ? undefined : fromHex(hex);
}

function whyUnwanted(context: DomainContext, entry: PendingState, offered: Offered): string | undefined {
  if (offered.blobBytes > context.config.largestBlobBytes) return `it has ${offered.blobBytes} bytes, and the config allows ${context.config.largestBlobBytes}`;
  if (entry.refusedBlob !== undefined && equalBytes(entry.refusedBlob, offered.blobHash)) return STILL_BAD;
  return undefined;
}

async function breakOff(answer: HttpAnswer): Promise<void> {
  await answer.body[Symbol.asyncIterator]().return?.();
}

/** The part of a blob that is here, and what is known of the whole. */
class Part {
  readonly file: string;
  readonly #stateFile: string;

  constructor(folder: string) {
    this.file = join(folder, 'blob');
    this.#stateFile = join(folder, 'blob.json');
  }

  known(): Promise<PartState | undefined> {
    return readState(this.#stateFile, partSchema);
  }

  async bytesHere(): Promise<number> {
    try {
      return (await stat(this.file)).size;
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return 0;
      throw thrown;
    }
  }

  /** Bytes of another blob go before the new name comes. */
  async begin(whole: PartState): Promise<void> {
    await this.drop();
    await writeState(this.#stateFile, partSchema, { format: 1, blobHash: whole.blobHash, blobBytes: whole.blobBytes });
  }

  async drop(): Promise<void> {
    await rm(this.file, { force: true });
    await rm(this.#stateFile, { force: true });
  }

  /** @returns up to where the blob is here now. */
  async append(answer: HttpAnswer, offered: Offered, report: (doneBytes: number) => void): Promise<number> {
    const file = await open(this.file, 'a', 0o600);
    let at = offered.startByte;
    try {
      for await (const chunk of answer.body) {
        const bytes = chunk.subarray(0, offered.blobBytes - at);
        await file.appendFile(bytes);
        at += bytes.length;
        report(at);
      }
    } finally {
      await file.close();
    }
    return at;
  }
}
