/** Unwrap: a bundle that has arrived gives up its batch, if it is for us, in time, and not a report; a compact batch becomes a batch again. */
import { concatBytes } from '../base/bytes.js';
import { PosternError } from '../base/errors.js';
import { decodeAdminRecord } from '../wire/admin-record.js';
import { decodeBundle, extensionOf } from '../wire/bundle.js';
import type { Bundle } from '../wire/bundle.js';
import { decodeCompactBatch } from '../wire/compact-batch.js';
import { hasFlag } from '../wire/bundle-cbor.js';
import { fromDtnTimeMs } from '../wire/dtn-time.js';
import { formatEid } from '../wire/eid.js';
import { BUNDLE_IS_ADMIN_RECORD } from '../wire/primary-block.js';
import type { BundleRooms } from './bundle-rooms.js';
import { INBOUND_BUNDLE_BYTES } from './link-schema.js';
import type { GatewayContext } from './context.js';
import { batchEndpoint } from './node-endpoint.js';
import type { Peer } from './peer-book.js';

/** The batch, in memory of `rooms`; undefined for an administrative record, which is told to the operator and needs nothing more. */
export async function unwrapBundle(context: GatewayContext, bytes: AsyncIterable<Uint8Array>, rooms: BundleRooms): Promise<Unwrapped | undefined> {
  const { room, length } = await collect(bytes, rooms);
  const release = (): void => rooms.give(room);
  try {
    const batch = readBundle(context, room.subarray(0, length));
    if (batch !== undefined) return { batch, release };
  } catch (thrown) {
    release();
    throw thrown;
  }
  release();
  return undefined;
}

/** Of a compact batch and of the batch that comes of it: links that carry them carry little. */
const COMPACT_BYTES = 256 * 1024;

/** The batch of its compact form, as the neighbour at this link made it for us. */
export async function unwrapCompact({ kid }: GatewayContext, neighbour: Pick<Peer, 'kid'>, bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > COMPACT_BYTES) throw new PosternError('WIRE_LIMIT', `A compact batch of more than ${COMPACT_BYTES} bytes was refused.`, { path: 'compact', offset: COMPACT_BYTES, limit: COMPACT_BYTES, found: length });
    chunks.push(chunk);
  }
  return decodeCompactBatch(concatBytes(...chunks), { from: neighbour.kid, to: kid }, COMPACT_BYTES);
}

export interface Unwrapped {
  readonly batch: Uint8Array;
  /** Call it when nobody looks at the batch any more. */
  release(): void;
}

function readBundle(context: GatewayContext, bytes: Uint8Array): Uint8Array | undefined {
  const bundle = decodeBundle(bytes);
  checkIsOurs(context, bundle);
  checkIsAlive(context, bundle);
  const payload = bundle.payload.data;
  if (!hasFlag(bundle.primary.flags, BUNDLE_IS_ADMIN_RECORD)) return payload;
  const record = decodeAdminRecord(payload);
  const source = formatEid(bundle.primary.source);
  context.log.info(record.kind === 'status-report' ? 'a status report came' : 'an administrative record came', { reason: `from ${source}, reason code ${record.kind === 'status-report' ? record.reason : 'none'}` });
  return undefined;
}

/** A postern carries batches between posterns; it is no router for other people's bundles. */
function checkIsOurs(context: GatewayContext, bundle: Bundle): void {
  const destination = formatEid(bundle.primary.destination);
  const ours = batchEndpoint(context.config.gateway.nodeId);
  if (destination === ours) return;
  throw new PosternError('GATEWAY_NOT_OURS', `A bundle for ${destination} came to ${ours}: this gateway takes bundles addressed to itself only.`, { destination, expected: ours });
}

/** RFC 9171 §5.3 and §4.4.3: a bundle past its lifetime or its hop limit is dead, whatever it carries. By age where it has no creation time. */
function checkIsAlive({ trust }: GatewayContext, bundle: Bundle): void {
  const { createdDtnMs, lifetimeMs } = bundle.primary;
  const createdMs = fromDtnTimeMs(createdDtnMs);
  const ageMs = createdMs === undefined ? Number(extensionOf(bundle, 'bundle-age')?.ageMs ?? 0) : trust.trusted ? trust.nowMs() - createdMs : 0;
  if (ageMs > Number(lifetimeMs)) throw new PosternError('GATEWAY_BUNDLE_DEAD', `A bundle came ${Math.round(ageMs)} ms old with a lifetime of ${lifetimeMs} ms.`, { reason: 'lifetime' });
  const hops = extensionOf(bundle, 'hop-count');
  if (hops !== undefined && hops.count > hops.limit) throw new PosternError('GATEWAY_BUNDLE_DEAD', `A bundle came after ${hops.count} hops with a limit of ${hops.limit}.`, { reason: 'hops' });
}

/** Bundles come without a length; most are no larger than this. */
const FIRST_ROOM_BYTES = 2_200_000;

async function collect(bytes: AsyncIterable<Uint8Array>, rooms: BundleRooms): Promise<{ room: Uint8Array; length: number }> {
  let room = rooms.take(FIRST_ROOM_BYTES);
  let length = 0;
  try {
    for await (const chunk of bytes) {
      if (length + chunk.length > INBOUND_BUNDLE_BYTES) {
        const found = length + chunk.length;
        throw new PosternError('WIRE_LIMIT', `A bundle of more than ${INBOUND_BUNDLE_BYTES} bytes was refused.`, { path: 'bundle', offset: INBOUND_BUNDLE_BYTES, limit: INBOUND_BUNDLE_BYTES, found });
      }
      if (length + chunk.length > room.length) room = enlarge(rooms, room, length);
      room.set(chunk, length);
      length += chunk.length;
    }
    return { room, length };
  } catch (thrown) {
    rooms.give(room);
    throw thrown;
  }
}

/** To the largest at once: it happens once for each room. */
function enlarge(rooms: BundleRooms, room: Uint8Array, length: number): Uint8Array {
  const larger = rooms.take(INBOUND_BUNDLE_BYTES);
  larger.set(room.subarray(0, length));
  rooms.give(room);
  return larger;
}
