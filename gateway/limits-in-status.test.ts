/** Every limit of sending and taking, tried at its edge and one beyond it, and what `postern status` says of it. */
import t from 'tap';
import { statusText } from '../cli/status-text.js';
import { ManualClock } from '../base/clock.js';
import type { LinkLimit, LinkStatus } from '../links/link.js';
import { listed } from '../plan/contact.js';
import type { BudgetTerms } from '../plan/budget.js';
import { BudgetKeeper } from './budget-keeper.js';
import type { RefusalCode } from '../wire/refusal.js';
import { A, openTestPair, stateAt, submit, testBatch, testKey, testMessage, type TestGatewayOptions, type TestMessage, type TestPair, type TestPairOptions } from './gateway.test-helper.js';
import type { LanePlan } from './lane.js';
import { gatewayStatus } from './status.js';

const HOUR_MS = 3_600_000;
/** Kept free for the head of a batch, and before a piece: gateway/unit-size.ts. */
const HEAD_ROOM_BYTES = 2048;
const PIECE_HEAD_BYTES = 24;
const BLOB_BYTES = 20_000;

async function statusOf({ a, clock }: TestPair): Promise<string> {
  return statusText(await gatewayStatus(a.gateway, clock.monotonicMs()));
}

function budget(clock: ManualClock, limits: BudgetTerms['limits'], price: Partial<BudgetTerms['price']> = {}): Promise<BudgetKeeper> {
  const terms: BudgetTerms = { price: { perMegabyte: 0, perMinute: 0, perSession: 0, minimum: 0, stepBytes: 1, ...price }, limits, alertPercent: 50, monthBeginsOn: 1 };
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  return BudgetKeeper.open({ link: 'b/memory', terms, currency: 'EUR', file: { name: 'none', read: async () => undefined, write: async () => undefined }, nowMs: () => clock.nowMs(), log: silent });
}

interface Edge {
  readonly name: string;
  /** @param beyond one more than the limit allows */
  plan(clock: ManualClock, sizes: Sizes, beyond: boolean): Promise<LanePlan> | LanePlan;
  readonly options?: Omit<TestPairOptions, 'planAtA' | 'clock'>;
  readonly lifetimeSec?: number;
  /** What the status says when it has stopped something. */
  readonly says: RegExp;
}

interface Sizes {
  readonly loadBytes: number;
}

/** A contact that has just so many bytes left. */
function contactOf(clock: ManualClock, bytes: number, more: { readonly lightTimeMs?: number } = {}): LanePlan['contacts'] {
  return listed([{ startMs: clock.nowMs(), endMs: clock.nowMs() + bytes, rateBytesPerSec: 1000, lightTimeMs: 0, ...more }]);
}

const open = (clock: ManualClock): LanePlan['contacts'] => contactOf(clock, 1000 * HOUR_MS);

const EDGES: readonly Edge[] = [
  { name: 'what is left of a contact', plan: (clock, { loadBytes }, beyond) => ({ contacts: contactOf(clock, loadBytes + HEAD_ROOM_BYTES - (beyond ? 1 : 0)) }), says: /b\/memory leaves 1 larger than what is left/ },
  { name: 'the reserve of a contact', plan: (clock, { loadBytes }, beyond) => ({ contacts: contactOf(clock, 2 * loadBytes + HEAD_ROOM_BYTES - (beyond ? 2 : 0)), reservePercent: 50 }), says: /b\/memory leaves 1 that only the reserve would hold/ },
  { name: 'the bytes of a day', plan: async (clock, { loadBytes }, beyond) => ({ contacts: open(clock), budget: await budget(clock, [{ per: 'day', bytes: loadBytes + HEAD_ROOM_BYTES - (beyond ? 1 : 0) }]) }), says: /b\/memory leaves 1 larger than what is left[^]*0 B of [\d.]+ KiB a day/ },
  { name: 'the sessions of a week', plan: async (clock, _, beyond) => ({ contacts: open(clock), budget: await budget(clock, [{ per: 'week', sessions: beyond ? 0 : 1 }]) }), says: /0 of 0 sessions a week, SPENT/ },
  { name: 'the money of a month', plan: async (clock, _, beyond) => ({ contacts: open(clock), budget: await budget(clock, [{ per: 'month', money: beyond ? 0.99 : 1 }], { perSession: 1 }) }), says: /0\.00 EUR of 0\.99 EUR a month, SPENT/ },
  { name: 'the largest blob that does not wait for another link', plan: (clock, _, beyond) => ({ contacts: open(clock), holdLargeBytes: BLOB_BYTES + (beyond ? 0 : 1) }), says: /b\/memory leaves 1 large ones to another link/ },
  { name: 'the expiry', lifetimeSec: HOUR_MS / 1000, plan: (clock, { loadBytes }, beyond) => ({ contacts: listed([{ startMs: clock.nowMs(), endMs: clock.nowMs() + 1000 * HOUR_MS, rateBytesPerSec: 1000, lightTimeMs: expiryOf(clock) - clock.nowMs() - loadBytes - (beyond ? 0 : 1) }]) }), says: /b\/memory leaves 1 that would come after their expiry/ },
  { name: 'what a link by the message carries', options: { supports: { carries: 'compact', largestBytes: 0 } }, plan: (clock) => ({ contacts: open(clock) }), says: /1 for b \(19\.5 KiB\) are too large for its links/ },
];

/** Expiries are whole hours. */
function expiryOf(clock: ManualClock): number {
  return Math.floor((clock.nowMs() / 1000 + HOUR_MS / 1000) / 3600) * HOUR_MS;
}

async function tried({ plan, options, lifetimeSec }: Edge, beyond: boolean): Promise<{ pair: TestPair; message: TestMessage }> {
  const clock = new ManualClock();
  const message = testMessage(1, 'example.org', clock, BLOB_BYTES, lifetimeSec);
  const loadBytes = message.record.bytes.length + BLOB_BYTES + PIECE_HEAD_BYTES;
  const supports = options?.supports?.carries === 'compact' ? { ...options.supports, largestBytes: loadBytes + 256 - (beyond ? 1 : 0) } : options?.supports;
  const pair = await openTestPair({ clock, ...options, ...(supports !== undefined && { supports }), planAtA: await plan(clock, { loadBytes }, beyond) });
  await submit(pair.a, [message]);
  await pair.settle();
  return { pair, message };
}

for (const edge of EDGES) {
  t.test(edge.name, async (t) => {
    const within = await tried(edge, false);
    if (edge.options?.supports?.carries !== 'compact') t.equal(await stateAt(within.pair.b, within.message), 'held', 'what just fits goes');
    t.notMatch(await statusOf(within.pair), edge.says);
    const beyond = await tried(edge, true);
    t.equal(await stateAt(beyond.pair.b, beyond.message), undefined, 'one more stays');
    t.equal(await stateAt(beyond.pair.a, beyond.message), 'held');
    t.match(await statusOf(beyond.pair), edge.says);
  });
}

t.test('a share of a budget is told of before it is spent', async (t) => {
  const clock = new ManualClock();
  const pair = await openTestPair({ clock, planAtA: { contacts: open(clock), budget: await budget(clock, [{ per: 'day', sessions: 4 }]) } });
  for (const [seed, says] of [[1, /1 of 4 sessions a day, anew/], [2, /2 of 4 sessions a day, NEARLY SPENT/], [3, /3 of 4 sessions a day, NEARLY SPENT/], [4, /4 of 4 sessions a day, SPENT/]] as const) {
    await submit(pair.a, [testMessage(seed, 'example.org', clock)]);
    await pair.settle();
    t.match(await statusOf(pair), says);
  }
});

t.test('a refusal of the neighbour, and the wait that follows it', async (t) => {
  const pair = await openTestPair();
  pair.ab.up = false;
  await submit(pair.a, [testMessage(1, 'example.org', pair.clock)]);
  await pair.settle();
  t.match(await statusOf(pair), /b\/memory +down +never +in [\d.]+ s +.*down/);
  pair.ab.up = true;
  pair.clock.advance(HOUR_MS);
  await pair.settle();
  t.notMatch(await statusOf(pair), / down$/m);
});

t.test('the sends under way, and whatever a link says of its own', async (t) => {
  const pair = await openTestPair({ supports: { parallel: 1 } });
  const limits: LinkLimit[] = [
    { name: 'blocks arriving', unit: 'count', used: 3, most: 32, refused: 0 },
    { name: 'memory for blocks arriving', unit: 'bytes', used: 0, most: 1 << 20, refused: 2 },
    { name: 'never touched', unit: 'count', used: 0, most: 5, refused: 0 },
  ];
  const status: () => LinkStatus = pair.ab.status.bind(pair.ab);
  pair.ab.status = () => ({ ...status(), limits });
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const send = pair.ab.send.bind(pair.ab);
  pair.ab.send = async (freight) => {
    await held;
    return send(freight);
  };
  await submit(pair.a, [testMessage(1, 'example.org', pair.clock)]);
  await pair.a.gateway.tick();
  while (pair.a.gateway.forwarders()[0]!.lanes[0]!.sending === 0) await new Promise((resolve) => setImmediate(resolve));
  const text = await statusOf(pair);
  t.match(text, /b\/memory: sends under way 1 of 1$/m);
  t.match(text, /b\/memory: blocks arriving 3 of 32$/m);
  t.match(text, /b\/memory: memory for blocks arriving 0 B of 1\.0 MiB, 2 TURNED AWAY$/m);
  t.notMatch(text, /never touched/);
  t.match((await gatewayStatus(pair.a.gateway, 0)).neighbours[0]?.links[0]?.limits, [{ name: 'sends under way', used: 1, most: 1 }, ...limits]);
  release?.();
  await pair.settle();
});

/** What a client hands over just fits `within`, and is refused with one byte, second or record more. */
interface Refusing {
  readonly name: string;
  readonly options: (beyond: boolean) => Partial<TestGatewayOptions>;
  readonly lifetimeSec?: (beyond: boolean) => number;
  readonly code: RefusalCode;
  readonly says: RegExp;
}

const PLENTY = { bytes: 2 ** 40, byteSeconds: 2 ** 52 };

const REFUSING: readonly Refusing[] = [
  { name: 'the largest blob', options: (beyond) => ({ limits: { blobBytes: BLOB_BYTES - (beyond ? 1 : 0) } }), code: 'too-large', says: /client was refused 1 records: too-large/ },
  { name: 'the longest life', options: (beyond) => ({ limits: { lifetimeMs: (beyond ? 24 : 25) * HOUR_MS } }), lifetimeSec: () => (24 * HOUR_MS) / 1000 + 1, code: 'clock', says: /client was refused 1 records: clock/ },
  { name: 'the bytes of a peer', options: (beyond) => ({ quota: { peer: { ...PLENTY, bytes: BLOB_BYTES - (beyond ? 1 : 0) } } }), code: 'quota', says: /quota of client 0 B of 19\.5 KiB, 1 TURNED AWAY/ },
  { name: 'the bytes for a destination', options: (beyond) => ({ quota: { destination: { ...PLENTY, bytes: BLOB_BYTES - (beyond ? 1 : 0) } } }), code: 'quota', says: /quota for example\.org 0 B of 19\.5 KiB, 1 TURNED AWAY/ },
];

for (const { name, options, lifetimeSec, code, says } of REFUSING) {
  t.test(`what is refused: ${name}`, async (t) => {
    for (const beyond of [false, true]) {
      const pair = await openTestPair({ atA: options(beyond), supports: { parallel: 0 } });
      const message = testMessage(1, 'example.org', pair.clock, BLOB_BYTES, lifetimeSec?.(beyond));
      const { controls } = await submit(pair.a, [message]);
      t.match(controls, [beyond ? { kind: 'refusal', code } : { kind: 'receipt' }]);
      if (beyond) t.match(await statusOf(pair), says);
      else t.notMatch(await statusOf(pair), /refused|TURNED AWAY/);
    }
  });
}

t.test('a quota that is nearly used up, and byte-days', async (t) => {
  const pair = await openTestPair({ atA: { quota: { peer: { bytes: 2 * BLOB_BYTES, byteSeconds: 2 ** 52 } } }, supports: { parallel: 0 } });
  await submit(pair.a, [testMessage(1, 'example.org', pair.clock, BLOB_BYTES)]);
  t.notMatch(await statusOf(pair), /quota/, 'half of it is nothing to tell of');
  t.match((await gatewayStatus(pair.a.gateway, 0)).limits, [{ name: 'quota of client', unit: 'bytes', used: BLOB_BYTES, most: 2 * BLOB_BYTES, refused: 0 }, { name: 'quota of client in byte-days', used: /^2\d{4}$/ }]);
  await submit(pair.a, [testMessage(2, 'example.org', pair.clock, 0.7 * BLOB_BYTES)]);
  t.match(await statusOf(pair), /^quota of client 33\.2 KiB of 39\.1 KiB$/m);
});

t.test('records that the neighbour refuses, strangers, and batches that are none', async (t) => {
  const pair = await openTestPair({ both: { limits: { blobBytes: BLOB_BYTES } }, atA: { limits: {} } });
  await submit(pair.a, [testMessage(1, 'example.org', pair.clock, BLOB_BYTES + 1)]);
  await pair.settle();
  t.match(await statusOf(pair), /b refuses 1 records: too-large, last 0 ms ago/);
  await pair.a.gateway.takeBatch(testBatch(testKey(77), A, []), 'direct');
  t.match(await statusOf(pair), /1 batches of strangers and 0 bad ones TURNED AWAY/);
});
