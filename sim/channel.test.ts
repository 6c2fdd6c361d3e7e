/** The conventions about the ends of a contact, and what a sender is told. */
import t from 'tap';
import { Channel } from './channel.js';
import type { ChannelModel, OnTheAir, Sent } from './channel.js';
import { FAULTLESS } from './channel-test-helper.js';
import { EventQueue } from './event-queue.js';
import { Streams } from './streams.js';
import { listed } from './windows.js';

const MODEL: ChannelModel = { ...FAULTLESS, delayUs: () => 1_000_000 };

function makeChannel(model: Partial<ChannelModel>) {
  const time = { nowUs: 0, queue: new EventQueue() };
  const channel = new Channel('test', { ...MODEL, ...model }, time, new Streams(1).named('test'));
  const arrivals: { timeUs: number; bytes: number }[] = [];
  const answer = { kind: 'answered', taken: true } as const;
  channel.arrive = (bytes) => {
    arrivals.push({ timeUs: time.nowUs, bytes: bytes.length });
    return Promise.resolve(answer);
  };
  const run = async (untilUs = Number.MAX_SAFE_INTEGER): Promise<void> => {
    for (let nextUs = time.queue.nextUs(); nextUs !== undefined && nextUs <= untilUs; nextUs = time.queue.nextUs()) {
      time.nowUs = nextUs;
      time.queue.take()?.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const send = (bytes: number): Sent[] => {
    const outcomes: Sent[] = [];
    channel.send(new Uint8Array(bytes), () => 1_000_000, (sent) => outcomes.push(sent));
    return outcomes;
  };
  return { channel, time, arrivals, run, send };
}

t.test('the last byte arrives after rate and light time, one unit behind the other', async (t) => {
  const { arrivals, run, send } = makeChannel({});
  send(1000);
  send(500);
  await run();
  t.same(arrivals, [{ timeUs: 2_000_000, bytes: 1000 }, { timeUs: 2_500_000, bytes: 500 }]);
});

t.test('what leaves by the end of a contact fits, and may arrive after it', async (t) => {
  const windows = listed([{ startUs: 0, endUs: 10_000_000 }]);
  const fits = makeChannel({ windows });
  fits.send(10_000);
  await fits.run();
  t.same(fits.arrivals, [{ timeUs: 11_000_000, bytes: 10_000 }], '10,000 bytes in 10 s at 1,000 bytes/s');
  const long = makeChannel({ windows });
  t.match(long.send(10_001), [{ kind: 'closed', reason: /too short/ }]);
  const early = makeChannel({ windows: listed([{ startUs: 5, endUs: 10 }]) });
  t.match(early.send(1), [{ kind: 'closed', reason: 'no contact' }]);
});

t.test('a reliable link says when the other end has it, and a cut breaks what is under way', async (t) => {
  const whole = makeChannel({ reliable: true });
  const outcome = whole.send(1000);
  await whole.run(2_999_999);
  t.same(outcome, [], 'nothing is said before the answer is back');
  await whole.run(3_000_000);
  t.match(outcome, [{ kind: 'answered', taken: true }]);
  const broken = makeChannel({ reliable: true });
  const lost = broken.send(1000);
  broken.time.nowUs = 500_000;
  broken.channel.cut(1000);
  await broken.run();
  t.match(lost, [{ kind: 'closed', reason: 'cut in mid-transfer' }]);
  t.same(broken.arrivals, []);
});

t.test('what its sender gives up goes no further, and what has left arrives', async (t) => {
  const { channel, time, arrivals, run } = makeChannel({});
  const outcomes: Sent[] = [];
  const sendNow = (bytes: number): OnTheAir => channel.send(new Uint8Array(bytes), () => 0, (sent) => outcomes.push(sent)) as OnTheAir;
  const first = sendNow(1000);
  await run(1_000_000);
  channel.giveUp(first);
  const second = sendNow(1000);
  time.nowUs = 1_250_000;
  channel.giveUp(second);
  sendNow(500);
  await run();
  t.same(arrivals, [{ timeUs: 2_000_000, bytes: 1000 }, { timeUs: 2_750_000, bytes: 500 }], 'the next goes at once');
  t.same(outcomes.map(({ kind }) => kind), ['written', 'closed', 'written']);
  t.match(channel.statistics, { units: 2, cutUnits: 1, cutBytes: 250 });
});

t.test('a link that repeats what was lost keeps to whole microseconds where light does not', async (t) => {
  const { arrivals, run, send } = makeChannel({ reliable: true, delayUs: () => 1_000_000.25, loss: { kind: 'uniform', probability: 0.7, segmentBytes: 100 } });
  const outcome = send(1000);
  await run();
  t.match(outcome, [{ kind: 'answered', taken: true }]);
  t.ok(arrivals.every(({ timeUs }) => Number.isInteger(timeUs)));
});
