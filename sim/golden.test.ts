/** The simulated medium, drawn from a seed, against hashes that were written down: the same on every machine with the same major version of Node. */
import t from 'tap';
import { Channel } from './channel.js';
import { EventQueue } from './event-queue.js';
import { Streams } from './streams.js';
import { Trace } from './trace.js';
import { periodic } from './windows.js';

/** V8's own logarithm is in them. */
const GOLDEN: Readonly<Record<string, string>> = {
  '20': '02e7860f4d58c16bf37ae9b07df931b761178fe600fc8b2c10fb9196dc0c8264',
  '22': '02e7860f4d58c16bf37ae9b07df931b761178fe600fc8b2c10fb9196dc0c8264',
  '24': '02e7860f4d58c16bf37ae9b07df931b761178fe600fc8b2c10fb9196dc0c8264',
  '26': '02e7860f4d58c16bf37ae9b07df931b761178fe600fc8b2c10fb9196dc0c8264',
};

const major = process.versions.node.split('.')[0] ?? '';

t.test('what a channel does with a seed is what it did', { skip: GOLDEN[major] === undefined ? `no hash was written down for Node ${major}` : false }, async (t) => {
  const time = { nowUs: 0, queue: new EventQueue() };
  const streams = new Streams(2026);
  const trace = new Trace();
  const model = {
    bitsPerSec: 64_000,
    delayUs: (atUs: number) => 1_000_000 + Math.round(1000 * Math.sin(atUs / 1e9)),
    windows: periodic({ firstUs: 5_000_000, everyUs: 600_000_000, openUs: 400_000_000, driftUs: -1_000_000 }),
    loss: { kind: 'bursts', toBad: 0.01, toGood: 0.25, lostInGood: 0.001, lostInBad: 0.9, segmentBytes: 500 },
    corruptProbability: 0.05,
    duplicateProbability: 0.05,
    reorderProbability: 0.1,
    reorderUs: 3_000_000,
    windowLossProbability: 0.1,
  } as const;
  const traffic = streams.named('traffic');
  for (const reliable of [true, false]) {
    const name = reliable ? 'reliable' : 'datagrams';
    const channel = new Channel(name, { ...model, reliable }, time, streams.named(name));
    channel.arrive = (bytes) => {
      trace.add(time.nowUs, name, `arrives ${bytes.length} ${bytes.reduce((sum, byte) => sum + byte, 0)}`);
      return Promise.resolve({ kind: 'answered', taken: true });
    };
    for (let unit = 0, atUs = 0; unit < 500; unit += 1) {
      atUs += Math.ceil(traffic.exponential(3_000_000));
      const bytes = traffic.bytes(traffic.between(1, 4000));
      time.queue.add(atUs, () => channel.send(bytes, () => 1_000_000, (sent) => trace.add(time.nowUs, name, sent.kind)));
    }
  }
  for (let event = time.queue.take(); event !== undefined; event = time.queue.take()) {
    time.nowUs = event.timeUs;
    event.run();
    await Promise.resolve();
    await Promise.resolve();
  }
  t.ok(trace.lines > 1000);
  t.equal(trace.digest(), GOLDEN[major]);
});
