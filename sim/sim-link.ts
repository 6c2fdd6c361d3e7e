/** One end of a link of the simulation, for as long as its machine runs. What leaves and arrives goes through the channels of the world. */
import type { Deliver, Freight, Link, LinkStatus, LinkSupport, Outcome } from '../links/link.js';
import type { Channel, Sent } from './channel.js';

export interface SimLinkOptions {
  readonly name: string;
  readonly supports: LinkSupport;
  readonly out: Channel;
  readonly back: Channel;
  readonly nowUs: () => number;
  /** Hears of every attempt to send. */
  readonly onAttempt: () => void;
  /** Sees every unit that the medium takes, and gives what hears when its send is over. */
  readonly onSend: (bytes: Uint8Array) => () => void;
}

export class SimLink implements Link {
  readonly name: string;
  readonly supports: LinkSupport;
  onSignOfLife?: (() => void) | undefined;
  readonly #options: SimLinkOptions;
  #deliver: Deliver | undefined;
  #isDown = false;
  #sentBytes = 0;
  #receivedBytes = 0;
  #lastContactMs: number | undefined;
  #lastError: string | undefined;
  /** Of the sends under way: what hears that they are over. */
  readonly #ends = new Set<() => void>();

  constructor(options: SimLinkOptions) {
    this.name = options.name;
    this.supports = options.supports;
    this.#options = options;
  }

  async start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver;
    this.#options.back.arrive = (bytes) => this.#arrive(bytes);
  }

  async send(freight: Freight, signal: AbortSignal): Promise<Outcome> {
    const { out, back, nowUs, onAttempt, onSend } = this.#options;
    const bytes = await gather(freight);
    return new Promise((resolve) => {
      // Who is down waits for ever, as a process that was killed does.
      if (this.#isDown) return;
      if (signal.aborted) return resolve(GIVEN_UP);
      onAttempt();
      let end = (): void => undefined;
      let isOver = false;
      const giveUp = (): void => {
        over(GIVEN_UP);
        if (unit !== undefined) out.giveUp(unit);
      };
      const over = (outcome: Outcome): void => {
        if (isOver || this.#isDown) return;
        isOver = true;
        signal.removeEventListener('abort', giveUp);
        this.#ends.delete(end);
        end();
        if (outcome.kind === 'unreachable') this.#lastError = outcome.reason;
        else {
          this.#sentBytes += bytes.length;
          this.#lastContactMs = Math.floor(nowUs() / 1000);
        }
        resolve(outcome);
      };
      const unit = out.send(bytes, () => back.model.delayUs(nowUs()), (sent) => over(outcomeOf(sent)));
      if (unit === undefined) return;
      end = onSend(bytes);
      this.#ends.add(end);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  async stop(): Promise<void> {
    this.goDown();
  }

  /** The machine stops: nothing more arrives, and nobody hears of what was sent. */
  goDown(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
    this.#options.back.arrive = () => undefined;
  }

  status(): LinkStatus {
    return {
      state: this.#isDown ? 'stopped' : this.#options.out.isOpen ? 'up' : 'down',
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      ...(this.#lastContactMs !== undefined && { lastContactMs: this.#lastContactMs }),
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    };
  }

  #arrive(bytes: Uint8Array): Promise<Sent & { readonly kind: 'answered' }> | undefined {
    if (this.#deliver === undefined || this.#isDown) return undefined;
    this.#receivedBytes += bytes.length;
    return this.#deliver({ bytes: once(bytes) }).then((result) =>
      result.kind === 'taken'
        ? { kind: 'answered', taken: true }
        : { kind: 'answered', taken: false, code: result.code, ...(result.retryAfterMs !== undefined && { retryAfterMs: result.retryAfterMs }) },
    );
  }
}

const GIVEN_UP: Outcome = { kind: 'unreachable', reason: 'The send was given up.' };

function outcomeOf(sent: Sent): Outcome {
  switch (sent.kind) {
    case 'closed':
      return { kind: 'unreachable', reason: sent.reason };
    case 'written':
      return { kind: 'written' };
    case 'answered':
      if (sent.taken) return { kind: 'confirmed' };
      return { kind: 'refused', code: sent.code ?? 'refused', reason: 'refused by the other end', ...(sent.retryAfterMs !== undefined && { retryAfterMs: sent.retryAfterMs }) };
  }
}

/** A copy: the gateway uses the memory of freight again. */
async function gather(freight: Freight): Promise<Uint8Array> {
  const bytes = new Uint8Array(freight.bytes);
  let offset = 0;
  for await (const part of freight.open()) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
