/** The closed forms that every such model has to meet, within 3 sigma, and the conventions about the ends of a contact. */
import t from 'tap';
import { Channel } from './channel.js';
import type { ChannelModel, Sent } from './channel.js';
import { EventQueue } from './event-queue.js';
import { Losses } from './losses.js';
import { Streams } from './streams.js';
import { ALWAYS, listed } from './windows.js';

const MODEL: ChannelModel = {
  reliable: false,
  bitsPerSec: 8000,
  delayUs: () => 1_000_000,
  windows: ALWAYS,
  loss: { kind: 'none' },
  corruptProbability: 0,
  duplicateProbability: 0,
  reorderProbability: 0,
  reorderUs: 0,
  windowLossProbability: 0,
};

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

t.test('bursts as Gilbert and Elliott have them: 3.8462 % lost, four in a row on average', async (t) => {
  const losses = new Losses({ kind: 'bursts', toBad: 0.01, toGood: 0.25, lostInGood: 0, lostInBad: 1, segmentBytes: 1400 }, new Streams(3).named('bursts'));
  const segments = 400_000;
  let lost = 0;
  let bursts = 0;
  let was = false;
  for (let segment = 0; segment < segments; segment += 1) {
    const is = losses.lostOf(1, 0) === 1;
    if (is) lost += 1;
    if (is && !was) bursts += 1;
    was = is;
  }
  const share = 0.01 / 0.26;
  // The variance of a two-state chain: correlated by (1 - p - r) a step.
  const sigma = Math.sqrt((share * (1 - share) * ((1 + 0.74) / (1 - 0.74))) / segments);
  t.ok(Math.abs(lost / segments - share) < 3 * sigma, `${((100 * lost) / segments).toFixed(3)} % lost`);
  const meanSigma = Math.sqrt(0.75 / 0.25 ** 2 / bursts);
  t.ok(Math.abs(lost / bursts - 4) < 3 * meanSigma, `${(lost / bursts).toFixed(3)} in a row`);
});

t.test('bit errors of 1e-7 lose 55.07 % of megabytes and 5.108 % of units of 64 KiB', async (t) => {
  const units = 20_000;
  for (const [bytes, share] of [[1_000_000, 0.5507], [65_536, 0.05108]] as const) {
    const losses = new Losses({ kind: 'bit-errors', rate: 1e-7, segmentBytes: bytes }, new Streams(4).named(`bits ${bytes}`));
    let lost = 0;
    for (let unit = 0; unit < units; unit += 1) lost += losses.lostOf(1, 0);
    t.ok(Math.abs(lost / units - share) < 3 * Math.sqrt((share * (1 - share)) / units), `${bytes} bytes: ${((100 * lost) / units).toFixed(2)} % lost`);
  }
});

t.test('a queue in front of a transmitter waits as M/D/1 says: 2 s at a load of 0.8', async (t) => {
  const { time, channel, arrivals } = makeChannel({ delayUs: () => 0 });
  const chance = new Streams(5).named('poisson');
  const customers = 30_000;
  const came: number[] = [];
  for (let customer = 0, atUs = 0; customer < customers; customer += 1) {
    atUs += Math.ceil(chance.exponential(1_250_000));
    came.push(atUs);
    time.queue.add(atUs, () => channel.send(new Uint8Array(1000), () => 0, () => undefined));
  }
  for (let event = time.queue.take(); event !== undefined; event = time.queue.take()) {
    time.nowUs = event.timeUs;
    event.run();
  }
  const waits = arrivals.map(({ timeUs }, index) => timeUs - (came[index] as number) - 1_000_000);
  const mean = waits.reduce((sum, wait) => sum + wait, 0) / customers / 1e6;
  // Waits hang together over many customers; their mean over batches of 1,000 tells how far the whole may be off.
  const batches = Array.from({ length: 30 }, (_, batch) => waits.slice(batch * 1000, (batch + 1) * 1000).reduce((sum, wait) => sum + wait, 0) / 1e9);
  const sigma = Math.sqrt(batches.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 29 / 30);
  t.ok(Math.abs(mean - 2) < 3 * sigma, `${mean.toFixed(3)} s, sigma ${sigma.toFixed(3)} s`);
});

t.test('a voyage of bytes: 1 MB at 160 bit/s takes 50,000 s, a courier with 4 TB every three days carries 123.457 Mbit/s', async (t) => {
  const { arrivals, run, send } = makeChannel({ bitsPerSec: 160, delayUs: () => 0 });
  send(1_000_000);
  await run();
  t.same(arrivals, [{ timeUs: 50_000_000_000, bytes: 1_000_000 }]);
  t.equal(((4e12 * 8) / (3 * 86_400) / 1e6).toFixed(3), '123.457');
});
