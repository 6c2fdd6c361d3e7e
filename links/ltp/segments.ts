/**
 * The segments of LTP (RFC 5326 §3), bytes to values and back. One datagram is one segment. The data of a segment
 * is a view of the datagram on arrival, and is not part of what is encoded: it follows the head as it is.
 */
import { concatBytes } from '../../base/bytes.js';
import { limitFault, protocolFault } from './faults.js';
import { putSdnv, readSdnv, sdnvBytes } from './sdnv.js';

/** RFC 5326 §3.1: who opened the session, and the number it gave it. */
export interface SessionId {
  readonly originator: bigint;
  readonly number: bigint;
}

/** RFC 5326 §3.1.4. None is in use here; those of others are passed over. */
export interface Extension {
  readonly tag: number;
  readonly value: Uint8Array;
}

interface Every {
  readonly session: SessionId;
  readonly headers?: readonly Extension[];
  readonly trailers?: readonly Extension[];
}

/** RFC 5326 §3.2.1, without its bytes. */
export interface DataHead extends Every {
  readonly kind: 'data';
  readonly colour: 'red' | 'green';
  /** The last segment of the red part: always a checkpoint. */
  readonly redEnd: boolean;
  readonly blockEnd: boolean;
  readonly client: bigint;
  readonly offset: number;
  readonly length: number;
  /** Set on checkpoints. `report` is the report it answers, 0 for none. */
  readonly checkpoint?: { readonly serial: bigint; readonly report: bigint };
}

export interface DataSegment extends DataHead {
  readonly data: Uint8Array;
}

/** RFC 5326 §3.2.2. Claims are offsets in the block here; on the wire they count from the lower bound. */
export interface ReportSegment extends Every {
  readonly kind: 'report';
  readonly serial: bigint;
  /** The checkpoint it answers, 0 for none. */
  readonly checkpoint: bigint;
  readonly lower: number;
  readonly upper: number;
  readonly claims: readonly (readonly [start: number, end: number])[];
}

export interface ReportAck extends Every {
  readonly kind: 'report-ack';
  readonly serial: bigint;
}

export interface CancelSegment extends Every {
  readonly kind: 'cancel';
  readonly by: 'sender' | 'receiver';
  readonly reason: number;
}

export interface CancelAck extends Every {
  readonly kind: 'cancel-ack';
  /** Whose cancellation is acknowledged. */
  readonly by: 'sender' | 'receiver';
}

export type ControlSegment = ReportSegment | ReportAck | CancelSegment | CancelAck;
export type Segment = DataSegment | ControlSegment;

/** Claims in one report: as many as fit a datagram of 64 KiB at two bytes each. */
export const MOST_CLAIMS = 32_767;
/** RFC 5326 §3.1: segment types by number; 5, 6, 10 and 11 are undefined. */
const TYPE = { red: 0, redCheckpoint: 1, redEnd: 2, blockEnd: 3, green: 4, greenEnd: 7, report: 8, reportAck: 9, cancelBySender: 12, cancelBySenderAck: 13, cancelByReceiver: 14, cancelByReceiverAck: 15 };
const DATA_TYPES = [TYPE.red, TYPE.redCheckpoint, TYPE.redEnd, TYPE.blockEnd, TYPE.green, TYPE.greenEnd];

/** Everything of a data segment before its data. */
export function encodeDataHead(head: DataHead): Uint8Array {
  const { checkpoint } = head;
  const numbers = [head.client, head.offset, head.length, ...(checkpoint === undefined ? [] : [checkpoint.serial, checkpoint.report])];
  return segment(head, typeOf(head), numbers, true);
}

/** @param head must have no trailer where the data is sent behind it as it is. */
export function encodeData(head: DataHead, data: Uint8Array): Uint8Array {
  return concatBytes(encodeDataHead(head), data, encodeExtensions(head.trailers));
}

export function encodeControl(control: ControlSegment): Uint8Array {
  switch (control.kind) {
    case 'report': {
      const claims = control.claims.flatMap(([start, end]) => [start - control.lower, end - start]);
      return segment(control, TYPE.report, [control.serial, control.checkpoint, control.upper, control.lower, control.claims.length, ...claims]);
    }
    case 'report-ack':
      return segment(control, TYPE.reportAck, [control.serial]);
    case 'cancel':
      return segment(control, control.by === 'sender' ? TYPE.cancelBySender : TYPE.cancelByReceiver, [], false, control.reason);
    case 'cancel-ack':
      return segment(control, control.by === 'sender' ? TYPE.cancelBySenderAck : TYPE.cancelByReceiverAck, []);
  }
}

/** The whole of `bytes` as one segment. @throws LINK_PROTOCOL, LINK_LIMIT */
export function decodeSegment(bytes: Uint8Array): Segment {
  const reader = new Reader(bytes);
  const first = reader.byte('ltp/version');
  if (first >> 4 !== 0) throw protocolFault('ltp/version', 0, String(first >> 4), 'version 0');
  const type = first & 0x0f;
  const session = { originator: reader.number('ltp/session/originator'), number: reader.number('ltp/session/number') };
  const counts = reader.byte('ltp/extensions');
  const headers = reader.extensions(counts >> 4, 'ltp/headers');
  const content = decodeContent(reader, type);
  const trailers = reader.extensions(counts & 0x0f, 'ltp/trailers');
  reader.end();
  return { ...content, session, ...(headers.length > 0 && { headers }), ...(trailers.length > 0 && { trailers }) };
}

type Content = Omit<DataSegment, 'session'> | Omit<ReportSegment, 'session'> | Omit<ReportAck, 'session'> | Omit<CancelSegment, 'session'> | Omit<CancelAck, 'session'>;

function decodeContent(reader: Reader, type: number): Content {
  if (DATA_TYPES.includes(type)) return decodeData(reader, type);
  switch (type) {
    case TYPE.report:
      return decodeReport(reader);
    case TYPE.reportAck:
      return { kind: 'report-ack', serial: reader.number('ltp/report-ack/serial') };
    case TYPE.cancelBySender:
    case TYPE.cancelByReceiver:
      return { kind: 'cancel', by: type === TYPE.cancelBySender ? 'sender' : 'receiver', reason: reader.byte('ltp/cancel/reason') };
    case TYPE.cancelBySenderAck:
    case TYPE.cancelByReceiverAck:
      return { kind: 'cancel-ack', by: type === TYPE.cancelBySenderAck ? 'sender' : 'receiver' };
    default:
      throw protocolFault('ltp/type', 0, `type ${type}`, 'a defined segment type');
  }
}

function decodeData(reader: Reader, type: number): Omit<DataSegment, 'session'> {
  const client = reader.number('ltp/data/client');
  const offset = reader.count('ltp/data/offset');
  const length = reader.count('ltp/data/length');
  const isCheckpoint = type > TYPE.red && type < TYPE.green;
  const checkpoint = isCheckpoint ? { serial: reader.number('ltp/data/checkpoint'), report: reader.number('ltp/data/report') } : undefined;
  if (checkpoint?.serial === 0n) throw protocolFault('ltp/data/checkpoint', reader.offset, '0', 'a serial number');
  const data = reader.take(length, 'ltp/data');
  return {
    kind: 'data',
    colour: type < TYPE.green ? 'red' : 'green',
    redEnd: type === TYPE.redEnd || type === TYPE.blockEnd,
    blockEnd: type === TYPE.blockEnd || type === TYPE.greenEnd,
    client,
    offset,
    length,
    ...(checkpoint !== undefined && { checkpoint }),
    data,
  };
}

function decodeReport(reader: Reader): Omit<ReportSegment, 'session'> {
  const serial = reader.number('ltp/report/serial');
  if (serial === 0n) throw protocolFault('ltp/report/serial', reader.offset, '0', 'a serial number');
  const checkpoint = reader.number('ltp/report/checkpoint');
  const upper = reader.count('ltp/report/upper');
  const lower = reader.count('ltp/report/lower');
  if (lower > upper) throw protocolFault('ltp/report/lower', reader.offset, String(lower), `at most the upper bound, ${upper}`);
  const count = reader.count('ltp/report/claims');
  if (count > MOST_CLAIMS) throw limitFault('ltp/report/claims', reader.offset, count, MOST_CLAIMS);
  const claims: [number, number][] = [];
  let reached = lower;
  for (let index = 0; index < count; index++) {
    const start = lower + reader.count('ltp/report/claim/offset');
    const end = start + reader.count('ltp/report/claim/length');
    if (start < reached || end <= start || end > upper) throw protocolFault('ltp/report/claim', reader.offset, `${start} to ${end}`, `claims in their order between ${reached} and ${upper}`);
    claims.push([start, end]);
    reached = end;
  }
  return { kind: 'report', serial, checkpoint, lower, upper, claims };
}

function typeOf({ colour, redEnd, blockEnd, checkpoint }: DataHead): number {
  if (colour === 'green') return blockEnd ? TYPE.greenEnd : TYPE.green;
  if (blockEnd) return TYPE.blockEnd;
  if (redEnd) return TYPE.redEnd;
  return checkpoint === undefined ? TYPE.red : TYPE.redCheckpoint;
}

/** A segment up to its data, or all of it where it has none. */
function segment({ session, headers, trailers }: Every, type: number, numbers: readonly (bigint | number)[], open = false, reason?: number): Uint8Array {
  const counts = ((headers?.length ?? 0) << 4) | (trailers?.length ?? 0);
  const headerBytes = encodeExtensions(headers);
  const bytes = 2 + sdnvBytes(session.originator) + sdnvBytes(session.number) + headerBytes.length + numbers.reduce<number>((sum, value) => sum + sdnvBytes(value), reason === undefined ? 0 : 1);
  const head = new Uint8Array(bytes);
  head[0] = type;
  let at = putSdnv(head, putSdnv(head, 1, session.originator), session.number);
  head[at++] = counts;
  head.set(headerBytes, at);
  at += headerBytes.length;
  for (const value of numbers) at = putSdnv(head, at, value);
  if (reason !== undefined) head[at] = reason;
  return open || trailers === undefined ? head : concatBytes(head, encodeExtensions(trailers));
}

function encodeExtensions(extensions: readonly Extension[] = []): Uint8Array {
  if (extensions.length === 0) return NOTHING;
  return concatBytes(
    ...extensions.map(({ tag, value }) => {
      const head = new Uint8Array(1 + sdnvBytes(value.length));
      head[0] = tag;
      putSdnv(head, 1, value.length);
      return concatBytes(head, value);
    }),
  );
}

class Reader {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(path: string): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw protocolFault(path, this.offset, 'the end of the segment', 'a byte');
    this.offset++;
    return byte;
  }

  number(path: string): bigint {
    const { value, next } = readSdnv(this.#bytes, this.offset, path);
    this.offset = next;
    return value;
  }

  /** A size, an offset or a count: what cannot be counted exactly is beyond every block. */
  count(path: string): number {
    const value = this.number(path);
    if (value > COUNTABLE) throw limitFault(path, this.offset, value, Number(COUNTABLE));
    return Number(value);
  }

  take(length: number, path: string): Uint8Array {
    const end = this.offset + length;
    if (end > this.#bytes.length) throw protocolFault(path, this.offset, `${this.#bytes.length - this.offset} bytes`, `${length}`);
    const taken = this.#bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  extensions(count: number, path: string): readonly Extension[] {
    if (count === 0) return NO_EXTENSIONS;
    return Array.from({ length: count }, () => ({ tag: this.byte(path), value: this.take(this.count(path), path) }));
  }

  end(): void {
    const rest = this.#bytes.length - this.offset;
    if (rest > 0) throw protocolFault('ltp', this.offset, `${rest} bytes behind the segment`, 'its end');
  }
}

const NO_EXTENSIONS: readonly Extension[] = [];
const NOTHING = new Uint8Array(0);
/** Sums of two of them are exact, too. */
const COUNTABLE = 2n ** 48n;
