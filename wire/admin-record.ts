/**
 * Administrative records (RFC 9171 §6.1), read so that a report somebody sends us can be told to the operator.
 * We ask for no reports and send none, so there is nothing here that writes one.
 */
import { BlockReader } from './block-reader.js';
import { INDEFINITE } from './bundle-cbor.js';
import type { Uint64 } from './bundle-cbor.js';
import { readEid } from './eid.js';
import type { Eid } from './eid.js';
import { overLimit, wrongValue } from './faults.js';

export type AdminRecord = StatusReport | { readonly kind: 'other'; readonly type: Uint64 };

/** What a node says about a bundle it had; the subject is named by source, creation time and sequence. */
export interface StatusReport {
  readonly kind: 'status-report';
  readonly received: StatusItem;
  readonly forwarded: StatusItem;
  readonly delivered: StatusItem;
  readonly deleted: StatusItem;
  /** A code of the IANA registry "Bundle Status Report Reason Codes"; 0 says nothing. */
  readonly reason: Uint64;
  readonly source: Eid;
  readonly createdDtnMs: Uint64;
  readonly sequence: Uint64;
}

export interface StatusItem {
  readonly asserted: boolean;
  readonly dtnMs?: Uint64;
}

const TYPE_STATUS_REPORT = 1;
const DEFINED_ITEMS = 4;
/** RFC 9171 says "at least four"; more than this is not a report about anything. */
const MAX_ITEMS = 32;
const REPORT_ITEMS = 4;
/** The offset and the length of a fragment follow. */
const FRAGMENT_REPORT_ITEMS = 6;

/** Payload of a bundle that is flagged as an administrative record. The content of an unknown type is not read. */
export function decodeAdminRecord(bytes: Uint8Array): AdminRecord {
  const reader = new BlockReader(bytes);
  const pair = reader.arrayOf(2, 'admin-record');
  const type = reader.uint('admin-record/type');
  if (type !== TYPE_STATUS_REPORT) return { kind: 'other', type };
  const report = readStatusReport(reader, 'admin-record/status-report');
  reader.endArray(pair, 'admin-record');
  reader.finish('admin-record');
  return report;
}

function readStatusReport(reader: BlockReader, path: string): StatusReport {
  const start = reader.offset;
  const count = reader.array(path);
  if (count !== REPORT_ITEMS && count !== FRAGMENT_REPORT_ITEMS && count !== INDEFINITE) {
    throw wrongValue(path, start, `an array of ${count}`, `an array of ${REPORT_ITEMS} or ${FRAGMENT_REPORT_ITEMS}`);
  }
  const items = readStatusItems(reader, `${path}/items`);
  const reason = reader.uint(`${path}/reason`);
  const source = readEid(reader, `${path}/source`);
  const timestamp = reader.arrayOf(2, `${path}/created`);
  const createdDtnMs = reader.uint(`${path}/created`);
  const sequence = reader.uint(`${path}/sequence`);
  reader.endArray(timestamp, `${path}/created`);
  if (count === FRAGMENT_REPORT_ITEMS || (count === INDEFINITE && reader.atUint())) {
    reader.uint(`${path}/fragment-offset`);
    reader.uint(`${path}/fragment-length`);
  }
  reader.endArray(count, path);
  return { kind: 'status-report', ...items, reason, source, createdDtnMs, sequence };
}

function readStatusItems(reader: BlockReader, path: string): Pick<StatusReport, 'received' | 'forwarded' | 'delivered' | 'deleted'> {
  const start = reader.offset;
  const count = reader.array(path);
  if (count > MAX_ITEMS) throw overLimit(path, start, count, MAX_ITEMS, 'items');
  const items: StatusItem[] = [];
  while (count === INDEFINITE ? !reader.atBreak() : items.length < count) {
    if (items.length === MAX_ITEMS) throw overLimit(path, start, items.length + 1, MAX_ITEMS, 'items');
    items.push(readStatusItem(reader, path));
  }
  const [received, forwarded, delivered, deleted] = items;
  if (received === undefined || forwarded === undefined || delivered === undefined || deleted === undefined) {
    throw wrongValue(path, start, `${items.length} items`, `at least ${DEFINED_ITEMS}`);
  }
  return { received, forwarded, delivered, deleted };
}

function readStatusItem(reader: BlockReader, path: string): StatusItem {
  const start = reader.offset;
  const count = reader.array(path);
  if (count !== 1 && count !== 2 && count !== INDEFINITE) throw wrongValue(path, start, `an array of ${count}`, 'an array of 1 or 2');
  const asserted = reader.boolean(path);
  const timed = count === 2 || (count === INDEFINITE && reader.atUint());
  const item = timed ? { asserted, dtnMs: reader.uint(path) } : { asserted };
  reader.endArray(count, path);
  return item;
}
