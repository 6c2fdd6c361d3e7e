/**
 * What every kind of link must do, tried on a pair of ends over a line that can be cut. A kind that cannot do
 * something names the case and the reason: `runLinkSuite(t, makePair, { 'case': 'why not' })`.
 */
import { createHash } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Arrival, Deliver, DeliverResult, Freight, Link, Outcome } from './link.js';

export interface LinkPair {
  /** The link under test: it sends, over `line`. Not started. */
  readonly near: Link;
  /** The end that receives: a link, or what stands in for one. Not started. */
  readonly far: Pick<Link, 'start' | 'stop'>;
  readonly line: LineFace;
  /** What this kind of link can say of a send that went well; `confirmed` if nothing else is said. */
  readonly success?: 'confirmed' | 'written';
}

/** What lies between the two ends: see Line. */
export interface LineFace {
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
  stranger(words: string | Uint8Array): Promise<{ resetAndDestroy(): void }>;
}

/** Makes a fresh pair; what it opened beside the two ends goes into `t.teardown`. The suite stops both ends. */
export type MakeLinkPair = (t: Test) => Promise<LinkPair>;

export type LinkCase = keyof typeof CASES;

export function runLinkSuite(t: Test, makePair: MakeLinkPair, skips: Partial<Record<LinkCase, string>> = {}): void {
  for (const [name, run] of Object.entries(CASES)) {
    const skip = skips[name as LinkCase];
    t.test(name, { timeout: 20_000, ...(skip === undefined ? {} : { skip }) }, async (t) => {
      const pair = await makePair(t);
      t.teardown(async () => {
        await Promise.all([pair.near.stop(), pair.far.stop()]);
        await pair.line.close();
      });
      await run(t, pair);
    });
  }
}

/** More than an unread stream piles up between the two ends; Linux alone lets each socket of the line grow to 10 MiB. */
const AHEAD_BYTES = 26 << 20;

/** Where a link has no limit of its own worth mentioning, this is large. */
const SENSIBLE_BYTES = 32 << 20;

const CASES = {
  async 'delivers every size from nothing to the largest, byte for byte'(t: Test, { near, far, success }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    const mostBytes = Math.min(near.supports.largestBytes, SENSIBLE_BYTES);
    for (const bytes of [0, 1, Math.min(mostBytes >> 1, 1 << 20), mostBytes]) {
      const freight = freightOf(bytes);
      t.same(await sendNow(near, freight), went(success));
      await arrived(taken, success, freight);
      t.equal(taken.digests.at(-1), freight.digest, `${bytes} bytes arrive unchanged`);
    }
    t.equal(taken.digests.length, 4, 'each arrives once');
    t.ok(near.status().sentBytes > Math.min(mostBytes, 1 << 20));
    t.equal(near.status().state, 'up');
  },

  async 'carries as many at once as it says'(t: Test, { near, far, success }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    const freights = Array.from({ length: near.supports.parallel }, (_, n) => freightOf(1000 * n + 1));
    for (const outcome of await Promise.all(freights.map((freight) => sendNow(near, freight)))) t.same(outcome, went(success));
    for (const freight of freights) await arrived(taken, success, freight);
    t.same(taken.digests.sort(), freights.map((freight) => freight.digest).sort());
  },

  async 'confirms only after the far end has dealt with the bytes'(t: Test, { near, far }: LinkPair) {
    let dealtWith = false;
    await far.start(async (arrival) => {
      await read(arrival);
      await pause(200);
      dealtWith = true;
      return { kind: 'taken' };
    });
    await near.start(takeNothing);
    t.same(await sendNow(near, freightOf(5000)), { kind: 'confirmed' });
    t.ok(dealtWith);
  },

  async 'says what the far end refused, by code'(t: Test, { near, far }: LinkPair) {
    const answers: DeliverResult[] = [{ kind: 'refused', code: 'no-resources' }, { kind: 'taken' }];
    await far.start(async (arrival) => {
      await read(arrival);
      return answers.shift() ?? { kind: 'taken' };
    });
    await near.start(takeNothing);
    const outcome = await sendNow(near, freightOf(5000));
    t.match(outcome, { kind: 'refused', code: 'no-resources', reason: /./ });
    t.same(await sendNow(near, freightOf(5000)), { kind: 'confirmed' }, 'a refusal harms nothing that follows');
  },

  async 'says what the far end refused before reading it'(t: Test, { near, far }: LinkPair) {
    const first = [true];
    await far.start(async (arrival) => {
      if (first.pop() === true) return { kind: 'refused', code: 'no-resources' };
      await read(arrival);
      return { kind: 'taken' };
    });
    await near.start(takeNothing);
    t.match(await sendNow(near, freightOf(Math.min(near.supports.largestBytes, SENSIBLE_BYTES))), { kind: 'refused', code: 'no-resources' });
    t.same(await sendNow(near, freightOf(5000)), { kind: 'confirmed' });
  },

  async 'says when to try again'(t: Test, { near, far }: LinkPair) {
    await far.start(async (arrival) => {
      await read(arrival);
      return { kind: 'refused', code: 'no-resources', retryAfterMs: 60_000 };
    });
    await near.start(takeNothing);
    t.match(await sendNow(near, freightOf(100)), { kind: 'refused', code: 'no-resources', retryAfterMs: 60_000 });
  },

  async 'brings the answer home'(t: Test, { near, far }: LinkPair) {
    const answer = randomish(3000);
    const home = collector();
    await far.start(async (arrival) => {
      await read(arrival);
      return { kind: 'taken', answer };
    });
    await near.start(home.deliver);
    t.same(await sendNow(near, freightOf(100)), { kind: 'confirmed' });
    t.same(home.digests, [sha256(answer)]);
  },

  async 'reads no further than the far end takes'(t: Test, { near, far }: LinkPair) {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await far.start(async (arrival) => {
      await released;
      await read(arrival);
      return { kind: 'taken' };
    });
    await near.start(takeNothing);
    const freight = freightOf(SENSIBLE_BYTES);
    if (freight.bytes > near.supports.largestBytes) {
      release();
      return t.comment(`the largest unit (${near.supports.largestBytes} bytes) is too small to tell`);
    }
    const sending = sendNow(near, freight);
    await pause(500);
    t.ok(freight.handedOut() < AHEAD_BYTES, `${freight.handedOut()} bytes handed out while nobody reads`);
    release();
    t.same(await sending, { kind: 'confirmed' });
  },

  async 'says unreachable when nobody listens, and soon'(t: Test, { near, line }: LinkPair) {
    await line.cut();
    await near.start(takeNothing);
    t.match(await sendNow(near, freightOf(100)), { kind: 'unreachable', reason: /./ });
    t.equal(near.status().state, 'down');
  },

  async 'says unreachable when it has not been started'(t: Test, { near }: LinkPair) {
    t.match(await sendNow(near, freightOf(100)), { kind: 'unreachable' });
    t.equal(near.status().state, 'stopped');
  },

  async 'gives up a send when told to, and carries the next'(t: Test, { near, far, success }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    t.match(await near.send(freightOf(100), AbortSignal.abort()), { kind: 'unreachable' }, 'before it began');
    const stop = new AbortController();
    const bytes = Math.min(near.supports.largestBytes, 100_000);
    const freight = freightOf(bytes, { stallAfter: bytes >> 1 });
    const sending = near.send(freight, stop.signal);
    await until(() => freight.handedOut() >= bytes >> 1);
    stop.abort();
    t.match(await sending, { kind: 'unreachable' }, 'in the middle');
    await eventuallySent(t, near, freightOf(200), success);
  },

  async 'tells the far end when bytes stop short'(t: Test, { near, far, line }: LinkPair) {
    const broken = new Promise<boolean>((resolve) => {
      void far.start(async (arrival) => {
        await read(arrival).then(() => resolve(false), () => resolve(true));
        return { kind: 'refused', code: 'retransmit' };
      });
    });
    await near.start(takeNothing);
    const freight = freightOf(200_000, { stallAfter: 150_000 });
    const sending = sendNow(near, freight);
    await until(() => freight.handedOut() >= 150_000);
    await pause(100);
    await line.cut();
    t.match(await sending, { kind: 'unreachable', reason: /./ });
    t.equal(await broken, true, 'the stream at the far end fails instead of ending');
  },

  async 'carries on when the line comes back'(t: Test, { near, far, line, success }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    t.same(await sendNow(near, freightOf(10)), went(success));
    await line.cut();
    t.match(await sendNow(near, freightOf(20)), { kind: 'unreachable' });
    await line.mend();
    await eventuallySent(t, near, freightOf(30), success);
    t.ok(near.status().lastContactMs !== undefined);
  },

  async 'carries on when the far end comes back'(t: Test, { near, far }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    t.same(await sendNow(near, freightOf(10)), { kind: 'confirmed' });
    await far.stop();
    t.match(await sendNow(near, freightOf(20)), { kind: 'unreachable' });
    await far.start(taken.deliver);
    await eventuallyConfirmed(t, near, freightOf(30));
  },

  async 'stops in order while sending'(t: Test, { near, far, success }: LinkPair) {
    await far.start(async (arrival) => {
      await read(arrival);
      await pause(200);
      return { kind: 'taken' };
    });
    await near.start(takeNothing);
    const freight = freightOf(Math.min(near.supports.largestBytes, 100_000));
    const sending = sendNow(near, freight);
    await until(() => freight.handedOut() === freight.bytes);
    await near.stop();
    t.same(await sending, went(success), 'what is in hand is finished');
    t.equal(near.status().state, 'stopped');
    t.match(await sendNow(near, freightOf(10)), { kind: 'unreachable' });
  },

  async 'stops twice, and starts again'(t: Test, { near, far, success }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    await Promise.all([near.stop(), near.stop()]);
    await near.stop();
    await near.start(takeNothing);
    await eventuallySent(t, near, freightOf(10), success);
    await far.stop();
    await far.stop();
  },

  async 'is not harmed by strangers'(t: Test, { near, far, line, success }: LinkPair) {
    const taken = collector();
    await far.start(taken.deliver);
    await near.start(takeNothing);
    const words = ['', 'GET / HTTP/1.1\r\n\r\n', 'dtn!', '\x16\x03\x01\x00\xff', 'SSH-2.0-x\r\n', randomish(5000)];
    const strangers = await Promise.all(words.map((word) => line.stranger(word)));
    const [first, second] = [freightOf(1000), freightOf(1001)];
    t.same(await sendNow(near, first), went(success));
    for (const stranger of strangers) stranger.resetAndDestroy();
    t.same(await sendNow(near, second), went(success));
    for (const freight of [first, second]) await arrived(taken, success, freight);
    t.equal(taken.digests.length, 2, 'nothing a stranger says is delivered');
  },
};

/**
 * A TCP line from a port of its own to the far end's, which can be cut: both ends see the connection gone
 * and nobody listening until it is mended.
 */
export class Line implements LineFace {
  readonly #farPort: () => number;
  readonly #open = new Set<Socket>();
  #server: Server;
  #port = 0;

  private constructor(farPort: () => number) {
    this.#farPort = farPort;
    this.#server = this.#makeServer();
  }

  /** @param farPort asked at each connection, so that the far end may start later. */
  static async open(farPort: () => number): Promise<Line> {
    const line = new Line(farPort);
    await line.mend();
    return line;
  }

  /** Where the near end connects, on 127.0.0.1. */
  get port(): number {
    return this.#port;
  }

  async cut(): Promise<void> {
    for (const socket of this.#open) socket.resetAndDestroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async mend(): Promise<void> {
    this.#server = this.#makeServer();
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return this.cut();
  }

  /** Knocks at the far end's own door, as anybody on the network could, and says `words`. */
  async stranger(words: string | Uint8Array): Promise<Socket> {
    const socket = connect(this.#farPort(), '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    socket.write(words);
    return socket;
  }

  #makeServer(): Server {
    return createServer((near) => {
      const far = connect(this.#farPort(), '127.0.0.1');
      for (const [socket, other] of [[near, far], [far, near]] as const) {
        this.#open.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#open.delete(socket);
          other.destroySoon();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
  }
}

/** Something to send, made as it is read; `digest` is its SHA-256. */
export interface TestFreight extends Freight {
  readonly digest: string;
  /** How many bytes the link has asked for, in its latest attempt. */
  handedOut(): number;
}

/** @param stallAfter the stream stands still for good after so many bytes. */
export function freightOf(bytes: number, { stallAfter = Infinity } = {}): TestFreight {
  const block = randomish(1 << 16);
  const chunks = function* (): Iterable<Uint8Array> {
    for (let at = 0; at < bytes; at += block.length) {
      // Every chunk is another one, so that two in the wrong order change the digest.
      const chunk = block.slice();
      new DataView(chunk.buffer).setUint32(0, at);
      yield chunk.subarray(0, Math.min(bytes - at, block.length));
    }
  };
  const hash = createHash('sha256');
  for (const chunk of chunks()) hash.update(chunk);
  let handedOut = 0;
  return {
    bytes,
    digest: hash.digest('hex'),
    handedOut: () => handedOut,
    async *open() {
      handedOut = 0;
      for (const chunk of chunks()) {
        // The last chunk before the standstill is cut so that the count is exact.
        const part = chunk.subarray(0, Math.max(0, stallAfter - handedOut));
        handedOut += part.length;
        yield part;
        if (handedOut >= stallAfter) await new Promise(() => undefined);
      }
    },
  };
}

export function sendNow(link: Link, freight: Freight): Promise<Outcome> {
  return link.send(freight, new AbortController().signal);
}

function went(success: LinkPair['success'] = 'confirmed'): Outcome {
  return { kind: success };
}

/** What is only written arrives in its own time; what is confirmed is there. */
async function arrived(taken: { readonly digests: readonly string[] }, success: LinkPair['success'], { digest }: TestFreight): Promise<void> {
  if (success === 'written') await until(() => taken.digests.includes(digest));
}

/** A far end that takes everything and keeps the digest of each. */
export function collector(): { deliver: Deliver; digests: string[] } {
  const digests: string[] = [];
  const deliver: Deliver = async (arrival) => {
    try {
      digests.push(await read(arrival));
      return { kind: 'taken' };
    } catch {
      return { kind: 'refused', code: 'retransmit' };
    }
  };
  return { deliver, digests };
}

export const takeNothing: Deliver = async () => ({ kind: 'refused', code: 'not-acceptable' });

async function read(arrival: Arrival): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of arrival.bytes) hash.update(chunk);
  return hash.digest('hex');
}

/** Sends again and again, as the gateway does, until the link is through its back-off. */
export function eventuallyConfirmed(t: Test, link: Link, freight: Freight): Promise<void> {
  return eventuallySent(t, link, freight, 'confirmed');
}

async function eventuallySent(t: Test, link: Link, freight: Freight, success: LinkPair['success']): Promise<void> {
  let outcome = await sendNow(link, freight);
  for (let tries = 0; tries < 200 && outcome.kind === 'unreachable'; tries++) {
    await pause(25);
    outcome = await sendNow(link, freight);
  }
  t.same(outcome, went(success));
}

/** Waits until `condition` holds; the test's own timeout ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5);
}

function randomish(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  let state = 0x9e37_79b9;
  for (let n = 0; n < bytes; n++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[n] = state >>> 24;
  }
  return out;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
