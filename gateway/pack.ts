/**
 * Pack: what goes into the next unit of freight for a neighbour: control items first, then blob pieces it
 * asked for or records that are due, in turns, within what the link carries. A batch is made the same way
 * whether it travels bare (https) or as the payload of a bundle.
 */
import { toHex } from '../base/bytes.js';
import { oneAhead } from '../base/one-ahead.js';
import type { LinkSupport } from '../links/link.js';
import type { BlobSource, OutboxEntry, StoredRecord } from '../store/store.js';
import { encodeBatchHead, encodePieceHead } from '../wire/batch.js';
import { encodeBundleParts, makeBatchBundle } from '../wire/bundle.js';
import { encodeCompactBatch } from '../wire/compact-batch.js';
import { parseEid } from '../wire/eid.js';
import type { Eid } from '../wire/eid.js';
import { toDtnTimeMs, UNKNOWN_DTN_TIME } from '../wire/dtn-time.js';
import { encodeRanges } from '../wire/ranges.js';
import type { TransitRecord } from '../wire/record.js';
import type { BundleRooms } from './bundle-rooms.js';
import type { GatewayContext } from './context.js';
import type { Load, LoadPiece, PackInput, PackedFreight } from './load.js';
import { isPressing, orderDue } from './pack-order.js';
import type { Due } from './pack-order.js';
import type { Peer } from './peer-book.js';
import { batchEndpoint } from './node-endpoint.js';
import { peerTarget } from './target.js';
import { HAVE_BYTES, headRoomBytes, isCarried, PIECE_HEAD_BYTES } from './unit-size.js';

/** A batch of small blobs is gathered in memory; the receiver stages as much. */
const SMALL_BATCH_BYTES = 4 * 1024 * 1024;
const MOST_RECORDS = 1000;
const MOST_CONTROLS = 256;
const CONTROL_BYTES = 256 * 1024;
/** What a link never carries, or not now, stands in the queue between what it does; it is looked through that far. */
const LOOKED_THROUGH = 20_000;
const PIECE_BYTES = 1024 * 1024;
/** Of what is read again while it is on its way: so much is in memory for each bundle. */
const LINGERING_READ_BYTES = 64 * 1024;

/** Chooses the next load; undefined when there is nothing to send. */
export async function chooseLoad(input: PackInput): Promise<Load | undefined> {
  const roomBytes = Math.min(input.supports.largestBytes, input.roomBytes) - headRoomBytes(input.supports);
  if (roomBytes <= 0) return undefined;
  const controls = await chooseControls(input, roomBytes);
  const leftBytes = roomBytes - controls.reduce((sum, entry) => sum + entry.bytes.length, 0);
  const { filling } = input;
  const due = filling === undefined ? undefined : await dueOnes(input);
  const isPressed = filling !== undefined && due?.some(({ stored }) => isPressing(stored, filling)) === true;
  const isDuesTurn = isPressed || input.isDuesTurn;
  // Where something is wanted, what was due may be on its way by then.
  const isAsDue = !isDuesTurn && input.wanted.rids().length === 0;
  const pieces = (): Promise<RecordsLoad> => chooseWanted(input, wantedRoom(input, leftBytes));
  let load = isDuesTurn ? await chooseDue(input, leftBytes, { unasked: isPressed, known: due }) : NOTHING;
  if (isNothing(load)) load = await pieces();
  if (isNothing(load)) load = await chooseDue(input, leftBytes, { unasked: true, known: isAsDue ? due : undefined });
  if (isNothing(load)) load = await pieces();
  if (controls.length === 0 && isNothing(load)) return undefined;
  return { ...load, controls };
}

/** In half the room, or as one that needs more of it. What is too long for this link waits for another, and keeps nothing up. */
async function chooseControls(input: PackInput, roomBytes: number): Promise<OutboxEntry[]> {
  const mostBytes = Math.min(roomBytes / 2, CONTROL_BYTES);
  const chosen: OutboxEntry[] = [];
  let bytes = 0;
  for (const entry of await input.store.outbox(input.peer.name, MOST_CONTROLS + input.inHand.size)) {
    if (input.inHand.has(entry.key) || chosen.length === MOST_CONTROLS || entry.bytes.length > roomBytes) continue;
    bytes += entry.bytes.length;
    if (bytes > mostBytes && chosen.length > 0) break;
    chosen.push(entry);
  }
  return chosen;
}

type RecordsLoad = Omit<Load, 'controls'>;

const NOTHING: RecordsLoad = { records: [], pieces: [] };

function isNothing({ records, notices = [] }: RecordsLoad): boolean {
  return records.length + notices.length === 0;
}

/** One large blob's wanted ranges, as far as they fit. A link that answers carries them all in one stream. */
async function chooseWanted(input: PackInput, roomBytes: number): Promise<RecordsLoad> {
  for (const rid of input.wanted.rids()) {
    const stored = await input.store.find(rid);
    const source = stored?.schedule?.target === peerTarget(input.peer.name) ? await input.store.blob(rid) : undefined;
    if (stored === undefined || source === undefined) {
      input.wanted.forget(rid);
      continue;
    }
    if (!isCarried(input.supports, stored.record) || input.large?.holds(stored) === true) continue;
    const ranges = input.wanted.take(rid, roomBytes - stored.record.bytes.length, PIECE_BYTES, PIECE_HEAD_BYTES);
    if (ranges.length === 0) continue;
    const watchedSource = watched(source, stored, input);
    const pieces = ranges.map(([start, end]) => ({ index: 0, offset: start, length: end - start, source: watchedSource }));
    return { records: [stored], pieces, large: { rid, ranges } };
  }
  return NOTHING;
}

/**
 * Records that are due, small blobs with them. A large blob is offered bare, and the answer says what is
 * missing; where an answer takes a light time or two (links that carry bundles), its pieces go out unasked the
 * first time, once no others are on their way. Of one that waits for another link the neighbour is told.
 */
async function chooseDue(input: PackInput, roomBytes: number, { unasked, known }: DueChoice): Promise<RecordsLoad> {
  const chosen: Chosen[] = [];
  const notices: StoredRecord[] = [];
  const sent = new Set<string>();
  let leftBytes = Math.min(roomBytes, SMALL_BATCH_BYTES);
  const due = known ?? (await dueOnes(input));
  const inOrder = input.filling === undefined ? due : orderDue(due, input, input.filling, leftBytes);
  for (const { stored, isNotice } of inOrder) {
    const { record } = stored;
    if (isNotice) {
      if (record.bytes.length + HAVE_BYTES > leftBytes || chosen.length + notices.length === MOST_RECORDS) break;
      leftBytes -= record.bytes.length + HAVE_BYTES;
      notices.push(stored);
      continue;
    }
    const inline = record.blobBytes < input.largeBlobBytes;
    if (!inline && !input.supports.answers && stored.schedule?.attempts === 0 && !input.wasSentWhole(stored)) {
      if (unasked) await input.sendUnasked(stored);
      continue;
    }
    const hash = toHex(record.blobHash);
    const blobBytes = inline && !sent.has(hash) ? record.blobBytes + PIECE_HEAD_BYTES : 0;
    if (record.bytes.length + blobBytes > leftBytes || chosen.length + notices.length === MOST_RECORDS) break;
    if (blobBytes > 0) sent.add(hash);
    leftBytes -= record.bytes.length + blobBytes;
    chosen.push({ stored, hash, withBlob: blobBytes > 0 });
  }
  return { ...(await withBlobs(chosen, input)), ...(notices.length > 0 && { notices }) };
}

interface DueChoice {
  /** May large blobs begin? */
  readonly unasked: boolean;
  /** What is due, where that was looked up already. */
  readonly known: readonly Due[] | undefined;
}

interface Chosen {
  readonly stored: StoredRecord;
  readonly hash: string;
  /** The first of those that share a blob has it with it. */
  readonly withBlob: boolean;
}

/** Records whose blob has gone meanwhile stay behind. */
async function withBlobs(chosen: readonly Chosen[], input: PackInput): Promise<RecordsLoad> {
  const records: StoredRecord[] = [];
  const pieces: LoadPiece[] = [];
  const gone = new Set<string>();
  const sources = (await input.store.blobs(chosen.filter(({ withBlob }) => withBlob).map(({ stored }) => stored.record.rid))).values();
  for (const { stored, hash, withBlob } of chosen) {
    const { record } = stored;
    const source = withBlob ? sources.next().value : undefined;
    if (withBlob && source === undefined) gone.add(hash);
    if (gone.has(hash)) continue;
    if (source !== undefined) pieces.push({ index: records.length, offset: 0, length: record.blobBytes, source: watched(source, stored, input) });
    input.wanted.offered(record.rid);
    records.push(stored);
  }
  return { records, pieces };
}

/** What is due and may go now: not on its way already, and nothing that this link never carries. Of what it leaves to another link, what the neighbour is to be told of. */
async function dueOnes({ store, peer, supports, nowMs, filling, inHand, wanted, large }: PackInput): Promise<Due[]> {
  const looked = supports.carries === 'compact' ? LOOKED_THROUGH : Math.min(LOOKED_THROUGH, MOST_RECORDS + (filling?.stayed ?? 0) + (large?.before ?? 0));
  const due = await store.due(peerTarget(peer.name), nowMs, looked + inHand.size);
  const free = due.filter(({ record }) => !inHand.has(toHex(record.rid)) && !wanted.has(record.rid));
  const held = large === undefined ? [] : free.filter((stored) => large.holds(stored));
  large?.tell(held);
  const stays = new Set(held);
  return free.flatMap((stored): Due[] => {
    if (stays.has(stored)) return large?.isToTell(stored) === true ? [{ stored, isNotice: true }] : [];
    return isCarried(supports, stored.record) ? [{ stored, isNotice: false }] : [];
  });
}

/** The pieces of a large blob leave the reserve alone. */
function wantedRoom({ filling, roomBytes }: PackInput, leftBytes: number): number {
  return filling === undefined || !Number.isFinite(roomBytes) ? leftBytes : Math.min(leftBytes, Math.floor((roomBytes * (100 - filling.reservePercent)) / 100));
}

/** Whichever link is just reading it, the gateway hears of a blob that cannot be read. */
function watched(source: BlobSource, stored: StoredRecord, input: PackInput): LoadPiece['source'] {
  return {
    async read(startByte, endByte, into) {
      try {
        return await source.read(startByte, endByte, into);
      } catch (thrown) {
        await input.unreadable(stored, thrown);
        throw thrown;
      }
    },
  };
}

/** Makes the load into freight for one attempt. */
export async function toFreight(context: GatewayContext, peer: Peer, supports: LinkSupport, load: Load, sequence: number, rooms: BundleRooms): Promise<PackedFreight> {
  const { notices = [] } = load;
  const head = encodeBatchHead({
    key: context.key,
    to: peer.kid,
    records: [...load.records, ...notices].map((stored): TransitRecord => stored.record),
    controls: [...load.controls.map((entry) => entry.bytes), ...notices.map(({ record: { rid, blobBytes } }) => encodeRanges({ kind: 'have', rid, ranges: [[0, blobBytes]] }))],
    sentSec: Math.floor(context.trust.nowMs() / 1000),
    nonce: context.random.bytes(16),
  });
  const pieces = load.pieces.map((piece) => ({ ...piece, head: encodePieceHead(piece.index, piece.offset, piece.length) }));
  const bytes = pieces.reduce((sum, piece) => sum + piece.head.length + piece.length, head.length);
  if (supports.carries === 'compact') {
    const compact = encodeCompactBatch(await gather(head, pieces, new Uint8Array(bytes)), { from: context.kid, to: peer.kid });
    return { bytes: compact.length, open: () => each([compact]), release: () => undefined };
  }
  if (supports.carries === 'batch') return { bytes, open: () => streamBatch(head, pieces), release: () => undefined };
  const room = rooms.take(bytes);
  const parts = wrap(context, peer, await gather(head, pieces, room.subarray(0, bytes)), load, sequence);
  const bundleBytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (supports.keepsContacts !== true) return { bytes: bundleBytes, open: () => each(parts), release: () => rooms.give(room) };
  // Hundreds may be under way for an hour: what is in the store is read from there, as often as it takes, and was summed up once.
  const [first, , last] = parts;
  rooms.give(room);
  return { bytes: bundleBytes, open: () => streamBundle(first, trickleBatch(head, pieces), last), release: () => undefined };
}

type HeadedPiece = LoadPiece & { readonly head: Uint8Array };

async function* streamBatch(head: Uint8Array, pieces: readonly HeadedPiece[]): AsyncIterable<Uint8Array> {
  yield head;
  const reads = pieces.map((piece) => async () => ({ piece, bytes: await piece.source.read(piece.offset, piece.offset + piece.length) }));
  for await (const { piece, bytes } of oneAhead(reads)) {
    yield piece.head;
    yield bytes;
  }
}

/** The same in small parts, one in memory at a time. */
async function* trickleBatch(head: Uint8Array, pieces: readonly HeadedPiece[]): AsyncIterable<Uint8Array> {
  yield head;
  for (const { head: pieceHead, offset, length, source } of pieces) {
    yield pieceHead;
    const endByte = offset + length;
    for (let at = offset; at < endByte; at += LINGERING_READ_BYTES) yield await source.read(at, Math.min(endByte, at + LINGERING_READ_BYTES));
  }
}

async function* streamBundle(first: Uint8Array, batch: AsyncIterable<Uint8Array>, last: Uint8Array): AsyncIterable<Uint8Array> {
  yield first;
  yield* batch;
  yield last;
}

async function gather(head: Uint8Array, pieces: readonly HeadedPiece[], into: Uint8Array): Promise<Uint8Array> {
  into.set(head);
  let offset = head.length;
  for (const piece of pieces) {
    into.set(piece.head, offset);
    offset += piece.head.length;
    await piece.source.read(piece.offset, piece.offset + piece.length, into.subarray(offset, offset + piece.length));
    offset += piece.length;
  }
  return into;
}

async function* each(parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* parts;
}

/** Hops between two posterns are other people's DTN nodes; more than this is a loop. */
const HOP_LIMIT = 32;
const CONTROL_LIFETIME_MS = 7 * 86_400_000;

function wrap(context: GatewayContext, peer: Peer, batch: Uint8Array, load: Load, sequence: number): readonly [head: Uint8Array, batch: Uint8Array, tail: Uint8Array] {
  const nowMs = context.trust.nowMs();
  const expiryMs = load.records.reduce((latest, stored) => Math.max(latest, stored.record.expirySec * 1000), nowMs + CONTROL_LIFETIME_MS);
  const bundle = makeBatchBundle({
    source: eid(batchEndpoint(context.config.gateway.nodeId)),
    destination: eid(batchEndpoint(peer.config.nodeId ?? '')),
    createdDtnMs: context.trust.trusted ? toDtnTimeMs(nowMs) : UNKNOWN_DTN_TIME,
    sequence,
    lifetimeMs: Math.ceil(expiryMs - nowMs),
    payload: batch,
    hopLimit: HOP_LIMIT,
    ageMs: 0,
  });
  return encodeBundleParts(bundle);
}

function eid(uri: string): Eid {
  const parsed = parseEid(uri);
  if (parsed === undefined) throw new TypeError(`${uri} is no endpoint id: the configuration should have refused it`);
  return parsed;
}
