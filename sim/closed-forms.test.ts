/** Forms that every such model has to meet, through the channel itself, over many seeds, within three standard errors. */
import t from 'tap';
import type { Test } from 'tap';
import { Channel } from './channel.js';
import type { ChannelModel } from './channel.js';
import { FAULTLESS } from './channel-test-helper.js';
import { EventQueue } from './event-queue.js';
import { Streams } from './streams.js';
import type { Stream } from './streams.js';
import { courierModel } from './way-model.js';

const SEEDS = 20;
const MODEL: ChannelModel = { ...FAULTLESS, bitsPerSec: 8e12 };
const TAKEN = { kind: 'answered', taken: true } as const;

/** A channel on a clock of its own; `arrived` hears of each unit that gets there. */
function makeChannel(model: Partial<ChannelModel>, seed: number, arrived: (bytes: Uint8Array, nowUs: number) => void) {
  const time = { nowUs: 0, queue: new EventQueue() };
  const streams = new Streams(seed);
  const channel = new Channel('test', { ...MODEL, ...model }, time, streams.named('link'));
  channel.arrive = (bytes) => {
    arrived(bytes, time.nowUs);
    return Promise.resolve(TAKEN);
  };
  const run = (): void => {
    for (let event = time.queue.take(); event !== undefined; event = time.queue.take()) {
      time.nowUs = event.timeUs;
      event.run();
    }
  };
  return { channel, time, run, chance: streams.named('test') };
}

/** Each seed gives a figure; their mean has to lie within three of its standard errors. */
function overSeeds(t: Test, wanted: number, what: string, figure: (seed: number) => number): void {
  const figures = Array.from({ length: SEEDS }, (_, index) => figure(index + 1));
  const mean = figures.reduce((sum, value) => sum + value, 0) / SEEDS;
  const sigma = Math.sqrt(figures.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (SEEDS - 1) / SEEDS);
  t.ok(Math.abs(mean - wanted) < 3 * sigma, `${what}: ${mean.toFixed(5)}, wanted ${wanted}, sigma ${sigma.toFixed(5)}`);
  t.ok(sigma < 0.05 * wanted, 'and they tell something');
}

/** Which of so many units of one segment, one after the other, got there. */
function fates(model: Partial<ChannelModel>, seed: number, units: number, bytes = 4): boolean[] {
  const got = new Array<boolean>(units).fill(false);
  const { channel, time, run } = makeChannel(model, seed, (unit) => (got[new DataView(unit.buffer).getUint32(0)] = true));
  const unit = new Uint8Array(bytes);
  for (let number = 0; number < units; number += 1) {
    time.queue.add(number * 1000, () => {
      // What is long is the same each time: only its number differs, and it has arrived before the next one leaves.
      const sent = bytes > 4 ? unit : new Uint8Array(4);
      new DataView(sent.buffer).setUint32(0, number);
      channel.send(sent, () => 0, () => undefined);
    });
  }
  run();
  return got;
}

t.test('bursts as Gilbert and Elliott have them: 3.8462 % lost, four in a row', async (t) => {
  const loss = { kind: 'bursts', toBad: 0.01, toGood: 0.25, lostInGood: 0, lostInBad: 1, segmentBytes: 1400 } as const;
  const runs = Array.from({ length: SEEDS }, (_, index) => {
    const got = fates({ loss }, index + 1, 6000);
    const lost = got.filter((one) => !one).length;
    const bursts = got.filter((one, number) => !one && got[number - 1] !== false).length;
    return { share: lost / got.length, length: lost / bursts };
  });
  overSeeds(t, 0.01 / 0.26, 'lost', (seed) => runs[seed - 1]?.share ?? Number.NaN);
  overSeeds(t, 4, 'in a row', (seed) => runs[seed - 1]?.length ?? Number.NaN);
});

t.test('bit errors of 1e-7 lose 55.07 % of megabytes and 5.108 % of units of 64 KiB', async (t) => {
  for (const [bytes, share, units] of [[1_000_000, 0.5507, 500], [65_536, 0.05108, 2500]] as const) {
    overSeeds(t, share, `units of ${bytes} bytes`, (seed) => fates({ loss: { kind: 'bit-errors', rate: 1e-7, segmentBytes: bytes } }, seed, units, bytes).filter((one) => !one).length / units);
  }
});

const OWLT_US = 750e6;
const RTO_US = 1560e6;

t.test('a tenth lost, 750 s of light, sent again after 1,560 s: 923.33 s and 1.1111 sends on average, one in a thousand more than three', async (t) => {
  const units = 1200;
  const runs = Array.from({ length: SEEDS }, (_, index) => {
    const sends = new Array<number>(units).fill(0);
    const firstUs = new Array<number>(units).fill(0);
    const waits: number[] = [];
    const acknowledged = new Set<number>();
    const { channel, time, run } = makeChannel({ loss: { kind: 'uniform', probability: 0.1, segmentBytes: 1400 }, delayUs: () => OWLT_US }, index + 1, (unit, nowUs) => {
      const number = new DataView(unit.buffer).getUint32(0);
      waits.push((nowUs - (firstUs[number] ?? 0)) / 1e6);
      time.queue.add(nowUs + OWLT_US, () => void acknowledged.add(number));
    });
    const send = (number: number): void => {
      if (acknowledged.has(number)) return;
      const unit = new Uint8Array(4);
      new DataView(unit.buffer).setUint32(0, number);
      sends[number] = (sends[number] ?? 0) + 1;
      channel.send(unit, () => 0, () => undefined);
      time.queue.add(time.nowUs + RTO_US, () => send(number));
    };
    for (let number = 0; number < units; number += 1) {
      time.queue.add(number * 1000, () => {
        firstUs[number] = time.nowUs;
        send(number);
      });
    }
    run();
    return { wait: waits.reduce((sum, wait) => sum + wait, 0) / units, sends: sends.reduce((sum, count) => sum + count, 0) / units, many: sends.filter((count) => count > 3).length };
  });
  overSeeds(t, 750 + 1560 / 9, 'seconds', (seed) => runs[seed - 1]?.wait ?? Number.NaN);
  overSeeds(t, 10 / 9, 'sends', (seed) => runs[seed - 1]?.sends ?? Number.NaN);
  const many = runs.reduce((sum, run) => sum + run.many, 0);
  const wanted = 0.001 * units * SEEDS;
  t.ok(Math.abs(many - wanted) < 3 * Math.sqrt(wanted), `${many} of ${units * SEEDS} were sent more than three times, ${wanted} wanted`);
});

t.test('a queue in front of a transmitter waits as M/D/1 says: 2 s at a load of 0.8', async (t) => {
  const customers = 4500;
  // The first find a queue shorter than it will be.
  const first = 500;
  overSeeds(t, 2, 'seconds', (seed) => {
    const came: number[] = [];
    let waitedUs = 0;
    let served = 0;
    const { channel, time, run, chance } = makeChannel({ bitsPerSec: 8000 }, seed, (_, nowUs) => {
      const waitUs = nowUs - (came[served++] ?? 0) - 1e6;
      if (served > first) waitedUs += waitUs;
    });
    const unit = new Uint8Array(1000);
    arrivals(time.queue, chance, customers, 1.25e6, (atUs) => {
      came.push(atUs);
      channel.send(unit, () => 0, () => undefined);
    });
    run();
    return waitedUs / (customers - first) / 1e6;
  });
});

function arrivals(queue: EventQueue, chance: Stream, count: number, meanUs: number, come: (atUs: number) => void): void {
  for (let customer = 0, atUs = 0; customer < count; customer += 1) {
    atUs += Math.ceil(chance.exponential(meanUs));
    const dueUs = atUs;
    queue.add(dueUs, () => come(dueUs));
  }
}

t.test('Voyager sends a megabyte in 50,000 s', async (t) => {
  const found: number[] = [];
  const { channel, run } = makeChannel({ bitsPerSec: 160, delayUs: () => 78_750e6 }, 1, (_, nowUs) => found.push(nowUs / 1e6));
  channel.send(new Uint8Array(1_000_000), () => 0, () => undefined);
  run();
  t.same(found, [128_750]);
});

t.test('a courier with 4 TB every three days carries 123.457 Mbit/s', async (t) => {
  const plan = { between: ['a', 'b'] as [string, string], first: 86_400e6, every: 3 * 86_400e6, travel: 86_400e6, loading: 3600e6, lost: 0 };
  const { windows, bitsPerSec } = courierModel({ ...plan, capacity: 4e12 }, 'there');
  const [one, next] = [windows(0), windows(windows(0)?.endUs ?? 0)];
  const bits = (((one?.endUs ?? 0) - (one?.startUs ?? 0)) / 1e6) * bitsPerSec;
  t.equal((bits / (((next?.startUs ?? 0) - (one?.startUs ?? 0)) / 1e6) / 1e6).toFixed(3), '123.457');
  // The same with a millionth of it, sent for 30 days.
  let arrivedBytes = 0;
  const { channel, time, run } = makeChannel(courierModel({ ...plan, capacity: 4e6 }, 'there'), 1, (unit) => (arrivedBytes += unit.length));
  const unit = new Uint8Array(100_000);
  for (let trip = 0; trip < 10; trip += 1) {
    time.queue.add(plan.first + trip * plan.every - plan.loading, () => {
      for (let count = 0; count < 50; count += 1) channel.send(unit, () => 0, () => undefined);
    });
  }
  run();
  t.equal(((arrivedBytes * 8) / (30 * 86_400)).toFixed(3), '123.457', 'what is more than a stick holds stays');
});
