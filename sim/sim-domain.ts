/**
 * The two ends of a message, as small as they can be: hands messages over to the gateway it lives beside until there is a
 * receipt, hears knocks, fetches, accepts. It is on the same network as its gateway and never fails.
 */
import { toHex } from '../base/bytes.js';
import { backoffMs } from '../base/backoff.js';
import { encodeBatchHead, encodePieceHead } from '../wire/batch.js';
import { BatchReader } from '../wire/batch-reader.js';
import type { KemKey, SigningKey } from '../wire/keys.js';
import { keyId } from '../wire/keys.js';
import { isSha256Of } from '../wire/node-crypto.js';
import { decodeInner, verifyOuter } from '../wire/notification.js';
import { openNotifyDatagram } from '../wire/open.js';
import { encodeOpening } from '../wire/opening.js';
import { takenRids, verifyReceipt } from '../wire/receipt.js';
import { short } from './checks.js';
import { uncoverInner } from './message.js';
import type { Message } from './message.js';
import { US_PER_MS } from './sim-clock.js';
import type { SimNode } from './sim-node.js';
import type { WorldFace } from './world-face.js';

const AGAIN = { firstMs: 5000, capMs: 900_000 };
/** Whoever has not answered by then has crashed. */
const PATIENCE_US = 60e6;
const NETWORK_US = 500;
/** A gateway that has run for so long since an opening reached it has applied it, however slow its disk. */
const SETTLED_US = 600e6;
/** How much later a domain that has lost its memory asks for some of its messages again. */
const FORGETFUL_AFTER_US = 3600e6;
const FORGETFUL = 0.1;

export interface DomainReports {
  taken(message: Message): void;
  delivered(message: Message): void;
  /** Nobody has taken it over before it was too late. */
  givenUp(message: Message): void;
}

export class SimDomain {
  readonly name: string;
  readonly key: SigningKey;
  readonly kem: KemKey;
  readonly #node: SimNode;
  readonly #world: WorldFace;
  readonly #reports: DomainReports;
  readonly #byId = new Map<string, Message>();
  /** Openings that came with an answer: shown with the next batch, so that the gateway need not keep them. */
  #echoes: Uint8Array[] = [];

  constructor(name: string, keys: { key: SigningKey; kem: KemKey }, node: SimNode, world: WorldFace, reports: DomainReports) {
    this.name = name;
    this.key = keys.key;
    this.kem = keys.kem;
    this.#node = node;
    this.#world = world;
    this.#reports = reports;
  }

  /** A message for a user here is on its way: what the user will know it by. */
  expect(message: Message): void {
    this.#byId.set(toHex(message.id), message);
  }

  forget(message: Message): void {
    this.#byId.delete(toHex(message.id));
  }

  submit(message: Message, attempts = 0): void {
    const { time } = this.#world;
    if (message.custodyUs !== undefined || message.isRetracted) return;
    if (time.startMs + time.nowUs / US_PER_MS > message.record.expirySec * 1000) return this.#reports.givenUp(message);
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      isOver = true;
      const waitMs = backoffMs(AGAIN, attempts + 1, this.#world.streams.named(`domain/${this.name}`));
      this.#later(waitMs * US_PER_MS, () => this.submit(message, attempts + 1));
    };
    const { gateway } = this.#node;
    if (gateway === undefined) return again();
    this.#later(PATIENCE_US, again);
    void gateway.takeBatch(this.#batch(message), 'direct').then((answer) => {
      if (isOver) return;
      if (answer.kind === 'answer') this.#world.checks.written(this.#node.name, 'an answer', answer.bytes);
      if (answer.kind !== 'answer' || !this.#isReceipted(answer.bytes, message)) return again();
      isOver = true;
      message.custodyUs = time.nowUs;
      message.blob = undefined;
      this.#reports.taken(message);
    }, again);
  }

  retract(message: Message): void {
    message.isRetracted = true;
    this.#node.gateway?.openings(encodeOpening(message.retract));
  }

  /** A datagram came in. Opened as a domain opens it; the checks hear of it, and nobody else. */
  hear(datagram: Uint8Array): void {
    const outer = openNotifyDatagram(this.kem, this.name, datagram);
    if (!verifyOuter(outer, this.#node.key.publicKey)) return this.#world.checks.violated('served-wrong', this.#node.name, `a knock at ${this.name} that ${this.#node.name} has not signed`);
    const inner = decodeInner(uncoverInner(outer.sealedInner));
    const message = this.#byId.get(toHex(inner.messageId));
    if (message === undefined) return;
    message.knocks += 1;
    if (message.isSettled) this.#world.checks.violated('duplicate', this.#node.name, `a knock for ${short(message.rid)}, which ${this.name} has accepted`);
    if (message.deliveredUs === undefined) this.#later(NETWORK_US, () => void this.#fetch(message).catch(() => undefined));
    // The gateway has not heard of it, or could not write it down: it is told again, as a domain does (domain/collect.ts).
    else if (message.isAccepted) this.#later(NETWORK_US, () => this.#node.gateway?.openings(encodeOpening(message.accept)));
  }

  async #fetch(message: Message): Promise<void> {
    const { gateway } = this.#node;
    if (gateway === undefined || message.deliveredUs !== undefined) return;
    const served = await gateway.fetch(message.id);
    if (served === undefined) {
      // Expired, retracted or accepted while the knock was under way.
      this.#world.tell(this.name, `${short(message.rid)} is not served`);
      return;
    }
    const blob = await served.blob.read(0, served.blob.bytes);
    const { checks, time } = this.#world;
    if (!isSha256Of(message.record.blobHash, blob)) checks.violated('served-wrong', this.#node.name, `${short(message.rid)} was served with other bytes than were sent`);
    if (message.deliveredUs !== undefined) return;
    message.deliveredUs = time.nowUs;
    message.fetches += 1;
    this.#reports.delivered(message);
    gateway.fetched(served);
    this.#later(NETWORK_US, () => this.#accept(message));
  }

  #accept(message: Message): void {
    const { gateway, diskTroubles, isDiskInTrouble } = this.#node;
    message.isAccepted = true;
    if (gateway === undefined) return;
    gateway.openings(encodeOpening(message.accept));
    this.#later(SETTLED_US, () => (message.isSettled = this.#node.gateway === gateway && !isDiskInTrouble && this.#node.diskTroubles === diskTroubles));
    if (this.#world.streams.named(`domain/${this.name}/forgetful`).chance(FORGETFUL)) this.#later(FORGETFUL_AFTER_US, () => void this.#fetchAgain(message).catch(() => undefined));
  }

  /** As a domain does that has been set up anew from an old copy: whatever it asks for, its user must not get a message twice. */
  async #fetchAgain(message: Message): Promise<void> {
    const served = await this.#node.gateway?.fetch(message.id);
    if (served !== undefined && message.isSettled) this.#world.checks.violated('duplicate', this.#node.name, `${short(message.rid)} was served, and ${this.name} has accepted it long ago`);
  }

  #isReceipted(answer: Uint8Array, message: Message): boolean {
    let isTaken = false;
    for (const event of new BatchReader().push(answer)) {
      if (event.kind !== 'head') continue;
      for (const control of event.head.controls) {
        if (control.kind === 'accept' || control.kind === 'retract') this.#echoes.push(control.bytes);
        if (control.kind !== 'receipt' || !verifyReceipt(control, this.#node.key.publicKey)) continue;
        const rids = takenRids(control).map(toHex);
        this.#world.checks.receipted(this.#node.name, rids);
        isTaken ||= rids.includes(message.rid);
      }
    }
    return isTaken;
  }

  async *#batch(message: Message): AsyncIterable<Uint8Array> {
    const { time, streams } = this.#world;
    const sentSec = Math.floor((time.startMs + time.nowUs / US_PER_MS) / 1000);
    const controls = this.#echoes;
    this.#echoes = [];
    yield encodeBatchHead({ key: this.key, to: keyId(this.#node.key.publicKey), records: [message.record], controls, sentSec, nonce: streams.named(`domain/${this.name}`).bytes(16) });
    const { blob } = message;
    if (blob === undefined) return;
    yield encodePieceHead(0, 0, blob.length);
    yield blob;
  }

  #later(delayUs: number, run: () => void): void {
    const { time } = this.#world;
    time.queue.add(time.nowUs + Math.ceil(delayUs), run);
  }
}
