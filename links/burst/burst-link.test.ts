import { createHook } from 'node:async_hooks';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ManualClock, stayAlive, systemClock } from '../../base/clock.js';
import type { Clock } from '../../base/clock.js';
import { systemRandom } from '../../base/random.js';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../fault.suite.js';
import type { Deliver, Outcome } from '../link.js';
import { collector, freightOf, runLinkSuite, sendNow, takeNothing, type LinkCase, type LinkPair } from '../link.suite.js';
import type { Outlay, Purse, Spending } from '../purse.js';
import { BurstLink, type BurstLinkOptions } from './burst-link.js';
import { BURST_OPTIONS, MINUTE_MS } from './burst-options.test-helper.js';
import { encodeMessage } from './message.js';
import { SatelliteNetwork, SimulatedModem } from './modem.test-helper.js';

const SKIPS: Partial<Record<LinkCase, string>> = {
  'confirms only after the far end has dealt with the bytes': 'the network confirms nothing: a receipt does',
  'says what the far end refused, by code': 'the network brings no answer',
  'says what the far end refused before reading it': 'the network brings no answer',
  'says when to try again': 'the network brings no answer',
  'brings the answer home': 'an answer is freight of its own',
  'reads no further than the far end takes': 'the network takes whole messages',
  'tells the far end when bytes stop short': 'a unit that is cut short is never delivered',
  'carries on when the far end comes back': 'the network takes messages whoever is there',
};
const NEAR_KEY = new Uint8Array(32).fill(1);
const FAR_KEY = new Uint8Array(32).fill(2);
const DAY_MS = 86_400_000;

interface Pair {
  readonly network: SatelliteNetwork;
  readonly near: BurstLink;
  readonly far: BurstLink;
  readonly nearModem: SimulatedModem;
  readonly farModem: SimulatedModem;
  readonly dir: string;
  /** The near end again, after a kill. */
  again(): BurstLink;
  againFar(): BurstLink;
}

function pairOf(t: Test, clock: Clock, wishes: Partial<BurstLinkOptions> = {}): Pair {
  const dir = mkdtempSync(join(tmpdir(), 'postern-'));
  const generations = { near: 0, far: 0 };
  const network = new SatelliteNetwork();
  const nearModem = new SimulatedModem(network, 'near', 'far', clock);
  const farModem = new SimulatedModem(network, 'far', 'near', clock);
  const links: BurstLink[] = [];
  const make = (end: 'near' | 'far'): BurstLink => {
    const generation = ++generations[end];
    const modem = end === 'near' ? nearModem : farModem;
    const [from, to] = end === 'near' ? [NEAR_KEY, FAR_KEY] : [FAR_KEY, NEAR_KEY];
    const link = new BurstLink({
      ...BURST_OPTIONS,
      neighbour: end === 'near' ? 'far' : 'near',
      device: '/dev/simulated',
      // Whoever has been killed opens no port any more.
      openPort: () => (generation === generations[end] ? modem.openPort() : Promise.reject(new Error('killed'))),
      ends: { from, to },
      folder: join(dir, end),
      clock,
      ...(end === 'near' ? wishes : {}),
    });
    links.push(link);
    return link;
  };
  const rest = stayAlive();
  t.teardown(async () => {
    nearModem.power(false);
    farModem.power(false);
    await Promise.all(links.map((link) => link.stop()));
    rest();
    rmSync(dir, { recursive: true, force: true });
  });
  return { network, near: make('near'), far: make('far'), nearModem, farModem, dir, again: () => make('near'), againFar: () => make('far') };
}

t.test('the suite of links', async (t) =>
  runLinkSuite(
    t,
    async (t): Promise<LinkPair> => {
      const { near, far, network, nearModem } = pairOf(t, systemClock);
      const line = {
        cut: async () => nearModem.power(false),
        mend: async () => nearModem.power(true),
        close: async () => undefined,
        async stranger(words: string | Uint8Array) {
          network.deliver('far', Buffer.from(words));
          return { resetAndDestroy: () => undefined };
        },
      };
      return { near, far, line, success: 'written' };
    },
    SKIPS,
  ),
);

t.test('burst, under faults', async (t) => runFaultSuite(t, makeBench));

async function makeBench(t: Test, deliver: Deliver, medium: FaultMedium): Promise<FaultBench> {
  const clock = new ManualClock();
  const { network, near: firstNear, far: firstFar, nearModem, farModem, again, againFar } = pairOf(t, clock);
  const held: Uint8Array[] = [];
  network.passes = (message, to) => {
    if (to === 'near') return [message];
    const times = medium.passes(message.length);
    if (!medium.shuffles) return new Array<Uint8Array>(times).fill(message);
    // Backwards, and all at once.
    if (held.push(message) > 1) return [];
    clock.timer(MINUTE_MS, () => {
      network.queueOf('far').push(...held.splice(0).reverse());
      farModem.ring();
    });
    return [];
  };
  let [near, far] = [firstNear, firstFar];
  await far.start(deliver);
  await near.start(takeNothing);
  return {
    clock,
    get near() {
      return near;
    },
    unitBytes: 1500,
    until: (condition) => pass(clock, condition),
    async pass(ms) {
      // A session that is under way is not to take hours.
      await passFor(clock, 12_000, 12);
      await passFor(clock, ms, 4);
    },
    cut: () => nearModem.power(false),
    mend: () => nearModem.power(true),
    async restart(end) {
      const modem = end === 'near' ? nearModem : farModem;
      modem.power(false);
      if (end === 'near') near = again();
      else far = againFar();
      modem.power(true);
      await (end === 'near' ? near.start(takeNothing) : far.start(deliver));
      modem.ring();
    },
    vanish: () => farModem.power(false),
    async appear() {
      farModem.power(true);
      await pass(clock, () => farModem.isPowered);
      farModem.ring();
      let alive = false;
      near.onSignOfLife = () => (alive = true);
      await settle(clock, sendNow(far, freightOf(50)));
      await pass(clock, () => alive);
    },
    breakMs: MINUTE_MS,
    retryMs: 5000,
    // The heads, and the message whose session was cut.
    overhead: 0.05 + 270 / 1500,
    // Four units freely, then ever fewer, of four messages each.
    triesAMonth: 12 * 4,
  };
}

/** Lets time pass in steps until something holds. */
async function pass(clock: ManualClock, condition: () => boolean, stepMs = 1000): Promise<void> {
  for (await quiet(); !condition(); await quiet()) clock.advance(stepMs);
}

/** Lets a stretch of time pass in which nothing in particular is waited for. */
async function passFor(clock: ManualClock, ms: number, steps = 60): Promise<void> {
  for (let step = 0; step < steps; step++) {
    clock.advance(ms / steps);
    await quiet();
  }
}

/** Timers of the links run on the manual clock, their files on a real disk: time stands still while that is at work. */
async function quiet(): Promise<void> {
  for (let calm = 0; calm < 4; calm = atDisk.size > 0 ? 0 : calm + 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What the disk has been asked and has not answered. */
const atDisk = new Set<number>();
createHook({
  init: (id, type) => {
    if (/^(FSREQ|FILEHANDLECLOSEREQ)/i.test(type)) atDisk.add(id);
  },
  after: (id) => void atDisk.delete(id),
  destroy: (id) => void atDisk.delete(id),
}).enable();

async function started(t: Test, wishes: Partial<BurstLinkOptions> = {}): Promise<Pair & { clock: ManualClock; taken: ReturnType<typeof collector>; home: ReturnType<typeof collector>; send: (bytes: number, stepMs?: number) => Promise<Outcome>; hear: () => Promise<void> }> {
  const clock = new ManualClock();
  const pair = pairOf(t, clock, wishes);
  const [taken, home] = [collector(), collector()];
  await pair.near.start(home.deliver);
  await pair.far.start(taken.deliver);
  const send = async (bytes: number, stepMs = 1000): Promise<Outcome> => {
    let outcome: Outcome | undefined;
    void sendNow(pair.near, freightOf(bytes)).then((found) => (outcome = found));
    await pass(clock, () => outcome !== undefined, stepMs);
    return outcome!;
  };
  const hear = async (): Promise<void> => {
    const before = home.digests.length;
    await settle(clock, sendNow(pair.far, freightOf(1)));
    await pass(clock, () => home.digests.length > before);
  };
  return { ...pair, clock, taken, home, send, hear };
}

t.test('sends as few messages as the sizes allow, and none for nothing', async (t) => {
  const { send, hear, clock, taken, nearModem, farModem } = await started(t);
  // 263 bytes of a unit to a message, its check of 4 among them.
  for (const [bytes, messages] of [[0, 1], [259, 1], [260, 2], [522, 2], [523, 3]] as const) {
    await hear();
    const before = [nearModem.sessions, taken.digests.length];
    t.same(await send(bytes), { kind: 'written' });
    await pass(clock, () => taken.digests.length > before[1]!);
    t.equal(nearModem.sessions - before[0]!, messages, `${bytes} bytes: ${JSON.stringify(nearModem.bill)}`);
  }
  const sessions = [nearModem.sessions, farModem.sessions];
  t.ok(nearModem.bill.every(({ up }) => up <= 270));
  await passFor(clock, 30 * DAY_MS);
  t.same([nearModem.sessions, farModem.sessions], sessions, 'a month of nothing costs nothing');
});

t.test('what comes down rides on what goes up, and a ring brings the rest', async (t) => {
  const { near, far, clock, taken, home, nearModem } = await started(t);
  nearModem.bars = 0;
  t.same(await settle(clock, sendNow(far, freightOf(1000))), { kind: 'written' });
  await passFor(clock, 5 * MINUTE_MS);
  t.equal(home.digests.length, 0, 'no signal, no ring');
  nearModem.bars = 5;
  const before = nearModem.sessions;
  t.same(await settle(clock, sendNow(near, freightOf(1000))), { kind: 'written' });
  await pass(clock, () => home.digests.length === 1 && taken.digests.length === 1);
  t.equal(nearModem.sessions - before, 4, 'four messages each way in four sessions');
});

async function settle(clock: ManualClock, sending: Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome | undefined;
  void sending.then((found) => (outcome = found));
  await pass(clock, () => outcome !== undefined);
  return outcome!;
}

t.test('a session that fails is tried again with the same message; every status has its words', async (t) => {
  const { send, hear, clock, taken, nearModem, near } = await started(t);
  const statuses = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 32, 33, 34, 35, 36, 37, 38, 64, 65, 99];
  for (const status of statuses) {
    const before = taken.digests.length;
    if (before % 4 === 3) await hear();
    nearModem.scripts.push({ status });
    t.same(await send(100 + status), { kind: 'written' }, String(status));
    t.match(near.status().lastError, new RegExp(`status ${status}`));
    await pass(clock, () => taken.digests.length > before);
  }
  t.equal(near.status().state, 'up');
});

t.test('a session that seemed to fail may have worked: the fragment that comes twice does no harm', async (t) => {
  const { send, clock, taken, nearModem } = await started(t);
  nearModem.scripts.push({ status: 0 }, { status: 13, arrives: true }, { status: 18, arrives: true });
  t.same(await send(1000), { kind: 'written' });
  await pass(clock, () => taken.digests.length === 1);
  t.same(taken.digests, [freightOf(1000).digest]);
  await passFor(clock, DAY_MS);
  t.equal(taken.digests.length, 1, 'and asks for nothing afterwards');
});

t.test('without signal nothing begins, and the gateway hears of it when patience ends', async (t) => {
  const { send, nearModem, near, dir } = await started(t, { patienceMs: 10 * MINUTE_MS });
  nearModem.bars = 1;
  t.match(await send(100, 10_000), { kind: 'unreachable', reason: /no signal: 1 bars of 2/ });
  t.equal(nearModem.sessions, 0);
  t.equal(near.status().state, 'down');
  t.same(readdirSync(join(dir, 'near')), [], 'nothing of it is left, so that it may go another way');
  nearModem.bars = 2;
  t.same(await send(100), { kind: 'written' }, 'enough is enough');
});

t.test('what the network loses is asked for, once, and only that goes again; order and copies do not matter', async (t) => {
  const { send, clock, taken, nearModem, farModem, network } = await started(t);
  const toFar: Uint8Array[] = [];
  network.passes = (message, to) => {
    if (to !== 'far') return [message];
    toFar.push(message);
    return toFar.length === 2 || toFar.length === 5 ? [] : toFar.length === 3 ? [message, message] : [message];
  };
  t.same(await send(1500), { kind: 'written' });
  await pass(clock, () => taken.digests.length === 1, 4000);
  t.same(taken.digests, [freightOf(1500).digest]);
  t.equal(toFar.length, 8, 'six, and the two that were lost');
  t.same(farModem.bill.filter(({ up }) => up > 0).map(({ up }) => up), [2 + 5], 'one question');
  t.ok(nearModem.bill.length <= 9);
});

class TestPurse implements Purse {
  readonly log: (Outlay | 'refused')[] = [];
  leftBytes = Number.POSITIVE_INFINITY;
  /** Called with what the modem has done when it is asked. */
  before: () => void = () => undefined;
  async spend(outlay: Outlay): Promise<Spending> {
    this.before();
    if (outlay.bytes > this.leftBytes) {
      this.log.push('refused');
      return { kind: 'refused', reason: "the day's bytes are spent", retryAfterMs: DAY_MS };
    }
    this.leftBytes -= outlay.bytes;
    this.log.push(outlay);
    return {
      kind: 'allowed',
      settle: async (actual) => {
        this.leftBytes += outlay.bytes - actual.bytes;
        this.log.push(actual);
      },
    };
  }
}

t.test('pays before each session and never too little; gets back what it was not', async (t) => {
  const purse = new TestPurse();
  const { send, clock, nearModem, network } = await started(t, { purse });
  let sessions = -1;
  purse.before = () => (sessions = nearModem.sessions);
  nearModem.scripts.push({ status: 32 }, { status: 18 });
  t.same(await send(200), { kind: 'written' });
  t.equal(sessions, 2, 'asked before the last session began');
  // 211 bytes up are 250 in steps of 50; 270 down are 300.
  const most = { bytes: 550, sessions: 1 };
  t.same(purse.log, [most, { bytes: 0, sessions: 0 }, most, { bytes: 250, sessions: 1 }, most, { bytes: 250, sessions: 1 }]);
  purse.log.length = 0;
  network.deliver('near', new Uint8Array(51));
  await pass(clock, () => purse.log.length === 2);
  t.same(purse.log, [{ bytes: 300, sessions: 1 }, { bytes: 100, sessions: 1 }], 'a message down has its price');
  purse.log.length = 0;
  nearModem.ring();
  await pass(clock, () => purse.log.length === 2);
  t.same(purse.log[1], { bytes: 50, sessions: 1 }, 'and so has a look into an empty mailbox');
});

t.test('stops hard where the purse is empty, and goes on when it is filled', async (t) => {
  const purse = new TestPurse();
  const { send, clock, taken, nearModem } = await started(t, { purse });
  purse.leftBytes = 549;
  t.match(await send(200), { kind: 'refused', code: 'budget', reason: /day's bytes are spent/, retryAfterMs: DAY_MS });
  t.equal(nearModem.sessions, 0);
  purse.leftBytes = 550;
  t.same(await send(200), { kind: 'written' });
  await pass(clock, () => taken.digests.length === 1);
  purse.leftBytes = 900;
  t.same(await send(1000), { kind: 'written' }, 'what has begun');
  await passFor(clock, 60 * MINUTE_MS);
  t.ok(nearModem.sessions < 4, 'waits in the middle');
  purse.leftBytes = Number.POSITIVE_INFINITY;
  await pass(clock, () => taken.digests.length === 2);
});

t.test('a session cut by the power stays paid for', async (t) => {
  const purse = new TestPurse();
  const { near, clock, nearModem } = await started(t, { purse });
  nearModem.scripts.push({ status: 0, powerFails: true });
  t.match(await settle(clock, sendNow(near, freightOf(200))), { kind: 'unreachable' });
  t.same(purse.log, [{ bytes: 550, sessions: 1 }, { bytes: 550, sessions: 1 }]);
});

t.test('a disturbed line: echoes, noise, wrong sums, and a modem that says nothing', async (t) => {
  const { send, clock, taken, nearModem } = await started(t);
  nearModem.wrongSums = 2;
  nearModem.noise = Buffer.from('\x00\xff+SBD\r\nOOK\r\n\x7f\r\n');
  t.same(await send(300), { kind: 'written' });
  await pass(clock, () => taken.digests.length === 1);
  nearModem.deaf = true;
  t.match(await send(300), { kind: 'unreachable', reason: /no answer/ });
  nearModem.deaf = false;
  let outcome = await send(301);
  while (outcome.kind === 'unreachable') outcome = await send(301);
  t.same(outcome, { kind: 'written' });
  await pass(clock, () => taken.digests.length === 2);
});

t.test('messages of strangers and of other networks are let go, and harm nothing', async (t) => {
  const { send, clock, taken, network, farModem } = await started(t);
  for (let n = 0; n < 5; n++) network.deliver('far', systemRandom.bytes(n * 60 + 1));
  await pass(clock, () => farModem.sessions >= 5);
  t.same(await send(700), { kind: 'written' });
  await pass(clock, () => taken.digests.length === 1);
});

t.test('units that never become whole are bounded, and the status says how many made room', async (t) => {
  const { far, clock, network, farModem } = await started(t);
  const limit = (): unknown => far.status().limits?.find(({ name }) => name === 'units arriving');
  t.match(limit(), { used: 0, most: 16, refused: 0 });
  for (let unit = 1; unit <= 18; unit++) {
    const message = encodeMessage([{ kind: 'fragment', unit, index: 0, count: 5, bytes: new Uint8Array(100) }], { from: NEAR_KEY, to: FAR_KEY });
    network.deliver('far', message);
    await pass(clock, () => farModem.sessions >= unit);
  }
  await pass(clock, () => (limit() as { refused: number }).refused === 2);
  t.match(limit(), { used: 16, most: 16, refused: 2 });
});

t.test('a neighbour that does not answer is written to four times, and the status says what was turned away', async (t) => {
  const { send, near } = await started(t);
  const limit = (): unknown => near.status().limits?.find(({ name }) => name === 'units without an answer');
  for (let unit = 1; unit <= 4; unit++) {
    t.same(await send(10), { kind: 'written' });
    t.match(limit(), { used: unit, most: 4, refused: 0 });
  }
  t.match(await send(10), { kind: 'refused', code: 'no-answer' });
  t.match(limit(), { used: 4, refused: 1 });
});

t.test('a folder that cannot be stops the start', async (t) => {
  const dir = t.testdir({ file: 'x' });
  const { near } = pairOf(t, systemClock, { folder: join(dir, 'file', 'x') });
  await t.rejects(near.start(takeNothing), { code: 'LINK_FOLDER' });
});
