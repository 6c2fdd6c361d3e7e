/** What space, networks and peers do to a transfer, in virtual time. */
import t, { type Test } from 'tap';
import { seededRandom } from '../../base/random.js';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../fault.suite.js';
import type { Deliver, Outcome } from '../link.js';
import { BlockRoom } from './block-buffer.js';
import { collector, DAY_MS, freightOf, HOUR_MS, loses, makeLightPair, MINUTE_MS, SECOND_MS, sendWithin, stopOn, type Fate, type LightOptions, type LightPair } from './light-test-helper.js';
import { decodeSegment, encodeControl, encodeData, type DataSegment } from './segments.js';
import type { ContactSource } from './contacts.js';
import type { LtpLink } from './ltp-link.js';

const CONFIRMED = { kind: 'confirmed' };
const never = (): AbortSignal => new AbortController().signal;

async function started(options?: LightOptions): Promise<LightPair & { digests: string[] }> {
  const pair = makeLightPair(options);
  const { deliver, digests } = collector();
  await pair.far.start(deliver);
  await pair.near.start(async () => ({ kind: 'taken' }));
  return { ...pair, digests };
}

/** Open for `openMs` of every `everyMs`. */
function windows(startMs: number, openMs: number, everyMs: number): ContactSource {
  const phase = (ms: number): number => (((ms - startMs) % everyMs) + everyMs) % everyMs;
  return { isOpen: (ms) => phase(ms) < openMs, nextChangeMs: (ms) => ms + (phase(ms) < openMs ? openMs : everyMs) - phase(ms) };
}

t.setTimeout(120_000);

t.test('ltp, under faults', async (t) => runFaultSuite(t, makeBench));

/** A second of light, and room at the far end for as many blocks as a fault sends at once. */
async function makeBench(t: Test, deliver: Deliver, medium: FaultMedium): Promise<FaultBench> {
  const { clock, there, back, makeNear, makeFar } = makeLightPair({ lightMs: SECOND_MS, far: { sessions: 3 } });
  const random = seededRandom(9);
  const fateOf = (times: number, datagram: Uint8Array): Fate => ({ delaysMs: Array.from({ length: times }, () => (medium.shuffles ? 1 + 500 * random.fraction() : 0)), datagram });
  there.fate = (datagram) => fateOf(medium.passes(datagram.length), datagram);
  back.fate = (datagram) => fateOf(medium.isCut ? 0 : medium.copies ? 2 : 1, datagram);
  const links: LtpLink[] = [];
  const startFar = async (): Promise<void> => {
    const link = makeFar();
    links.push(link);
    await link.start(deliver);
  };
  await startFar();
  let near = makeNear();
  links.push(near);
  await near.start(async () => ({ kind: 'taken' }));
  t.teardown(() => stopOn(clock, ...links));
  return {
    clock,
    get near() {
      return near;
    },
    unitBytes: 300_000,
    async until(condition) {
      await clock.run(10 * DAY_MS, condition);
      if (!condition()) throw new Error('ten days bring nothing more');
    },
    pass: (ms) => clock.run(ms),
    cut: () => void (medium.isCut = true),
    mend: () => void (medium.isCut = false),
    async restart(end) {
      if (end === 'far') return startFar();
      near = makeNear();
      links.push(near);
      return near.start(async () => ({ kind: 'taken' }));
    },
    breakMs: 2 * SECOND_MS,
    retryMs: MINUTE_MS,
    overhead: 0.05,
    // Each attempt of the gateway is one segment, seven repetitions of its checkpoint, and as many of the word that it is given up.
    triesAMonth: 60 * 16,
  };
}

t.test('minutes of light, nothing lost: each byte goes once, and the word comes home after one round trip', async (t) => {
  const { clock, near, there, digests } = await started();
  const freight = freightOf(300_000);
  t.same(await sendWithin(clock, near, freight, DAY_MS), CONFIRMED);
  t.same(digests, [freight.digest]);
  t.equal(there.sent.againBytes, 0);
  t.equal(freight.opened(), 1, 'and is read once');
  t.ok(clock.monotonicMs() < 40 * MINUTE_MS + 10 * SECOND_MS);
});

for (const share of [0.01, 0.2]) {
  t.test(`${100 * share} % lost each way: no more is sent again than was lost`, async (t) => {
    const { clock, near, there, back, digests } = await started();
    const random = seededRandom(5);
    let lostBytes = 0;
    there.fate = (datagram) => {
      const lost = random.fraction() < share;
      if (lost) lostBytes += datagram.length;
      return { delaysMs: lost ? [] : [0], datagram };
    };
    back.fate = loses(random, share);
    const freights = [freightOf(1_000_000, 1), freightOf(500_000, 2), freightOf(10, 3)];
    const outcomes: Outcome[] = [];
    for (const freight of freights) void near.send(freight, never()).then((outcome) => outcomes.push(outcome));
    await clock.run(10 * DAY_MS, () => outcomes.length === freights.length);
    t.same(outcomes, [CONFIRMED, CONFIRMED, CONFIRMED]);
    t.same([...digests].sort(), freights.map(({ digest }) => digest).sort(), 'each arrives once and whole');
    // Checkpoints are asked again where the answer was lost.
    const checkpointBytes = there.sent.of('data').filter(({ checkpoint }) => checkpoint !== undefined).reduce((sum, { length }) => sum + length, 0);
    t.ok(there.sent.againBytes <= lostBytes + checkpointBytes, `${there.sent.againBytes} bytes again, ${lostBytes} lost`);
  });
}

t.test('a session survives a contact gap of hours and goes on where it stopped', async (t) => {
  const clockStartMs = 1_800_000_000_000;
  const { clock, near, there, digests } = await started({ lightMs: MINUTE_MS, rateBytesPerSec: 4000, contacts: windows(clockStartMs, 5 * MINUTE_MS, 8 * HOUR_MS) });
  // Two contacts' worth of bytes.
  const freight = freightOf(2_000_000);
  t.same(await sendWithin(clock, near, freight, 10 * DAY_MS), CONFIRMED);
  t.same(digests, [freight.digest]);
  t.ok(clock.monotonicMs() > 8 * HOUR_MS, 'it took more than one contact');
  t.ok(there.sent.againBytes <= 1400, `${there.sent.againBytes} bytes went twice`);
});

t.test('an answer that falls into a gap is waited for: no timer rings for it', async (t) => {
  const contacts = windows(1_800_000_000_000, 10 * MINUTE_MS, DAY_MS);
  const { clock, near, there } = await started({ contacts });
  t.same(await sendWithin(clock, near, freightOf(5000), 10 * DAY_MS), CONFIRMED);
  t.ok(clock.monotonicMs() > DAY_MS, 'the far end could answer in its next contact only');
  t.equal(there.sent.againBytes, 0);
});

t.test('damage on the way: what is taken is right, and nothing breaks', async (t) => {
  const pair = makeLightPair({ lightMs: SECOND_MS });
  const { clock, near, there, back } = pair;
  const freights = Array.from({ length: 5 }, (_, seed) => freightOf(100_000, seed + 1));
  const right = new Set(freights.map(({ digest }) => digest));
  const { deliver, digests } = collector((digest) => right.has(digest));
  await pair.far.start(deliver);
  await near.start(async () => ({ kind: 'taken' }));
  const random = seededRandom(11);
  there.fate = back.fate = (datagram) => {
    const damaged = datagram.slice();
    if (random.fraction() < 0.01) damaged[Math.floor(random.fraction() * damaged.length)]! ^= 1 + Math.floor(random.fraction() * 255);
    return { delaysMs: [0], datagram: damaged };
  };
  for (const freight of freights) {
    let outcome: Outcome | undefined;
    for (let attempt = 0; attempt < 20 && outcome?.kind !== 'confirmed'; attempt++) outcome = await sendWithin(clock, near, freight, DAY_MS);
    t.same(outcome, CONFIRMED);
  }
  t.ok(digests.every((digest) => right.has(digest)));
});

t.test('a peer that vanishes for a month costs a bounded number of datagrams, and is there again afterwards', async (t) => {
  const { clock, near, there, back, digests } = await started();
  there.fate = back.fate = loses(seededRandom(1), 1);
  t.match(await sendWithin(clock, near, freightOf(50_000), 30 * DAY_MS), { kind: 'unreachable', reason: /does not answer/ });
  t.equal(near.status().state, 'down');
  const sentDuring = there.sent.segments.length;
  t.ok(sentDuring < 37 + 1 + 7 + 10, `${sentDuring} segments`);
  await clock.run(30 * DAY_MS);
  t.ok(there.sent.segments.length <= sentDuring + 8, 'silence, but for the cancellation');
  there.fate = back.fate = undefined;
  let signs = 0;
  near.onSignOfLife = () => signs++;
  const freight = freightOf(1000, 2);
  t.same(await sendWithin(clock, near, freight, DAY_MS), CONFIRMED);
  t.same(digests, [freight.digest]);
  t.same([signs, near.status().state], [1, 'up']);
});

t.test('everything that was ever sent, sent again by somebody: nothing is delivered twice', async (t) => {
  const { clock, near, far, there, digests } = await started({ lightMs: SECOND_MS });
  const recorded: Uint8Array[] = [];
  there.fate = (datagram) => {
    recorded.push(datagram);
    return { delaysMs: [0], datagram };
  };
  const freight = freightOf(30_000);
  t.same(await sendWithin(clock, near, freight, HOUR_MS), CONFIRMED);
  await clock.run(MINUTE_MS);
  for (const datagram of recorded) there.receive?.(datagram);
  await clock.run(HOUR_MS);
  t.same(digests, [freight.digest]);
  await stopOn(clock, near, far);
});

t.test('the report of the whole waits for the gateway, however often it is asked for', async (t) => {
  const pair = makeLightPair({ lightMs: SECOND_MS });
  const { clock, near, far, back } = pair;
  let finish = (): void => undefined;
  await far.start(async ({ bytes }) => {
    for await (const _ of bytes);
    await new Promise<void>((resolve) => (finish = resolve));
    return { kind: 'taken' };
  });
  await near.start(async () => ({ kind: 'taken' }));
  let outcome: Outcome | undefined;
  void near.send(freightOf(5000), never()).then((found) => (outcome = found));
  await clock.run(30 * SECOND_MS);
  t.equal(outcome, undefined);
  t.same(back.sent.of('report'), []);
  finish();
  await clock.run(10 * SECOND_MS, () => outcome !== undefined);
  t.same(outcome, CONFIRMED);
});

t.test('a report lost on its way home, for good: the sender asks, and is told again after the session has ended', async (t) => {
  const { clock, near, back, digests } = await started({ lightMs: SECOND_MS, far: { retransmissions: 1 } });
  let lost = 0;
  back.fate = (datagram) => {
    const isLost = decodeSegment(datagram).kind === 'report' && lost++ < 4;
    return { delaysMs: isLost ? [] : [0], datagram };
  };
  const freight = freightOf(5000);
  t.same(await sendWithin(clock, near, freight, HOUR_MS), CONFIRMED);
  t.same(digests, [freight.digest]);
});

t.test('many gaps take several reports, each of which fits its segment', async (t) => {
  const { clock, near, there, back, digests } = await started({ lightMs: SECOND_MS });
  let count = 0;
  there.fate = (datagram) => ({ delaysMs: count++ < 150 && count % 2 === 0 && decodeSegment(datagram).kind === 'data' ? [] : [0], datagram });
  const freight = freightOf(150 * 1370);
  t.same(await sendWithin(clock, near, freight, HOUR_MS), CONFIRMED);
  t.same(digests, [freight.digest]);
  const first = back.sent.of('report').filter(({ checkpoint }) => checkpoint === back.sent.of('report')[0]!.checkpoint);
  t.ok(first.length > 3, `${first.length} reports for the first checkpoint`);
  t.ok(first.every(({ claims }) => claims.length <= 20));
  t.same(first.map(({ lower }) => lower), [0, ...first.slice(0, -1).map(({ upper }) => upper)], 'each goes on where the one before ended');
  t.ok(there.sent.againBytes < 0.55 * freight.bytes, 'and each gap is filled once');
});

t.test('green is written and forgotten', async (t) => {
  const { clock, near, there, back, digests } = await started({ near: { colour: 'green' }, far: { sessions: 1 } });
  const freight = freightOf(50_000);
  t.same(await sendWithin(clock, near, freight, MINUTE_MS), { kind: 'written' });
  await clock.run(21 * MINUTE_MS);
  t.same(digests, [freight.digest]);
  t.same(back.sent.segments, [], 'and nothing is said of it');
  let count = 0;
  there.fate = (datagram) => ({ delaysMs: count++ === 3 ? [] : [0], datagram });
  t.same(await sendWithin(clock, near, freightOf(50_000, 2), MINUTE_MS), { kind: 'written' });
  await clock.run(2 * DAY_MS);
  t.equal(digests.length, 1, 'half of it is nothing');
  there.fate = undefined;
  t.same(await sendWithin(clock, near, freightOf(50_000, 3), MINUTE_MS), { kind: 'written' });
  await clock.run(HOUR_MS);
  t.equal(digests.length, 2, 'and holds no place for ever');
});

t.test('a small unit does not wait for a large one', async (t) => {
  const { clock, near } = await started({ lightMs: SECOND_MS, rateBytesPerSec: 10_000 });
  let large: Outcome | undefined;
  for (let seed = 0; seed < 6; seed++) void near.send(freightOf(1_000_000, seed), never()).then((outcome) => (large = outcome));
  await clock.run(10 * SECOND_MS);
  t.same(await sendWithin(clock, near, freightOf(2000), 10 * SECOND_MS), CONFIRMED);
  t.equal(large, undefined);
});

t.test('units that wait together travel in one block, and each is delivered', async (t) => {
  const unitsOf = (block: Uint8Array): Uint8Array[] => Array.from({ length: block.length / 100 }, (_, index) => block.subarray(100 * index, 100 * (index + 1)));
  const { clock, near, there, digests } = await started({ lightMs: SECOND_MS, rateBytesPerSec: 2000, near: { aggregateBytes: 1000 }, far: { unitsOf } });
  const freights = Array.from({ length: 60 }, (_, seed) => freightOf(100, seed + 1));
  const outcomes: Outcome[] = [];
  for (const freight of [freightOf(3000, 99), ...freights]) void near.send(freight, never()).then((outcome) => outcomes.push(outcome));
  await clock.run(HOUR_MS, () => outcomes.length === freights.length + 1);
  t.ok(outcomes.every(({ kind }) => kind === 'confirmed'));
  for (const { digest } of freights) t.ok(digests.includes(digest));
  const blocks = new Set(there.sent.of('data').map(({ session }) => session.number)).size;
  t.ok(blocks <= 20, `${blocks} blocks: those that the pace let through at once, and ten to a block after that`);
});

t.test('a send that is given up frees the far end, even if the word of it is lost at first', async (t) => {
  const { clock, near, there, digests } = await started({ lightMs: SECOND_MS, rateBytesPerSec: 10_000, far: { sessions: 1 } });
  const stop = new AbortController();
  const sending = near.send(freightOf(500_000), stop.signal);
  await clock.run(10 * SECOND_MS);
  there.fate = (datagram) => ({ delaysMs: decodeSegment(datagram).kind === 'cancel' && there.sent.of('cancel').length < 3 ? [] : [0], datagram });
  stop.abort();
  t.match(await sending, { kind: 'unreachable' });
  await clock.run(MINUTE_MS);
  t.same(there.sent.of('cancel').map(({ by, reason }) => [by, reason]), [['sender', 0], ['sender', 0], ['sender', 0]]);
  t.same(await sendWithin(clock, near, freightOf(100), MINUTE_MS), CONFIRMED);
  t.equal(digests.length, 1);
});

t.test('a peer without manners: sessions, memory and answers are bounded', async (t) => {
  const { clock, there, back, far } = await started({ lightMs: 0, far: { sessions: 4, largestBytes: 1_000_000 } });
  const data = (number: number, more: Partial<DataSegment> = {}): DataSegment => ({ kind: 'data', session: { originator: 1n, number: BigInt(number) }, colour: 'red', redEnd: false, blockEnd: false, client: 1n, offset: 0, length: 3, data: Uint8Array.of(1, 2, 3), ...more });
  const say = (segment: DataSegment): void => there.receive?.(encodeData(segment, segment.data));
  for (let number = 1; number <= 10_000; number++) say(data(number));
  await clock.run(SECOND_MS);
  t.same(back.sent.segments, [], 'nothing is answered to data');
  say(data(20_000, { checkpoint: { serial: 1n, report: 0n } }));
  say(data(1, { checkpoint: { serial: 1n, report: 0n } }));
  await clock.run(SECOND_MS);
  t.match(back.sent.segments, [{ kind: 'cancel', by: 'receiver', reason: 4, session: { number: 20_000n } }, { kind: 'report', session: { number: 1n }, claims: [[0, 3]] }], 'one session too many is told when it asks');
  say(data(2, { offset: 999_999 }));
  await clock.run(SECOND_MS);
  t.match(back.sent.segments.at(-1), { kind: 'cancel', by: 'receiver', reason: 0, session: { number: 2n } }, 'a block beyond the limit');
  say(data(3, { colour: 'green', offset: 10 }));
  say(data(3, { offset: 12 }));
  await clock.run(SECOND_MS);
  t.match(back.sent.segments.at(-1), { kind: 'cancel', by: 'receiver', reason: 3, session: { number: 3n } }, 'red behind green is miscoloured');
  const heard = back.sent.segments.length;
  there.receive?.(encodeData(data(1, { session: { originator: 3n, number: 1n }, checkpoint: { serial: 9n, report: 0n } }), Uint8Array.of(1, 2, 3)));
  there.receive?.(encodeControl({ kind: 'report', session: { originator: 3n, number: 1n }, serial: 1n, checkpoint: 1n, lower: 0, upper: 3, claims: [] }));
  await clock.run(100);
  t.equal(back.sent.segments.slice(heard).filter(({ session }) => session.originator === 3n).length, 0, 'engines we do not know hear nothing');
  await stopOn(clock, far);
});

t.test('a block for which there is no room is refused, and comes when there is', async (t) => {
  const { clock, near, far, digests } = await started({ lightMs: 0, far: { room: new BlockRoom(131_072) } });
  t.same(await sendWithin(clock, near, freightOf(131_072), MINUTE_MS), CONFIRMED, 'at the edge');
  t.match(await sendWithin(clock, near, freightOf(131_073), MINUTE_MS), { kind: 'refused', code: 'no-resources' });
  t.match(far.status().limits, [{ name: 'blocks arriving', used: 0 }, { name: 'memory for blocks arriving', unit: 'bytes', used: 0, most: 131_072, refused: 1 }]);
  t.same(await sendWithin(clock, near, freightOf(131_072, 2), MINUTE_MS), CONFIRMED);
  t.equal(digests.length, 2);
});

t.test('a link that starts says so, and whoever waited for it hears it in one light time', async (t) => {
  const { clock, near, far, there, back, makeFar } = await started({ lightMs: 10 * SECOND_MS });
  await stopOn(clock, far);
  t.match(await sendWithin(clock, near, freightOf(1000), HOUR_MS), { kind: 'unreachable' });
  t.equal(near.status().state, 'down');
  let alive = Number.NaN;
  const startedMs = clock.monotonicMs();
  near.onSignOfLife = () => (alive = clock.monotonicMs());
  const successor = makeFar();
  await successor.start(async () => ({ kind: 'taken' }));
  await clock.run(HOUR_MS, () => !Number.isNaN(alive));
  t.equal(alive - startedMs, 10 * SECOND_MS);
  t.equal(near.status().state, 'up');
  await clock.run(10 * SECOND_MS);
  t.equal(successor.status().state, 'up', 'and the word is answered');
  const count = there.sent.wireBytes + back.sent.wireBytes;
  await clock.run(DAY_MS);
  t.equal(there.sent.wireBytes + back.sent.wireBytes, count, 'once');
});

t.test('what other stacks ask in passing', async (t) => {
  const { clock, near, there, back, digests } = await started({ lightMs: 0 });
  there.receive?.(encodeControl({ kind: 'cancel', session: { originator: 1n, number: 2n ** 62n - 1n }, by: 'sender', reason: 0 }));
  await clock.run(100);
  t.match(back.sent.segments, [{ kind: 'cancel-ack', by: 'sender' }], 'the ping of HDTN');
  // What follows is said by us in the place of near, who knows nothing of it.
  back.fate = (datagram) => ({ delaysMs: [], datagram });
  const session = { originator: 1n, number: 77n };
  const red: DataSegment = { kind: 'data', session, colour: 'red', redEnd: true, blockEnd: false, client: 1n, offset: 0, length: 3, checkpoint: { serial: 5n, report: 0n }, data: Uint8Array.of(1, 2, 3) };
  there.receive?.(encodeData(red, red.data));
  await clock.run(100);
  t.match(back.sent.segments.at(-1), { kind: 'report', lower: 0, upper: 3 }, 'the red part of a mixed block is reported as it comes');
  const { checkpoint: _, ...rest } = red;
  there.receive?.(encodeData({ ...rest, colour: 'green', redEnd: false, blockEnd: true, offset: 3 }, Uint8Array.of(4, 5, 6)));
  await clock.run(100);
  t.equal(digests.length, 1, 'and the block is delivered when its green part is there');

  back.fate = undefined;
  // An asynchronous report: nobody asked, and what it misses is sent.
  there.fate = (datagram) => ({ delaysMs: decodeSegment(datagram).kind === 'data' ? [] : [0], datagram });
  void near.send(freightOf(10_000), never());
  await clock.run(SECOND_MS);
  const { session: ours } = there.sent.of('data')[0]!;
  const before = there.sent.againBytes;
  back.receive?.(encodeControl({ kind: 'report', session: ours, serial: 99n, checkpoint: 0n, lower: 0, upper: 3000, claims: [[0, 1000]] }));
  back.receive?.(encodeControl({ kind: 'report', session: ours, serial: 99n, checkpoint: 0n, lower: 0, upper: 3000, claims: [[0, 1000]] }));
  await clock.run(SECOND_MS);
  t.equal(there.sent.againBytes - before, 2000, 'once, though it came twice');
  t.equal(there.sent.of('report-ack').length, 2, 'and each is acknowledged');
  back.receive?.(encodeControl({ kind: 'report', session: { ...ours, number: ours.number + 5n }, serial: 1n, checkpoint: 1n, lower: 0, upper: 5, claims: [] }));
  await clock.run(SECOND_MS);
  t.match(there.sent.segments.at(-1), { kind: 'cancel', by: 'sender', reason: 4 }, 'a session from before a restart is called off');
});

t.test('freight that cannot be read ends its own send, and no other', async (t) => {
  const { clock, near, digests } = await started({ lightMs: SECOND_MS });
  let failed: unknown;
  const broken = { bytes: 50_000, open: async function* () { yield new Uint8Array(20_000); throw new Error('the disk is gone'); } };
  void near.send(broken, never()).catch((thrown: unknown) => (failed = thrown));
  const freight = freightOf(5000);
  t.same(await sendWithin(clock, near, freight, MINUTE_MS), CONFIRMED);
  t.match(failed, { message: 'the disk is gone' });
  t.same(digests, [freight.digest]);
  t.match(await sendWithin(clock, near, { bytes: 1 << 30, open: freight.open }, 1), { kind: 'refused', code: 'too-large' });
});
