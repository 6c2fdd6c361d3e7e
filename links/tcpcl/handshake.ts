/** The greetings of a TCPCL session (RFC 9174 §4): contact headers, TLS where both can, SESS_INIT each way. Ends in an established session or in none. */
import { messageOf, type PosternError } from '../../base/errors.js';
import { CAN_TLS, encodeContactHeader, encodeMessage, nameOf, protocolFault, TCPCL_VERSION } from './messages.js';
import type { ContactHeader, Message, SessInit, UnknownMessage } from './messages.js';
import type { RejectReason, TermReason } from './reasons.js';
import type { SessionOutput } from './session-output.js';
import { initOf, type SessionTerms } from './session-terms.js';

export interface HandshakeOptions {
  /** The active side has made the connection. It knows its terms at once, the passive side once it knows the peer. */
  readonly role: { readonly side: 'active'; readonly terms: SessionTerms } | { readonly side: 'passive' };
  readonly canTls: boolean;
  /** Why the session must not run in the clear; absent: it may. */
  readonly plainFault?: PosternError;
}

/** What a session does for its greetings. */
export interface HandshakeFace {
  emit(output: SessionOutput): void;
  send(bytes: Uint8Array): void;
  sendTerm(reason: TermReason): void;
  onTerm(reason: number): void;
  reject(message: Message | UnknownMessage, reason: RejectReason): void;
  establish(terms: SessionTerms, peerInit: SessInit): void;
  fail(error: PosternError): void;
  close(reason: string, error?: PosternError): void;
}

export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #face: HandshakeFace;
  #phase: 'contact' | 'securing' | 'introducing' | 'admitting' = 'contact';
  #terms: SessionTerms | undefined;
  #peerInit: SessInit | undefined;

  constructor(options: HandshakeOptions, face: HandshakeFace) {
    this.#options = options;
    this.#face = face;
    if (options.role.side === 'active') this.#terms = options.role.terms;
  }

  get phase(): 'contact' | 'securing' | 'introducing' | 'admitting' {
    return this.#phase;
  }

  /** Nothing that the peer sends is read before the driver has secured the connection, or the passive side has admitted the session. */
  get waits(): boolean {
    return this.#phase === 'securing' || this.#phase === 'admitting';
  }

  /** The connection is there. */
  start(): void {
    if (this.#options.role.side === 'active') this.#sendContactHeader();
  }

  /** RFC 9174 §4.3. */
  onContact(header: ContactHeader): void {
    const { role, canTls, plainFault } = this.#options;
    if (role.side === 'passive') this.#sendContactHeader();
    if (header.version !== TCPCL_VERSION) {
      if (role.side === 'passive') this.#face.sendTerm('version-mismatch');
      return this.#face.close(`the peer speaks TCPCL version ${header.version}`, protocolFault('tcpcl/contact/version', 4, `version ${header.version}`, `version ${TCPCL_VERSION}`));
    }
    if (canTls && (header.flags & CAN_TLS) !== 0) {
      this.#phase = 'securing';
      this.#face.emit({ kind: 'secure' });
    } else if (plainFault === undefined) {
      this.#introduce();
    } else {
      this.#face.sendTerm('contact-failure');
      this.#face.close(messageOf(plainFault), plainFault);
    }
  }

  /** TLS is up. @param fault why the peer who proved its key there is the wrong one */
  secured(fault?: PosternError): void {
    if (this.#phase !== 'securing') return;
    if (fault === undefined) return this.#introduce();
    this.#phase = 'introducing';
    this.#face.fail(fault);
  }

  /** RFC 9174 §4.6. */
  onMessage(message: Message | UnknownMessage): void {
    if (message.type === 'sess-init') {
      if (this.#terms !== undefined) return this.#face.establish(this.#terms, message);
      this.#peerInit = message;
      this.#phase = 'admitting';
      return this.#face.emit({ kind: 'introduced', nodeId: message.nodeId });
    }
    if (message.type === 'sess-term') return this.#face.onTerm(message.reason);
    this.#face.reject(message, message.type === 'unknown' ? 'type-unknown' : 'unexpected');
    this.#face.close(`the peer sent ${nameOf(message)} instead of SESS_INIT`, protocolFault('tcpcl', 0, nameOf(message), 'sess-init'));
  }

  /** Passive side, after `introduced`: we want the session. Throws what speaks against the peer's terms. */
  admit(terms: SessionTerms): void {
    this.#terms = terms;
    this.#sendInit(terms);
    this.#face.establish(terms, this.#peerInit!);
  }

  #introduce(): void {
    this.#phase = 'introducing';
    if (this.#options.role.side === 'active') this.#sendInit(this.#options.role.terms);
  }

  #sendContactHeader(): void {
    this.#face.send(encodeContactHeader({ version: TCPCL_VERSION, flags: this.#options.canTls ? CAN_TLS : 0 }));
  }

  #sendInit(terms: SessionTerms): void {
    this.#face.send(encodeMessage(initOf(terms)));
  }
}
