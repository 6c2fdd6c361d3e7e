import t from 'tap';
import { ManualClock } from '../base/clock.js';
import type { Clock } from '../base/clock.js';
import { utf8 } from '../base/bytes.js';
import type { ChannelModel } from './channel.js';
import { RelayTime } from './relay-time.js';
import { RelayWay } from './relay-way.js';
import type { Flow } from './relay-way.js';
import { Streams } from './streams.js';
import { ALWAYS, listed } from './windows.js';

const MODEL: ChannelModel = { reliable: true, bitsPerSec: 8000, delayUs: () => 2e6, windows: ALWAYS, loss: { kind: 'none' }, corruptProbability: 0, duplicateProbability: 0, reorderProbability: 0, reorderUs: 0, windowLossProbability: 0 };

t.test('what enters leaves at the rate of the way and arrives when light has had its time', async (t) => {
  const { clock, arrivals, send } = lab({});
  send('a'.repeat(1000));
  send('b'.repeat(500));
  clock.advance(10_000);
  t.same(arrivals.map(({ text, atMs }) => [text[0], atMs]), [['a', 3000], ['b', 3500]]);
});

t.test('at a scale, everything goes faster by the clock and keeps its place in the scenario', async (t) => {
  const { clock, arrivals, send, time } = lab({}, { scale: 1000 });
  send('a'.repeat(1000));
  clock.advance(2);
  t.equal(arrivals.length, 0);
  clock.advance(1);
  t.equal(arrivals.length, 1);
  t.equal(time.nowUs, 3e6);
});

t.test('delays of the machine do not add up, and are told', async (t) => {
  const { clock, arrivals, send, time } = lab({ delayUs: () => 0 }, { lateMs: 300 });
  for (let count = 0; count < 5; count += 1) send('x'.repeat(1000));
  clock.advance(60_000);
  t.same(arrivals.map(({ atMs }) => atMs), [1300, 2300, 3300, 4300, 5300]);
  t.match(time.handedOn.figures(), { count: 5, maxMs: 300 });
  t.ok(time.noticed.figures().p50Ms >= 300);
});

t.test('datagrams are lost outside of contacts, and when they would not be out before its end', async (t) => {
  const { clock, arrivals, send, way } = lab({ windows: listed([{ startUs: 5e6, endUs: 7e6 }]), delayUs: () => 100e6 });
  send('too early');
  clock.advance(5500);
  send('y'.repeat(1000));
  send('z'.repeat(1000));
  clock.advance(1000);
  send('w');
  clock.advance(1000);
  send('too late');
  clock.advance(200_000);
  t.same(arrivals.map(({ text }) => text[0]), ['y', 'w'], 'what has left in time arrives after the contact');
  t.match(way.statistics, { datagrams: 5, closedDatagrams: 3, arrivedDatagrams: 2 });
  t.equal(way.heldBytes, 0);
});

t.test('streams wait for the next contact, go on in the one after it, and stay whole and in order', async (t) => {
  const { clock, arrivals, stream, way } = lab({ windows: listed([{ startUs: 5e6, endUs: 7e6 }, { startUs: 20e6, endUs: 30e6 }]), delayUs: () => 0 });
  const flow: Flow = { isOver: false, lastArrivalUs: 0 };
  stream(flow, 'abc'.repeat(1000));
  stream(flow, '');
  clock.advance(5000);
  t.equal(arrivals.length, 0);
  clock.advance(5000);
  t.equal(arrivals.map(({ text }) => text).join('').length, 2000, 'as much as fits between the beginning and the end of the contact');
  clock.advance(15_000);
  t.equal(arrivals.map(({ text }) => text).join(''), 'abc'.repeat(1000));
  t.same(arrivals.at(-1), { text: '', atMs: 21_000 });
  t.equal(way.heldBytes, 0);
});

t.test('a stream stays in order when the way gets shorter, and datagrams overtake', async (t) => {
  const { clock, arrivals, stream, send, way } = lab({ bitsPerSec: 8e9 });
  const flow: Flow = { isOver: false, lastArrivalUs: 0 };
  stream(flow, 'first');
  send('slow');
  clock.advance(1000);
  way.model = { ...MODEL, bitsPerSec: 8e9, delayUs: () => 100_000 };
  stream(flow, 'second');
  send('quick');
  clock.advance(5000);
  t.same(arrivals.map(({ text }) => text), ['quick', 'first', 'second', 'slow']);
});

t.test('chance comes from the seed: the same datagrams are lost, doubled, held up and spoilt again', async (t) => {
  const model = { loss: { kind: 'uniform', probability: 0.2, segmentBytes: 1400 }, corruptProbability: 0.1, duplicateProbability: 0.1, reorderProbability: 0.1, reorderUs: 9e6, bitsPerSec: 1e9 } as const;
  const run = (seed: number): { texts: string[]; way: RelayWay } => {
    const { clock, arrivals, send, way } = lab(model, { seed });
    for (let count = 0; count < 500; count += 1) send(`message ${count}`);
    clock.advance(60_000);
    return { texts: arrivals.map(({ text }) => text), way };
  };
  const [one, same, other] = [run(1), run(1), run(2)];
  t.same(one.texts, same.texts);
  t.notSame(one.texts, other.texts);
  const { lostDatagrams, corruptedDatagrams, duplicatedDatagrams, reorderedDatagrams, arrivedDatagrams } = one.way.statistics;
  t.equal(arrivedDatagrams, 500 - lostDatagrams + duplicatedDatagrams);
  t.ok(lostDatagrams > 60 && lostDatagrams < 140, `${lostDatagrams} of 500 lost at 20 %`);
  for (const count of [corruptedDatagrams, duplicatedDatagrams, reorderedDatagrams]) t.ok(count > 15 && count < 70, `${count} of 500 at 10 %`);
});

t.test('the queue has an end, and so has the line', async (t) => {
  const { send, way, clock } = lab({}, { queueBytes: 3000, lineBytes: 5000 });
  for (let count = 0; count < 10; count += 1) send('x'.repeat(1000));
  t.match(way.statistics, { datagrams: 10, droppedDatagrams: 7 });
  t.equal(way.heldBytes, 3000);
  clock.advance(2000);
  for (let count = 0; count < 10; count += 1) send('x'.repeat(1000));
  t.equal(way.heldBytes, 5000, 'two under way and three that wait');
  clock.advance(60_000);
  t.equal(way.heldBytes, 0);
});

t.test('a thousand small parts take room, too', async (t) => {
  const { send, way, clock } = lab({ bitsPerSec: 1e12, delayUs: () => 1e9 });
  for (let count = 0; count < 100_010; count += 1) send('');
  t.equal(way.statistics.droppedDatagrams, 10);
  t.ok(way.isFull);
  clock.advance(2e6);
  t.notOk(way.isFull);
});

t.test('who reads for a way is told when it is full, and when there is room again', async (t) => {
  const { stream, way, clock } = lab({}, { lineBytes: 2000 });
  const flow: Flow = { isOver: false, lastArrivalUs: 0 };
  stream(flow, 'x'.repeat(2500));
  t.ok(way.isFull);
  let resumed = 0;
  way.whenRoom(() => (resumed += 1));
  clock.advance(3000);
  t.equal(resumed, 0, 'the first part is under way, and counts');
  clock.advance(60_000);
  t.equal(resumed, 1);
});

t.test('a cut loses what waits and what is leaving, not what is on its way, and ends by itself or when told', async (t) => {
  const { send, clock, arrivals, way, stream } = lab({});
  const flow: Flow = { isOver: false, lastArrivalUs: 0 };
  send('a'.repeat(1000));
  send('b'.repeat(1000));
  send('c'.repeat(1000));
  clock.advance(1500);
  way.cut(10e6);
  t.ok(way.isCut);
  stream(flow, 'stays');
  send('d');
  clock.advance(9000);
  t.same(arrivals.map(({ text }) => text[0]), ['a']);
  clock.advance(1000);
  t.notOk(way.isCut);
  send('e');
  clock.advance(5000);
  t.same(arrivals.map(({ text }) => text[0]), ['a', 's', 'e']);
  t.match(way.statistics, { cutDatagrams: 2, closedDatagrams: 1 });
  way.cut();
  clock.advance(1e9);
  send('f');
  way.restore();
  send('g');
  clock.advance(5000);
  t.same(arrivals.map(({ text }) => text[0]), ['a', 's', 'e', 'g']);
  t.equal(way.heldBytes, 0);
});

t.test('what a connection left behind is dropped when that is over', async (t) => {
  const { clock, arrivals, stream, way } = lab({});
  const flow: Flow = { isOver: false, lastArrivalUs: 0 };
  stream(flow, 'a'.repeat(1000));
  stream(flow, 'b'.repeat(1000));
  clock.advance(1500);
  flow.isOver = true;
  clock.advance(60_000);
  t.equal(arrivals.length, 0);
  t.equal(way.heldBytes, 0);
});

t.test('nothing gets through before the scenario begins', async (t) => {
  const { clock, arrivals, send, stream } = lab({ delayUs: () => 0, bitsPerSec: 8e9 }, { beginsInMs: 5000 });
  send('too early');
  stream({ isOver: false, lastArrivalUs: 0 }, 'patient');
  clock.advance(4999);
  t.equal(arrivals.length, 0);
  clock.advance(2);
  t.same(arrivals.map(({ text }) => text), ['patient']);
});

interface LabWishes {
  readonly scale?: number;
  readonly seed?: number;
  readonly queueBytes?: number;
  readonly lineBytes?: number;
  readonly beginsInMs?: number;
  /** Every timer of the machine is late by so much. */
  readonly lateMs?: number;
}

function lab(model: Partial<ChannelModel>, { scale = 1, seed = 1, queueBytes = 2 ** 20, lineBytes = 2 ** 24, beginsInMs = 0, lateMs = 0 }: LabWishes = {}) {
  const clock = new ManualClock();
  const late: Clock = { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs(), timer: (delayMs, run) => clock.timer(delayMs + lateMs, run) };
  const time = new RelayTime({ clock: late, scale, beginsMs: clock.nowMs() + beginsInMs, startMs: 0 });
  const way = new RelayWay('a>b', { ...MODEL, ...model }, time, new Streams(seed).named('link/a-b/a'), { queueBytes, lineBytes });
  const arrivals: { text: string; atMs: number }[] = [];
  const note = (bytes: Uint8Array): void => void arrivals.push({ text: Buffer.from(bytes).toString('latin1'), atMs: clock.monotonicMs() });
  return {
    clock,
    time,
    way,
    arrivals,
    send: (text: string) => way.datagram(utf8(text), note),
    stream: (flow: Flow, text: string) =>
      way.stream(flow, utf8(text), (bytes, taken) => {
        note(bytes);
        taken();
      }),
  };
}
