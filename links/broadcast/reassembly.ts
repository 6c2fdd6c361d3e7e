/**
 * What is heard becomes objects, within a fixed amount of memory. Nothing is kept that does not bear the mark of a known
 * sender, and no room is made for an object but on its sender's signature. No socket, no timer: packets go in, objects come out.
 */
import { toHex, equalBytes } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import type { BroadcastCrypto, Party } from './broadcast-crypto.js';
import { IncomingObject } from './incoming-object.js';
import { isSound, memoryBytes } from './object-plan.js';
import { EVERYBODY, decodeAnnouncement, decodeSymbol, isMarked, isSigned, macKeyOf, tagOf, type Announcement, type SymbolPacket } from './packets.js';
import type { SymbolShelf } from './symbol-shelf.js';
import { WaitingRoom } from './waiting-room.js';

/** Somebody whose objects are taken. */
export interface Sender extends Party {
  readonly secret?: Uint8Array;
  readonly largestBytes: number;
  /** A packet with its mark. */
  heard(bytes: number): void;
  /** A whole object whose hash holds. Until it resolves the object counts as memory. */
  deliver(object: Uint8Array): Promise<void>;
}

export interface ReassemblyOptions {
  /** The short name of our own key. */
  readonly ourId: Uint8Array;
  readonly memoryBytes: number;
  readonly crypto: Pick<BroadcastCrypto, 'sha256' | 'mac' | 'verify'>;
  readonly clock: Clock;
  /** Where what has come outlasts a restart. */
  readonly shelf?: SymbolShelf;
  readonly log?: ((level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void) | undefined;
}

interface Known extends Sender {
  readonly macKey: Uint8Array;
}

interface Entry {
  readonly sender: Known;
  readonly announcement: Announcement;
  readonly object: IncomingObject;
  lastMs: number;
}

/** What was dropped, and why: for tests and for the log. */
export interface Dropped {
  /** No packet, no known sender, or without its mark. */
  strangers: number;
  /** Announcements that nobody signed, or that cannot be. */
  spoofed: number;
  /** More announcements than signatures are checked. */
  hurried: number;
  /** No memory. */
  noRoom: number;
  /** Whole objects whose hash did not hold. */
  poisoned: number;
}

/** Objects that are there, not for us, or not wanted: their packets go no further. */
const REMEMBERED = 4096;
/** Of the memory, for symbols without an announcement. */
const WAITING_FRACTION = 1 / 16;
/** None of its symbols has come for so long: nobody is sending it any more. */
const FORGOTTEN_MS = 7 * 86_400_000;
/** An object makes room for another once none of its symbols has come for so long. */
const IDLE_MS = 10 * 60_000;
/** A signature takes a tenth of a millisecond and more: strangers who know the public key must not have us check any number. */
export const SIGNATURES_PER_SEC = 50;

export class Reassembly {
  readonly dropped: Dropped = { strangers: 0, spoofed: 0, hurried: 0, noRoom: 0, poisoned: 0 };
  readonly #options: ReassemblyOptions;
  readonly #senders = new Map<Sender, Known>();
  readonly #entries = new Map<string, Entry>();
  /** Tags of objects that are done with, the oldest first. */
  readonly #done = new Set<string>();
  readonly #waiting: WaitingRoom;
  #deliveringBytes = 0;
  /** What is taken comes from the shelf, and is not to be put there again. */
  #isRestoring = false;
  #checks = SIGNATURES_PER_SEC;
  #checksMs: number;

  constructor(options: ReassemblyOptions) {
    this.#options = options;
    this.#waiting = new WaitingRoom(options.memoryBytes * WAITING_FRACTION);
    this.#checksMs = options.clock.monotonicMs();
  }

  add(sender: Sender): void {
    this.#senders.set(sender, { ...sender, heard: (bytes) => sender.heard(bytes), deliver: (object) => sender.deliver(object), macKey: macKeyOf(this.#options.crypto, sender.publicKey, sender.secret) });
  }

  /** What has come of a sender's objects before the last restart. Of an object that is not begun again nothing is kept. */
  async restore(sender: Sender): Promise<void> {
    const { shelf } = this.#options;
    if (shelf === undefined) return;
    for await (const { tag, packets } of shelf.load(sender.id)) {
      this.#isRestoring = true;
      for (const packet of packets) this.take(packet);
      this.#isRestoring = false;
      if (!this.#entries.has(tag)) shelf.drop({ from: sender.id, tag });
    }
  }

  /** What has come of its objects is forgotten, but for what is on the shelf. */
  remove(sender: Sender): void {
    const known = this.#senders.get(sender);
    this.#senders.delete(sender);
    for (const [tag, entry] of this.#entries) if (entry.sender === known) this.#entries.delete(tag);
  }

  /** Signatures, of those that may be checked in a second. */
  get checkedLately(): number {
    const sinceMs = this.#options.clock.monotonicMs() - this.#checksMs;
    return Math.floor(Math.max(0, SIGNATURES_PER_SEC - this.#checks - (sinceMs / 1000) * SIGNATURES_PER_SEC));
  }

  get heldBytes(): number {
    let bytes = this.#waiting.heldBytes + this.#deliveringBytes;
    for (const { object } of this.#entries.values()) bytes += object.heldBytes;
    return bytes;
  }

  /** One datagram. The memory it stands in is not kept. */
  take(packet: Uint8Array): void {
    const symbol = decodeSymbol(packet);
    if (symbol !== undefined) return this.#takeSymbol(symbol, packet);
    const announcement = decodeAnnouncement(packet);
    if (announcement !== undefined) return this.#takeAnnouncement(announcement, packet);
    this.dropped.strangers += 1;
  }

  #takeSymbol(symbol: SymbolPacket, packet: Uint8Array): void {
    const { crypto, clock } = this.#options;
    const tag = toHex(symbol.tag);
    if (this.#done.has(tag)) return;
    const entry = this.#entries.get(tag);
    const sender = entry === undefined ? [...this.#senders.values()].find(({ macKey }) => isMarked(crypto, macKey, packet)) : entry.sender;
    if (sender === undefined || (entry !== undefined && !isMarked(crypto, sender.macKey, packet))) {
      this.dropped.strangers += 1;
      return;
    }
    this.#heard(sender, packet);
    if (entry === undefined) return this.#waiting.add(tag, packet);
    entry.lastMs = clock.monotonicMs();
    this.#addSymbol(tag, entry, symbol, packet);
  }

  #addSymbol(tag: string, { sender, announcement, object }: Entry, { block, number, symbol }: SymbolPacket, packet: Uint8Array): void {
    const taken = object.take(block, number, symbol);
    if (taken === 'passed-over') return;
    this.#shelve(tag, sender, packet);
    if (taken === 'kept') return;
    this.#entries.delete(tag);
    this.#finish(tag, sender, announcement, taken, object.heldBytes);
  }

  #heard(sender: Sender, packet: Uint8Array): void {
    if (!this.#isRestoring) sender.heard(packet.length);
  }

  #shelve(tag: string, { id }: Sender, packet: Uint8Array): void {
    if (!this.#isRestoring) this.#options.shelf?.add({ from: id, tag }, packet);
  }

  #takeAnnouncement(announcement: Announcement, packet: Uint8Array): void {
    const { crypto, ourId, clock } = this.#options;
    const tag = toHex(tagOf(announcement.hash));
    if (this.#done.has(tag)) return;
    const sender = [...this.#senders.values()].find(({ id, macKey }) => equalBytes(id, announcement.from) && isMarked(crypto, macKey, packet));
    if (sender === undefined) {
      this.dropped.strangers += 1;
      return;
    }
    const entry = this.#entries.get(tag);
    if (entry !== undefined) {
      this.#heard(sender, packet);
      entry.lastMs = clock.monotonicMs();
      return;
    }
    if (!this.#isRestoring && !this.#mayCheck()) {
      this.dropped.hurried += 1;
      return;
    }
    if (!isSigned(crypto, sender.publicKey, packet) || !isSound(announcement)) {
      this.dropped.spoofed += 1;
      return;
    }
    this.#heard(sender, packet);
    if (!equalBytes(announcement.to, ourId) && !equalBytes(announcement.to, EVERYBODY)) return this.#forget(tag);
    if (announcement.objectBytes > sender.largestBytes) {
      this.#options.log?.('warn', 'a broadcast object is larger than we take', { bytes: announcement.objectBytes, limit: sender.largestBytes });
      return this.#forget(tag);
    }
    if (!this.#makeRoom(memoryBytes(announcement))) {
      this.dropped.noRoom += 1;
      return;
    }
    if (announcement.symbolBytes === 0) return this.#finish(tag, sender, announcement, announcement.inline, announcement.objectBytes);
    this.#shelve(tag, sender, packet);
    this.#begin(tag, sender, announcement);
  }

  #begin(tag: string, sender: Known, announcement: Announcement): void {
    const entry = { sender, announcement, object: new IncomingObject(announcement), lastMs: this.#options.clock.monotonicMs() };
    this.#entries.set(tag, entry);
    for (const waiting of this.#waiting.take(tag)) {
      const symbol = decodeSymbol(waiting);
      // It bore the mark of some sender; it has to be that of this one.
      if (symbol !== undefined && this.#entries.get(tag) === entry && isMarked(this.#options.crypto, sender.macKey, waiting)) this.#addSymbol(tag, entry, symbol, waiting);
    }
  }

  #finish(tag: string, sender: Known, announcement: Announcement, object: Uint8Array, heldBytes: number): void {
    const { crypto, log } = this.#options;
    if (!equalBytes(crypto.sha256(object), announcement.hash)) {
      // It begins anew with the next announcement.
      this.dropped.poisoned += 1;
      this.#options.shelf?.drop({ from: sender.id, tag });
      log?.('warn', 'a broadcast object came out wrong: somebody who knows the mark mixes symbols in', { bytes: announcement.objectBytes });
      return;
    }
    this.#forget(tag);
    this.#deliveringBytes += heldBytes;
    void sender.deliver(object).finally(() => {
      this.#deliveringBytes -= heldBytes;
      this.#options.shelf?.drop({ from: sender.id, tag });
    });
  }

  /** Its packets are passed over from now on. */
  #forget(tag: string): void {
    this.#waiting.take(tag);
    this.#done.add(tag);
    if (this.#done.size > REMEMBERED) this.#done.delete([...this.#done.keys()][0]!);
  }

  /** False when the objects in memory all still grow. */
  #makeRoom(bytes: number): boolean {
    const { memoryBytes: limitBytes, clock } = this.#options;
    const idle = [...this.#entries].filter(([, entry]) => clock.monotonicMs() - entry.lastMs >= IDLE_MS).sort(([, a], [, b]) => a.lastMs - b.lastMs);
    const room = (): boolean => this.heldBytes - this.#waiting.heldBytes + bytes <= limitBytes * (1 - WAITING_FRACTION);
    for (const [tag, entry] of idle) {
      if (room() && clock.monotonicMs() - entry.lastMs < FORGOTTEN_MS) break;
      this.#entries.delete(tag);
      this.#options.shelf?.drop({ from: entry.sender.id, tag });
    }
    return room();
  }

  #mayCheck(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    this.#checks = Math.min(SIGNATURES_PER_SEC, this.#checks + ((nowMs - this.#checksMs) / 1000) * SIGNATURES_PER_SEC);
    this.#checksMs = nowMs;
    if (this.#checks < 1) return false;
    this.#checks -= 1;
    return true;
  }
}
