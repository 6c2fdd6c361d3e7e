/** Routes to nodes by the contact plan: which neighbour a record waits for, and what happens when a contact fails or ends. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import { listed } from '../plan/contact.js';
import type { PlanContact } from '../plan/contact-plan.js';
import { MemoryLink, openTestGateway, testBatch, testKey, testMessage } from './gateway.test-helper.js';
import type { TestGateway, TestGatewayOptions, TestMessage } from './gateway.test-helper.js';
import type { Store } from '../store/store.js';
import { encodeOpening } from '../wire/opening.js';
import { orderQueue } from './queue-orders.js';
import { PosternError } from '../base/errors.js';
import { parseConfig } from './config.js';
import { readOwnPlan } from './plan-file.js';
import { join } from 'node:path';

const CLIENT = testKey(1);
const A = testKey(10);
const B = testKey(11);
const C = testKey(12);
const MINUTE_MS = 60_000;

interface Fork {
  readonly clock: ManualClock;
  readonly a: TestGateway;
  readonly ab: MemoryLink;
  readonly ac: MemoryLink;
  readonly b: TestGateway;
  readonly c: TestGateway;
}

/** Node 1 (a) reaches node 9 by 2 (b) in the first ten minutes, and by 3 (c) from the twentieth on. */
async function openFork(): Promise<Fork> {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const contact = (from: number, to: number, startMin: number, endMin: number): PlanContact => ({ from, to, startMs: startMs + startMin * MINUTE_MS, endMs: startMs + endMin * MINUTE_MS, rateBytesPerSec: 1000, lightTimeMs: 0, confidence: 1 });
  const contacts = [contact(1, 2, 0, 10), contact(1, 3, 20, 30), contact(2, 9, 0, 600), contact(3, 9, 0, 600)];
  const [ab, ba] = MemoryLink.pair('b/memory', 'a/memory');
  const [ac, ca] = MemoryLink.pair('c/memory', 'a/memory');
  const to = (node: number): { contacts: ReturnType<typeof listed> } => ({ contacts: listed(contacts.filter((one) => one.from === 1 && one.to === node)) });
  const a = await openTestGateway({
    name: 'a',
    key: A,
    clock,
    contacts,
    nodes: { a: 1, b: 2, c: 3 },
    peers: [
      { name: 'client', role: 'client', key: CLIENT },
      { name: 'b', role: 'neighbour', key: B, link: ab, plan: to(2) },
      { name: 'c', role: 'neighbour', key: C, link: ac, plan: to(3) },
    ],
    routes: [{ to: '*.mars.example', node: 9 }],
  });
  const b = await openTestGateway({ name: 'b', key: B, clock, peers: [{ name: 'a', role: 'neighbour', key: A, link: ba }] });
  const c = await openTestGateway({ name: 'c', key: C, clock, peers: [{ name: 'a', role: 'neighbour', key: A, link: ca }] });
  return { clock, a, ab, ac, b, c };
}

async function submit(to: TestGateway, messages: readonly TestMessage[]): Promise<void> {
  const answer = await to.gateway.takeBatch(testBatch(CLIENT, A, messages), 'direct');
  if (answer.kind !== 'answer') throw new Error(`no answer but ${answer.kind}`);
}

const whereIs = async (at: TestGateway, message: TestMessage): Promise<string | undefined> => (await at.store.find(message.record.rid))?.schedule?.target;

t.test('a record goes by the neighbour from which it arrives first, as far as the volume goes', async (t) => {
  const { clock, a, ab, ac, b, c } = await openFork();
  [ab, ac].forEach((link) => (link.up = false));
  const messages = [1, 2, 3].map((seed) => testMessage(seed, 'base.mars.example', clock, 250_000));
  const elsewhere = testMessage(4, 'venus.example', clock);
  for (const message of [...messages, elsewhere]) await submit(a, [message]);
  t.same(await Promise.all(messages.map((message) => whereIs(a, message))), ['peer:b', 'peer:b', 'peer:c'], 'ten minutes carry 600,000 bytes');
  t.equal(await whereIs(a, elsewhere), 'parked');
  [ab, ac].forEach((link) => (link.up = true));
  await a.settle();
  await b.settle();
  t.equal((await b.store.find((messages[0] as TestMessage).record.rid))?.state, 'held');
  clock.advance(20 * MINUTE_MS);
  await a.settle();
  await c.settle();
  t.equal((await c.store.find((messages[2] as TestMessage).record.rid))?.state, 'held');
});

t.test('only what is here takes volume of contacts, and only as long as it is', async (t) => {
  const { clock, a, ab } = await openFork();
  ab.up = false;
  const [offered, retracted, dropped, last] = [1, 2, 3, 4].map((seed) => testMessage(seed, 'base.mars.example', clock, 500_000)) as [TestMessage, TestMessage, TestMessage, TestMessage];
  await a.gateway.takeBatch(testBatch(CLIENT, A, [offered], [], true), 'direct');
  await submit(a, [retracted]);
  t.equal(await whereIs(a, retracted), 'peer:b', 'an offer without its blob takes none');
  await a.gateway.takeBatch(testBatch(CLIENT, A, [], [encodeOpening(retracted.retract)]), 'direct');
  await submit(a, [dropped]);
  t.equal(await whereIs(a, dropped), 'peer:b', 'nor does what was retracted');
  await orderQueue(a.gateway.context, 'drop', { destination: 'base.mars.example' });
  await submit(a, [last]);
  t.equal(await whereIs(a, last), 'peer:b', 'nor what was dropped');
});

t.test('when a contact fails, what waits for it is planned anew; a sign of life brings it back', async (t) => {
  const { clock, a, ab, b } = await openFork();
  ab.up = false;
  const message = testMessage(1, 'base.mars.example', clock);
  await submit(a, [message]);
  t.equal(await whereIs(a, message), 'peer:b');
  await a.settle();
  t.equal(await whereIs(a, message), 'peer:c');
  ab.up = true;
  ab.onSignOfLife?.();
  await a.settle();
  await a.settle();
  await b.settle();
  t.equal((await a.store.find(message.record.rid))?.state, 'forwarded', 'by b, which is there again');
});

t.test('what a contact has not carried by its end goes another way', async (t) => {
  const { clock, a, ab, c } = await openFork();
  const message = testMessage(1, 'base.mars.example', clock, 500_000);
  clock.advance(9 * MINUTE_MS);
  await submit(a, [message]);
  t.equal(await whereIs(a, message), 'peer:c', 'it would not fit into the last minute');
  const small = testMessage(2, 'base.mars.example', clock, 30_000);
  ab.passes = () => false;
  await submit(a, [small]);
  t.equal(await whereIs(a, small), 'peer:b');
  await a.settle();
  clock.advance(MINUTE_MS);
  t.ok((await a.settle()) <= clock.nowMs() + 10 * MINUTE_MS);
  clock.advance(10 * MINUTE_MS);
  await a.settle();
  await a.settle();
  await c.settle();
  t.equal((await c.store.find(small.record.rid))?.state, 'held', 'its receipt never came');
});

/** Node 1 (a) reaches node 9 by 2 (b), whose contact there carries 600,000 bytes, or later by 3 (c). Its links work at any time. */
async function openBottleneck(clock: ManualClock, startMs: number, store?: Store): Promise<Omit<Fork, 'ac' | 'c'>> {
  const contact = (from: number, to: number, startMin: number, endMin: number): PlanContact => ({ from, to, startMs: startMs + startMin * MINUTE_MS, endMs: startMs + endMin * MINUTE_MS, rateBytesPerSec: from === 1 ? 1_000_000 : 1000, lightTimeMs: 0, confidence: 1 });
  const contacts = [contact(1, 2, 0, 600), contact(2, 9, 60, 70), contact(1, 3, 0, 600), contact(3, 9, 100, 300)];
  const [ab, ba] = MemoryLink.pair('b/memory', 'a/memory');
  const [ac] = MemoryLink.pair('c/memory', 'a/memory');
  const peers: TestGatewayOptions['peers'] = [{ name: 'client', role: 'client', key: CLIENT }, { name: 'b', role: 'neighbour', key: B, link: ab }, { name: 'c', role: 'neighbour', key: C, link: ac }];
  const a = await openTestGateway({ name: 'a', key: A, clock, contacts, nodes: { a: 1, b: 2, c: 3 }, peers, routes: [{ to: '*.mars.example', node: 9 }], ...(store !== undefined && { store }) });
  const b = await openTestGateway({ name: 'b', key: B, clock, peers: [{ name: 'a', role: 'neighbour', key: A, link: ba }] });
  return { clock, a, ab, b };
}

t.test('what has left is booked over a restart on the whole way, and what waits is booked anew', async (t) => {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const { a, ab, b } = await openBottleneck(clock, startMs);
  const [first, second, third] = [1, 2, 3].map((seed) => testMessage(seed, 'base.mars.example', clock, 250_000)) as [TestMessage, TestMessage, TestMessage];
  await submit(a, [first]);
  await a.settle();
  await b.settle();
  t.equal((await a.store.find(first.record.rid))?.state, 'forwarded');
  ab.up = false;
  await submit(a, [second]);
  t.equal(await whereIs(a, second), 'peer:b');
  const { a: again } = await openBottleneck(clock, startMs, a.store);
  t.equal(await whereIs(again, second), 'peer:b');
  await submit(again, [third]);
  t.equal(await whereIs(again, third), 'peer:c', 'one has left, one waits: there is no place for a third');
});

t.test('killed while a receipt is acted on: what it has let go is booked, what it has not is planned anew, and nothing twice', async (t) => {
  for (const hasLeft of [true, false]) {
    const clock = new ManualClock();
    const startMs = clock.nowMs();
    const { a, b } = await openBottleneck(clock, startMs);
    const [first, second, third] = [1, 2, 3].map((seed) => testMessage(seed, 'base.mars.example', clock, 250_000)) as [TestMessage, TestMessage, TestMessage];
    await submit(a, [first]);
    const step = a.store.step.bind(a.store);
    a.store.step = async (steps) => {
      if (hasLeft) await step(steps);
      throw new PosternError('STORE_IO', 'killed', { dir: 'none' });
    };
    await a.settle();
    await b.settle();
    a.store.step = step;
    t.equal((await a.store.find(first.record.rid))?.state, hasLeft ? 'forwarded' : 'held');
    const { a: again, ab } = await openBottleneck(clock, startMs, a.store);
    ab.up = false;
    await submit(again, [second]);
    await submit(again, [third]);
    t.same([await whereIs(again, second), await whereIs(again, third)], ['peer:b', 'peer:c']);
  }
});

const CONFIG = { gateway: { name: 'a', nodeId: 'ipn:1.0', publicUrl: 'https://a:1', keyFile: 'k' }, listen: { https: {} } };
const neighbour = (nodeId: string, links: object[] = []): object => ({ name: 'b', role: 'neighbour', key: Buffer.alloc(32, 7).toString('base64url'), nodeId, links });

t.test('reads the plan that the configuration names, with the numbers of ipn nodes', async (t) => {
  const dir = t.testdir({ 'plan.ionrc': 'a range +0 +60 1 2 5\na contact +0 +60 1 2 1000\na contact +0 +60 1 3 1000\n' });
  const config = parseConfig({ ...CONFIG, plan: { file: 'plan.ionrc', startsAt: '2026-06-01T00:00:00Z' }, peers: [neighbour('ipn:2.0')] }, join(dir, 'postern.yaml'));
  const notes: string[] = [];
  const plan = await readOwnPlan(config, 0, (note) => notes.push(note));
  t.match(plan, { here: 1, contacts: [{ startMs: Date.UTC(2026, 5, 1), lightTimeMs: 5000 }] });
  t.same([...(plan?.nodes ?? [])], [['b', 2]]);
  t.match(notes, [/line 3/]);
  await t.rejects(readOwnPlan(parseConfig({ ...CONFIG, plan: { file: 'none' } }, join(dir, 'postern.yaml')), 0, () => undefined), { code: 'CONFIG_UNREADABLE' });
  t.equal(await readOwnPlan(parseConfig(CONFIG, 'postern.yaml'), 0, () => undefined), undefined);
});

t.test('the configuration refuses plans and routes that cannot be followed', async (t) => {
  const bad: [change: object, fault: RegExp][] = [
    [{ routes: [{ to: '*' }] }, /routes\[0\].*give the neighbour/],
    [{ routes: [{ to: '*', node: 5 }] }, /routes\[0\]\.node.*needs a plan/],
    [{ plan: { file: 'p' }, peers: [neighbour('dtn://b/')], routes: [{ to: '*', node: 5, via: 'b' }] }, /give the neighbour/],
    [{ plan: { file: 'p' }, gateway: { ...CONFIG.gateway, nodeId: 'dtn://a/' } }, /plan\.node.*has no number/],
    [{ plan: { file: 'p', nodes: { nobody: 4 } } }, /plan\.nodes\.nobody.*no peer/],
    [{ plan: { file: 'p' }, peers: [neighbour('dtn://b/', [{ kind: 'tcpcl', host: 'b', contacts: [{ plan: true }] }])] }, /contacts.*number of this neighbour/],
    [{ plan: { file: 'p' }, peers: [neighbour('ipn:2.0', [{ kind: 'tcpcl', host: 'b', contacts: [{ plan: true, durationMs: 1000 }] }])] }, /the plan says all/],
  ];
  for (const [change, fault] of bad) t.throws(() => parseConfig({ ...CONFIG, ...change }, 'postern.yaml'), { code: 'CONFIG_INVALID', message: fault }, String(fault));
});
