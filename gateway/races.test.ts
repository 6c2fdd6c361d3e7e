/** What happens between two steps of something else: openings, records and receipts that come while a send or a batch is under way. */
import t from 'tap';
import { ManualClock } from '../base/clock.js';
import type { Freight } from '../links/link.js';
import { encodeOpening } from '../wire/opening.js';
import { makeRecord } from '../wire/record.js';
import { A, B, CLIENT, openTestGateway, openTestPair, readAnswer, stateAt, submit, testBatch, testKey, testMessage } from './gateway.test-helper.js';

function gate(): [opened: Promise<void>, open: () => void] {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return [opened, open];
}

t.test('a retraction that comes while its record is being sent follows it', async (t) => {
  const { clock, a, b, ab, settle } = await openTestPair();
  const message = testMessage(1, 'example.org', clock);
  const [retracted, goOn] = gate();
  const send = ab.send.bind(ab);
  let sends = 0;
  ab.send = async (freight: Freight) => {
    const outcome = await send(freight);
    if ((sends += 1) === 1) await retracted;
    return outcome;
  };
  await submit(a, [message]);
  await a.gateway.tick();
  while ((await stateAt(b, message)) !== 'held') await new Promise((resolve) => setImmediate(resolve));
  await submit(a, [], [encodeOpening(message.retract)]);
  goOn();
  await settle();
  t.equal(await stateAt(a, message), 'retracted');
  t.equal(await stateAt(b, message), 'retracted');
});

t.test('a retraction follows a record that had arrived when its send failed', async (t) => {
  const { clock, a, b, ab, settle } = await openTestPair();
  const message = testMessage(2, 'example.org', clock);
  const send = ab.send.bind(ab);
  ab.send = async (freight: Freight) => {
    await send(freight);
    ab.up = false;
    return { kind: 'unreachable', reason: 'the connection broke before the answer' };
  };
  await submit(a, [message]);
  await a.settle();
  t.same([await stateAt(a, message), await stateAt(b, message)], ['held', 'held']);
  await submit(a, [], [encodeOpening(message.retract)]);
  [ab.up, ab.send] = [true, send];
  clock.advance(3_600_000);
  await settle();
  t.equal(await stateAt(b, message), 'retracted');
});

t.test('a record that comes in a circle while it comes from its sender is refused as a loop', async (t) => {
  const clock = new ManualClock();
  const other = testKey(12);
  const a = await openTestGateway({ name: 'a', key: A, clock, peers: [{ name: 'client', role: 'client', key: CLIENT }, { name: 'b', role: 'neighbour', key: B }, { name: 'c', role: 'neighbour', key: other }], routes: [{ to: '*', via: 'b' }] });
  const message = testMessage(3, 'example.org', clock);
  const [taken, goOn] = gate();
  const slowly = async function* (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of bytes) yield chunk;
    await taken;
  };
  const round = a.gateway.takeBatch(slowly(testBatch(other, A, [message])), 'direct');
  await new Promise((resolve) => setImmediate(resolve));
  await submit(a, [message]);
  goOn();
  const answer = await round;
  t.match(answer.kind === 'answer' && readAnswer(answer.bytes).controls, [{ kind: 'refusal', code: 'loop' }]);
});

t.test('while nothing expires, what nobody is to be told of keeps nobody busy', async (t) => {
  const clock = new ManualClock();
  const home = testKey(13);
  const a = await openTestGateway({ name: 'a', key: A, clock, peers: [{ name: 'client', role: 'client', key: CLIENT }, { name: 'home', role: 'client', key: home, domain: 'example.org' }] });
  const told = testMessage(4, 'example.org', clock, 1000, 7200);
  const { notification: _, ...fields } = told.record;
  const message = { ...told, record: makeRecord(fields) };
  await submit(a, [message]);
  await a.gateway.tick();
  clock.jumpTo(clock.nowMs() - 86_400_000);
  clock.advance(5 * 3_600_000);
  const nextMs = await a.gateway.tick();
  t.notOk(a.gateway.context.trust.trusted);
  t.equal(await stateAt(a, message), 'held');
  t.ok(nextMs === undefined || nextMs > a.gateway.context.trust.nowMs(), `next ${nextMs}`);
});
