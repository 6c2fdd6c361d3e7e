/** What an operator may do about notices: look at them, and ask the neighbours for what they have told of. */
import { toHex } from '../base/bytes.js';
import { encodeRanges, MAX_RANGES } from '../wire/ranges.js';
import type { ByteRange } from '../wire/ranges.js';
import type { GatewayContext } from './context.js';
import type { Notice } from './notices-kept.js';

/** At least one of the three; all given ones must hold. */
export interface NoticeSelection {
  /** The neighbour that has it. */
  readonly from?: string;
  readonly destination?: string;
  /** Hex, at least 8 digits. */
  readonly record?: string;
}

export interface NoticeEntry {
  readonly record: string;
  readonly from: string;
  readonly destination: string;
  readonly bytes: number;
  readonly toldMs: number;
  readonly askedMs?: number;
  readonly expiryMs: number;
}

export interface Fetching {
  readonly asked: number;
  /** For so many there is no room, or somebody else is just sending them. */
  readonly noRoom: number;
}

const SHOWN_RID_BYTES = 8;

export function noticeEntry({ record, from, toldMs, askedMs }: Notice): NoticeEntry {
  return { record: toHex(record.rid.subarray(0, SHOWN_RID_BYTES)), from, destination: record.destination, bytes: record.blobBytes, toldMs, ...(askedMs !== undefined && { askedMs }), expiryMs: record.expirySec * 1000 };
}

/** Asks for the blobs, by whatever link goes to their neighbours next. Only what is not here yet is asked for. */
export async function fetchNoticed(context: GatewayContext, { from, destination, record }: NoticeSelection): Promise<Fetching> {
  const chosen = context.notices.all().filter((notice) => (from === undefined || notice.from === from) && (destination === undefined || notice.record.destination === destination) && (record === undefined || toHex(notice.record.rid).startsWith(record)));
  const asked: Notice[] = [];
  for (const notice of chosen) {
    const ranges = await missingRanges(context, notice);
    if (ranges === undefined) continue;
    const { rid } = notice.record;
    await context.store.outboxPut([{ peer: notice.from, key: `want/${toHex(rid)}`, bytes: encodeRanges({ kind: 'want', rid, ranges }) }]);
    asked.push(notice);
  }
  await context.notices.asked(asked);
  context.counters.add('blobsAskedFor', asked.length);
  context.log.info('blobs were asked for by the operator', { count: asked.length });
  return { asked: asked.length, noRoom: chosen.length - asked.length };
}

/** Undefined where there is no room for the blob. What is asked for has its room from here on. */
async function missingRanges({ config, store, incoming, trust }: GatewayContext, { record, from }: Notice): Promise<ByteRange[] | undefined> {
  const entry = { record, from, heldAtMs: trust.nowMs() };
  const refusal = store.room(entry);
  if (refusal !== undefined && refusal !== 'blob-missing') return undefined;
  if (record.blobBytes < config.store.largeBlobBytes) return [[0, record.blobBytes]];
  const joined = await incoming.join(entry);
  if (typeof joined === 'string') return undefined;
  const missing = joined.missing().slice(0, MAX_RANGES);
  await joined.close();
  return missing.map(({ startByte, endByte }): ByteRange => [startByte, endByte]);
}
