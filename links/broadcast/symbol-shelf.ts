/**
 * What has come of objects that are not whole yet, in files, so that a restart does not have to hear it again. A file is a row of
 * packets as they came, each after its length; every one bears its sender's mark and is looked at anew when it is read, so
 * that a file which a kill has torn loses symbols and spoils nothing. Nothing is synced: what is lost is heard again.
 */
import { appendFile, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, toHex } from '../../base/bytes.js';
import type { Clock, Timer } from '../../base/clock.js';
import { codeOf } from '../../base/durable-file.js';
import { messageOf, PosternError } from '../../base/errors.js';
import { makeFolder } from '../../base/make-folder.js';
import type { LinkLimit } from '../link.js';

export interface SymbolShelfOptions {
  readonly folder: string;
  /** Of all files together. What is more stays in memory only. */
  readonly limitBytes: number;
  readonly clock: Clock;
  readonly log?: ((level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void) | undefined;
}

/** An object's place: whose it is, and its tag in hex. */
export interface ShelfPlace {
  readonly from: Uint8Array;
  readonly tag: string;
}

interface Waiting {
  readonly packets: Uint8Array[];
  bytes: number;
}

/** What a kill may cost, in time and in bytes. */
const WRITE_EVERY_MS = 1000;
const WRITE_EACH_BYTES = 256 * 1024;
const LENGTH_BYTES = 2;
/** A carousel that has not brought an object to its end for so long has stopped. */
const KEPT_MS = 7 * 86_400_000;
const NAME = /^[0-9a-f]{16}-[0-9a-f]{8}\.symbols$/;
const NAME_TAG_START = 17;

export class SymbolShelf {
  readonly #options: SymbolShelfOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** By name: bytes in the file, and on their way there. */
  readonly #bytes = new Map<string, number>();
  #heldBytes = 0;
  /** Packets that are in memory only. */
  #refused = 0;
  #timer: Timer | undefined;
  #isFaulty = false;
  /** One access after the other. */
  #turn: Promise<void> = Promise.resolve();
  #opened: Promise<void> | undefined;

  constructor(options: SymbolShelfOptions) {
    this.#options = options;
  }

  limit(): LinkLimit {
    return { name: 'room on disk for objects', unit: 'bytes', used: this.#heldBytes, most: this.#options.limitBytes, refused: this.#refused };
  }

  /** Throws LINK_FOLDER where the folder cannot be made. What is too old goes. */
  open(): Promise<void> {
    return (this.#opened ??= this.#open());
  }

  /** The packets of one sender's objects, object by object. */
  async *load(from: Uint8Array): AsyncIterable<{ readonly tag: string; readonly packets: readonly Uint8Array[] }> {
    for (const name of [...this.#bytes.keys()].filter((candidate) => candidate.startsWith(toHex(from)))) {
      let packets: readonly Uint8Array[] = [];
      this.#enqueue(async () => {
        packets = await this.#read(name);
      });
      await this.#turn;
      yield { tag: name.slice(NAME_TAG_START, NAME_TAG_START + 8), packets };
    }
  }

  /** Beyond the limit it is not kept. The memory it stands in is copied. */
  add(place: ShelfPlace, packet: Uint8Array): void {
    const name = nameOf(place);
    const bytes = LENGTH_BYTES + packet.length;
    if (this.#isFaulty || this.#heldBytes + bytes > this.#options.limitBytes) {
      this.#refused += 1;
      return;
    }
    this.#count(name, (this.#bytes.get(name) ?? 0) + bytes);
    const waiting = this.#waiting.get(name) ?? { packets: [], bytes: 0 };
    this.#waiting.set(name, waiting);
    waiting.packets.push(Uint8Array.of(packet.length >> 8, packet.length & 0xff), packet.slice());
    waiting.bytes += bytes;
    if (waiting.bytes >= WRITE_EACH_BYTES) this.#write(name);
    else this.#timer ??= this.#options.clock.timer(WRITE_EVERY_MS, () => this.#writeAll());
  }

  /** The object is there, or not wanted any more. */
  drop(place: ShelfPlace): void {
    const name = nameOf(place);
    if (!this.#bytes.has(name)) return;
    this.#count(name, 0);
    this.#waiting.delete(name);
    this.#enqueue(() => rm(join(this.#options.folder, name), { force: true }));
  }

  /** Everything is written that was given. */
  async settle(): Promise<void> {
    this.#writeAll();
    await this.#turn;
  }

  async #open(): Promise<void> {
    const { folder, clock } = this.#options;
    try {
      await makeFolder(folder, 0o700);
      for (const name of await readdir(folder)) {
        if (!NAME.test(name)) continue;
        const { size, mtimeMs } = await stat(join(folder, name));
        if (clock.nowMs() - mtimeMs >= KEPT_MS) await rm(join(folder, name), { force: true });
        else this.#count(name, size);
      }
    } catch (cause) {
      throw new PosternError('LINK_FOLDER', `The folder ${folder} cannot be used: ${messageOf(cause)}.`, { folder, systemCode: codeOf(cause) ?? '' }, { cause });
    }
  }

  /** What comes after a packet that is not whole would never be read: it goes. */
  async #read(name: string): Promise<Uint8Array[]> {
    const path = join(this.#options.folder, name);
    const bytes = await readFile(path);
    const packets = packetsIn(bytes);
    const wholeBytes = packets.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0);
    if (wholeBytes < bytes.length) await truncate(path, wholeBytes);
    return packets;
  }

  #count(name: string, bytes: number): void {
    this.#heldBytes += bytes - (this.#bytes.get(name) ?? 0);
    if (bytes > 0) this.#bytes.set(name, bytes);
    else this.#bytes.delete(name);
  }

  #writeAll(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const name of [...this.#waiting.keys()]) this.#write(name);
  }

  #write(name: string): void {
    const packets = this.#waiting.get(name)?.packets ?? [];
    this.#waiting.delete(name);
    this.#enqueue(() => appendFile(join(this.#options.folder, name), concatBytes(...packets), { mode: 0o600 }));
  }

  /** A disk that is full, or fails, costs what a restart would have saved, and nothing else. */
  #enqueue(access: () => Promise<void>): void {
    this.#turn = this.#turn.then(access).catch((thrown: unknown) => {
      if (!this.#isFaulty) this.#options.log?.('warn', 'what has come of broadcast objects is not written down any more', { reason: messageOf(thrown) });
      this.#isFaulty = true;
    });
  }
}

/** Up to the first that is not whole. */
function packetsIn(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
    const end = at + LENGTH_BYTES + (bytes[at]! << 8) + bytes[at + 1]!;
    if (end > bytes.length) break;
    packets.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return packets;
}

function nameOf({ from, tag }: ShelfPlace): string {
  return `${toHex(from)}-${tag}.symbols`;
}
