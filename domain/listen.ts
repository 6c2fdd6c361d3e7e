/**
 * Hears knocks. Nothing is ever sent back, whatever comes in: known, unknown, ignored and garbage look the same
 * from outside. Checks go from cheap to dear, and what passes them all is on disk before anything is fetched.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { toHex } from '../base/bytes.js';
import { PosternError, isPosternError, messageOf } from '../base/errors.js';
import { sha256Of } from '../wire/node-crypto.js';
import { datagramIsFor, verifyOuter } from '../wire/notification.js';
import type { InnerNotification, OuterNotification } from '../wire/notification.js';
import { openInner, openNotifyDatagram } from '../wire/open.js';
import { hasExpired, nowSec } from './context.js';
import type { DomainContext } from './context.js';
import type { Holder } from './state-schema.js';
import { TokenBucket } from '../base/token-bucket.js';

/** A message waits for us there. */
export interface Knock {
  readonly inner: InnerNotification;
  readonly holder: Holder;
  readonly gateway: string;
}

/** Knocks that were heard lately, so that one played again costs no more than a hash. */
const REMEMBERED = 4096;

export class KnockListener {
  readonly #context: DomainContext;
  readonly #onKnock: (knock: Knock) => Promise<void>;
  readonly #bucket: TokenBucket;
  readonly #heard = new Set<string>();
  #socket: Socket | undefined;
  #inHand: Promise<void> = Promise.resolve();

  constructor(context: DomainContext, onKnock: (knock: Knock) => Promise<void>) {
    this.#context = context;
    this.#onKnock = onKnock;
    this.#bucket = new TokenBucket(context.clock, context.config.knock.burst, context.config.knock.perSecond);
  }

  /** @returns the port, which the system chose when the config says 0. */
  async start(): Promise<number> {
    const { listenHost: host, listenPort: port } = this.#context.config.knock;
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reuseAddr: false });
    socket.bind(port, host);
    try {
      await once(socket, 'listening');
    } catch (thrown) {
      throw new PosternError('DOMAIN_PORT', `Cannot listen for knocks on ${host}, UDP port ${port}: ${messageOf(thrown)}. Is another "postern domain receive" running? Otherwise change knock.listenHost or knock.listenPort in domain.json.`, { host, port }, { cause: thrown });
    }
    socket.on('error', (thrown) => this.#context.report({ kind: 'trouble', what: 'the socket for knocks', thrown }));
    socket.on('message', (datagram) => {
      this.#hear(datagram);
    });
    this.#socket = socket;
    return socket.address().port;
  }

  /** Waits for what is in hand. Safe to call twice. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(() => resolve()));
    await this.#inHand;
  }

  #hear(datagram: Uint8Array): void {
    const knock = this.#open(datagram);
    if (knock === undefined) return;
    this.#inHand = this.#inHand.then(() => this.#onKnock(knock)).catch((thrown: unknown) => this.#context.report({ kind: 'trouble', what: 'a knock', thrown }));
  }

  #open(datagram: Uint8Array): Knock | undefined {
    const { identity, doors } = this.#context;
    if (!datagramIsFor(identity.kem.publicKey, datagram)) return undefined;
    const name = toHex(sha256Of(datagram));
    if (this.#heard.has(name) || !this.#bucket.take()) return undefined;
    try {
      const outer = openNotifyDatagram(identity.kem, identity.name, datagram);
      const door = doors.byKeyId(outer.holderKid);
      if (door === undefined || !verifyOuter(outer, door.key) || !this.#isTimely(outer)) return undefined;
      const inner = openInner(identity.kem, identity.name, outer.sealedInner);
      if (hasExpired(this.#context, inner.expirySec)) return undefined;
      this.#remember(name);
      return { inner, holder: { url: outer.holder, keyId: outer.holderKid }, gateway: door.name };
    } catch (thrown) {
      // Whatever a stranger sends, listening goes on.
      if (!isPosternError(thrown)) this.#context.report({ kind: 'trouble', what: 'a knock', thrown });
      return undefined;
    }
  }

  #isTimely(outer: OuterNotification): boolean {
    const { clockTrusted, knock } = this.#context.config;
    return !clockTrusted || Math.abs(nowSec(this.#context) - outer.sentSec) <= knock.windowMinutes * 60;
  }

  #remember(name: string): void {
    this.#heard.add(name);
    const [oldest] = this.#heard;
    if (oldest !== undefined && this.#heard.size > REMEMBERED) this.#heard.delete(oldest);
  }
}
