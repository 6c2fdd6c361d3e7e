/** Silence of a gateway: whoever asks for what he may not have learns nothing from what comes back, nor from when it comes. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { toBase64url } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { testKey } from '../gateway/gateway.test-helper.js';
import type { TestMessage } from '../gateway/gateway.test-helper.js';
import { falseAlarmRate, measureRounds, medians } from './blocked-ranks.test-helper.js';
import type { Rounds } from './blocked-ranks.test-helper.js';
import { Caller, client, LOCAL, messageNow, startGateway, until } from './real-gateway.test-helper.js';

const GATE = testKey(1);
const CLIENT = testKey(2);
/** A test that finds a difference where there is none is wrong less often than once in ten thousand runs. */
const ALARM = 1e-4;
/** A difference below this is less than one packet's jitter on any network, however sure we are of it. */
const UNSEEN_MS = 0.025;
const ROUNDS = 800;
/** Until all that answers has been compiled: before that it gets quicker while it is measured, and the classes by turns. */
const WARMING_ROUNDS = 300;
const PLANTED_MS = 0.5;
/** Each class asks for many different ids, so that nothing is in one cache and not in another. */
const IDS = 24;
const HOUR_MS = 3_600_000;

/** A connection that says bytes and keeps what comes back: HTTP by hand, so that every byte counts. */
class RawConnection {
  readonly #socket: TLSSocket;
  #heard = '';
  #wake: () => void = () => undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString('latin1');
      this.#wake();
    });
  }

  static async open(t: Test, port: number): Promise<RawConnection> {
    const socket = connectTls({ host: LOCAL, port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    t.teardown(() => socket.destroy());
    return new RawConnection(socket);
  }

  /** An answer without a body, and how long it took, in milliseconds. */
  async ask(method: string, path: string): Promise<{ answer: string; ms: number }> {
    this.#heard = '';
    const startMs = performance.now();
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: gate\r\n\r\n`);
    while (!this.#heard.endsWith('\r\n\r\n')) await new Promise<void>((resolve) => (this.#wake = resolve));
    return { answer: this.#heard, ms: performance.now() - startMs };
  }
}

/** The system's clock, moved ahead at will: a gateway takes hours for an ordinary standstill. */
function movableClock(): Clock & { aheadMs: number } {
  const clock = { ...systemClock, aheadMs: 0, nowMs: () => systemClock.nowMs() + clock.aheadMs };
  return clock;
}

t.test('ids that are unknown, expired, retracted, accepted or malformed get one answer, in one time', { timeout: 120_000 }, async (t) => {
  const clock = movableClock();
  const { address, gateway } = await startGateway(t, { key: GATE, clock, config: { peers: [client('client', CLIENT)] } });
  const { store } = gateway.context;
  const caller = new Caller(t, GATE, address.port);
  const make = (seed: number, lifetimeSec?: number): TestMessage[] => Array.from({ length: IDS }, (_, index) => messageNow(seed + index, 'example.org', 1000, lifetimeSec));
  const ends = { expired: make(1000, 3600), retracted: make(2000), accepted: make(3000) };
  for (const messages of Object.values(ends)) await caller.submit(CLIENT, messages);
  for (const { retract } of ends.retracted) await caller.open(retract);
  for (const { accept } of ends.accepted) await caller.open(accept);
  clock.aheadMs = 3 * HOUR_MS;
  gateway.onWake?.();
  const stateOf = async (message: TestMessage | undefined): Promise<string | undefined> => message && (await store.find(message.record.rid))?.state;
  for (const [state, messages] of Object.entries(ends)) {
    for (const message of messages) await until(async () => (await stateOf(message)) === state);
  }

  const next = (ids: readonly string[]): (() => string) => {
    let at = 0;
    return () => ids[at++ % ids.length] as string;
  };
  const idsOf = (messages: readonly TestMessage[]): (() => string) => next(messages.map(({ messageId }) => toBase64url(messageId)));
  const unknown = next(Array.from({ length: IDS }, () => toBase64url(systemRandom.bytes(24))));
  const sources: Record<string, () => string> = {
    unknown,
    expired: idsOf(ends.expired),
    retracted: idsOf(ends.retracted),
    accepted: idsOf(ends.accepted),
    short: () => unknown().slice(8),
    'not base64url': () => `${unknown().slice(1)}.`,
  };
  const names = Object.keys(sources);
  const connection = await RawConnection.open(t, address.port);
  const answers = new Map<string, Set<string>>();
  const measure = (name: string, method: string, id: () => string) => async (): Promise<number> => {
    const { answer, ms } = await connection.ask(method, `/fmp/1/blob/${id()}`);
    answers.set(`${name} ${method}`, (answers.get(`${name} ${method}`) ?? new Set()).add(answer));
    return ms;
  };

  for (const method of ['GET', 'HEAD']) {
    const classes = Object.entries(sources).map(([name, id]) => measure(name, method, id));
    await measureRounds(classes, WARMING_ROUNDS, 1);
    t.notOk(await isFoundTwice(t, `${method} by class`, names, classes), `${method}: the time tells nothing`);
  }
  const methods = ['GET', 'HEAD'].map((method) => measure('expired', method, sources.expired as () => string));
  t.notOk(await isFoundTwice(t, 'by method', ['GET', 'HEAD'], methods), 'nor does it tell HEAD from GET');

  t.equal(answers.size, 2 * names.length);
  const all = new Set([...answers.values()].flatMap((set) => [...set]));
  t.same([...all].map((answer) => answer.split('\r\n')[0]), ['HTTP/1.1 404 Not Found'], 'every byte of every answer is the same');

  const slower = async (): Promise<number> => {
    const endMs = performance.now() + PLANTED_MS;
    while (performance.now() < endMs);
    return PLANTED_MS + (await measure('unknown', 'GET', unknown)());
  };
  t.ok(await isFoundTwice(t, 'planted', ['as it is', `${PLANTED_MS} ms more`], [measure('unknown', 'GET', unknown), slower]), 'half a millisecond would have been found');
});

/** Whatever else the machine does may come upon one class for a while; a difference that is there is there again. */
async function isFoundTwice(t: Test, what: string, names: readonly string[], classes: Parameters<typeof measureRounds>[0]): Promise<boolean> {
  for (const seed of [2, 3]) {
    const rounds = await measureRounds(classes, ROUNDS, seed);
    tell(t, what, names, rounds);
    if (!isFound(rounds)) return false;
  }
  return true;
}

function isFound(rounds: Rounds): boolean {
  const middle = medians(rounds);
  return falseAlarmRate(rounds) < ALARM && Math.max(...middle) - Math.min(...middle) > UNSEEN_MS;
}

function tell(t: Test, what: string, names: readonly string[], rounds: Rounds): void {
  const middle = medians(rounds).map((ms, index) => `${names[index]} ${(ms * 1000).toFixed(0)}`);
  t.comment(`${what}: medians in µs: ${middle.join(', ')}; false-alarm rate ${falseAlarmRate(rounds).toExponential(1)}`);
}
