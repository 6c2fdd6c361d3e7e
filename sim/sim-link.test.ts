import t from 'tap';
import { runFaultSuite, type FaultBench, type FaultMedium } from '../links/fault.suite.js';
import type { Deliver } from '../links/link.js';
import { takeNothing } from '../links/link.suite.js';
import { FAULTLESS } from './channel-test-helper.js';
import { Channel } from './channel.js';
import type { ChannelModel } from './channel.js';
import { EventQueue } from './event-queue.js';
import { SimLink } from './sim-link.js';
import { Streams } from './streams.js';

const ATOMIC = 'a unit of the simulator is one event';
const BITS_PER_SEC = 8e6;
const US_PER_BYTE = 8e6 / BITS_PER_SEC;
const PARTS = 10;
const US_PER_MS = 1000;

for (const reliable of [true, false]) {
  t.test(`the simulator's link, ${reliable ? 'confirming' : 'one way'}, under faults`, async (t) =>
    runFaultSuite(t, (_, deliver, medium) => makeBench(deliver, medium, reliable), {
      'what came across before a cut is not sent again': `${ATOMIC}: the gateway asks for the pieces that are missing`,
      'copies of everything bring nothing twice': `${ATOMIC}, and a copy another: the gateway knows what it has`,
    }),
  );
}

async function makeBench(deliver: Deliver, medium: FaultMedium, reliable: boolean): Promise<FaultBench> {
  const time = { nowUs: 0, queue: new EventQueue() };
  const model: ChannelModel = {
    ...FAULTLESS,
    reliable,
    bitsPerSec: BITS_PER_SEC,
    delayUs: () => 1e6,
    windows: (afterUs) => (medium.isCut ? undefined : FAULTLESS.windows(afterUs)),
    reorderUs: 60e6,
    get reorderProbability() {
      return medium.shuffles ? 1 : 0;
    },
  };
  const [there, back] = ['there', 'back'].map((name) => new Channel(name, model, time, new Streams(1).named(name))) as [Channel, Channel];
  const make = (out: Channel, into: Channel): SimLink =>
    new SimLink({
      name: 'sim',
      supports: { carries: 'bundle', answers: false, largestBytes: 4 << 20, parallel: 4 },
      out,
      back: into,
      nowUs: () => time.nowUs,
      onAttempt: () => medium.passes(0),
      // What is in the middle of a unit happens in the middle of the time it takes.
      onSend: (bytes) => {
        const partUs = Math.floor((bytes.length * US_PER_BYTE) / PARTS);
        for (let part = 1; part <= PARTS; part++) time.queue.add(time.nowUs + part * partUs, () => medium.passes(bytes.length / PARTS));
        return () => undefined;
      },
    });
  let [near, far] = [make(there, back), make(back, there)];
  await near.start(takeNothing);
  await far.start(deliver);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const until = async (condition: () => boolean): Promise<void> => {
    for (await turn(); !condition(); await turn()) {
      time.nowUs = Math.max(time.nowUs, time.queue.nextUs() ?? time.nowUs);
      time.queue.take()?.run();
    }
  };
  const timer = (delayMs: number, run: () => void): { cancel: () => void } => {
    const event = time.queue.add(time.nowUs + delayMs * US_PER_MS, run);
    return { cancel: () => void (event.isTakenBack = true) };
  };
  const breakOff = (): void => [there, back].forEach((channel) => channel.cut(0));
  return {
    clock: { timer },
    get near() {
      return near;
    },
    unitBytes: 1_000_000,
    until,
    async pass(ms) {
      let isOver = false;
      timer(ms, () => (isOver = true));
      await until(() => isOver);
    },
    cut() {
      medium.isCut = true;
      breakOff();
    },
    mend: () => void (medium.isCut = false),
    async restart(end) {
      if (end === 'near') {
        near.goDown();
        breakOff();
        near = make(there, back);
        await near.start(takeNothing);
      } else {
        far.goDown();
        far = make(back, there);
        await far.start(deliver);
      }
    },
    breakMs: 1000,
    retryMs: 60_000,
    overhead: 0,
    triesAMonth: 60,
  };
}
