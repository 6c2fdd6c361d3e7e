/**
 * Drives a session over a socket: writes what the session says, feeds it what comes, wakes it in time, turns
 * arrivals into streams, and reads no faster than they are read. Whose connection it is, the owner knows: the
 * link that dialled, or the one that `identify` names for whoever knocked.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.js';
import { messageOf, PosternError } from '../../base/errors.js';
import { pinnedKeyOf, type TlsIdentity } from '../../base/tls-identity.js';
import type { DeliverResult, Freight } from '../link.js';
import { ArrivalStream } from './arrival-stream.js';
import { refuseReasonOf } from './outcomes.js';
import type { TermReason } from './reasons.js';
import { secure } from './secure.js';
import { SendQueue, type Result, type SendPort } from './send-queue.js';
import { Session } from './session.js';
import type { SessionOutput } from './session-output.js';
import type { SessionPeer, SessionTerms } from './session-terms.js';

/** The link at our end of the connection. */
export interface ConnectionOwner {
  readonly terms: SessionTerms;
  readonly traffic: Traffic;
  /** The session is established, and sends may begin. */
  established(connection: Connection): void;
  deliver(bytes: AsyncIterable<Uint8Array>): Promise<DeliverResult>;
  gone(connection: Connection, ending: Ending): void;
}

/** Why the connection is gone. */
export interface Ending {
  readonly reason: string;
  /** Both sides took leave, and nothing was left undone. */
  readonly inOrder: boolean;
  readonly error?: PosternError;
}

export interface Traffic {
  sentBytes: number;
  receivedBytes: number;
  lastContactMs?: number;
}

/** What is known of the peer when it says who it is. */
export interface Introduction {
  readonly nodeId: string;
  /** TLS is on; `key` is the Ed25519 key the peer proved, if it proved one. */
  readonly secured: boolean;
  readonly key?: Uint8Array;
}

/** Why a peer is sent away. */
export interface Dismissal {
  readonly reason: TermReason;
  readonly error?: PosternError;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly role:
    | { readonly side: 'active'; readonly owner: ConnectionOwner; readonly host: string }
    /** `identify` is called once with what the peer showed; `gone` only when it named no owner. */
    | { readonly side: 'passive'; readonly identify: (introduction: Introduction) => ConnectionOwner | Dismissal; readonly gone: (ending: Ending) => void };
  /** Absent: no TLS. */
  readonly identity?: TlsIdentity;
  /** Why the session must not run in the clear; absent: it may. */
  readonly plainFault?: PosternError;
  /** The active side's judgement of the key the peer proved. */
  readonly keyFault?: (key: Uint8Array | undefined) => PosternError | undefined;
  /** From the connection to the established session. */
  readonly handshakeMs: number;
  readonly clock: Clock;
}

/** Arrived bytes that wait for their reader: above the first the socket rests, below the second it goes on. */
const HELD_HIGH_BYTES = 512 * 1024;
const HELD_LOW_BYTES = 128 * 1024;
/** Answers nobody fetches. Far above what one segment leaves in the socket, so that two busy senders never wait for each other. */
const UNSENT_BYTES = 1024 * 1024;
/** After the last word, how long the peer may take to close its side. */
const LINGER_MS = 2000;

export class Connection {
  /** Resolves when the connection is gone and no arrival is being dealt with. */
  readonly finished: Promise<void>;
  readonly #options: ConnectionOptions;
  readonly #session: Session;
  readonly #queue: SendQueue;
  readonly #address: string;
  readonly #arrivals = new Map<bigint, ArrivalStream>();
  readonly #deliveries = new Set<Promise<void>>();
  readonly #outputs: SessionOutput[] = [];
  readonly #drains: (() => void)[] = [];
  #running = false;
  #stream: Socket;
  #owner: ConnectionOwner | undefined;
  #peer: SessionPeer | undefined;
  #key: Uint8Array | undefined;
  #heldBytes = 0;
  #resting = false;
  #timer: { readonly atMs: number; readonly timer: Timer } | undefined;
  #linger: Timer | undefined;
  #ending: Ending | undefined;
  #socketError: string | undefined;
  #gone = false;
  #finish!: () => void;

  constructor(options: ConnectionOptions) {
    const { socket, role, identity, plainFault, handshakeMs } = options;
    this.#options = options;
    this.#stream = socket;
    this.#address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    if (role.side === 'active') this.#owner = role.owner;
    this.#session = new Session(
      {
        role: role.side === 'active' ? { side: 'active', terms: role.owner.terms } : { side: 'passive' },
        canTls: identity !== undefined,
        ...(plainFault === undefined ? {} : { plainFault }),
        handshakeMs,
      },
      this.#nowMs(),
    );
    this.#queue = new SendQueue(this.#sendPort());
    socket.setNoDelay(true);
    this.#listen(socket);
    this.#run(this.#session.start(this.#nowMs()));
  }

  /** Established and not ending: sends may begin. */
  get open(): boolean {
    return this.#session.open && !this.#gone;
  }

  get peerNodeId(): string | undefined {
    return this.#peer?.nodeId;
  }

  send(freight: Freight, signal: AbortSignal): Promise<Result> {
    return this.#queue.send(freight, signal);
  }

  /** Ends the session in order; `finished` says when that is done. */
  end(reason: TermReason): void {
    this.#run(this.#session.terminate(reason, this.#nowMs()));
  }

  /** Ends it at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #listen(stream: Socket): void {
    stream.on('data', (bytes: Buffer) => this.#onData(bytes));
    stream.on('drain', () => this.#onDrain());
    stream.on('error', (error) => (this.#socketError ??= messageOf(error)));
    stream.on('close', () => this.#onGone());
  }

  #onData(bytes: Uint8Array): void {
    if (this.#owner !== undefined) {
      this.#owner.traffic.receivedBytes += bytes.length;
      this.#owner.traffic.lastContactMs = this.#options.clock.nowMs();
    }
    this.#run(this.#session.receive(bytes, this.#nowMs()));
  }

  #onDrain(): void {
    for (const wake of this.#drains.splice(0)) wake();
    this.#balance();
  }

  #onGone(): void {
    if (this.#gone) return;
    this.#gone = true;
    // What ended the session before says more than how the socket went.
    const ending = this.#ending ?? { reason: this.#socketError ?? 'the connection ended', inOrder: false };
    this.#run(this.#session.disconnected(this.#nowMs()));
    this.#timer?.timer.cancel();
    this.#linger?.cancel();
    this.#onDrain();
    if (this.#owner !== undefined) this.#owner.gone(this, ending);
    else if (this.#options.role.side === 'passive') this.#options.role.gone(ending);
    void Promise.all(this.#deliveries).then(() => this.#finish());
  }

  /** Outputs of outputs wait their turn, so that everything leaves in the order the session gave it. */
  #run(outputs: readonly SessionOutput[]): void {
    this.#outputs.push(...outputs);
    if (this.#running) return;
    this.#running = true;
    const stream = this.#stream;
    stream.cork();
    for (let output = this.#outputs.shift(); output !== undefined; output = this.#outputs.shift()) this.#act(output);
    stream.uncork();
    this.#running = false;
    this.#balance();
    this.#arm();
  }

  #act(output: SessionOutput): void {
    switch (output.kind) {
      case 'send':
        return this.#write(output.parts);
      case 'secure':
        return this.#secure();
      case 'introduced':
        return this.#identify(output.nodeId);
      case 'established':
        this.#peer = output.peer;
        return this.#owner!.established(this);
      case 'arrival':
        return this.#arrive(output.transferId);
      case 'arrival-data':
        return this.#hold(this.#arrivals.get(output.transferId), output.bytes);
      case 'arrival-end':
        return this.#arrivals.get(output.transferId)?.end();
      case 'arrival-broken':
        return this.#arrivals.get(output.transferId)?.fail(output.error ?? this.#brokenOff());
      case 'settled':
        return this.#queue.settled(output.transferId, output.result);
      case 'ending':
        return this.#queue.ending();
      case 'close':
        this.#ending = { reason: output.reason, inOrder: output.inOrder, ...(output.error === undefined ? {} : { error: output.error }) };
        this.#queue.ending();
        return this.#close();
    }
  }

  #brokenOff(): PosternError {
    return new PosternError('LINK_UNREACHABLE', `The connection with ${this.#address} ended in the middle of a transfer.`, { address: this.#address });
  }

  #write(parts: readonly Uint8Array[]): void {
    if (!this.#stream.writable) return;
    for (const part of parts) {
      this.#stream.write(part);
      if (this.#owner !== undefined) this.#owner.traffic.sentBytes += part.length;
    }
  }

  #secure(): void {
    const { role, identity } = this.#options;
    const raw = this.#stream;
    // Our contact header goes out in the clear, before TLS takes over.
    raw.uncork();
    raw.removeAllListeners('data').removeAllListeners('drain');
    const side = { client: role.side === 'active', host: role.side === 'active' ? role.host : '' };
    const stream = secure(raw, this.#session.takeRest(), side, identity!, () => this.#onSecure(stream));
    this.#stream = stream;
    this.#listen(stream);
  }

  #onSecure(stream: TLSSocket): void {
    this.#key = pinnedKeyOf(stream);
    this.#run(this.#session.secured(this.#nowMs(), this.#options.keyFault?.(this.#key)));
  }

  #identify(nodeId: string): void {
    const { role } = this.#options;
    if (role.side === 'active') return;
    const found = role.identify({ nodeId, secured: this.#stream instanceof TLSSocket, ...(this.#key === undefined ? {} : { key: this.#key }) });
    if ('terms' in found) {
      this.#owner = found;
      this.#run(this.#session.admit(found.terms, this.#nowMs()));
    } else {
      this.#run(this.#session.terminate(found.reason, this.#nowMs(), found.error));
    }
  }

  #arrive(transferId: bigint): void {
    const stream = new ArrivalStream((bytes) => {
      this.#heldBytes -= bytes;
      this.#balance();
    });
    this.#arrivals.set(transferId, stream);
    const delivery = this.#deliver(transferId, stream).finally(() => this.#deliveries.delete(delivery));
    this.#deliveries.add(delivery);
  }

  /** A transfer whose verdict fell before its end has no stream any more. */
  #hold(stream: ArrivalStream | undefined, bytes: Uint8Array): void {
    if (stream === undefined) return;
    this.#heldBytes += bytes.length;
    stream.push(bytes);
  }

  async #deliver(transferId: bigint, stream: ArrivalStream): Promise<void> {
    const result = await this.#owner!.deliver(stream);
    this.#arrivals.delete(transferId);
    stream.cancel();
    const nowMs = this.#nowMs();
    this.#run(result.kind === 'taken' ? this.#session.accept(transferId, nowMs) : this.#session.refuse(transferId, refuseReasonOf(result), nowMs));
  }

  /** Reads while there is room for what comes, and while the peer takes our answers. */
  #balance(): void {
    if (this.#gone || this.#session.closed) return;
    const high = this.#resting ? HELD_LOW_BYTES : HELD_HIGH_BYTES;
    const rest = !this.#session.wantsBytes || this.#heldBytes >= high || this.#stream.writableLength >= UNSENT_BYTES;
    if (rest === this.#resting) return;
    this.#resting = rest;
    this.#session.reading(!rest, this.#nowMs());
    if (rest) this.#stream.pause();
    else this.#stream.resume();
    this.#arm();
  }

  /** A timer that is early is left alone: it finds nothing to do and sets the next one. */
  #arm(): void {
    const dueMs = this.#gone ? undefined : this.#session.dueMs();
    if (dueMs === undefined || (this.#timer !== undefined && this.#timer.atMs <= dueMs)) return;
    this.#timer?.timer.cancel();
    const timer = this.#options.clock.timer(dueMs - this.#nowMs(), () => {
      this.#timer = undefined;
      this.#run(this.#session.tick(this.#nowMs()));
    });
    this.#timer = { atMs: dueMs, timer };
  }

  /** RFC 9174 §4.1 closes with FIN, not with RST: what we said last must not be lost, so we read on until the peer closes, too. */
  #close(): void {
    this.#timer?.timer.cancel();
    if (this.#gone) return;
    this.#stream.end();
    this.#stream.resume();
    this.#linger = this.#options.clock.timer(LINGER_MS, () => this.#stream.destroy());
  }

  #sendPort(): SendPort {
    return {
      isOpen: () => this.open,
      segmentMtuBytes: () => this.#peer?.segmentMtuBytes ?? 0,
      transferMtuBytes: () => this.#peer?.transferMtuBytes ?? 0,
      begin: (totalBytes) => this.#session.begin(totalBytes, this.#nowMs()),
      segment: (transferId, parts) => this.#run(this.#session.segment(transferId, parts, this.#nowMs())),
      abandon: (transferId) => this.#run(this.#session.abandon(transferId, this.#nowMs())),
      drained: () => (this.#gone || !this.#stream.writableNeedDrain ? Promise.resolve() : new Promise((resolve) => this.#drains.push(resolve))),
    };
  }
}
