/**
 * One TCPCL session (RFC 9174) as a state machine: bytes, time and commands go in, outputs come out in order. It
 * owns no socket and no timer: the driver writes what it is asked to, calls `tick` at `dueMs`, and says when the
 * connection is gone. All times are monotonic milliseconds.
 */
import { strict as assert } from 'node:assert';
import { isPosternError, messageOf, type PosternError } from '../../base/errors.js';
import { Handshake, type HandshakeOptions } from './handshake.js';
import { InboundTransfers } from './inbound-transfers.js';
import { MessageReader, type ReaderEvent } from './message-reader.js';
import { encodeMessage, MESSAGE_CODES, nameOf, protocolFault, TERM_REPLY } from './messages.js';
import type { Message, SegmentHead, SessInit, UnknownMessage } from './messages.js';
import { OutboundTransfers } from './outbound-transfers.js';
import { rejectCode, rejectReason, termCode, termReason } from './reasons.js';
import type { RefuseReason, RejectReason, TermReason } from './reasons.js';
import type { SessionOutput } from './session-output.js';
import { negotiate, type SessionTerms } from './session-terms.js';
import { SessionWatch, type WatchEvent } from './session-watch.js';

export interface SessionOptions extends HandshakeOptions {
  /** From the connection to the established session. */
  readonly handshakeMs: number;
}

/** Messages out of place that we put up with, in one session. */
const REJECTS = 16;

type Phase = 'greeting' | 'established' | 'closed';

export class Session {
  readonly #handshake: Handshake;
  readonly #watch: SessionWatch;
  readonly #reader = new MessageReader();
  readonly #outbound = new OutboundTransfers((output) => this.#emit(output));
  #inbound: InboundTransfers | undefined;
  #outputs: SessionOutput[] = [];
  #phase: Phase = 'greeting';
  /** A segment that waits until an earlier transfer is answered; nothing is read meanwhile. */
  #waiting: SegmentHead | undefined;
  #termSent = false;
  #termReceived = false;
  #rejects = 0;
  #nowMs: number;

  constructor(options: SessionOptions, nowMs: number) {
    this.#nowMs = nowMs;
    this.#watch = new SessionWatch(nowMs, options.handshakeMs);
    this.#handshake = new Handshake(options, {
      emit: (output) => this.#emit(output),
      send: (bytes) => this.#send(bytes),
      sendTerm: (reason) => this.#sendTerm(reason),
      onTerm: (reason) => this.#onTerm(reason),
      reject: (message, reason) => this.#reject(message, reason),
      establish: (terms, peerInit) => this.#establish(terms, peerInit),
      fail: (error) => this.#fail(error),
      close: (reason, error) => this.#close(reason, error),
    });
  }

  /** Established and not ending: transfers may begin. */
  get open(): boolean {
    return this.#phase === 'established' && !this.#termSent;
  }

  get closed(): boolean {
    return this.#phase === 'closed';
  }

  /** Whether more bytes can be dealt with now. */
  get wantsBytes(): boolean {
    return this.#waiting === undefined;
  }

  /** The connection is there. */
  start(nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    this.#handshake.start();
    return this.#take();
  }

  receive(bytes: Uint8Array, nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase === 'closed') return [];
    this.#watch.heard(nowMs);
    this.#reader.push(bytes);
    this.#read();
    return this.#take();
  }

  /** What came behind the contact header: the beginning of TLS, nothing that we may believe. */
  takeRest(): Uint8Array {
    assert(this.#handshake.phase === 'securing');
    return this.#reader.takeRest();
  }

  /** TLS is up. @param fault why the peer who proved its key there is the wrong one */
  secured(nowMs: number, fault?: PosternError): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase === 'greeting') this.#handshake.secured(fault);
    return this.#take();
  }

  /** Passive side, after `introduced`: we want the session. */
  admit(terms: SessionTerms, nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase === 'greeting' && this.#handshake.phase === 'admitting') {
      this.#guard(() => this.#handshake.admit(terms));
      this.#read();
    }
    return this.#take();
  }

  /** @returns the id of a transfer whose segments follow. Only while `open`, and when the one before is complete. */
  begin(totalBytes: number, nowMs: number): bigint {
    assert(this.open);
    if (!this.#outbound.busy) this.#watch.taken(nowMs);
    return this.#outbound.begin(totalBytes);
  }

  segment(transferId: bigint, parts: readonly Uint8Array[], nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase === 'established') {
      this.#watch.moved(nowMs);
      this.#outbound.segment(transferId, parts);
    }
    return this.#take();
  }

  /** Nobody waits for this transfer any more. Half a transfer cannot be taken back: the session ends. */
  abandon(transferId: bigint, nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    if (!this.#outbound.abandon(transferId) && this.#phase === 'established') this.#sendTerm('unknown');
    this.#closeIfDone();
    return this.#take();
  }

  accept(transferId: bigint, nowMs: number): SessionOutput[] {
    return this.#decide(transferId, 'accepted', nowMs);
  }

  refuse(transferId: bigint, reason: RefuseReason, nowMs: number): SessionOutput[] {
    return this.#decide(transferId, reason, nowMs);
  }

  /** Ends the session in order: transfers in hand are finished, none begins (RFC 9174 §6). */
  terminate(reason: TermReason, nowMs: number, error?: PosternError): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase === 'greeting' && !this.#isIntroducing) this.#close('we ended the session', error);
    else if (this.#phase !== 'closed') {
      this.#sendTerm(reason);
      if (this.#phase === 'established') this.#closeIfDone();
      else this.#close(error?.message ?? `we ended the session: ${reason}`, error);
    }
    return this.#take();
  }

  /** The driver has stopped reading, or reads again. */
  reading(on: boolean, nowMs: number): void {
    this.#watch.reading(on, nowMs);
  }

  /** The connection is gone. */
  disconnected(nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase !== 'closed') this.#close('the connection ended');
    return this.#take();
  }

  /** When `tick` has something to do, if nothing happens before; undefined: never. */
  dueMs(): number | undefined {
    const due = this.#deadlines().map(({ atMs }) => atMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  tick(nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    for (const { atMs, event } of this.#deadlines()) if (atMs <= nowMs && this.#phase !== 'closed') this.#onWatch(event);
    return this.#take();
  }

  #deadlines(): ReturnType<SessionWatch['deadlines']> {
    if (this.#phase === 'closed') return [];
    return this.#watch.deadlines({
      established: this.#phase === 'established',
      ending: this.#termSent,
      expectsData: this.#inbound?.expectsData === true,
      expectsAcks: this.#outbound.busy,
      busy: this.#busy,
    });
  }

  #onWatch(event: WatchEvent): void {
    switch (event) {
      case 'handshake':
        return this.#close('the peer took too long over its greetings');
      case 'keepalive':
        return this.#sendMessage({ type: 'keepalive' });
      case 'silence':
        return this.#giveUp('the peer was silent for two keepalive intervals');
      case 'standstill':
        return this.#giveUp('a transfer did not move');
      case 'drain':
        return this.#close('the session was not over in time after its end was called');
      case 'idle':
        return this.#sendTerm('idle-timeout');
    }
  }

  /** The peer can be told why there will be no session (RFC 9174 §4.6). */
  get #isIntroducing(): boolean {
    return this.#phase === 'greeting' && (this.#handshake.phase === 'introducing' || this.#handshake.phase === 'admitting');
  }

  get #busy(): boolean {
    return this.#outbound.busy || this.#inbound?.busy === true;
  }

  #read(): void {
    this.#guard(() => {
      while (this.#phase !== 'closed' && !(this.#phase === 'greeting' && this.#handshake.waits) && this.#waiting === undefined) {
        const event = this.#reader.next();
        if (event === undefined) return;
        this.#handle(event);
      }
    });
  }

  /** Bytes that cannot be decoded end the session, and nothing else. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      if (!isPosternError(thrown)) throw thrown;
      this.#fail(thrown);
    }
  }

  #handle(event: ReaderEvent): void {
    switch (event.kind) {
      case 'contact':
        return this.#handshake.onContact(event.header);
      case 'message':
        return this.#phase === 'established' ? this.#onMessage(event.message) : this.#handshake.onMessage(event.message);
      case 'data':
        this.#watch.arrived(this.#nowMs);
        return this.#inbound!.onData(event.bytes);
      case 'segment-end':
        return this.#inbound!.onSegmentEnd();
    }
  }

  #establish(terms: SessionTerms, peerInit: SessInit): void {
    const peer = negotiate(terms, peerInit);
    this.#watch.establish(terms, peer.keepaliveSec, this.#nowMs);
    this.#inbound = new InboundTransfers({ segmentBytes: terms.segmentMruBytes, transferBytes: terms.transferMruBytes, transfers: terms.inboundTransfers }, (output) => this.#emit(output));
    this.#phase = 'established';
    this.#emit({ kind: 'established', peer });
  }

  #onMessage(message: Message | UnknownMessage): void {
    if (message.type !== 'keepalive') this.#watch.moved(this.#nowMs);
    switch (message.type) {
      case 'xfer-segment':
        this.#watch.arrived(this.#nowMs);
        return this.#onSegment(message);
      case 'xfer-ack':
      case 'xfer-refuse': {
        this.#watch.taken(this.#nowMs);
        const known = message.type === 'xfer-ack' ? this.#outbound.onAck(message) : this.#outbound.onRefuse(message.transferId, message.reason);
        return known ? this.#closeIfDone() : this.#reject(message, 'unexpected');
      }
      case 'keepalive':
        return;
      case 'sess-term':
        return this.#onTerm(message.reason);
      case 'msg-reject':
        return this.#onReject(message.rejected, message.reason);
      case 'sess-init':
        return this.#reject(message, 'unexpected');
      case 'unknown':
        // RFC 9174 §5.1.2: nobody knows where the next message would begin.
        this.#reject(message, 'type-unknown');
        return this.#close('the peer sent a message of an unknown type', protocolFault('tcpcl', 0, nameOf(message), 'a message type of RFC 9174'));
    }
  }

  #onSegment(head: SegmentHead): void {
    if (this.#inbound!.mustWait(head)) {
      this.#waiting = head;
      return;
    }
    const fault = this.#inbound!.onSegment(head, this.#termSent);
    if (fault === undefined) return;
    this.#reject(head, fault.code === 'LINK_LIMIT' ? 'unsupported' : 'unexpected');
    this.#fail(fault);
  }

  #onTerm(reason: number): void {
    this.#termReceived = true;
    const name = termReason(reason);
    // RFC 9174 §6.1: the answer has the same content, whatever the reason.
    if (!this.#termSent) this.#sendTermCode(TERM_REPLY, reason);
    if (this.#phase !== 'established') return this.#close(`the peer ended the session: ${name}`);
    this.#closeIfDone();
  }

  #onReject(rejected: number, reason: number): void {
    const text = `the peer rejected message type ${rejected}: ${rejectReason(reason)}`;
    // A segment that does not count leaves both sides with different ideas of the transfer.
    if (rejected !== MESSAGE_CODES['xfer-segment'] && ++this.#rejects <= REJECTS) return;
    this.#sendTerm('unknown');
    this.#close(text);
  }

  #reject(message: Message | UnknownMessage, reason: RejectReason): void {
    const rejected = message.type === 'unknown' ? message.code : MESSAGE_CODES[message.type];
    this.#sendMessage({ type: 'msg-reject', reason: rejectCode(reason), rejected });
    if (++this.#rejects > REJECTS) this.#fail(protocolFault('tcpcl', 0, `${this.#rejects} messages out of place`, 'messages that fit the state of the session'));
  }

  #decide(transferId: bigint, verdict: 'accepted' | RefuseReason, nowMs: number): SessionOutput[] {
    this.#nowMs = nowMs;
    if (this.#phase === 'established') {
      this.#watch.moved(nowMs);
      this.#inbound!.decide(transferId, verdict);
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting !== undefined) this.#onSegment(waiting);
      this.#read();
      this.#closeIfDone();
    }
    return this.#take();
  }

  #closeIfDone(): void {
    if (this.#phase === 'established' && this.#termSent && this.#termReceived && !this.#busy) this.#close('the session ended in order', undefined, true);
  }

  #fail(error: PosternError): void {
    if (this.#isIntroducing) this.#sendTerm('contact-failure');
    else if (this.#phase === 'established') this.#sendTerm('unknown');
    this.#close(messageOf(error), error);
  }

  /** The peer does not answer: it is told, in case it can still hear, and not waited for. */
  #giveUp(reason: string): void {
    this.#sendTerm('idle-timeout');
    this.#close(reason);
  }

  #close(reason: string, error?: PosternError, inOrder = false): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#waiting = undefined;
    this.#inbound?.onDisconnect();
    this.#outbound.onDisconnect();
    this.#emit({ kind: 'close', reason, inOrder, ...(error === undefined ? {} : { error }) });
  }

  #sendTerm(reason: TermReason): void {
    this.#sendTermCode(0, termCode(reason));
  }

  #sendTermCode(flags: number, reason: number): void {
    if (this.#termSent) return;
    this.#termSent = true;
    this.#watch.ending(this.#nowMs);
    this.#sendMessage({ type: 'sess-term', flags, reason });
    if (this.#phase === 'established') this.#emit({ kind: 'ending', reason: termReason(reason) });
  }

  #sendMessage(message: Message): void {
    this.#send(encodeMessage(message));
  }

  #send(bytes: Uint8Array): void {
    this.#emit({ kind: 'send', parts: [bytes] });
  }

  #emit(output: SessionOutput): void {
    if (output.kind === 'send') this.#watch.sent(this.#nowMs);
    this.#outputs.push(output);
  }

  #take(): SessionOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
