/**
 * Who has how much in the store: per peer, per destination, per queue, and all together. What is promised but not yet
 * written is reserved here at once, so that holds that run side by side cannot overshoot together.
 */
import { ByteReader, ByteWriter } from './binary.js';
import { counterKey, partsOfCounterKey } from './keys.js';
import { POSITION_BYTES } from './position.js';
import type { Position } from './position.js';
import type { HoldRefusal, QuotaLimits, Quotas, Usage } from './store.js';

/** The numbers of one record, and the accounts it is counted in. */
export interface Charge {
  readonly peer: Account;
  readonly destination: Account;
  readonly bytes: number;
  readonly byteSeconds: number;
}

export interface ChargedRecord {
  readonly destination: string;
  readonly expirySec: number;
  readonly blobBytes: number;
}

/** The changes that one log entry makes to the total. */
export interface TotalChange {
  readonly records?: number;
  readonly bytes?: number;
  readonly byteSeconds?: number;
  readonly tombstones?: number;
  readonly storedBytes?: number;
}

export interface Room {
  readonly capacityBytes: number;
  readonly reserveBytes: number;
  readonly quotas: Quotas;
}

/** What a record costs besides its blob: its entries in the log, about. */
export const RECORD_OVERHEAD_BYTES = 512;
const COUNT_BYTES = 6;
/** byteSeconds pass 2^53 on a large store; a double keeps them to 16 digits, which is enough for a quota. */
const DOUBLE_BYTES = 8;

export type AccountKind = 'peer' | 'destination' | 'queue' | 'total';

/** What one peer, destination or queue has in the store. It is registered while it has something. */
export class Account {
  readonly kind: AccountKind;
  readonly name: string;
  records = 0;
  bytes = 0;
  byteSeconds = 0;
  reservedRecords = 0;
  reservedBytes = 0;
  reservedByteSeconds = 0;
  /** The last log entry that was counted, so that it is not counted again when the log is replayed. */
  position: Position = 0;
  registered = false;
  changed = false;

  constructor(kind: AccountKind, name: string) {
    this.kind = kind;
    this.name = name;
  }

  get usage(): Usage {
    return { records: this.records + this.reservedRecords, bytes: this.bytes + this.reservedBytes, byteSeconds: this.byteSeconds + this.reservedByteSeconds };
  }

  get idle(): boolean {
    return this.records === 0 && this.reservedRecords === 0;
  }

  /** Counts records in (1) or out (-1), unless the log entry at `position` has been counted. */
  count(sign: 1 | -1, bytes: number, byteSeconds: number, position: Position | undefined): boolean {
    if (position !== undefined) {
      if (this.position >= position) return false;
      this.position = position;
    }
    this.records = Math.max(0, this.records + sign);
    // Nothing is nothing, whatever rounding or a replay of a part of the log has left.
    this.bytes = this.records === 0 ? 0 : Math.max(0, this.bytes + sign * bytes);
    this.byteSeconds = this.records === 0 ? 0 : Math.max(0, this.byteSeconds + sign * byteSeconds);
    return true;
  }

  reserve(sign: 1 | -1, bytes: number, byteSeconds: number): void {
    this.reservedRecords += sign;
    this.reservedBytes += sign * bytes;
    this.reservedByteSeconds = this.reservedRecords === 0 ? 0 : this.reservedByteSeconds + sign * byteSeconds;
  }

  fits(bytes: number, byteSeconds: number, limits: QuotaLimits): boolean {
    return this.bytes + this.reservedBytes + bytes <= limits.bytes && this.byteSeconds + this.reservedByteSeconds + byteSeconds <= limits.byteSeconds;
  }
}

class Total extends Account {
  /** Blobs once each, however many records share them. */
  storedBytes = 0;
  tombstones = 0;
}

export class UsageBook {
  readonly #room: Room;
  readonly #accounts: Readonly<Record<AccountKind, Map<string, Account>>> = { peer: new Map(), destination: new Map(), queue: new Map(), total: new Map() };
  readonly #total = new Total('total', '');
  #changed: Account[] = [];

  constructor(room: Room) {
    this.#room = room;
  }

  get room(): { readonly capacityBytes: number; readonly reserveBytes: number } {
    const { capacityBytes, reserveBytes } = this.#room;
    return { capacityBytes, reserveBytes };
  }

  charge(record: ChargedRecord, peer: string, heldAtMs: number): Charge {
    const seconds = Math.max(0, record.expirySec - Math.floor(heldAtMs / 1000));
    return {
      peer: this.#account('peer', peer),
      destination: this.#account('destination', record.destination),
      bytes: record.blobBytes,
      byteSeconds: record.blobBytes * seconds,
    };
  }

  /** Why there is no room for one more record, or undefined. */
  refusal({ peer, destination, bytes, byteSeconds }: Charge): HoldRefusal | undefined {
    const { capacityBytes, reserveBytes, quotas } = this.#room;
    const total = this.#total;
    const records = total.records + total.tombstones + total.reservedRecords + 1;
    if (total.storedBytes + total.reservedBytes + bytes + records * RECORD_OVERHEAD_BYTES > capacityBytes - reserveBytes) return 'full';
    if (!peer.fits(bytes, byteSeconds, quotas.peer(peer.name))) return 'quota-peer';
    if (!destination.fits(bytes, byteSeconds, quotas.destination(destination.name))) return 'quota-destination';
    return undefined;
  }

  /** Sets room aside (1) or gives it back (-1). */
  reserve({ peer, destination, bytes, byteSeconds }: Charge, sign: 1 | -1): void {
    this.#reserve(peer, sign, bytes, byteSeconds);
    this.#reserve(destination, sign, bytes, byteSeconds);
    this.#total.reserve(sign, bytes, byteSeconds);
  }

  /** Counts a record in (1) or out (-1) because of a log entry. */
  count({ peer, destination, bytes, byteSeconds }: Charge, sign: 1 | -1, position?: Position): void {
    if (peer.count(sign, bytes, byteSeconds, position)) this.#note(peer);
    if (destination.count(sign, bytes, byteSeconds, position)) this.#note(destination);
  }

  countQueue(target: string, { bytes, byteSeconds }: Charge, sign: 1 | -1, position?: Position): void {
    const queue = this.#account('queue', target);
    if (queue.count(sign, bytes, byteSeconds, position)) this.#note(queue);
  }

  countTotal(change: TotalChange, position?: Position): void {
    const total = this.#total;
    if (position !== undefined) {
      if (total.position >= position) return;
      total.position = position;
    }
    total.records = Math.max(0, total.records + (change.records ?? 0));
    total.bytes = total.records === 0 ? 0 : Math.max(0, total.bytes + (change.bytes ?? 0));
    total.byteSeconds = total.records === 0 ? 0 : Math.max(0, total.byteSeconds + (change.byteSeconds ?? 0));
    total.storedBytes = Math.max(0, total.storedBytes + (change.storedBytes ?? 0));
    total.tombstones = Math.max(0, total.tombstones + (change.tombstones ?? 0));
    this.#note(total);
  }

  usage(kind: Exclude<AccountKind, 'total'>, name: string): Usage {
    return (this.#accounts[kind].get(name) ?? NOBODY).usage;
  }

  get total(): Usage {
    return this.#total.usage;
  }

  get tombstones(): number {
    return this.#total.tombstones;
  }

  queues(): string[] {
    return [...this.#accounts.queue].filter(([, queue]) => queue.records > 0).map(([name]) => name).sort();
  }

  load(key: string, value: Uint8Array): void {
    const { letter, name } = partsOfCounterKey(key);
    const account = letter === LETTER.total ? this.#total : this.#account(KIND.get(letter)!, name);
    const reader = new ByteReader(value, 'a counter of the index');
    account.records = reader.uint(COUNT_BYTES);
    account.bytes = reader.uint(COUNT_BYTES);
    account.byteSeconds = Buffer.from(reader.fixed(DOUBLE_BYTES)).readDoubleBE();
    account.position = reader.uint(POSITION_BYTES);
    if (account instanceof Total) {
      account.storedBytes = reader.uint(COUNT_BYTES);
      account.tombstones = reader.uint(COUNT_BYTES);
    }
    reader.end();
    this.#register(account);
  }

  /**
   * Writes the accounts that changed since the last time. That is needed before the watermark of the index is raised, and
   * not more often: an account written earlier is brought up to date when the log is replayed from the watermark.
   */
  drain(put: (key: string, value: Uint8Array | null) => void): void {
    for (const account of this.#changed) {
      account.changed = false;
      const gone = account.idle && account !== this.#total;
      if (gone) this.#forget(account);
      put(counterKey(LETTER[account.kind], account.name), gone ? null : encode(account));
    }
    this.#changed = [];
  }

  #reserve(account: Account, sign: 1 | -1, bytes: number, byteSeconds: number): void {
    account.reserve(sign, bytes, byteSeconds);
    if (!account.registered) this.#register(account);
    else if (account.idle && !account.changed) this.#forget(account);
  }

  #note(account: Account): void {
    if (!account.registered) this.#register(account);
    if (!account.changed) this.#changed.push(account);
    account.changed = true;
  }

  #account(kind: AccountKind, name: string): Account {
    return this.#accounts[kind].get(name) ?? new Account(kind, name);
  }

  #register(account: Account): void {
    account.registered = true;
    this.#accounts[account.kind].set(account.name, account);
  }

  #forget(account: Account): void {
    account.registered = false;
    this.#accounts[account.kind].delete(account.name);
  }
}

const NOBODY = new Account('peer', '');
const LETTER: Readonly<Record<AccountKind, string>> = { peer: 'p', destination: 'd', queue: 'q', total: 't' };
const KIND = new Map(Object.entries(LETTER).map(([kind, letter]) => [letter, kind as AccountKind]));

function encode(account: Account): Uint8Array {
  const byteSeconds = Buffer.alloc(DOUBLE_BYTES);
  byteSeconds.writeDoubleBE(account.byteSeconds);
  const writer = new ByteWriter(64).uint(account.records, COUNT_BYTES).uint(account.bytes, COUNT_BYTES).fixed(byteSeconds).uint(account.position, POSITION_BYTES);
  if (account instanceof Total) writer.uint(account.storedBytes, COUNT_BYTES).uint(account.tombstones, COUNT_BYTES);
  return writer.finish();
}
